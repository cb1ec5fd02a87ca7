// Joins the modules of dist/src into dist/lib, which is what runs and what is published: a thread
// of a node needs more than a hundred of them, and Node.js takes about a millisecond for each.
import * as fs from 'node:fs'
import { join, sep } from 'node:path'

/** Shares with nobody: it is all that its thread ever loads. */
const SOCKET_THREAD = join('threads', 'socket.js')
/** What else acts when it is loaded. */
const PROGRAMS = [join('cli', 'main.js'), join('threads', 'worker.js')]
const NOT_SHIPPED = /\.(test|suite)\.js$/
/** Ours is relative, or absolute when rollup has resolved it. */
const OTHERS = /^(node:|[a-z@])/

/** @param dist Where the compiler has put its output. */
export async function bundle(dist) {
  const source = join(dist, 'src')
  const modules = fs
    .readdirSync(source, { recursive: true })
    .filter((path) => path.endsWith('.js') && !NOT_SHIPPED.test(path))
  const doors = modules.filter((path) => !path.includes(sep) || isIn('services', path))
  // What the entries share is one file, and so nothing is there twice in a thread. The testing kit
  // is no part of it: only tests of services load that.
  const shared = modules
    .filter((path) => !PROGRAMS.includes(path) && path !== SOCKET_THREAD)
    .filter((path) => !doors.includes(path) && !isIn('testing', path))
    .map((path) => join(source, path))
  await write(dist, [...doors, ...PROGRAMS], { manualChunks: { skynet: shared } })
  await write(dist, [SOCKET_THREAD], {})
}

const isIn = (folder, path) => path.startsWith(`${folder}${sep}`)

async function write(dist, entries, options) {
  // Not at the top: on a fresh clone this file is loaded before anything is installed.
  const { rollup } = await import('rollup')
  const input = entries.map((path) => [path.slice(0, -'.js'.length), join(dist, 'src', path)])
  const joined = await rollup({
    input: Object.fromEntries(input),
    external: OTHERS,
    plugins: [{ name: 'maps', load }],
    // A call whose result nobody uses may be there to use up the stack, or to touch memory.
    treeshake: false,
    logLevel: 'silent',
  })
  await joined.write({
    ...options,
    dir: join(dist, 'lib'),
    format: 'esm',
    sourcemap: true,
    // One folder deep, as every module is that finds others by its own URL.
    chunkFileNames: 'runtime/[name].js',
    hoistTransitiveImports: false,
  })
  await joined.close()
}

/** With the map that the compiler made: then stacks lead to our sources, not to its output. */
function load(file) {
  const map = fs.readFileSync(`${file}.map`, 'utf8')
  return { code: fs.readFileSync(file, 'utf8'), map }
}
