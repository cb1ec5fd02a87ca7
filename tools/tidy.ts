/** The structure of the project, checked: floors, sizes, dead files, words, docs as the code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ERROR_CODES } from '../src/base/errors.ts'
import * as LIMITS from '../src/base/limits.ts'
import { CLUSTER_KEYS } from '../src/cli/cluster-config.ts'
import { CONFIG_KEYS, SOCKET_KEYS } from '../src/cli/config.ts'
import { OPTIONS } from '../src/os/options.ts'
import { ALLOWED } from './allowed.ts'
import { doorsOf } from './doors.ts'
import { type Allowed, checkShape, longest } from './shape.ts'
import { type Import, readSource, type Source } from './source.ts'

/** What the docs must list, in rows of tables. */
export interface Listed {
  readonly errorCodes: readonly string[]
  readonly folders: readonly string[]
  readonly configKeys: readonly string[]
  readonly socketOptions: readonly string[]
  readonly limits: Readonly<Record<string, number>>
}

type Report = (file: string, line: number, sentence: string) => void
type Check = (tree: Tree, report: Report) => void

const COLUMNS_MAX = 100
const FUNCTION_LINES_MAX = 70
/** A file of src so long holds more than one noun. Shorter ones are for who reads them to judge. */
const FILE_LINES_MAX = 800

const FOLDERS = ['src', 'test', 'examples', 'bench', 'tools']

/** What a service may have: each a folder that knows services, and hardly any other one. */
const PARTS = ['supervision', 'launch', 'timing', 'sharing', 'debug', 'sockets']
/** What knows no service. */
const NET = ['net', 'net/server', 'net/client', 'net/library']
const BELOW = ['base', 'shm', 'os', 'wire', 'frames', ...NET, 'kernel', 'modules']

/** Row: folder of src, or one within another. Then: those it may import from, beside itself. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  shm: ['base'],
  os: ['base', 'shm'],
  wire: ['base'],
  frames: ['base'],
  net: ['base', 'shm', 'os'],
  'net/server': ['base', 'shm', 'os', 'net'],
  'net/client': ['base', 'shm', 'os', 'net'],
  'net/library': ['base', 'shm', 'os', 'net', 'net/server', 'net/client'],
  kernel: ['base', 'shm', 'wire'],
  modules: ['base'],
  service: ['base', 'shm', 'wire', 'kernel', 'modules'],
  supervision: ['base', 'wire', 'kernel', 'modules', 'service'],
  launch: ['base', 'wire', 'kernel', 'modules', 'service', 'supervision'],
  timing: ['base', 'kernel', 'service'],
  sharing: ['base', 'wire', 'kernel', 'service', 'launch'],
  debug: ['base', 'kernel', 'service'],
  sockets: ['base', 'os', 'wire', 'frames', 'kernel', 'net', 'net/client', 'service'],
  skynet: ['base', 'wire', 'kernel', 'net/client', 'modules', 'service', ...PARTS],
  codec: ['base', 'wire'],
  client: ['codec'],
  'client/node': ['base', 'frames', 'client'],
  'client/sproto': ['base', 'codec', 'client'],
  gate: ['base', 'wire', 'frames', 'kernel', 'modules', 'service', 'sockets', 'skynet'],
  channel: ['base', 'net', 'service', 'sockets', 'skynet'],
  http: ['base', 'service', 'sockets', 'skynet'],
  transport: ['base', 'service', 'sockets'],
  'transport/websocket': ['base', 'frames', 'service', 'sockets', 'skynet', 'http', 'transport'],
  'transport/tls': ['base', 'os', 'service', 'sockets', 'skynet', 'transport'],
  'transport/kcp': ['base', 'net', 'service', 'sockets', 'skynet'],
  'cluster/core': ['base'],
  'cluster/tcp': [
    ...['base', 'frames', 'service', 'sockets', 'cluster/core'],
    ...['skynet', 'transport/tls'],
  ],
  'cluster/nats': ['base', 'cluster/core'],
  cluster: [
    ...['base', 'wire', 'kernel', 'modules', 'service'],
    ...['supervision', 'launch', 'skynet', 'cluster/core'],
  ],
  'skynet-cluster': [
    ...['base', 'wire', 'kernel', 'modules', 'codec'],
    ...['service', 'supervision', 'sockets', 'skynet'],
  ],
  harbor: [
    ...['base', 'wire', 'frames', 'kernel', 'modules', 'codec'],
    ...['service', 'supervision', 'launch', 'sharing', 'sockets', 'skynet'],
  ],
  'session/core': ['client'],
  session: [
    ...['base', 'wire', 'frames', 'codec', 'kernel', 'modules'],
    ...['service', 'sockets', 'skynet', 'client', 'session/core'],
  ],
  threads: [...BELOW, 'service', ...PARTS, 'skynet'],
  'threads/main': [...BELOW, 'service', ...PARTS, 'skynet', 'threads'],
  services: [
    ...['base', 'modules', 'service', ...PARTS, 'skynet'],
    ...['gate', 'cluster', 'cluster/tcp', 'cluster/nats', 'skynet-cluster', 'harbor'],
  ],
  cli: [
    ...['base', 'os', 'net', 'modules', 'service', ...PARTS],
    ...['skynet', 'threads', 'threads/main', 'cluster/nats'],
  ],
  testing: [
    ...BELOW,
    'service',
    ...PARTS,
    'skynet',
    'threads',
    'threads/main',
    'services',
    'cluster/core',
    'client',
    'session/core',
  ],
}

/** Loaded by path, so nothing imports them. */
const ENTRIES = /^src\/(cli\/main\.ts|threads\/(worker|socket)\.ts|services\/.*)$/

/** Looked for everywhere, comments included; in two parts, so that this file passes. */
const WORDS = RegExp(String.raw`\b(TO${'DO'}|FIX${'ME'}|XX${'X'}|HA${'CK'})\b|@ts-${'ignore'}\b`)
const PHRASE = /\bas any\b/
/** In tests, where they would hide other tests. */
const TEST_PHRASE = /\.(only|skip)\(|\bas any\b/

/** The sources, by path, and where their imports lead. */
class Tree {
  readonly root: string
  readonly sources = new Map<string, Source>()
  /** Paths of the doors. */
  readonly doors: readonly string[]

  constructor(root: string) {
    this.root = root
    this.doors = doorsOf(this.read('package.json') ?? '{}')
    for (const folder of FOLDERS) {
      if (!existsSync(join(root, folder))) continue
      const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      for (const name of names.sort()) {
        const path = `${folder}/${name.split(sep).join('/')}`
        if (!/\.(ts|mjs)$/.test(path)) continue
        this.sources.set(path, readSource(path, readFileSync(join(root, path), 'utf8')))
      }
    }
  }

  /** @returns The file of ours that is imported, or undefined: a package, or no such file. */
  target(source: Source, { specifier }: Import): string | undefined {
    if (!specifier.startsWith('.')) return undefined
    const path = posix.join(posix.dirname(source.path), specifier)
    return [path, path.replace(/\.js$/, '.ts')].find((each) => this.sources.has(each))
  }

  /** @returns The paths of the pages in `docs`. */
  pages(): string[] {
    const folder = join(this.root, 'docs')
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  }

  /** @returns The text of a file of any kind, or undefined. */
  read(path: string): string | undefined {
    const file = join(this.root, path)
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }
}

/** @returns One line for each failure: `file:line: sentence`. None: the tree is tidy. */
export function tidy(root: string, listed: Listed, allowed: Allowed): string[] {
  const failures: string[] = []
  const report: Report = (file, line, sentence) => failures.push(`${file}:${line}: ${sentence}`)
  const tree = new Tree(root)
  const checks: readonly Check[] = [
    checkFloors,
    checkOutsideImports,
    checkCycles,
    checkSizes,
    checkFunctions,
    (...args) => checkParts(allowed, ...args),
    checkDeadFiles,
    checkWords,
    (...args) => checkRows('docs/errors.md', 'error code', listed.errorCodes, ...args),
    (...args) => checkRows('docs/config.md', 'config key', listed.configKeys, ...args),
    (...args) =>
      checkRows('docs/sockets.md#Options', 'socket option', listed.socketOptions, ...args),
    (...args) => checkRows('CONTRIBUTING.md#Floors', 'folder', listed.folders, ...args),
    (...args) => checkLimits(listed.limits, ...args),
    checkProofs,
    checkPaths,
    checkDependencies,
  ]
  for (const check of checks) check(tree, report)
  return failures
}

/** The files of src that do something: no tests, no doors. */
function partsOf(tree: Tree): Source[] {
  const all = [...tree.sources.values()]
  return all.filter(({ path }) => floorOf(path) && !isTest(path))
}

function checkParts(allowed: Allowed, tree: Tree, report: Report): void {
  checkShape(partsOf(tree), (source, each) => tree.target(source, each), allowed, report)
}

function isTest(path: string): boolean {
  return path.startsWith('test/') || /\.(test|suite|kit)\.ts$/.test(path)
}

/**
 * Row of `FLOORS` that a file stands in: of its folder, or of one around that. '' for the doors,
 * undefined outside of src.
 */
function floorOf(path: string): string | undefined {
  if (!path.startsWith('src/')) return undefined
  const folders = path.split('/').slice(1, -1)
  for (let depth = folders.length; depth > 0; depth--) {
    const folder = folders.slice(0, depth).join('/')
    if (Object.hasOwn(FLOORS, folder)) return folder
  }
  return folders[0] ?? ''
}

function checkFloors(tree: Tree, report: Report): void {
  for (const source of tree.sources.values()) {
    const floor = floorOf(source.path)
    const known = floor === '' ? tree.doors.includes(source.path) || isTest(source.path) : true
    if (!known || (floor && FLOORS[floor] === undefined)) {
      report(source.path, 1, 'this place has no floor: no row of FLOORS, no door')
      continue
    }
    for (const each of source.imports) {
      const target = tree.target(source, each)
      const sentence = target && forbidden(source.path, target, tree)
      if (sentence) report(source.path, each.line, sentence)
    }
  }
}

/** @returns Why `from` may not import `to`, or undefined when it may. */
function forbidden(from: string, to: string, tree: Tree): string | undefined {
  // A worker has the door there before any of its services asks for it.
  if (from === 'src/threads/worker.ts' && to === 'src/index.ts') return undefined
  if (tree.doors.includes(to))
    return `${to} is a door: import 'skynet-ts' outside of src, a file inside`
  const lower = floorOf(to)
  if (lower === undefined) {
    return from.startsWith('src/') ? `src may not import ${to}, which is not published` : undefined
  }
  if (from.startsWith('examples/')) return "examples import 'skynet-ts', as a user does"
  const floor = floorOf(from)
  if (!floor || floor === lower) return undefined
  const allowed = isTest(from) ? [...FLOORS[floor]!, 'testing'] : FLOORS[floor]!
  if (allowed.includes(lower)) return undefined
  const place = FLOORS[lower]?.includes(floor) ? `in src/${lower}` : 'above both'
  const hint = isTest(from) ? `; a test of both stands ${place}` : ''
  return `${floor} may not import ${lower}: ${to}${hint}`
}

function checkOutsideImports(tree: Tree, report: Report): void {
  for (const { path, imports } of tree.sources.values()) {
    for (const { specifier, line } of imports) {
      if (specifier === 'koffi' && floorOf(path) !== 'os') {
        report(path, line, 'only src/os may import koffi')
      }
      // Tests may: the peer of a socket under test had better be somebody else's code.
      if (!path.startsWith('src/') || isTest(path)) continue
      // Clients have no socket thread.
      if (floorOf(path) === 'client/node') continue
      if (/^(node:)?(net|dgram)$/.test(specifier)) {
        report(path, line, `${specifier} is not used here: sockets are ours`)
      }
    }
  }
}

/** Types count: a ring of them is read as one piece as well. `import()` comes later. */
function checkCycles(tree: Tree, report: Report): void {
  const done = new Set<string>()
  const trail: string[] = []
  const visit = (source: Source): void => {
    trail.push(source.path)
    for (const each of source.imports) {
      const isStatic = each.kind === 'value' || each.kind === 'type'
      const target = isStatic ? tree.target(source, each) : undefined
      if (target === undefined || done.has(target)) continue
      const at = trail.indexOf(target)
      if (at < 0) visit(tree.sources.get(target)!)
      else
        report(source.path, each.line, `import cycle: ${[...trail.slice(at), target].join(' → ')}`)
    }
    trail.pop()
    done.add(source.path)
  }
  for (const source of tree.sources.values()) {
    if (source.path.startsWith('src/') && !done.has(source.path)) visit(source)
  }
}

function checkSizes(tree: Tree, report: Report): void {
  for (const { path, lines } of tree.sources.values()) {
    lines.forEach((line, i) => {
      const columns = line.length <= COLUMNS_MAX ? line.length : [...line].length
      if (columns > COLUMNS_MAX) report(path, i + 1, `${columns} columns, at most ${COLUMNS_MAX}`)
    })
    const count = lines.at(-1) === '' ? lines.length - 1 : lines.length
    if (path.startsWith('src/') && count > FILE_LINES_MAX) {
      report(path, count, `${count} lines in a file, at most ${FILE_LINES_MAX}`)
    }
  }
}

/** The last line of the head of a function. `OTHER` sorts out what looks alike, or only groups. */
const HEAD = /(=>|\)(: .+)?) \{$/
const OTHER = /^(\} )?(\w+: )?(else|if|for|while|switch|catch|with|describe|suite)\b|\bclass\b/

/** Relies on the formatter: a function ends at the first `}` that is indented as its head is. */
function checkFunctions(tree: Tree, report: Report): void {
  for (const { path, bareLines } of tree.sources.values()) {
    bareLines.forEach((line, last) => {
      if (!HEAD.test(line.trimEnd())) return
      const first = firstLineOfHead(bareLines, last)
      if (OTHER.test(bareLines[first]!.trim())) return
      const closing = `${' '.repeat(indentOf(line))}}`
      const count =
        bareLines.findIndex((each, i) => i > last && each.startsWith(closing)) - first + 1
      if (count <= FUNCTION_LINES_MAX) return
      report(path, first + 1, `${count} lines in a function, at most ${FUNCTION_LINES_MAX}`)
    })
  }
}

/** A head of several lines ends in `): Type {`, indented as its first line is. */
function firstLineOfHead(lines: readonly string[], last: number): number {
  const indent = indentOf(lines[last]!)
  if (lines[last]![indent] !== ')') return last
  let first = last - 1
  while (first > 0 && (lines[first]!.trim() === '' || indentOf(lines[first]!) > indent)) first--
  return first
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}

function checkDeadFiles(tree: Tree, report: Report): void {
  const used = new Set<string>()
  const usedByTests = new Set<string>()
  for (const source of tree.sources.values()) {
    for (const each of source.imports) {
      const target = tree.target(source, each)
      if (target !== undefined) (isTest(source.path) ? usedByTests : used).add(target)
    }
  }
  for (const path of tree.sources.keys()) {
    if (!path.startsWith('src/') || used.has(path) || isTest(path)) continue
    if (tree.doors.includes(path) || ENTRIES.test(path)) continue
    if (!usedByTests.has(path)) report(path, 1, 'nothing imports this file')
    else if (floorOf(path) !== 'testing') report(path, 1, 'only tests import this file')
  }
}

function checkWords(tree: Tree, report: Report): void {
  for (const { path, lines, bareLines } of tree.sources.values()) {
    const phrase = isTest(path) ? TEST_PHRASE : PHRASE
    lines.forEach((line, i) => {
      const found = WORDS.exec(line) ?? phrase.exec(bareLines[i]!)
      if (found !== null) report(path, i + 1, `'${found[0]}' does not stay in the code`)
    })
  }
}

/** A missing file is one failure, not one for each thing it should hold. */
function readDoc(path: string, tree: Tree, report: Report): string | undefined {
  const text = tree.read(path)
  if (text === undefined) report(path, 1, 'this file is missing')
  return text
}

/**
 * Code and docs list the same names: `| `name` | … |`.
 * @param place A page, or a part of it behind its heading: `CONTRIBUTING.md#Floors`.
 */
function checkRows(
  place: string,
  what: string,
  names: readonly string[],
  tree: Tree,
  report: Report,
): void {
  const [path = '', heading] = place.split('#')
  const text = readDoc(path, tree, report)
  if (text === undefined) return
  const rows = new Map<string, number>()
  let isPart = heading === undefined
  text.split('\n').forEach((line, i) => {
    if (heading !== undefined && line.startsWith('#')) isPart = line.replace(/^#+ /, '') === heading
    if (!isPart) return
    const name = /^\| `([^`]+)` \|/.exec(line)?.[1]
    if (name !== undefined) rows.set(name, i + 1)
  })
  for (const name of names) if (!rows.has(name)) report(path, 1, `${what} ${name} has no row`)
  for (const [name, line] of rows) {
    if (!names.includes(name)) report(path, line, `${name} is no ${what}`)
  }
}

/** A constant that a row names; codes of errors are none. */
const CONSTANT = /`(?!ERR_)([A-Z]+(?:_[A-Z]+)+)`/g

/** The page of limits names every `_MAX`; the row that names a constant says what it is. */
function checkLimits(limits: Listed['limits'], tree: Tree, report: Report): void {
  const path = 'docs/limits.md'
  const text = readDoc(path, tree, report)
  if (text === undefined) return
  const named = new Set<string>()
  for (const [i, line] of text.split('\n').entries()) {
    if (!line.startsWith('|')) continue
    for (const [, name = ''] of line.matchAll(CONSTANT)) {
      named.add(name)
      const value = limits[name]
      if (value === undefined) report(path, i + 1, `${name} is no limit`)
      else if (!spellings(value).some((each) => each.test(line))) {
        report(path, i + 1, `${name} is ${value}`)
      }
    }
  }
  for (const name of Object.keys(limits)) {
    if (name.endsWith('_MAX') && !named.has(name)) report(path, 1, `limit ${name} has no row`)
  }
}

/** How a page may write a number: 65536 as `65,536`, `64 KiB` or `64 Ki`. */
function spellings(value: number): RegExp[] {
  const known = [value.toLocaleString('en-US')]
  const units = { KiB: 1024, MiB: 1024 * 1024, Ki: 1024, Mi: 1024 * 1024, s: 1000 }
  for (const [unit, size] of Object.entries(units)) {
    if (value % size === 0) known.push(`${value / size} ${unit}`)
  }
  if (Number.isInteger(Math.log2(value + 1))) known.push(`2^${Math.log2(value + 1)}-1`)
  return known.map((each) => RegExp(`(?<![\\d,])${each.replace('^', '\\^')}(?![\\d,])`))
}

/** Where a promise stands on its page. */
const ANCHOR = /<a id="([\w-]+)"><\/a>/g
/** Above a test, what it proves: `docs/semantics.md#call-ends, #call-timeout`. */
const PROVES = /^\s*\/\/ Proves:/
const PROOF = /^\s*\/\/ Proves: (docs\/[\w-]+\.md)(#[\w-]+(?:, #[\w-]+)*)$/

/** Tests name the promises that they prove. Each promise has a test, and each test a true name. */
function checkProofs(tree: Tree, report: Report): void {
  const promises = promisesOf(tree)
  const unproven = new Map(promises)
  for (const { path, lines } of tree.sources.values()) {
    if (!isTest(path)) continue
    for (const [i, line] of lines.entries()) {
      if (!PROVES.test(line)) continue
      const [, page, anchors] = PROOF.exec(line) ?? []
      if (anchors === undefined) {
        report(path, i + 1, 'a proof is written: docs/page.md#anchor, #anchor')
      }
      for (const anchor of anchors?.split(', ') ?? []) {
        const promise = `${page}${anchor}`
        if (!promises.has(promise)) report(path, i + 1, `there is no promise ${promise}`)
        unproven.delete(promise)
      }
    }
  }
  for (const [promise, { page, line }] of unproven) report(page, line, `no test proves ${promise}`)
}

/** Where each promise stands: `docs/semantics.md#order`. */
function promisesOf(tree: Tree): Map<string, { readonly page: string; readonly line: number }> {
  const promises = new Map<string, { readonly page: string; readonly line: number }>()
  for (const page of tree.pages()) {
    const lines = tree.read(page)!.split('\n')
    lines.forEach((line, i) => {
      for (const [, id] of line.matchAll(ANCHOR))
        promises.set(`${page}#${id}`, { page, line: i + 1 })
    })
  }
  return promises
}

/** A file of ours as pages name it. */
const PATH = /(?<![\w/-])(?:src|test|tools|examples|bench)\/[\w./-]+\.(?:ts|mjs)\b/g

/** Pages name files that there are. */
function checkPaths(tree: Tree, report: Report): void {
  for (const page of [...tree.pages(), 'AGENTS.md', 'CONTRIBUTING.md', 'README.md']) {
    const lines = tree.read(page)?.split('\n') ?? []
    for (const [i, line] of lines.entries()) {
      for (const [path] of line.matchAll(PATH)) {
        if (!tree.sources.has(path)) report(page, i + 1, `there is no ${path}`)
      }
    }
  }
}

function checkDependencies(tree: Tree, report: Report): void {
  const path = 'CONTRIBUTING.md'
  const text = readDoc(path, tree, report)
  if (text === undefined) return
  const { dependencies = {}, devDependencies = {} } = JSON.parse(tree.read('package.json') ?? '{}')
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    if (!text.includes(`\`${name}\``)) report(path, 1, `dependency \`${name}\` has no reason`)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const socketKeys = Object.keys(SOCKET_KEYS).map((key) => `socket.${key}`)
  const clusterKeys = Object.keys(CLUSTER_KEYS).map((key) => `cluster.${key}`)
  const listed = {
    errorCodes: ERROR_CODES,
    folders: Object.keys(FLOORS),
    configKeys: [...Object.keys(CONFIG_KEYS), ...socketKeys, ...clusterKeys],
    socketOptions: Object.keys(OPTIONS),
    limits: LIMITS,
  }
  const failures = tidy(process.cwd(), listed, ALLOWED)
  for (const failure of failures) console.log(failure)
  console.log(`The longest files:\n${longest(partsOf(new Tree(process.cwd()))).join('\n')}`)
  process.exitCode = failures.length > 0 ? 1 : 0
}
