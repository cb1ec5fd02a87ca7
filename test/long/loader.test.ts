/** The joined runtime, and what was compiled of it ahead: each time in a process of its own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { scratchFolder } from '../support/cli.ts'

const RUNTIME = fileURLToPath(new URL('../../lib/runtime', import.meta.url))
/** What was compiled ahead of one script, for this Node.js. */
const KEPT = new RegExp(`^skynet-${process.version}-.*-common$`)

interface Loaded {
  /** What was compiled ahead is there and good; and V8 has taken it. */
  readonly isKept: boolean
  readonly isUsed: boolean
  /** Of an error, to see which text is in use, and where it says that it was made. */
  readonly message: string
  readonly stack: string
}

/** Loads all of the runtime of `folder`, as the threads of a node do. */
function load(folder: string, before = '', flags: readonly string[] = []): Loaded {
  const url = (file: string): string => JSON.stringify(pathToFileURL(join(folder, file)).href)
  const program = `
    import { isKept, isUsed, keep, load } from ${url('loader.js')}
    const { checkText, SkynetError } = load('common')
    for (const name of ['command', 'main', 'socket', 'worker']) load(name)
    ${before}
    const { message } = new SkynetError('ERR_MESSAGE_TOO_DEEP', { path: 'p', limit: 1 })
    let stack = ''
    try { checkText('do', 'name', 1) } catch (error) { stack = error.stack }
    console.log(JSON.stringify({ isKept: isKept(), isUsed: isUsed(), message, stack }))`
  const args = [...flags, '--input-type=module', '--eval', program]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Loaded
}

/** A runtime of this Node.js, which has compiled it ahead. */
function copy(t: TestContext): string {
  const folder = join(scratchFolder(t), 'runtime')
  cpSync(RUNTIME, folder, { recursive: true })
  load(folder, 'keep()')
  return folder
}

const keptIn = (folder: string): string =>
  join(folder, readdirSync(folder).find((name) => KEPT.test(name))!)

function assertIsUsed(folder: string, wanted: boolean): void {
  const { isKept, isUsed } = load(folder)
  assert.deepEqual({ isKept, isUsed }, { isKept: wanted, isUsed: wanted })
}

test('a thread uses what was compiled ahead', (t) => {
  const folder = copy(t)
  assertIsUsed(folder, true)
  const stray = readdirSync(folder).filter((name) => /\.\d+$/.test(name))
  assert.deepEqual(stray, [], 'nothing else is left')
})

test('a runtime that was changed is compiled anew', (t) => {
  const folder = copy(t)
  const script = join(folder, 'common.cjs')
  const { message } = load(folder)
  const text = readFileSync(script, 'utf8')
  // Of the same length: V8 does not see that.
  writeFileSync(script, text.replaceAll('Cannot send', 'Cannot SEND'))
  assertIsUsed(folder, false)
  assert.match(message, /^Cannot send/)
  assert.equal(load(folder).message, message.replace('Cannot send', 'Cannot SEND'))
})

test('a runtime that was moved is compiled anew: stacks name the place where it is', (t) => {
  const folder = copy(t)
  const moved = `${folder} moved`
  cpSync(folder, moved, { recursive: true })
  assertIsUsed(moved, false)
  assert.ok(load(folder).stack.includes(`${pathToFileURL(folder).href}/common.cjs:`))
  assert.ok(load(moved).stack.includes(`${pathToFileURL(moved).href}/common.cjs:`))
})

test('what was compiled ahead and is damaged is not used', (t) => {
  const folder = copy(t)
  const kept = keptIn(folder)
  const good = readFileSync(kept)
  // A byte anywhere, as V8 looks at the first ones only.
  for (const at of [0, 100, good.length >> 1, good.length - 5, good.length - 1]) {
    const damaged = Buffer.from(good)
    damaged[at]! ^= 1
    writeFileSync(kept, damaged)
    assertIsUsed(folder, false)
  }
  for (const length of [good.length - 1, 100_000, 4, 0]) {
    writeFileSync(kept, good)
    truncateSync(kept, length)
    assertIsUsed(folder, false)
  }
  rmSync(kept)
  assertIsUsed(folder, false)
  load(folder, 'keep()')
  assertIsUsed(folder, true)
})

test('other flags of V8 do not matter, but that an older one compiles anew', (t) => {
  const folder = copy(t)
  for (const flag of ['--max-old-space-size=512', '--jitless', '--no-lazy']) {
    const { isKept, message } = load(folder, '', [flag])
    assert.equal(isKept, true, flag)
    assert.match(message, /^Cannot send/)
  }
})

test('with source maps Node.js compiles it, and stacks name our sources', (t) => {
  const { isKept, isUsed, stack } = load(copy(t), '', ['--enable-source-maps'])
  assert.deepEqual([isKept, isUsed], [true, false])
  assert.match(stack, /\/src\/base\/check\.ts:/)
})

test('a thread has one of each script, also when it turns source maps off', (t) => {
  const before = `
    process.setSourceMapsEnabled(false)
    if (load('common').SkynetError !== SkynetError) throw new Error('it has two')`
  assert.doesNotThrow(() => load(copy(t), before, ['--enable-source-maps']))
})

test('a thread takes the runtime from the memory of who started it', (t) => {
  const folder = copy(t)
  const url = JSON.stringify(pathToFileURL(join(folder, 'loader.js')).href)
  const use = `load('common').checkText('do','name','x')`
  const thread = `data:text/javascript,import{load}from${url};${use}`
  const before = `
    import { rmSync } from 'node:fs'
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    rmSync(${JSON.stringify(join(folder, 'common.cjs'))})
    const [code] = await once(new Worker(new URL(${JSON.stringify(thread)})), 'exit')
    if (code !== 0) throw new Error('it did not find the script')`
  assert.doesNotThrow(() => load(folder, before))
})

test('a script that throws runs once in a thread, and each door of it gets the same error', (t) => {
  const folder = copy(t)
  writeFileSync(join(folder, 'bad.cjs'), 'globalThis.runs = (globalThis.runs ?? 0) + 1; throw {}')
  load(
    folder,
    `const thrown = []
    for (let i = 0; i < 2; i++) try { load('bad') } catch (error) { thrown.push(error) }
    if (thrown.length !== 2 || thrown[0] !== thrown[1]) throw new Error('another error')
    if (globalThis.runs !== 1) throw new Error('it ran ' + globalThis.runs + ' times')`,
  )
})
