/** Mailboxes with a bound: who is refused, what is counted, and who waits. */
import assert from 'node:assert/strict'
import { isSkynetError, type Skynet } from 'skynet-ts'
import type bounded from '../fixtures/bounded.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const LIMIT = 8

/** On this worker: what this service sends in one turn is in the mailbox before any is handled. */
const launch = (skynet: Skynet, limit: number) =>
  skynet.newService<typeof bounded>('./bounded.ts', { args: [limit], on: 'same' })

// Proves: docs/limits.md#mailbox-bound
check('boundMailbox() rejects calls and counts sends beyond it, and not before', async (skynet) => {
  const peer = await launch(skynet, LIMIT)
  const calls = Array.from({ length: LIMIT }, () => peer.call.seen())
  for (let i = 0; i < 5; i++) peer.send.see()
  const refused = peer.call.seen()
  await assert.rejects(refused, (error) => {
    assert.ok(isSkynetError(error, 'ERR_MAILBOX_FULL'), String(error))
    assert.equal(error.info.limit, LIMIT)
    return true
  })
  for (const call of calls) assert.equal(await call, 0, 'as many as it takes are handled')
  assert.deepEqual(await skynet.mailbox(peer.handle), { length: 0, limit: LIMIT, deadLetters: 5 })
  peer.send.see()
  assert.equal(await peer.call.seen(), 1, 'there is room again')
})

// Proves: docs/semantics.md#mailbox
check(
  'mailbox() tells the length from another worker, of one without a bound too',
  async (skynet) => {
    const peer = await skynet.newService<typeof bounded>('./bounded.ts', { args: [], on: 1 })
    assert.deepEqual(await skynet.mailbox(peer.handle), {
      length: 0,
      limit: undefined,
      deadLetters: 0,
    })
    await skynet.kill(peer.handle)
    await assert.rejects(skynet.mailbox(peer.handle), { code: 'ERR_CALL_DEAD' })
    await assert.rejects(skynet.mailbox('.nobody'), { code: 'ERR_NAME_UNKNOWN' })
  },
)

// Proves: docs/semantics.md#room
check('room() waits until a mailbox is half empty: nothing is lost then', async (skynet) => {
  const peer = await skynet.newService<typeof bounded>('./bounded.ts', { args: [64], on: 1 })
  for (let i = 0; i < 2000; i++) {
    if (i % 32 === 0) await skynet.room(peer.handle)
    peer.send.see()
  }
  await skynet.room(peer.handle)
  assert.equal(await peer.call.seen(), 2000)
  assert.equal((await skynet.mailbox(peer.handle)).deadLetters, 0)
})

// Proves: docs/semantics.md#mailbox-orders
check('room() rejects when the service ends meanwhile', async (skynet) => {
  const peer = await launch(skynet, LIMIT)
  for (let i = 0; i < LIMIT; i++) peer.send.see()
  const waiting = assert.rejects(skynet.room(peer.handle), { code: 'ERR_CALL_DEAD' })
  // It overtakes what waits in the mailbox, whose handling would have made room.
  assert.equal(await skynet.kill(peer.handle), true)
  await waiting
})

// Proves: docs/semantics.md#mailbox-orders
check('answers come into a full mailbox', async (skynet, handlers) => {
  handlers.answer = () => 'an answer'
  const peer = await skynet.newService<typeof bounded>('./bounded.ts', { args: [1], on: 1 })
  const asked = peer.call.ask(skynet.self)
  await until('sends are refused', async () => {
    for (let i = 0; i < 100; i++) peer.send.see()
    return (await skynet.mailbox(peer.handle)).deadLetters > 0
  })
  assert.equal(await asked, 'an answer')
  assert.throws(() => skynet.boundMailbox(0), RangeError)
})
