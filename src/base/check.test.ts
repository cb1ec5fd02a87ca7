import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkGiven, checkOptions, guess } from './check.ts'

test('guess finds the name that was meant, and none for what is like none', () => {
  const names = ['on', 'args', 'timeoutMs', 'idleTimeoutMs', 'memoryLimitMb', 'signal']
  const cases: [string, string | undefined][] = [
    ['arg', 'args'],
    ['timeout', 'timeoutMs'],
    ['TimeoutMS', 'timeoutMs'],
    ['memory', 'memoryLimitMb'],
    ['singal', 'signal'],
    ['no', 'on'],
    ['o', 'on'],
    ['me', undefined],
    ['', undefined],
    ['constructor', undefined],
  ]
  for (const [name, meant] of cases) {
    const text = meant === undefined ? '' : ` (did you mean '${meant}'?)`
    assert.equal(guess(name, names), text, name)
  }
  assert.equal(guess('x', []), '')
  assert.equal(guess('sede', ['node', 'seed']), " (did you mean 'seed'?)", 'letters swapped')
})

test('checkOptions names what is unknown, what there is, and what was meant', () => {
  const known = ['on', 'args']
  const check = (value: unknown): void => checkOptions('launch', 'options', value, known)
  for (const fine of [undefined, {}, { args: [] }, { on: undefined }, Object.create(null)])
    check(fine)
  assert.throws(() => check({ arg: [] }), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: "Cannot launch with option 'arg': there are on, args (did you mean 'args'?)",
  })
  for (const odd of [null, 5, 'x', [], new Date(), () => {}]) {
    assert.throws(() => check(odd), { code: 'ERR_INVALID_ARG_TYPE', message: /'options' must be/ })
  }
})

test('checkGiven refuses also nothing at all, and says that it was nothing', () => {
  checkGiven('listen', 'tls', { key: 1 }, ['key'])
  assert.throws(() => checkGiven('listen', 'tls', undefined, ['key']), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: "Cannot listen as 'tls' must be a plain object: current value is undefined",
  })
})
