// Loads the joined runtime from what V8 had compiled when it was built: that takes a fifth of the
// time that compiling takes, in every thread. Becomes dist/lib/runtime/loader.js.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

// An import would touch all that it exports, and load the streams of files.
const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs')
const { crc32 } = process.getBuiltinModule('node:zlib')
const url = new URL('skynet.cjs', import.meta.url)
const file = fileURLToPath(url)
/** Code of one version of V8, on one kind of machine, is of no use to another. */
const { version, platform, arch } = process
const CACHE = fileURLToPath(new URL(`skynet-${version}-${platform}-${arch}`, url))
/** Behind the code: a checksum, 32 bits. */
const SUM_BYTES = 4

let script

/** What `skynet.cjs` exports. */
export function load() {
  const require = createRequire(url)
  // Node.js applies source maps only to what it has loaded itself.
  if (process.sourceMapsEnabled) return require(file)
  const text = readFileSync(file)
  const source = `(function (exports, require, module, __dirname) {${text.latin1Slice()}\n})`
  script = new Script(source, { filename: url.href, cachedData: kept(text) })
  const module = { exports: {}, import: (path) => import(path) }
  const folder = fileURLToPath(new URL('.', url))
  script.runInThisContext()(module.exports, require, module, folder)
  return module.exports
}

/** What was compiled of `text`, if it is there, whole, and of this place. */
function kept(text) {
  let bytes
  try {
    bytes = readFileSync(CACHE)
  } catch {
    return undefined
  }
  if (bytes.length <= SUM_BYTES) return undefined
  const code = bytes.subarray(0, -SUM_BYTES)
  return bytes.readUInt32LE(code.length) === sumOf(text, code) ? code : undefined
}

/**
 * V8 compares versions, flags and lengths, and trusts the rest: what is damaged ends the process,
 * what is of another text or place runs as if it were of this one.
 */
const sumOf = (text, code) => crc32(code, crc32(text, crc32(url.href)))

/** Whether a thread finds something that was compiled ahead. */
export const isKept = () => kept(readFileSync(file)) !== undefined

/** Whether this one has used it: V8 refuses what was compiled with other flags. */
export const isUsed = () => script?.cachedDataRejected === false

/** Keep all that has been compiled by now. */
export function keep() {
  const code = script.createCachedData()
  const sum = Buffer.alloc(SUM_BYTES)
  sum.writeUInt32LE(sumOf(readFileSync(file), code))
  const written = `${CACHE}.${process.pid}`
  writeFileSync(written, Buffer.concat([code, sum]))
  renameSync(written, CACHE)
}
