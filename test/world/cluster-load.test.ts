/** A node that is slow, and messages that are large, beside calls that are neither. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { largeBesideSmall, slowNode } from '../support/cluster-load.ts'
import { overNats, overTcp, type Way } from '../support/cluster-ways.ts'
import { isNatsInstalled, NATS_LEFT_OUT, NatsServer } from '../support/nats-server.ts'

const NAMES = ['a', 'b', 'c']
const HELD_SECONDS = 15
/** What may wait for the slow node, and what V8 makes of it. */
const GROWN_BYTES_MAX = 64 * 1024 * 1024

const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
  TCP: () => overTcp(NAMES),
  NATS: async () => overNats(await NatsServer.start()),
}

for (const [how, way] of Object.entries(WAYS)) {
  // Proves: docs/cluster.md#slow
  test(`over ${how} nothing is lost on the way to a node that is slow`, async (t) => {
    if (how === 'NATS' && !isNatsInstalled()) return t.diagnostic(NATS_LEFT_OUT)
    const { sent, received, calm, meanwhile, grown } = await slowNode(await way(), HELD_SECONDS)
    t.diagnostic(`p99 of others ${calm.p99Ms.toFixed(2)} ms, then ${meanwhile.p99Ms.toFixed(2)} ms`)
    t.diagnostic(`grown by ${grown.sender >> 10} KiB and ${grown.slow >> 10} KiB`)
    assert.deepEqual(received, { count: sent, wrong: 0 })
    assert.ok(grown.sender < GROWN_BYTES_MAX && grown.slow < GROWN_BYTES_MAX)
  })

  // Proves: docs/cluster.md#large
  test(`over ${how} small calls pass large ones`, async (t) => {
    if (how === 'NATS' && !isNatsInstalled()) return t.diagnostic(NATS_LEFT_OUT)
    const { large, calm, meanwhile } = await largeBesideSmall(await way(), 3)
    t.diagnostic(`p99 of small calls ${calm.p99Ms.toFixed(2)} ms`)
    t.diagnostic(`beside ${large} of 8 MiB ${meanwhile.p99Ms.toFixed(2)} ms`)
    assert.ok(large > 0 && meanwhile.count > large)
  })
}
