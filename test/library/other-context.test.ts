/** Services of code in another context of `node:vm`, as in Jest and in vitest with vmThreads. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import { defineService } from 'skynet-ts'
import { testNode } from 'skynet-ts/testing'

type Definition = ReturnType<typeof defineService>
const MODULE = `(defineService) => defineService((skynet) => ({
  echo: (value) => value,
  make: () => ({ x: 1, list: [1, new Map([['k', new Set([2])]])], at: new Date(5) }),
  fail: () => { throw new RangeError('too far', { cause: new TypeError('why') }) },
  failLater: () => void skynet.fork(() => { throw new RangeError('in a fork') }),
}))`

function define(): Definition {
  const make = runInContext(MODULE, createContext({})) as (d: typeof defineService) => Definition
  return make(defineService)
}

// Proves: docs/semantics.md#message-same
test('a service of another vm context sends and answers what others do', async () => {
  await using node = await testNode()
  const service = await node.launch(define())
  const { call } = service as unknown as {
    call: Record<'echo' | 'make' | 'fail' | 'failLater', (...args: unknown[]) => Promise<unknown>>
  }
  assert.deepStrictEqual(await call.echo({ a: [1] }), { a: [1] })
  assert.deepStrictEqual(await call.make(), {
    x: 1,
    list: [1, new Map([['k', new Set([2])]])],
    at: new Date(5),
  })
  await assert.rejects(call.fail(), (error: RangeError) => {
    assert.ok(error instanceof RangeError && error.cause instanceof TypeError)
    assert.deepEqual([error.name, error.message], ['RangeError', 'too far'])
    return true
  })
  await call.failLater()
  await node.settled()
  const line = node.log.all.find(({ level }) => level === 'error')
  assert.match(line!.text, /^fork: RangeError: in a fork\n {4}at /)
})
