// Loads the scripts of the runtime from what V8 had compiled when they were built: that takes a
// fifth of the time that compiling takes, in every thread. Each thread takes them from the memory
// of the thread that started it. Becomes dist/lib/runtime/loader.js.

// An import would touch all that they export, and load the streams of files.
const { getBuiltinModule, version, platform, arch } = process
const { Script } = getBuiltinModule('node:vm')
const { getEnvironmentData, setEnvironmentData } = getBuiltinModule('node:worker_threads')
const { createRequire } = getBuiltinModule('node:module')
const { fileURLToPath } = getBuiltinModule('node:url')
const folder = folderOf(import.meta.url)
/** Code of one version of V8, on one kind of machine, is of no use to another. */
const KEPT = `skynet-${version}-${platform}-${arch}-`
/** Behind the code: a checksum, 32 bits. */
const SUM_BYTES = 4
/** A script is a function of what a module of Node.js has. */
const HEAD = '(function (exports, require, module) {'
const TAIL = '\n})'
/** Which loads all that threads need: it starts them. */
const MAIN = 'main'

/**
 * Node.js applies source maps only to what it has loaded itself. Asked once: a program may change
 * it, and would have two of each script.
 */
const IS_MAPPED = process.sourceMapsEnabled

/** By name: `text`, and `code` when some was compiled ahead, in memory that threads share. */
const scripts = getEnvironmentData(import.meta.url) ?? new Map()
/** By name, of this thread: the script as V8 has it, and what it exports. */
const loaded = new Map()

/** What the script `name` exports. */
export function load(name) {
  const known = loaded.get(name)
  if (known !== undefined) return exportsOf(known)
  const path = `${folder}${name}.cjs`
  if (IS_MAPPED) return createRequire(path)(path)
  if (name === MAIN) for (const each of names()) read(each)
  const { text, code } = read(name)
  const script = new Script(Buffer.from(text).latin1Slice(), {
    filename: new URL(`${name}.cjs`, import.meta.url).href,
    cachedData: code && Buffer.from(code, 0, code.byteLength - SUM_BYTES),
  })
  const { href } = new URL(`${name}.js`, import.meta.url)
  const module = { exports: {}, url: href, import: (path) => import(path) }
  const made = { script, exports: module.exports, error: undefined }
  try {
    script.runInThisContext()(module.exports, need, module)
  } catch (error) {
    // As a module that throws, it runs once: another door of it gets the same error. With source
    // maps Node.js loads it, and runs it again.
    made.error = { thrown: error }
  }
  loaded.set(name, made)
  return exportsOf(made)
}

function exportsOf({ exports, error }) {
  if (error !== undefined) throw error.thrown
  return exports
}

/** Another script, or a module of Node.js. */
const need = (id) =>
  id.startsWith('./') ? load(id.slice(2, -'.cjs'.length)) : getBuiltinModule(id)

function read(name) {
  const known = scripts.get(name)
  if (known !== undefined) return known
  const text = textOf(name)
  const script = { text, code: keptOf(name, text) }
  scripts.set(name, script)
  // Threads that this one starts from now on find it.
  setEnvironmentData(import.meta.url, scripts)
  return script
}

function textOf(name) {
  try {
    return fileOf(`${folder}${name}.cjs`, HEAD, TAIL)
  } catch (error) {
    throw error.code === 'ENOENT' ? joinedInto(error) : error
  }
}

/** Of a module that was made a script nobody says where it is. */
function folderOf(url) {
  try {
    return fileURLToPath(new URL('.', url))
  } catch (error) {
    throw joinedInto(error)
  }
}

/** For who has made one file of his program and of this: the scripts do not lie beside that. */
function joinedInto(cause) {
  const how = "leave it out of the bundle, as esbuild does with '--packages=external'"
  return new Error(`Cannot load skynet-ts from within a bundle: ${how}`, { cause })
}

/** What was compiled of `text`, and its checksum, if it is there, whole, and of this place. */
function keptOf(name, text) {
  let code
  try {
    code = fileOf(keptAt(name))
  } catch {
    return undefined
  }
  if (code.byteLength <= SUM_BYTES) return undefined
  const bytes = Buffer.from(code)
  const end = bytes.length - SUM_BYTES
  return bytes.readUInt32LE(end) === sumOf(name, text, bytes.subarray(0, end)) ? code : undefined
}

/** In memory that threads share: V8 makes strings and code of it, and nobody writes to it. */
function fileOf(path, head = '', tail = '') {
  const { openSync, fstatSync, readSync, closeSync } = getBuiltinModule('node:fs')
  const file = openSync(path)
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.from(new SharedArrayBuffer(head.length + size + tail.length))
    let at = bytes.latin1Write(head)
    const end = at + size
    for (let read = 1; read > 0 && at < end; at += read) {
      read = readSync(file, bytes, at, end - at, null)
    }
    bytes.latin1Write(tail, end)
    return bytes.buffer
  } finally {
    closeSync(file)
  }
}

const keptAt = (name) => `${folder}${KEPT}${name}`

/**
 * V8 compares versions, flags and lengths, and trusts the rest: what is damaged ends the process,
 * what is of another text or place runs as if it were of this one.
 */
function sumOf(name, text, code) {
  const { crc32 } = getBuiltinModule('node:zlib')
  return crc32(code, crc32(Buffer.from(text), crc32(`${folder}${name}`)))
}

function names() {
  const files = getBuiltinModule('node:fs').readdirSync(folder)
  return files.filter((file) => file.endsWith('.cjs')).map((file) => file.slice(0, -'.cjs'.length))
}

/** Whether a thread finds all scripts compiled ahead. */
export const isKept = () => names().every((name) => keptOf(name, textOf(name)) !== undefined)

/** Whether this one has used them all: V8 refuses what was compiled with other flags. */
export const isUsed = () =>
  loaded.size > 0 && [...loaded.values()].every(({ script }) => script.cachedDataRejected === false)

/** Keep all that has been compiled by now. */
export function keep() {
  const { renameSync, writeFileSync } = getBuiltinModule('node:fs')
  for (const [name, { script }] of loaded) {
    const code = script.createCachedData()
    const sum = Buffer.alloc(SUM_BYTES)
    sum.writeUInt32LE(sumOf(name, textOf(name), code))
    const written = `${keptAt(name)}.${process.pid}`
    writeFileSync(written, Buffer.concat([code, sum]))
    renameSync(written, keptAt(name))
  }
}
