/** The joined runtime, and what was compiled of it ahead: each time in a process of its own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const RUNTIME = fileURLToPath(new URL('../lib/runtime', import.meta.url))
const { CACHE } = (await import(pathToFileURL(join(RUNTIME, 'loader.js')).href)) as {
  CACHE: string
}
/** The build was made by this version of Node.js: CI tests another one with it too. */
const skip = existsSync(CACHE) ? false : 'built by another Node.js'

interface Loaded {
  readonly isAhead: boolean
  /** Of an error, to see which text is in use. */
  readonly message: string
}

/** Loads the runtime of `folder` as a program does. */
function load(folder: string, flags: readonly string[] = []): Loaded {
  const url = (file: string): string => JSON.stringify(pathToFileURL(join(folder, file)).href)
  const program = `
    import { isCompiledAhead } from ${url('loader.js')}
    import { SkynetError } from ${url('skynet.js')}
    const { message } = new SkynetError('ERR_MESSAGE_TOO_DEEP', { path: 'p', limit: 1 })
    console.log(JSON.stringify({ isAhead: isCompiledAhead(), message }))`
  const args = [...flags, '--input-type=module', '--eval', program]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Loaded
}

/** With the times of all files, as a package manager makes them. */
function copy(t: TestContext): string {
  const temporary = mkdtempSync(join(tmpdir(), 'skynet-'))
  t.after(() => rmSync(temporary, { recursive: true }))
  const folder = join(temporary, 'runtime')
  cpSync(RUNTIME, folder, { recursive: true, preserveTimestamps: true })
  return folder
}

const cacheIn = (folder: string): string =>
  join(folder, readdirSync(folder).find((name) => name.startsWith('skynet-v'))!)

test('a start uses what the build has compiled', { skip }, (t) => {
  assert.equal(load(RUNTIME).isAhead, true)
  assert.equal(load(copy(t)).isAhead, true)
})

test('a runtime that was changed after the build is compiled anew', { skip }, (t) => {
  const folder = copy(t)
  const script = join(folder, 'skynet.cjs')
  const { message } = load(folder)
  const text = readFileSync(script, 'utf8')
  // Of the same length: V8 does not see that.
  writeFileSync(script, text.replaceAll('Cannot send', 'Cannot SEND'))
  const changed = load(folder)
  assert.deepEqual([changed.isAhead, message.startsWith('Cannot send')], [false, true])
  assert.equal(changed.message, message.replace('Cannot send', 'Cannot SEND'))
})

test('what was compiled and is damaged is not used', { skip }, (t) => {
  const folder = copy(t)
  const { message } = load(folder)
  truncateSync(cacheIn(folder), 100_000)
  assert.deepEqual(load(folder), { isAhead: false, message })
  truncateSync(cacheIn(folder), 0)
  assert.deepEqual(load(folder), { isAhead: false, message })
})

test('with source maps Node.js loads the script itself', (t) => {
  const loaded = load(copy(t), ['--enable-source-maps'])
  assert.equal(loaded.isAhead, false)
  assert.match(loaded.message, /^Cannot send/)
})
