import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { formatHandle } from '../base/errors.ts'
import { METHODS_KEPT_MAX } from '../base/limits.ts'
import { NodeRef, type OutsideCaller } from './node-ref.ts'
import { type Caller, ServiceRef } from './ref.ts'
import type { WaitOptions } from './wait-options.ts'

interface Store {
  get(key: string): number
  set(key: string, value: number): void
  toString(): string
}

function setUp() {
  const calls: [to: number, message: unknown[], options: WaitOptions | undefined][] = []
  const sends: [to: number, message: unknown[]][] = []
  const names = new Map<string, number>()
  const caller: Caller = {
    runtime: {
      handleOf: (name) => names.get(name) ?? 0,
      handles: { textOf: formatHandle },
    },
    callMethod(to, message, options) {
      calls.push([to, message, options])
      return Promise.resolve(calls.length)
    },
    sendMethod(to, message) {
      sends.push([to, message])
      return sends.length === 1
    },
  }
  const named = new ServiceRef<Store>(caller, '.store')
  return { caller, calls, sends, names, named, ref: new ServiceRef<Store>(caller, 0x0a) }
}

test('call asks for the method by its name, with the arguments', async () => {
  const { ref, calls } = setUp()
  assert.equal(await ref.call.get('key'), 1)
  assert.equal(await ref.call.get('other'), 2)
  assert.deepEqual(calls, [
    [10, ['get', 'key'], undefined],
    [10, ['get', 'other'], undefined],
  ])
})

test('send says whether it was sent', () => {
  const { ref, sends } = setUp()
  assert.deepEqual([ref.send.set('key', 1), ref.send.set('key', 2)], [true, false])
  assert.deepEqual(sends[1], [10, ['set', 'key', 2]])
})

test('with adds its limits to each call, and leaves the reference as it was', async () => {
  const { ref, calls } = setUp()
  const { signal } = new AbortController()
  const bound = ref.with({ timeoutMs: 5, signal })
  await bound.call.get('key')
  await ref.call.get('key')
  assert.deepEqual(
    calls.map(([, , options]) => options && [options.timeoutMs, options.signal]),
    [[5, signal], undefined],
  )
})

test('with refuses what is no limit before there is a call', () => {
  const { ref } = setUp()
  const odd = { timeout: 100 } as WaitOptions
  assert.throws(() => ref.with(odd), /'timeout': there are .*did you mean 'timeoutMs'\?/)
})

test('a method is the same function each time, and one property after the first use', () => {
  const { ref } = setUp()
  const { get } = ref.call
  assert.equal(ref.call.get, get)
  assert.deepEqual(Object.getOwnPropertyNames(ref.call), ['get'])
})

// Proves: docs/limits.md#methods-kept
test('a table of methods keeps only so many names, and answers to all', () => {
  const { ref, named, caller } = setUp()
  const outside = new NodeRef(caller as OutsideCaller, '.store')
  for (const each of [ref, named, outside] as ServiceRef[]) {
    for (const { call: table } of [each, { call: each.send }, each.with({ timeoutMs: 5 })]) {
      const methods = table as Record<string, (word: string) => unknown>
      for (let i = 0; i < METHODS_KEPT_MAX * 2; i++) void methods[`word${i}`]
      assert.equal(Object.getOwnPropertyNames(table).length, METHODS_KEPT_MAX)
      for (const kept of ['word0']) assert.equal(methods[kept], methods[kept])
    }
  }
})

test('a method beyond those that are kept is called as they are', async () => {
  const { ref, calls, sends } = setUp()
  const call = ref.call as unknown as Record<string, (word: string) => Promise<unknown>>
  const send = ref.send as unknown as Record<string, (word: string) => boolean>
  for (let i = 0; i <= METHODS_KEPT_MAX; i++) {
    await call[`word${i}`]!('a')
    send[`word${i}`]!('b')
  }
  const last = `word${METHODS_KEPT_MAX}`
  assert.deepEqual(calls.at(-1), [10, [last, 'a'], undefined])
  assert.deepEqual(sends.at(-1), [10, [last, 'b']])
})

test('methods with the names of Object.prototype are those of the service', async () => {
  const { ref, calls } = setUp()
  await ref.call.toString()
  assert.deepEqual(calls[0], [10, ['toString'], undefined])
})

test('await of a table of methods calls nothing', async () => {
  const { ref, calls } = setUp()
  const table = await Promise.resolve(ref.call)
  assert.equal(table, ref.call)
  assert.deepEqual(calls, [])
})

test('a reference prints as its address', () => {
  const { ref } = setUp()
  assert.deepEqual([ref.address, `${ref}`], [':0000000a', ':0000000a'])
})

test('a reference by name asks who has it at each use', async () => {
  const { named, names, calls, sends } = setUp()
  const unknown = { code: 'ERR_NAME_UNKNOWN', info: { name: '.store' } }
  await assert.rejects(named.call.get('key'), unknown)
  await assert.rejects(named.with({ timeoutMs: 5 }).call.get('key'), unknown)
  assert.equal(named.send.set('key', 1), false)
  assert.throws(() => named.handle, unknown)
  for (const handle of [7, 8]) {
    names.set('.store', handle)
    await named.call.get('key')
    named.send.set('key', handle)
    assert.equal(named.handle, handle)
  }
  assert.deepEqual([named.address, `${named}`], ['.store', '.store'])
  assert.deepEqual(
    [calls.map(([to]) => to), sends.map(([to]) => to)],
    [
      [7, 8],
      [7, 8],
    ],
  )
})

test('in a log it is named as in errors, and what only looks like one is shown as it is', () => {
  const { ref, named } = setUp()
  assert.equal(inspect([ref, named]), '[ ServiceRef :0000000a, ServiceRef .store ]')
  assert.match(inspect(new Proxy(ref, {})), /target: 10/)
  assert.match(inspect(Object.create(ServiceRef.prototype)), /^ServiceRef/)
})
