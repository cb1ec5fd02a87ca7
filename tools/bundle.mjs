// Joins the modules of dist/src into dist/lib, which is what runs and what is published: a thread
// of a node needs more than a hundred of them, and Node.js takes about a millisecond for each.
import * as fs from 'node:fs'
import { dirname, join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publicTypes } from './types.mjs'

const TOOLS = dirname(fileURLToPath(import.meta.url))
/** What acts when it is loaded. */
const PROGRAMS = ['cli/main.js', 'threads/worker.js', 'threads/socket.js'].map((path) => join(path))
/** Files for pages, of which door, and whether it is the full build: see src/client/full.ts. */
const PAGES = [
  ['client.js', 'client.js', false],
  ['client.full.js', 'client.js', true],
  ['client-sproto.js', 'client-sproto.js', true],
]
/** A door that shares nothing with a node: one file, which others may join into theirs. */
const ALONE = 'client-node.js'
const FULL = join('client', 'full.js')
const NOT_FULL = { code: 'export const FULL = false', map: null }
const NOT_SHIPPED = /\.(test|suite|kit)\.js$/
/** Ours is relative, or absolute when rollup has resolved it. */
const OTHERS = /^(node:|[a-z@])/
/** Of a joined module: a line for each other one that it needs, or hands on. */
const NEEDS = /^(import|export) (?:\{ (.+) \} from )?'(\.{1,2}\/.+\.js)';$/gm
const SCRIPTS_FOLDER = 'runtime'
const LOADER = `${SCRIPTS_FOLDER}/loader.js`

/**
 * What each kind of thread begins with. What one kind alone needs is a script of its name, and the
 * others have neither its text nor its code. What none of them reaches, as the testing kit, stays
 * behind its own door.
 */
const THREADS = {
  socket: ['threads/socket.js'],
  worker: ['threads/worker.js', 'index.js', 'services/'],
  // A config has 'skynet-ts' for its types, and gets all that it exports.
  main: ['node.js', 'index.js'],
  command: ['cli/main.js'],
  // A program with the socket server alone: what no thread shares with it stays in its door.
  server: ['socket-server.js'],
}
/** Services of rooms: whoever launches one loads its room. */
const ROOMS = [
  'gate',
  'cluster',
  'clusterd',
  'clusterproxy',
  'harbor',
  'harbor-desk',
  'harbor-registry',
]
const OF_ROOMS = ROOMS.map((name) => join('services', `${name}.js`))
/** For every thread; for workers and the main thread, which have services and values. */
const COMMON = 'common'
const SHARED = 'shared'

/** @param dist Where the compiler has put its output. */
export async function bundle(dist) {
  const source = join(dist, 'src')
  const made = join(dist, 'lib.made')
  fs.rmSync(made, { recursive: true, force: true })
  const modules = fs
    .readdirSync(source, { recursive: true })
    .filter((path) => path.endsWith('.js') && !NOT_SHIPPED.test(path))
  const doors = modules.filter((path) => !path.includes(sep) || path.startsWith(`services${sep}`))
  const joint = doors.filter((path) => path !== ALONE)
  const entries = [...joint, ...PROGRAMS].map((path) => [nameOf(path), join(source, path)])
  await write(Object.fromEntries(entries), made, source)
  const plugin = { name: 'alone', load: loadOurs, renderChunk }
  await joined(join(source, ALONE), plugin, { file: join(made, ALONE) }, true)
  for (const [file, door, isFull] of PAGES) {
    await writePage(join(source, door), join(made, 'page', file), isFull)
  }
  fs.copyFileSync(join(TOOLS, 'loader.mjs'), join(made, LOADER))
  const publicDoors = modules.filter((path) => !path.includes(sep))
  const typed = publicDoors.map((path) => `${nameOf(path)}.d.ts`)
  publicTypes(source, join(made, 'types'), typed)
  // The command of the package; npm sets it where it installs one.
  fs.chmodSync(join(made, 'cli', 'main.js'), 0o755)
  replace(join(dist, 'lib'), made)
}

/** At once: a node that runs from there may just now start a thread. */
function replace(folder, made) {
  const old = `${folder}.old`
  fs.rmSync(old, { recursive: true, force: true })
  if (fs.existsSync(folder)) fs.renameSync(folder, old)
  fs.renameSync(made, folder)
  fs.rmSync(old, { recursive: true, force: true })
}

const nameOf = (path) => path.slice(0, -'.js'.length)

async function write(input, made, source) {
  const scripts = new Map()
  const isScript = (name) => [...scripts.values()].includes(name)
  await joined(
    input,
    {
      name: 'skynet',
      load: loadOurs,
      renderChunk(code, { fileName }) {
        const { dir, name } = posix.parse(fileName)
        const isPart = dir === SCRIPTS_FOLDER && isScript(name)
        return renderChunk(isPart ? code : fromScripts(code, fileName, isScript))
      },
    },
    {
      dir: made,
      // One folder deep, as every module is that finds others by its own URL.
      chunkFileNames: `${SCRIPTS_FOLDER}/[name].js`,
      manualChunks: (id, { getModuleInfo }) => {
        if (scripts.size === 0) fillScripts(scripts, source, input, getModuleInfo)
        return scripts.get(id)
      },
      minifyInternalExports: false,
      hoistTransitiveImports: false,
    },
  )
  const folder = join(made, SCRIPTS_FOLDER)
  for (const name of new Set(scripts.values())) await toScript(folder, name, isScript)
}

/**
 * What a module has of a script it takes from the loader: a door for each script would be one more
 * module, of which each costs every thread a millisecond.
 */
export function fromScripts(code, file, isScript) {
  const folder = posix.dirname(file)
  const loader = posix.relative(folder, LOADER).replace(/^(?!\.)/, './')
  if (code.includes('loadScript')) throw new Error(`${file} has a name of the build: loadScript`)
  let isFirst = true
  const made = code.replace(NEEDS, (line, way, names, path) => {
    const { dir, name } = posix.parse(posix.join(folder, path))
    if (dir !== SCRIPTS_FOLDER || !isScript(name)) return line
    // On the same line, so the map holds.
    const begin = isFirst ? `import { load as loadScript } from '${loader}'; ` : ''
    isFirst = false
    const script = `loadScript('${name}');`
    if (names === undefined) return begin + script
    if (way === 'import') return `${begin}const ${constants(names)} = ${script}`
    return `${begin}${handedOn(names.split(', '), script)}`
  })
  for (const [, path] of made.matchAll(/\bimport\('(\.{1,2}\/.+?\.js)'\)/g)) {
    const { dir, name } = posix.parse(posix.join(folder, path))
    if (dir !== SCRIPTS_FOLDER || !isScript(name)) continue
    throw new Error(`${file} imports the script ${name} when it runs: import it at the top`)
  }
  return made
}

/** @param names As an import has them. */
const constants = (names) => `{ ${names.replaceAll(' as ', ': ')} }`

/** Under names that the module cannot have: it may use the same one, or a global of that name. */
function handedOn(names, script) {
  const parts = names.map((each) => each.split(' as '))
  const own = (part) => `script$${part.at(-1)}`
  const taken = parts.map((part) => `${part[0]}: ${own(part)}`)
  const given = parts.map((part) => `${own(part)} as ${part.at(-1)}`)
  return `const { ${taken.join(', ')} } = ${script} export { ${given.join(', ')} };`
}

/** A door as one file, which a page loads as it is: `skynet-ts/client.js`. */
async function writePage(door, file, isFull) {
  function load(path) {
    return isFull || !path.endsWith(FULL) ? loadOurs.call(this, path) : NOT_FULL
  }
  const plugin = { name: 'page', load, renderChunk: minified }
  await joined(door, plugin, { file, sourcemap: false }, !isFull)
}

/** Pages pay for each byte. What does it, esbuild, comes with tsx. */
async function minified(contents) {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    stdin: { contents },
    // There is nothing to join: constants become values where they are used.
    bundle: true,
    write: false,
    format: 'esm',
    minify: true,
    target: 'es2022',
  })
  return { code: outputFiles[0].text, map: null }
}

/** @param treeshake Leave out what nobody uses. */
async function joined(input, plugin, options, treeshake = false) {
  // Not at the top: on a fresh clone this file is loaded before anything is installed.
  const { rollup } = await import('rollup')
  const modules = await rollup({
    input,
    external: OTHERS,
    plugins: [plugin],
    // Of nodes all stays: a call may be there to use up the stack, or to touch memory.
    treeshake,
    logLevel: 'silent',
  })
  const { output } = await modules.write({ format: 'esm', sourcemap: true, ...options })
  await modules.close()
  return output
}

/** Says of each module in which script it is. Entries are in none. */
function fillScripts(scripts, source, input, getModuleInfo) {
  const entries = Object.values(input)
  const isOfRoom = (id) => OF_ROOMS.some((path) => id === join(source, path))
  const threads = Object.entries(THREADS).map(([name, paths]) => {
    const begins = paths.map((path) => join(source, path))
    const own = entries.filter((id) => begins.some((it) => id.startsWith(it)) && !isOfRoom(id))
    return { name, ids: closure(own, (id) => getModuleInfo(id).importedIds) }
  })
  for (const id of new Set(threads.flatMap(({ ids }) => [...ids]))) {
    const name = scriptFor(threads.filter(({ ids }) => ids.has(id)).map(({ name }) => name))
    if (name !== undefined && !OTHERS.test(id) && !entries.includes(id)) scripts.set(id, name)
  }
}

/** @param threads Which of them need a module. */
function scriptFor(threads) {
  const isOfSockets = threads.includes('socket')
  // The command runs on the main thread; the library is the loop of the socket thread elsewhere.
  const isApart = (name) => name === 'command' || (isOfSockets && name === 'server')
  const [first = threads[0], ...others] = threads.filter((name) => !isApart(name))
  if (others.length > 0) return isOfSockets ? COMMON : SHARED
  return first === 'server' ? undefined : first
}

function closure(begin, next) {
  const found = new Set(begin)
  for (const id of found) for (const each of next(id) ?? []) found.add(each)
  return found
}

/** Makes of a joined module a script, which can be loaded as V8 has compiled it: see loader.mjs. */
async function toScript(folder, name, isScript) {
  const joint = join(folder, `${name}.js`)
  const plugin = {
    name: 'script',
    load: loadPart,
    // What is imported when it is used is no part of it: it may be another script.
    resolveDynamicImport(id) {
      if (typeof id !== 'string') return null
      const { dir, name: wanted } = posix.parse(id)
      return { id: dir === '.' && isScript(wanted) ? `./${wanted}.cjs` : id, external: true }
    },
    renderDynamicImport: ({ targetModuleId }) =>
      targetModuleId?.endsWith('.cjs') ? REQUIRED : IMPORTED,
    resolveImportMeta,
  }
  await joined(joint, plugin, {
    file: join(folder, `${name}.cjs`),
    format: 'cjs',
    esModule: false,
    interop: 'default',
    exports: 'named',
  })
  fs.rmSync(joint)
  fs.rmSync(`${joint}.map`)
}

/**
 * What a script needs of another one becomes constants of its own, as fast as what it has itself.
 * What it needs of Node.js is looked up at each use, as a program may have replaced it.
 */
function loadPart(file) {
  const { code, map } = read(file)
  const required = (line, way, names, path) => {
    const { dir, name } = posix.parse(path)
    if (way !== 'import' || dir !== '.') throw new Error(`A script cannot have: ${line}`)
    return `const ${constants(names)} = require('./${name}.cjs');`
  }
  return { code: code.replace(NEEDS, required), map }
}

function loadOurs(file) {
  const { code, map } = read(file)
  return { code: withoutComments(code, textsOf(this.parse(code))), map }
}

/** With the map that was made of it: then stacks lead to our sources. */
function read(file) {
  return { code: fs.readFileSync(file, 'utf8'), map: fs.readFileSync(`${file}.map`, 'utf8') }
}

/**
 * Each thread holds the text of what it runs, and a quarter of that would be comments. Those go
 * that have lines of their own. The lines stay, empty, so the map holds.
 *
 * @param texts Begin and end of each text of a template: its lines are no comments.
 */
export function withoutComments(code, texts) {
  let at = 0
  /** A comment goes on. */
  let isOpen = false
  const shorter = (line) => {
    const begin = at
    at += line.length + 1
    if (texts.some(([from, to]) => from < begin && begin <= to)) return line
    if (!isOpen && /^\s*\/\//.test(line)) return ''
    if (!isOpen && !/^\s*\/\*/.test(line)) return line
    const end = line.indexOf('*/')
    isOpen = end < 0
    // What stands behind keeps its place.
    return isOpen
      ? ''
      : line
          .slice(end + 2)
          .padStart(line.length)
          .trimEnd()
  }
  return code.split('\n').map(shorter).join('\n')
}

/** Begin and end of each text of a template. */
function textsOf(node, found = []) {
  if (node?.type === 'TemplateElement') found.push([node.start, node.end])
  else if (typeof node === 'object' && node !== null) {
    for (const child of Object.values(node)) textsOf(child, found)
  }
  return found
}

/** One byte a character: V8 reads that faster, and holds it in half the memory. */
function renderChunk(code) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return { code: code.replace(/[\u0080-\uffff]/g, escaped), map: null }
}

/** A script that is not a module of Node.js is given what else a module has. */
const IMPORTED = { left: '(module.import ?? ((path) => import(path)))(', right: ')' }
/** One that is imported by another is loaded as if it had been needed from the start. */
const REQUIRED = { left: 'Promise.resolve().then(() => require(', right: '))' }

/** As a module beside the loader has it: see loader.mjs. */
function resolveImportMeta(property, { chunkId }) {
  if (property !== 'url') return null
  const door = `\`\${__dirname}/${chunkId.replace(/\.cjs$/, '.js')}\``
  return `(module.url ??= require('node:url').pathToFileURL(${door}).href)`
}
