// Loads the joined runtime from what V8 had compiled when it was built: that takes a fifth of the
// time that compiling takes, in every thread. Becomes dist/lib/runtime/loader.js.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

// An import would touch all that it exports, and load the streams of files.
const { readFileSync, statSync } = process.getBuiltinModule('node:fs')
const url = new URL('skynet.cjs', import.meta.url)
const file = fileURLToPath(url)
/** Code of one version of V8, on one kind of machine, is of no use to another. */
const { version, platform, arch } = process
export const CACHE = fileURLToPath(new URL(`skynet-${version}-${platform}-${arch}`, url))

let script

/** What `skynet.cjs` exports. */
export function load() {
  const require = createRequire(url)
  // Node.js applies source maps only to what it has loaded itself.
  if (process.sourceMapsEnabled) return require(file)
  const text = readFileSync(file, 'latin1')
  const source = `(function (exports, require, module, __dirname) {${text}\n})`
  script = new Script(source, { filename: url.href, cachedData: cache() })
  const module = { exports: {}, import: (path) => import(path) }
  const folder = fileURLToPath(new URL('.', url))
  script.runInThisContext()(module.exports, require, module, folder)
  return module.exports
}

/** V8 compares versions, flags and length with those of the source, but not the text. */
function cache() {
  const made = statSync(CACHE, { throwIfNoEntry: false })
  const isNewer = made !== undefined && made.mtimeMs >= statSync(file).mtimeMs
  return isNewer ? readFileSync(CACHE) : undefined
}

/** Whether it was: not by another version of Node.js, nor after the script was changed. */
export const isCompiledAhead = () => script?.cachedDataRejected === false

/** All that has been compiled by now. */
export const compiled = () => script.createCachedData()
