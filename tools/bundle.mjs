// Joins the modules of dist/src into dist/lib, which is what runs and what is published: a thread
// of a node needs more than a hundred of them, and Node.js takes about a millisecond for each.
import * as fs from 'node:fs'
import { join } from 'node:path'

/** They act when they are loaded. */
const COMMAND = 'cli/main.js'
const WORKER = 'threads/worker.js'
const SOCKET_THREAD = 'threads/socket.js'
const NOT_SHIPPED = /\.(test|suite)\.js$/
const KIT = /^testing\b/

/** @param dist Where the compiler has put its output. */
export async function bundle(dist) {
  // Not at the top: on a fresh clone this file is loaded before anything is installed.
  const { build } = await import('esbuild')
  const source = join(dist, 'src')
  const options = {
    absWorkingDir: dist,
    outbase: source,
    outdir: join(dist, 'lib'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    sourcemap: true,
  }
  const pathsOf = (modules) => modules.map((path) => join(source, path))
  const modules = fs
    .readdirSync(source, { recursive: true })
    .filter((path) => path.endsWith('.js') && !NOT_SHIPPED.test(path))
  const isDoor = (path) => !path.includes('/') || path.startsWith('services/')
  const programs = [COMMAND, WORKER, SOCKET_THREAD]
  // What all entries import is one file, and so nothing is there twice in a thread. The testing kit
  // is no part of it: only tests of services load that.
  const shared = modules.filter((path) => !programs.includes(path) && !KIT.test(path))
  const everything = join(dist, 'everything.js')
  fs.writeFileSync(everything, shared.map((path) => `import './src/${path}'\n`).join(''))
  await build({
    ...options,
    entryPoints: pathsOf([...modules.filter(isDoor), COMMAND, WORKER]),
    inject: [everything],
    splitting: true,
    // One folder deep, as every module is that finds others by its own URL.
    chunkNames: 'runtime/[name]',
  })
  // Shares with nobody: it is all that its thread ever loads.
  await build({ ...options, entryPoints: pathsOf([SOCKET_THREAD]) })
}
