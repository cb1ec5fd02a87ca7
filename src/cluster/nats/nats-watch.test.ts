import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Msg } from '@nats-io/transport-node'
import {
  NATS_PASSED_OVER_MAX,
  NATS_WATCH_CHECK_MS,
  NATS_WATCH_IDLE_MS,
  NATS_WATCH_SILENT_MS,
} from '../../base/limits.ts'
import { NatsWatch } from './nats-watch.ts'

const message = (number: number, revision = number): Msg =>
  ({
    subject: `$KV.sk_g.node.n${number}`,
    reply: `$JS.ACK.s.c.1.${revision}.${number}.0.0`,
    data: Buffer.from('x'),
  }) as unknown as Msg

const heartbeat = (number: number, passed = number): Msg => {
  const get = (name: string): string => `${name === 'Nats-Last-Consumer' ? number : passed}`
  return { headers: { code: 100, get } } as unknown as Msg
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await turn()
}

/** @param stored Revisions that a server has. */
async function watch(
  pending: number,
  stored: readonly number[] = [],
  answer = async (revision: number): Promise<boolean> => stored.includes(revision),
  led = { keys: 0, revision: 0 },
) {
  let take!: (msg: Msg) => void
  const told: string[] = []
  const asked: number[] = []
  const clock = { ms: 0 }
  const last: { revision: number | undefined } = { revision: undefined }
  let every: { readonly ms: number; readonly act: () => void } | undefined
  const pass = async (ms: number): Promise<void> => {
    for (const end = clock.ms + ms; clock.ms < end; ) {
      clock.ms += every?.ms ?? ms
      every?.act()
      await turns()
    }
  }
  const host = {
    keys: '$KV.sk_g.',
    led,
    begin: async (given: typeof take) => {
      take = given
      return { pending, end: () => {} }
    },
    has: (revision: number) => {
      asked.push(revision)
      return answer(revision)
    },
    last: async () => last.revision,
    now: () => clock.ms,
    every: (ms: number, act: () => void) => {
      every = { ms, act }
      return () => {
        every = undefined
      }
    },
    ended: () => void told.push('ended'),
  }
  const each = ({ key }: { key: string }): void => void told.push(key)
  const made = new NatsWatch(host, each, () => told.push('lost'))
  await null
  return { watch: made, told, asked, take, last, pass }
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

// Proves: docs/cluster-nats.md#passed-over
test('what was passed over, and is there, loses the watch', async () => {
  for (const next of [message(3, 7), heartbeat(2, 6)]) {
    const { told, asked, take } = await watch(2, [2, 4, 5])
    take(message(1))
    take(message(2))
    take(next)
    await turns()
    assert.deepEqual(asked, [3, 4])
    assert.deepEqual(told.slice(-2), ['ended', 'lost'])
  }
})

test('what was passed over because it was written anew is no loss', async () => {
  const { watch: made, told, asked, take } = await watch(1, [1, 4])
  take(message(1))
  take(message(2, 4))
  take(heartbeat(2, 6))
  take(heartbeat(2, 6))
  await turns()
  assert.deepEqual(asked, [2, 5, 3, 6])
  assert.deepEqual(told, ['node.n1', 'node.n2'])
  made.close()
})

test('a list has gaps, and what was there before is not asked for', async () => {
  const led = { keys: 2, revision: 9 }
  const { watch: made, asked, take } = await watch(2, [], undefined, led)
  take(message(1, 5))
  take(message(2, 9))
  take(heartbeat(2, 9))
  await made.ready
  assert.deepEqual(asked, [])
  made.close()
})

// Proves: docs/cluster-nats.md#passed-over
test('what was written since the server that leads was asked is missed in the list', async () => {
  for (const stored of [
    [5, 9],
    [5, 7, 9],
  ]) {
    const led = { keys: 1, revision: 5 }
    const { watch: made, told, asked, take } = await watch(2, stored, undefined, led)
    take(message(1, 5))
    take(message(2, 9))
    await turns()
    assert.deepEqual(asked, stored.includes(7) ? [6, 7] : [6, 7, 8])
    assert.equal(told.at(-1), stored.includes(7) ? 'lost' : 'node.n2')
    made.close()
  }
})

// Proves: docs/limits.md#nats-passed-over
test('a watch asks for so many that it has passed over, and is lost with one more', async () => {
  const { watch: made, told, asked, take } = await watch(1)
  take(message(1))
  take(message(2, 2 + NATS_PASSED_OVER_MAX))
  await turns()
  assert.equal(asked.length, NATS_PASSED_OVER_MAX)
  take(message(3, 4 + 2 * NATS_PASSED_OVER_MAX))
  assert.deepEqual(told, ['node.n1', 'node.n2', 'ended', 'lost'])
  await assert.doesNotReject(made.ready)
})

test('a server that does not answer what there is loses the watch', async () => {
  const { told, take } = await watch(1, [], () => Promise.reject(new Error('timeout')))
  take(message(1))
  take(message(2, 3))
  await turns()
  assert.deepEqual(told.slice(-2), ['ended', 'lost'])
})

test('a list with less than the server has that leads loses the watch', async () => {
  for (const { keys, revision, lacks } of [
    { keys: 2, revision: 9, lacks: '' },
    { keys: 3, revision: 9, lacks: '2 keys of 3, at 9 of 9' },
    { keys: 2, revision: 10, lacks: '2 keys of 2, at 9 of 10' },
  ]) {
    const { watch: made, told, take } = await watch(2, [], undefined, { keys, revision })
    take(message(1))
    take(message(2))
    assert.equal(made.isReady, false, 'the last one may have been forgotten')
    take(heartbeat(2, 9))
    if (lacks === '') await made.ready
    else await assert.rejects(made.ready, (error: Error) => error.message.includes(lacks))
    assert.equal(told.at(-1), lacks === '' ? 'node.n2' : 'lost')
    made.close()
  }
})

test('a watch that is silent is lost, and one that gets heartbeats is not', async () => {
  const { told, take, pass } = await watch(1)
  take(message(1))
  await pass(NATS_WATCH_SILENT_MS - NATS_WATCH_IDLE_MS)
  take(heartbeat(1))
  await pass(NATS_WATCH_SILENT_MS - NATS_WATCH_IDLE_MS)
  assert.deepEqual(told, ['node.n1'])
  await pass(NATS_WATCH_IDLE_MS)
  assert.deepEqual(told, ['node.n1', 'ended', 'lost'])
})

test('a watch that stays behind the server that leads is lost, though nobody writes', async () => {
  for (const isBehind of [true, false]) {
    const { watch: made, told, take, last, pass } = await watch(1)
    take(message(1))
    last.revision = 2
    const beats = async (ms: number, number: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += NATS_WATCH_IDLE_MS) {
        take(heartbeat(number))
        await pass(NATS_WATCH_IDLE_MS)
      }
    }
    await beats(NATS_WATCH_CHECK_MS + NATS_WATCH_SILENT_MS - NATS_WATCH_IDLE_MS, 1)
    assert.deepEqual(told, ['node.n1'])
    if (!isBehind) take(message(2))
    await beats(NATS_WATCH_IDLE_MS, isBehind ? 1 : 2)
    assert.equal(told.at(-1), isBehind ? 'lost' : 'node.n2')
    made.close()
  }
})

// Proves: docs/cluster-nats.md#never
test('a watch that was told more than the server has that leads is lost', async () => {
  for (const revision of [8, 9]) {
    const { watch: made, told, take, last, pass } = await watch(1)
    take(message(1, 9))
    last.revision = revision
    for (let passed = 0; passed < NATS_WATCH_CHECK_MS; passed += NATS_WATCH_IDLE_MS) {
      take(heartbeat(1, 9))
      assert.deepEqual(told, ['node.n1'])
      await pass(NATS_WATCH_IDLE_MS)
    }
    assert.equal(told.at(-1), revision < 9 ? 'lost' : 'node.n1')
    made.close()
  }
})

test('what comes while the server that leads is asked is no more than it has', async () => {
  const { watch: made, told, take, last, pass } = await watch(1)
  take(message(1))
  await pass(NATS_WATCH_SILENT_MS - NATS_WATCH_IDLE_MS)
  take(heartbeat(1))
  const get = (): number => {
    take(message(2))
    return 1
  }
  Object.defineProperty(last, 'revision', { get })
  await pass(NATS_WATCH_CHECK_MS - NATS_WATCH_SILENT_MS + NATS_WATCH_IDLE_MS)
  assert.deepEqual(told, ['node.n1', 'node.n2'])
  made.close()
})
