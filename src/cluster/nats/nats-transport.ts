/** Frames between nodes by way of NATS. `subjects.ts` says who hears what. */
import type { Msg, NatsConnection, PublishOptions } from '@nats-io/transport-node'
import { queueMicrotask } from '../../base/event-loop.ts'
import { NATS_SENDERS_KEPT_MAX } from '../../base/limits.ts'
import type {
  ClusterSelf,
  ClusterTransport,
  NodeRecord,
  PeerAddress,
  TransportEvents,
} from '../core/transport.ts'
import { faultOf } from './faults.ts'
import { Flow } from './flow.ts'
import { Hearing } from './hearing.ts'
import type { ClientUser, NatsClient } from './nats-client.ts'
import { refusedOf, type Subjects, tokenOf } from './subjects.ts'
import { Witness } from './witness.ts'

/** How frames go to a peer. */
interface Way {
  readonly to: PeerAddress
  readonly subject: string
  /** The ticket belongs behind it. */
  readonly refusal: string
  readonly options: PublishOptions
}

/** What it needs of the store. */
export interface StoreLook {
  /** Finds out whether it can be used. */
  open(): Promise<unknown>
  /** Rejects when most of its servers do not answer now. */
  agree(): Promise<unknown>
}

const NO_RESPONDERS = 503

export class NatsTransport implements ClusterTransport, ClientUser {
  events!: TransportEvents
  readonly #client: NatsClient
  readonly #store: StoreLook
  readonly #witness: Witness
  readonly #subjects: Subjects
  readonly #hearing = new Hearing()
  readonly #flow: Flow
  #connection: NatsConnection | undefined
  #self: ClusterSelf | undefined
  /** One for each node: its latest epoch. */
  readonly #ways = new Map<string, Way>()
  /** Who waits to hear `writable`. */
  readonly #waiting = new Map<string, PeerAddress>()
  /** By subject, which so is read once. */
  readonly #senders = new Map<string, PeerAddress>()
  #isClosed = false

  constructor(client: NatsClient, store: StoreLook) {
    this.#client = client
    this.#store = store
    this.#witness = new Witness({
      agree: () => store.agree(),
      echo: (bytes) => {
        if (!this.#isClosed) this.events.beat(bytes)
      },
    })
    this.#subjects = client.options.subjects
    const ping = (): Promise<void> => this.#connection!.flush()
    this.#flow = new Flow(ping, () => this.#tellWritable())
    client.use(this)
  }

  /**
   * Connects, and makes sure that we may do what we must. A server that is not there keeps no node
   * from starting: who opens the store tries on.
   *
   * @throws {SkynetError} `ERR_CLUSTER_AUTH`, `ERR_NATS_SERVER`, `ERR_PACKAGE_MISSING`
   */
  async open(): Promise<readonly string[]> {
    this.#hearing.add(this.#subjects.beats, (msg) => this.#takeBeat(msg))
    this.#hearing.add(this.#subjects.refusals, (msg) => this.#takeRefusal(msg))
    // Whoever greets us before we know our epoch, which is that of a write that others may see
    // sooner, is not refused: it greets again. And nobody would be told later that we may not.
    if (this.#self === undefined) this.#hearing.add(this.#subjects.inbox('*'), () => {})
    try {
      const connection = await this.#client.open()
      this.up(connection)
      await this.#hearing.agreed()
      await this.#store.open()
    } catch (error) {
      const fault = faultOf(error, this.#client.address)
      if (fault.code !== 'ERR_STORE_LOST') throw fault
    }
    return []
  }

  start(self: ClusterSelf): void {
    const before = this.#self?.epoch ?? '*'
    this.#self = self
    if (before === self.epoch) return
    this.#hearing.add(this.#subjects.inbox(self.epoch), (msg) => this.#takeFrame(msg))
    this.#hearing.remove(this.#subjects.inbox(before))
    this.#ways.clear()
    queueMicrotask(() => this.#tellWritable())
  }

  peerKnown({ node, epoch }: NodeRecord): void {
    this.#witness.known(tokenOf(node))
    if (this.#ways.get(node)?.to.epoch !== epoch) this.#ways.delete(node)
  }

  peerGone({ node, epoch }: PeerAddress): void {
    this.#witness.gone(tokenOf(node))
    if (this.#ways.get(node)?.to.epoch === epoch) this.#ways.delete(node)
    if (this.#waiting.get(node)?.epoch === epoch) this.#waiting.delete(node)
  }

  send(to: PeerAddress, frame: Uint8Array, ticket: number): boolean {
    if (!this.#isUp || this.#self === undefined || this.#flow.isFull) {
      this.#waiting.set(to.node, to)
      return false
    }
    const way = this.#wayTo(to, this.#self)
    way.options.reply = way.refusal + ticket
    // nats.js keeps the bytes until the end of this turn.
    this.#connection!.publish(way.subject, new Uint8Array(frame), way.options)
    this.#flow.add(frame.length)
    return true
  }

  beat(frame: Uint8Array): void {
    if (!this.#isUp) return
    const bytes = new Uint8Array(frame)
    this.#connection!.publish(this.#subjects.beat, bytes)
    if (this.#client.isOfMany) this.#witness.sent(bytes)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#hearing.clear()
    // What was handed over goes before the connection does; nobody waits for one that is cut.
    if (this.#client.isUp) await this.#connection?.flush().catch(() => {})
    await this.#client.leave(this)
  }

  /** @internal */
  up(connection: NatsConnection): void {
    this.#connection = connection
    this.#hearing.renew(connection)
    if (!this.#isClosed) this.events.restored()
    this.#tellWritable()
  }

  /** @internal */
  down(): void {
    this.#flow.reset()
    this.#witness.cut()
    if (!this.#isClosed) this.events.reset('all')
  }

  /** @internal */
  denied(operation: 'publish' | 'subscription', subject: string): void {
    const way = [...this.#ways.values()].find((each) => each.subject === subject)
    if (operation === 'publish' && way !== undefined) this.events.refused(way.to)
  }

  get #isUp(): boolean {
    return this.#client.isUp && !this.#isClosed
  }

  #wayTo(to: PeerAddress, self: ClusterSelf): Way {
    const known = this.#ways.get(to.node)
    if (known !== undefined && known.to.epoch === to.epoch) return known
    const subject = this.#subjects.frame(to, self.epoch)
    const way = { to, subject, refusal: this.#subjects.refusal(to), options: {} }
    this.#ways.set(to.node, way)
    return way
  }

  #tellWritable(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const peer of waiting) if (!this.#isClosed) this.events.writable(peer)
  }

  #takeBeat({ subject, data }: Msg): void {
    const isOurs = subject === this.#subjects.beat
    if (isOurs && this.#client.isOfMany && this.#witness.back(data)) return
    this.events.beat(data, this.#subjects.beatOf(subject))
    if (!isOurs) this.#witness.heard(subject.slice(this.#subjects.beats.length - 1))
  }

  #takeFrame(msg: Msg): void {
    const { subject, data } = msg
    const from = this.#senderOf(subject)
    // What others than nodes have sent is nobody's.
    if (from === undefined || this.#isClosed) return
    this.events.frame(from, data, 0, data.length)
  }

  #senderOf(subject: string): PeerAddress | undefined {
    const known = this.#senders.get(subject)
    if (known !== undefined) return known
    const from = this.#subjects.senderOf(subject)
    if (from === undefined) return undefined
    if (this.#senders.size >= NATS_SENDERS_KEPT_MAX) this.#senders.clear()
    this.#senders.set(subject, from)
    return from
  }

  #takeRefusal(msg: Msg): void {
    if (msg.headers?.code !== NO_RESPONDERS || this.#isClosed) return
    const refused = refusedOf(msg.subject)
    if (refused === undefined) return
    if (refused.ticket === 0) this.events.refused(refused.to)
    else this.events.refused(refused.to, refused.ticket)
  }
}
