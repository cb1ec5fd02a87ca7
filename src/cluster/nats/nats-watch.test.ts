import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Msg } from '@nats-io/transport-node'
import { NatsWatch } from './nats-watch.ts'

const message = (number: number): Msg =>
  ({
    subject: `$KV.sk_g.node.n${number}`,
    reply: `$JS.ACK.s.c.1.${number}.${number}.0.0`,
    data: Buffer.from('x'),
  }) as unknown as Msg

const heartbeat = (number: number): Msg =>
  ({ headers: { code: 100, get: () => `${number}` } }) as unknown as Msg

async function watch(pending: number) {
  let take!: (msg: Msg) => void
  const told: string[] = []
  const host = {
    keys: '$KV.sk_g.',
    begin: async (given: typeof take) => {
      take = given
      return { pending, end: () => {} }
    },
    ended: () => void told.push('ended'),
  }
  const each = ({ key }: { key: string }): void => void told.push(key)
  const made = new NatsWatch(host, each, () => told.push('lost'))
  await null
  return { watch: made, told, take }
}

test('a watch is ready with as many messages as there were', async () => {
  const { watch: made, told, take } = await watch(2)
  take(message(1))
  assert.equal(made.isReady, false)
  take(message(2))
  await made.ready
  assert.deepEqual(told, ['node.n1', 'node.n2'])
  made.close()
})

test('a watch is ready when nothing more waits, though a message was removed', async () => {
  const { watch: made, take } = await watch(2)
  take(message(1))
  assert.equal(made.isReady, false)
  take(heartbeat(1))
  await made.ready
  made.close()
})

test('a heartbeat of another number than ours, and a gap, lose the watch', async () => {
  for (const wrong of [heartbeat(2), message(3)]) {
    const { watch: made, told, take } = await watch(3)
    take(message(1))
    take(wrong)
    await assert.rejects(made.ready, { code: 'ERR_STORE_LOST' })
    assert.deepEqual(told, ['node.n1', 'ended', 'lost'])
  }
})
