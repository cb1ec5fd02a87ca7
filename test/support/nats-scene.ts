/** Ends of a cluster over NATS, for tests: what each was told is kept. */

import type { ClusterStore, ClusterTransport, PeerAddress, StoreEntry } from 'skynet-ts/cluster'
import { type NatsClusterOptions, natsCluster } from 'skynet-ts/cluster-nats'
import { until } from './until.ts'

export interface Told {
  readonly frames: { readonly from: string; readonly text: string }[]
  readonly beats: string[]
  /** Who has sent each of them, as the transport says. */
  readonly beatsOf: (string | undefined)[]
  readonly refused: string[]
  readonly writable: string[]
  readonly resets: string[]
}

export interface NatsEnd extends AsyncDisposable {
  readonly transport: ClusterTransport
  readonly store: ClusterStore
  readonly told: Told
  readonly lines: string[]
}

const named = ({ node, epoch }: PeerAddress): string => `${node}@${epoch}`

export function natsEnd(options: NatsClusterOptions): NatsEnd {
  const lines: string[] = []
  const { transport, store } = natsCluster({ log: (line) => lines.push(line), ...options })
  const told: Told = { frames: [], beats: [], beatsOf: [], refused: [], writable: [], resets: [] }
  transport.events = {
    frame: (from, bytes, at, end) => {
      told.frames.push({ from: named(from), text: Buffer.from(bytes).toString('utf8', at, end) })
    },
    beat: (bytes, from) => {
      told.beats.push(Buffer.from(bytes).toString())
      told.beatsOf.push(from)
    },
    refused: (to, ticket) => void told.refused.push(`${named(to)} ${ticket}`),
    writable: (to) => void told.writable.push(named(to)),
    reset: (of) => void told.resets.push(of === 'all' ? of : named(of)),
    // What a node does then: it says that it lives.
    restored: () => transport.beat(Buffer.from('it lives')),
  }
  return {
    transport,
    store,
    told,
    lines,
    async [Symbol.asyncDispose]() {
      await transport.close()
      await store.close()
    },
  }
}

/** Connected, and at an epoch. */
export async function startedEnd(
  options: NatsClusterOptions,
  epoch: number,
): Promise<NatsEnd & { readonly address: PeerAddress }> {
  const end = natsEnd(options)
  await end.transport.open()
  // Of several servers a beat counts when they agree, and those that have just begun may not yet.
  await until('the store is there', () => end.store.open().catch(() => undefined))
  end.transport.start({ node: options.node, epoch, era: 1 })
  // Its beat comes behind its subscription, and comes back.
  await until('an echo', () => {
    end.transport.beat(Buffer.from(`${options.node} is here`))
    return end.told.beats.includes(`${options.node} is here`)
  })
  return { ...end, address: { node: options.node, epoch } }
}

/** Every entry as a watch has told it, in order. */
export function watched(store: ClusterStore): {
  readonly entries: string[]
  readonly lost: unknown[]
  readonly ready: Promise<void>
  close(): void
} {
  const entries: string[] = []
  const lost: unknown[] = []
  const text = ({ key, value }: StoreEntry): string =>
    value === undefined ? `${key} deleted` : `${key} = ${Buffer.from(value)}`
  const watch = store.watch(
    (entry) => entries.push(text(entry)),
    (reason) => lost.push(reason),
  )
  return { entries, lost, ready: watch.ready, close: () => watch.close() }
}
