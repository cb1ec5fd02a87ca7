/**
 * Designs that are wrong, each by one rule that it does not have: the simulation must find out.
 * Each is the real one behind a transport or a store that takes the rule away.
 */
import type { NodeTransport } from '../../cluster/core/cluster-node.ts'
import { FRAME_KIND } from '../../cluster/core/frame.ts'
import { decodeBeat, encodeBeat } from '../../cluster/core/records.ts'
import type { ViewedStore } from '../../cluster/core/store-view.ts'
import type { PeerAddress, TransportEvents } from '../../cluster/core/transport.ts'
import { Later } from './later.ts'
import type { ClusterNetwork } from './network.ts'
import type { SimStore } from './sim-store.ts'
import type { SimTransport } from './sim-transport.ts'

export interface Parts {
  readonly transport: NodeTransport
  readonly store: ViewedStore
}

export interface Variant {
  readonly name: string
  /** Records of nodes are deleted when they were not renewed for a lease. */
  readonly hasTtl?: boolean
  /** A link that is full drops what services say, and takes what they say later. */
  readonly dropsSends?: boolean
  parts(transport: SimTransport, store: SimStore, network: ClusterNetwork, now: () => number): Parts
}

export const REAL: Variant = {
  name: 'the real one',
  parts: (transport, store) => ({ transport, store }),
}

/** A transport behind another one, whose events may be changed on their way. */
function behind(
  inner: SimTransport,
  change: (events: TransportEvents) => Partial<TransportEvents>,
  own: Partial<NodeTransport> = {},
): NodeTransport {
  return {
    get events(): TransportEvents {
      return inner.events
    },
    set events(events: TransportEvents) {
      inner.events = { ...events, ...change(events) }
    },
    open: () => inner.open(),
    start: (self) => inner.start(self),
    peerKnown: (record) => inner.peerKnown(record),
    peerGone: (peer) => inner.peerGone(peer),
    send: (to, frame, ticket) => inner.send(to, frame, ticket),
    beat: (frame) => inner.beat(frame),
    ...own,
  }
}

const storeWith = (store: SimStore, own: Partial<ViewedStore>): ViewedStore => ({
  open: () => store.open(),
  cas: (key, value, revision) => store.cas(key, value, revision),
  watch: (each, lost) => store.watch(each, lost),
  ...own,
})

/** What opens has another age or era. */
const openedAs = (
  store: SimStore,
  change: (opened: { era: number; ageMs?: number }) => { era: number; ageMs?: number },
): ViewedStore =>
  storeWith(store, {
    open: () => {
      const later = new Later<{ era: number; ageMs?: number }>()
      store.open().then(
        (opened) => later.resolve(change(opened)),
        (reason) => later.reject(reason),
      )
      return later
    },
  })

const LONG_MS = 1e9
const NUMBER_AT = 24
const KIND_AT = 3
const SESSION_AT = 16

/** Numbers frames anew, as if none had been lost. */
function renumbered(events: TransportEvents): Partial<TransportEvents> {
  const expected = new Map<string, number>()
  return {
    frame: (from: PeerAddress, bytes: Uint8Array, at: number, end: number) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, end - at)
      const key = `${from.node} ${from.epoch} ${view.getUint32(SESSION_AT, true)}`
      const number = expected.get(key) ?? 1
      const kind = view.getUint8(KIND_AT)
      const isCounted = kind === FRAME_KIND.DATA || kind === FRAME_KIND.CHUNK
      if (isCounted || kind === FRAME_KIND.CREDIT) view.setUint32(NUMBER_AT, number, true)
      if (isCounted) expected.set(key, number + 1)
      events.frame(from, bytes, at, end)
    },
  }
}

/** A beat that came back counts as if all others had, up to now. */
function filledIn(
  events: TransportEvents,
  node: string,
  now: () => number,
): Partial<TransportEvents> {
  let last = 0
  return {
    beat: (bytes) => {
      const beat = decodeBeat(bytes)!
      if (beat.node !== node) return events.beat(bytes)
      for (let sentAt = Math.max(last, beat.sentAt); sentAt < now(); sentAt += FILL_MS) {
        events.beat(encodeBeat({ ...beat, sentAt }))
      }
      last = now()
      events.beat(encodeBeat({ ...beat, sentAt: last }))
    },
  }
}
const FILL_MS = 500

/** What other processes of the name of this one say is not heard. */
function deafToItsName(transport: SimTransport): NodeTransport {
  let epoch = 0
  const change = (events: TransportEvents): Partial<TransportEvents> => ({
    beat: (bytes) => {
      const beat = decodeBeat(bytes)!
      if (beat.node !== transport.node || beat.epoch === epoch) events.beat(bytes)
    },
  })
  return behind(transport, change, {
    start: (self) => {
      epoch = self.epoch
      transport.start(self)
    },
  })
}

export const BROKEN: readonly Variant[] = [
  {
    name: 'a newcomer that takes the name of who lives',
    parts: (transport, store) => ({ transport: deafToItsName(transport), store }),
  },
  {
    name: 'records of nodes that expire',
    hasTtl: true,
    parts: (transport, store) => ({ transport, store }),
  },
  {
    name: 'no era in tokens and epochs',
    parts: (transport, store) => ({
      transport,
      store: openedAs(store, (opened) => ({ ...opened, era: 1 })),
    }),
  },
  {
    name: 'no grace after a new era',
    parts: (transport, store) => ({
      transport,
      store: openedAs(store, (opened) => ({ ...opened, ageMs: LONG_MS })),
    }),
  },
  {
    name: 'no echo: who is cut off judges',
    parts: (transport, store, network) => ({
      transport: behind(transport, () => ({}), {
        beat: (frame) => {
          const own = frame.slice()
          transport.beat(frame)
          network.agenda.after(0, () => transport.hear(own))
        },
      }),
      store,
    }),
  },
  {
    name: 'who was stopped or cut off judges at once',
    parts: (transport, store, _network, now) => ({
      transport: behind(transport, (events) => filledIn(events, transport.node, now)),
      store,
    }),
  },
  {
    name: 'credits without reset: a gap is not seen',
    parts: (transport, store) => ({ transport: behind(transport, renumbered), store }),
  },
  {
    name: 'what finds no room is dropped',
    dropsSends: true,
    parts: (transport, store) => ({ transport, store }),
  },
  {
    name: 'writes without comparing',
    parts: (transport, store, network) => ({
      transport,
      store: storeWith(store, {
        cas: (key, value) => {
          const now = network.hub.table.get(key)?.revision ?? 0
          return store.cas(key, value, now)
        },
      }),
    }),
  },
  {
    name: 'refuses what it has delivered',
    parts: (transport, store, network) => ({
      transport: behind(transport, () => ({}), {
        send: (to, frame, ticket) => {
          if (ticket > 0 && network.random.oneIn(64)) transport.refuse(to, ticket)
          return transport.send(to, frame, ticket)
        },
      }),
      store,
    }),
  },
]
