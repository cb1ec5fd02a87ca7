import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { describe, messageOf, placeOf, printed, withHint } from './thrown.ts'

test('printed() throws for nothing that a log may be given', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const trap = (): never => {
    throw new Error('no')
  }
  const hostile = new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap })
  for (const value of [proxy, hostile, [proxy], { hostile }, Object.create(null), Symbol('x')]) {
    assert.equal(typeof printed(value), 'string')
  }
})

for (const [thrown, text] of [
  [undefined, 'undefined'],
  [null, 'null'],
  ['', '""'],
  ['why', 'why'],
  [0, '0'],
  [{}, 'an object (Object)'],
] as const) {
  test(`describe() and messageOf() have words for whatever was thrown: ${text}`, () => {
    assert.equal(describe(thrown), text)
    assert.equal(messageOf(thrown), text)
    const error = new Error('outer', { cause: thrown })
    const isTold = describe(error).endsWith(`\n  caused by ${text}`)
    // No cause at all is the same as one that is undefined.
    assert.equal(isTold, thrown !== undefined)
  })
}

test('describe() has words for an error without a stack', () => {
  for (const stack of ['', undefined]) {
    assert.equal(describe(Object.assign(new RangeError('why'), { stack })), 'RangeError: why')
  }
})

test('describe() ends where causes go in a circle', () => {
  const error = new Error('round')
  error.cause = error
  assert.equal(describe(error).split('caused by').length, 6)
})

/** Where it went wrong in a module of these files, as seen by who imports the first. */
async function placeIn(t: TestContext, files: Readonly<Record<string, string>>) {
  // A URL has other letters for it.
  const folder = join(mkdtempSync(join(tmpdir(), 'skynet-thrown-')), 'ä b (c)')
  t.after(() => rmSync(join(folder, '..'), { recursive: true }))
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const { href } = pathToFileURL(join(folder, Object.keys(files)[0]!))
  const error = await import(href).then(assert.fail, (thrown: unknown) => thrown)
  assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error))
  return placeOf(error).replace(folder, '.')
}

test('placeOf() is where an error was made', async (t) => {
  assert.equal(await placeIn(t, { 'main.js': '\n throw new Error()' }), './main.js:2:8')
  const call = `import { run } from './lib.js'\nrun()`
  const lib = 'export const run = () => { throw new Error() }'
  assert.equal(await placeIn(t, { 'main.js': call, 'lib.js': lib }), './lib.js:1:34')
})

test('placeOf() is whose call it was that failed in Node.js, or in an eval', async (t) => {
  const read = `import { readFileSync } from 'node:fs'\nreadFileSync('/no/such/file')`
  assert.equal(await placeIn(t, { 'main.js': read }), './main.js:2:1')
  assert.equal(await placeIn(t, { 'main.js': `JSON.parse('{')` }), './main.js:1:6')
  assert.equal(await placeIn(t, { 'main.js': `eval('throw new Error()')` }), './main.js:1:1')
})

test('placeOf() is who asked for what we refuse', async (t) => {
  const check = JSON.stringify(new URL('./check.js', import.meta.url))
  const main = `import { checkText } from ${check}\ncheckText('go', 'there', 5)`
  assert.equal(await placeIn(t, { 'main.js': main }), './main.js:2:1')
})

test('placeOf() of an error in a text is its line, or nothing when it is unknown', async (t) => {
  const missing = `import { no } from './lib.js'`
  assert.equal(await placeIn(t, { 'main.js': missing, 'lib.js': '' }), './main.js:1')
  assert.equal(await placeIn(t, { 'main.cjs': '\nlet a = 1 2' }), './main.cjs:2')
  assert.equal(await placeIn(t, { 'main.js': 'let a = 1 2' }), '')
  assert.equal(await placeIn(t, { 'main.js': `import './lib.js'`, 'lib.js': 'let a = {' }), '')
  assert.equal(await placeIn(t, { 'main.js': `import './none.js'` }), '')
  assert.equal(await placeIn(t, { 'main.js': `await import('./none.js')` }), '')
})

test('placeOf() is nothing for what has no place', () => {
  const hostile = Object.defineProperty(new Error('no'), 'stack', {
    get() {
      throw new Error('no')
    },
  })
  const malformed = Object.assign(new Error('no'), { stack: 'Error\n    at file:///%2F:1:2' })
  for (const thrown of [undefined, 'at /a.js:1:2', hostile, malformed]) {
    assert.equal(placeOf(thrown), '')
  }
})

test('withHint() says what to do when no descriptor is left, by its code or in words', () => {
  const hint = '; raise the limit of open files (ulimit -n)'
  for (const text of [
    "EMFILE: too many open files, open '/x'",
    'Cannot read x: too many open files',
  ])
    assert.equal(withHint(text), text + hint)
  assert.equal(withHint('no such file'), 'no such file')
})
