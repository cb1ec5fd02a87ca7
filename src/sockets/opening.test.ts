import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOpening, type SocketOpener, STREAM_NAMES } from './opening.ts'

const runtime = { now: 100 }
const opener = { service: { runtime } } as unknown as SocketOpener
const wrong = <T>(value: unknown): T => value as T

test('checkOpening() gives the settings, and what is left of the limits at each call', () => {
  const given = { timeoutMs: 50, lingerMs: 7, options: { noDelay: 1 } }
  const { settings, left } = checkOpening('connect', opener, given, STREAM_NAMES)
  assert.deepEqual(settings, { lingerMs: 7 })
  runtime.now = 130
  assert.deepEqual([left().timeoutMs, left().askedMs], [20, 50])
  assert.equal(checkOpening('connect', opener, {}, STREAM_NAMES).settings, undefined)
})

test('checkOpening() refuses limits, settings and options of the system by name', () => {
  for (const [options, name] of [
    [{ timeoutMs: -1 }, 'timeoutMs'],
    [{ lingerMs: 0 }, 'lingerMs'],
    [{ options: { noDelay: 'x' } }, 'noDelay'],
    [{ options: { nagle: 1 } }, 'nagle'],
    [{ keepAlive: 1 }, 'keepAlive'],
  ] as const) {
    assert.throws(
      () => checkOpening('connect', opener, wrong(options), STREAM_NAMES),
      (error: Error) => error.message.includes(`'${name}'`),
    )
  }
  const names = STREAM_NAMES.filter((name) => name !== 'options')
  assert.throws(() => checkOpening('udp', opener, { options: {} }, names), /'options'/)
})
