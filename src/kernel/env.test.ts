import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENV_BYTES_MAX } from '../base/limits.ts'
import { createEnvMemory, Env } from './env.ts'

test('a variable that one thread sets is seen by another, of every kind, with its newlines', () => {
  const memory = createEnvMemory()
  const [one, two] = [new Env(memory, { port: 1 }, 1), new Env(memory, { port: 1 }, 2)]
  assert.equal(one.get('port'), 1)
  assert.equal(two.get('host'), undefined)
  one.set('host', 'ä\n"x"')
  two.set('on', true)
  one.set('n\n', -1.5)
  assert.deepEqual([two.get('host'), one.get('on'), two.get('n\n')], ['ä\n"x"', true, -1.5])
})

test('set() refuses what is set already, in the config or by another thread', () => {
  const memory = createEnvMemory()
  const [one, two] = [new Env(memory, { port: 1 }, 1), new Env(memory, { port: 1 }, 2)]
  assert.throws(() => one.set('port', 2), { code: 'ERR_ENV_TAKEN' })
  one.set('__proto__', 'x')
  assert.throws(() => two.set('__proto__', 'y'), { code: 'ERR_ENV_TAKEN' })
  assert.equal(two.get('__proto__'), 'x')
  assert.equal(two.get('toString'), undefined)
})

// Proves: docs/limits.md#env
test('set() takes ENV_BYTES_MAX of lines, and not one byte more', () => {
  const env = new Env(createEnvMemory(), {}, 1)
  const line = (length: number): string => 'x'.repeat(length - '["k",""]\n'.length)
  assert.throws(() => env.set('k', line(ENV_BYTES_MAX + 1)), { code: 'ERR_ENV_LIMIT' })
  assert.equal(env.get('k'), undefined)
  env.set('k', line(ENV_BYTES_MAX))
  assert.equal(env.get('k'), line(ENV_BYTES_MAX))
  assert.throws(() => env.set('l', ''), { code: 'ERR_ENV_LIMIT' })
})

test('repair() gives back the lock of a dead thread, and of no other', () => {
  const memory = createEnvMemory()
  const [cells, main] = [new Int32Array(memory), new Env(memory, {}, 9)]
  cells[0] = 2
  main.repair(3)
  assert.equal(cells[0], 2)
  main.repair(2)
  main.set('a', 1)
  assert.equal(new Env(memory, {}, 2).get('a'), 1)
})
