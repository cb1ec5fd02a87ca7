import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOptions, guess, shown } from './check.ts'
import { TEXT_CHARS_MAX } from './limits.ts'
import { beginOf } from './text.ts'
import { describe, messageOf, printed, stackOf } from './thrown.ts'

const LENGTH = TEXT_CHARS_MAX + 1
/** Text that is joined of halves: to look into it takes its length in memory. */
const long = (): string => 'x'.repeat(LENGTH)
/** What is told of it: its length, in few words. */
const TOLD = new RegExp(`<[a-z ]+ of ${LENGTH} characters>`)

// Proves: docs/limits.md#text
test('beginOf() looks into TEXT_CHARS_MAX characters, and not into one more', () => {
  const most = 'x'.repeat(TEXT_CHARS_MAX)
  assert.equal(beginOf(most) === most, true)
  assert.equal(beginOf(most, 3), 'xxx')
  assert.equal(beginOf(`${most}x`, 3), `<a text of ${LENGTH} characters>`)
})

const OF_TEXT: Readonly<Record<string, () => string>> = {
  'shown() a string': () => shown(long()),
  'shown() a symbol': () => shown(Symbol(long())),
  'shown() a class': () => {
    class Named {}
    Object.defineProperty(Named, 'name', { value: long() })
    return shown(new Named())
  },
  'messageOf() an error': () => messageOf(new Error(long())),
  'messageOf() a string': () => messageOf(long()),
  'describe() an error': () => describe(new Error(long())),
  'describe() an error whose name is long': () =>
    describe(Object.assign(new Error('why'), { name: long(), stack: '' })),
  'describe() a string': () => describe(long()),
  'describe() a cause': () => describe(new Error('why', { cause: new Error(long()) })),
  'printed() a string': () => printed(long()),
  'printed() an error': () => printed(new Error(long())),
}

for (const [name, tell] of Object.entries(OF_TEXT)) {
  test(`${name} beyond TEXT_CHARS_MAX tells its length`, () => {
    const text = tell()
    assert.ok(text.length < 2000, `${text.length} characters`)
    assert.match(text, TOLD)
  })
}

test('stackOf() an error beyond TEXT_CHARS_MAX is none: its name and message stand for it', () => {
  const error = Object.assign(new RangeError('why'), { stack: long() })
  assert.equal(stackOf(error), '')
  assert.equal(describe(error), 'RangeError: why')
})

test('shown() a bigint of many digits tells that it is large', () => {
  assert.equal(shown(-(2n ** 64n)), '-18446744073709551616n')
  for (const large of [1n << 100_000n, -(1n << 100_000n)]) {
    assert.match(shown(large), /^a bigint of more than \d+ bits$/)
  }
})

test('guess() looks at no name that is longer than what there is', () => {
  const known = ['timeoutMs', 'signal']
  assert.equal(guess('timeoutMsss', known), ` (did you mean 'timeoutMs'?)`)
  assert.equal(guess('timeoutMssss', known), '')
  const name = new Proxy(Object('x'.repeat(12)), {
    get: (text, key) => (key === 'length' ? text.length : assert.fail(String(key))),
  })
  assert.equal(guess(name as string, known), '')
  assert.throws(
    () => checkOptions('go', 'options', { ['x'.repeat(1000)]: 1 }, known),
    ({ message }: Error) => message.length < 200,
  )
})
