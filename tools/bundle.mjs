// Joins the modules of dist/src into dist/lib, which is what runs and what is published: a thread
// of a node needs more than a hundred of them, and Node.js takes about a millisecond for each.
import * as fs from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publicTypes } from './types.mjs'

const TOOLS = dirname(fileURLToPath(import.meta.url))
/** What acts when it is loaded. */
const PROGRAMS = ['cli/main.js', 'threads/worker.js', 'threads/socket.js'].map((path) => join(path))
const NOT_SHIPPED = /\.(test|suite)\.js$/
/** Ours is relative, or absolute when rollup has resolved it. */
const OTHERS = /^(node:|[a-z@])/

/** @param dist Where the compiler has put its output. */
export async function bundle(dist) {
  const source = join(dist, 'src')
  const made = join(dist, 'lib.made')
  fs.rmSync(made, { recursive: true, force: true })
  const modules = fs
    .readdirSync(source, { recursive: true })
    .filter((path) => path.endsWith('.js') && !NOT_SHIPPED.test(path))
  const doors = modules.filter((path) => !path.includes(sep) || isIn('services', path))
  // What the entries share is one file, and so nothing is there twice in a thread. The testing kit
  // is no part of it: only tests of services load that.
  const shared = modules
    .filter((path) => !PROGRAMS.includes(path) && !doors.includes(path) && !isIn('testing', path))
    .map((path) => join(source, path))
  const entries = [...doors, ...PROGRAMS].map((path) => [nameOf(path), join(source, path)])
  await write(Object.fromEntries(entries), {
    dir: made,
    format: 'esm',
    // One folder deep, as every module is that finds others by its own URL.
    chunkFileNames: 'runtime/[name].js',
    manualChunks: { skynet: shared },
    minifyInternalExports: false,
    hoistTransitiveImports: false,
  })
  await toScript(join(made, 'runtime'))
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
const isIn = (folder, path) => path.startsWith(`${folder}${sep}`)

/** Makes of the shared file a script, which can be loaded as V8 has compiled it: see loader.mjs. */
async function toScript(folder) {
  const door = join(folder, 'skynet.js')
  const [{ exports }] = await write(door, {
    file: join(folder, 'skynet.cjs'),
    format: 'cjs',
    esModule: false,
    interop: 'default',
    exports: 'named',
  })
  fs.rmSync(`${door}.map`)
  fs.writeFileSync(
    door,
    `import { load } from './loader.js'\nexport const { ${exports.join(', ')} } = load()\n`,
  )
  fs.copyFileSync(join(TOOLS, 'loader.mjs'), join(folder, 'loader.js'))
}

async function write(input, options) {
  // Not at the top: on a fresh clone this file is loaded before anything is installed.
  const { rollup } = await import('rollup')
  const joined = await rollup({
    input,
    external: OTHERS,
    plugins: [{ name: 'skynet', load, renderChunk, renderDynamicImport, resolveImportMeta }],
    // A call whose result nobody uses may be there to use up the stack, or to touch memory.
    treeshake: false,
    logLevel: 'silent',
  })
  const { output } = await joined.write({ ...options, sourcemap: true })
  await joined.close()
  return output
}

/** With the map that the compiler made: then stacks lead to our sources, not to its output. */
function load(file) {
  const map = fs.readFileSync(`${file}.map`, 'utf8')
  return { code: fs.readFileSync(file, 'utf8'), map }
}

/** One byte a character: V8 reads that faster, and holds it in half the memory. */
function renderChunk(code) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return { code: code.replace(/[\u0080-\uffff]/g, escaped), map: null }
}

/** A script that is not a module of Node.js is given what else a module has. */
function renderDynamicImport({ format }) {
  if (format !== 'cjs') return null
  return { left: '(module.import ?? ((path) => import(path)))(', right: ')' }
}

/** It goes by the URL of its door. */
function resolveImportMeta(property, { format }) {
  if (format !== 'cjs' || property !== 'url') return null
  return `require('node:url').pathToFileURL(\`\${__dirname}/skynet.js\`).href`
}
