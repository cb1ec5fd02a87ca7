/** Answers that are not what a method returns: later, by somebody else, or not at all. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isSkynetError, type Skynet } from 'skynet-ts'
import type asked from '../fixtures/asked.ts'
import type debtor from '../fixtures/debtor.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

const launch = (skynet: Skynet, on: 'same' | number) =>
  skynet.newService<typeof debtor>('./debtor.ts', { on })
const launchAsked = (skynet: Skynet, on: 'same' | number) =>
  skynet.newService<typeof asked>('./asked.ts', { on })
const another = (skynet: Skynet) =>
  skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })

for (const [place, on] of [
  ['same', 'same'],
  ['other', 1],
] as const) {
  // Proves: docs/semantics.md#response
  check(`response() is answered later, each caller once, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, on)
    const calls = [peer.call.later(), peer.call.later(), peer.call.later()]
    await until('all are asked', async () => (await peer.call.wanted()).length === 3)
    assert.deepEqual(await peer.call.answer({ ticks: 1 }), [true, true, true])
    assert.deepEqual(await Promise.all(calls), [{ ticks: 1 }, { ticks: 1 }, { ticks: 1 }])
    const refused = peer.call.later()
    assert.deepEqual(await peer.call.reject(new RangeError('no')), [true])
    await assert.rejects(refused, { name: 'RangeError', message: 'no' })
    assert.equal(await peer.call.early(), 'early')
    await until('nothing is left', async () => (await peer.call.tasks()).length === 0)
  })

  // Proves: docs/semantics.md#response-end
  check(`response() rejects the calls when its service ends, ${place} worker`, async (skynet) => {
    for (const end of ['kill', 'exit'] as const) {
      const peer = await launch(skynet, on)
      const calls = Promise.allSettled([peer.call.later(), peer.call.later()])
      assert.deepEqual(await peer.call.wanted(), [true, true])
      if (end === 'kill') assert.equal(await skynet.kill(peer.handle), true)
      else peer.send.exit()
      for (const call of await calls) {
        assert.equal((call as { reason?: { code: string } }).reason?.code, 'ERR_CALL_DEAD')
      }
    }
  })
}

const self = (skynet: Skynet): string => `:${skynet.self.toString(16).padStart(8, '0')}`

// Proves: docs/semantics.md#response-end
check('a service that ends is logged with the responses it owes', async (skynet) => {
  const peer = await launch(skynet, 1)
  const call = peer.call.later()
  await peer.call.wanted()
  await skynet.kill(peer.handle)
  await assert.rejects(call, { code: 'ERR_CALL_DEAD' })
  const line = `ended and owes ${self(skynet)} the response of method later`
  const log = String(skynet.getenv('logger'))
  await until('it is logged', () => readFileSync(log, 'utf8').includes(line))
})

// Proves: docs/semantics.md#response-twice
check('response() that is answered twice throws, and the first answer counts', async (skynet) => {
  const peer = await launch(skynet, 1)
  const call = peer.call.later()
  assert.equal(await peer.call.twice(), 'ERR_RESPONSE_TWICE')
  assert.equal(await call, 'once')
})

// Proves: docs/semantics.md#response-unwanted
check('response() says when its caller is gone, and answers nobody', async (skynet) => {
  const peer = await launch(skynet, 1)
  const caller = await another(skynet)
  caller.send.call(peer.handle, 'later')
  await until('it is asked', async () => (await peer.call.wanted()).length === 1)
  assert.deepEqual(await peer.call.wanted(), [true])
  await skynet.kill(caller.handle)
  assert.deepEqual(await peer.call.wanted(), [false])
  assert.deepEqual(await peer.call.answer('nobody'), [false])
})

// Proves: docs/semantics.md#response-unwanted
check('response() of a send has nobody to answer', async (skynet) => {
  const peer = await launch(skynet, 1)
  peer.send.later()
  assert.deepEqual(await peer.call.wanted(), [false])
  assert.deepEqual(await peer.call.answer('nobody'), [false])
})

// Proves: docs/semantics.md#response-refused
check('response() that cannot be sent throws, and its caller is told', async (skynet) => {
  const peer = await launch(skynet, 1)
  const call = peer.call.later()
  const isRefused = assert.rejects(call, { code: 'ERR_MESSAGE_UNSUPPORTED' })
  assert.equal(await peer.call.unsendable(), 'ERR_MESSAGE_UNSUPPORTED')
  await isRefused
})

// Proves: docs/semantics.md#response
check('a method that takes its response and throws answers with the error', async (skynet) => {
  const peer = await launch(skynet, 1)
  await assert.rejects(peer.call.throwNow(), {
    name: 'RangeError',
    message: /^took it, and threw$/,
  })
  await assert.rejects(peer.call.throwLater(), { message: 'took it, and threw later' })
  assert.equal(await peer.call.throwAfterwards(), 'fine')
})

// Proves: docs/semantics.md#response-forgotten
check('response() that is dropped unanswered is told to its caller and the log', async (skynet) => {
  const peer = await launch(skynet, 1)
  const call = peer.call.forget()
  let isTold = false
  const told = assert.rejects(call, (error) => {
    isTold = true
    assert.ok(isSkynetError(error, 'ERR_RESPONSE_FORGOTTEN'))
    assert.equal(error.info.method, 'method forget')
    return true
  })
  await until('it is collected', async () => {
    await peer.call.collect()
    return isTold
  })
  await told
  const log = String(skynet.getenv('logger'))
  await until('it is logged', () => readFileSync(log, 'utf8').includes('Maybe forgot response'))
})

// Proves: docs/semantics.md#response-where
check('response(), ignoreRet() and context() refuse where nobody asks', async (skynet) => {
  const none = { code: 'ERR_NO_REQUEST' }
  assert.throws(() => skynet.response(), none)
  assert.throws(() => skynet.ignoreRet(), none)
  assert.throws(() => skynet.context(), none)
  const peer = await launchAsked(skynet, 1)
  const codes = ['ERR_NO_REQUEST', 'ERR_NO_REQUEST', 'ERR_NO_REQUEST']
  assert.deepEqual(await peer.call.tooLate(), codes)
  assert.equal(await peer.call.secondTime(), 'done')
})

// Proves: docs/semantics.md#response-where
check('context() tells who asks', async (skynet, handlers) => {
  const peer = await launchAsked(skynet, 1)
  const { source, session } = await peer.call.context()
  assert.equal(source, skynet.self)
  assert.ok(session > 0)
  let seen: unknown
  handlers.note = () => {
    seen = skynet.context()
  }
  skynet.send(skynet.self, 'note')
  await until('it came', () => seen !== undefined)
  assert.deepEqual(seen, { source: skynet.self, session: 0 })
})

// Proves: docs/semantics.md#ignore-ret
check('ignoreRet() leaves the answer to whom the request is redirected', async (skynet) => {
  const peer = await launchAsked(skynet, 'same')
  const other = await another(skynet)
  assert.equal(await peer.call.passOn(other.handle), 1)
  const waits = skynet.ref<typeof asked>(peer.handle).with({ timeoutMs: 20 })
  await assert.rejects(waits.call.silent(), { code: 'ERR_CALL_TIMEOUT' })
  assert.deepEqual((await peer.call.tasks()).length, 0)
})

// Proves: docs/semantics.md#sessions
check('a million calls leave nothing behind', async (skynet, handlers) => {
  handlers.echo = (value: number) => value
  const { call } = skynet.ref<typeof subject>(skynet.self)
  let sum = 0
  for (let i = 0; i < 10_000; i++) {
    const answers = (await Promise.all(Array.from({ length: 100 }, () => call.echo(1)))) as number[]
    for (const answer of answers) sum += answer
  }
  assert.equal(sum, 1_000_000)
  assert.deepEqual(skynet.tasks(), [])
  assert.deepEqual([skynet.stat('task'), skynet.stat('mqlen')], [0, 0])
  assert.ok(skynet.stat('message') >= 2_000_000)
})
