/** What a node that is slow, or takes large messages, does to the others. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Received } from '../fixtures/cluster-load.ts'
import type { Times } from '../fixtures/cluster-pinger.ts'
import { type ClusterNode, ClusterNodes } from './cluster-nodes.ts'
import type { Way } from './cluster-ways.ts'
import { until } from './until.ts'

const NAMES = ['a', 'b', 'c']
const STREAM = { bytes: 1024, perSecond: 300 }
const LARGE_BYTES = 8 * 1024 * 1024

const rssOf = (node: ClusterNode): Promise<number> => node.child.request<number>('rssNow')

export interface Slow {
  readonly sent: number
  readonly received: Received
  /** Of calls between others, before and meanwhile. */
  readonly calm: Times
  readonly meanwhile: Times
  /** How much more memory each process had at most, in bytes. */
  readonly grown: { readonly sender: number; readonly slow: number }
}

/** The worker of c does nothing for so long, while b sends to it, and a calls b. */
export async function slowNode(way: Way, seconds: number): Promise<Slow> {
  await using nodes = await ClusterNodes.start(way, NAMES, 'cluster-load')
  const [a, b, c] = NAMES.map((name) => nodes.node(name)) as [ClusterNode, ClusterNode, ClusterNode]
  const calm = await a.ask<Times>('ping', { to: 'b', seconds: 2 })
  await b.ask('stream', { to: 'c', seconds: 1, ...STREAM })
  const before = { sender: await rssOf(b), slow: await rssOf(c) }
  const grown = { sender: 0, slow: 0 }
  await a.ask('hold', { to: 'c', seconds })
  const sending = b.ask<number>('stream', { to: 'c', seconds, ...STREAM })
  const pinging = a.ask<Times>('ping', { to: 'b', seconds })
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      grown.sender = Math.max(grown.sender, (await rssOf(b)) - before.sender)
      grown.slow = Math.max(grown.slow, (await rssOf(c)) - before.slow)
      await sleep(100)
    }
  })()
  const sent = STREAM.perSecond + (await sending)
  const meanwhile = await pinging
  isOver = true
  await watching
  const received = await until('all that was sent has come', async () => {
    const now = await c.ask<Received>('received')
    return now.count >= sent && now
  })
  return { sent, received, calm, meanwhile, grown }
}

export interface Large {
  readonly large: number
  readonly calm: Times
  readonly meanwhile: Times
}

/** Calls of 8 MiB from b to c, one behind the other, and small ones beside them. */
export async function largeBesideSmall(way: Way, seconds: number): Promise<Large> {
  await using nodes = await ClusterNodes.start(way, NAMES, 'cluster-load')
  const b = nodes.node('b')
  const calm = await b.ask<Times>('ping', { to: 'c', seconds })
  const blobs = b.ask<number>('blobs', { to: 'c', seconds, bytes: LARGE_BYTES })
  const meanwhile = await b.ask<Times>('ping', { to: 'c', seconds })
  return { large: await blobs, calm, meanwhile }
}
