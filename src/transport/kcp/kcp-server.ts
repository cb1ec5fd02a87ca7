/**
 * Who comes to a port: strangers who have to prove their address, and conversations. Nothing is
 * kept of a stranger. Without socket, clock and timer: `port.ts` brings packets and time.
 */
import {
  KCP_CLOSED_MAX,
  KCP_GREETINGS_MAX,
  KCP_MTU_BYTES_MIN,
  KCP_PROVE_MS,
} from '../../base/limits.ts'
import { Conversation, type ConversationHost, type ConversationSettings } from './conversation.ts'
import { Cookies, PURPOSE, type Secrets } from './cookies.ts'
import type { KcpSettings } from './core.ts'
import { DueHeap } from './due-heap.ts'
import {
  ADDRESS_PROOF_BYTES,
  type Agreement,
  acceptBytes,
  convOf,
  cookieBytes,
  cookieOf,
  DATA_HEAD_BYTES,
  hasToken,
  PACKET_KIND,
  proofBytes,
  readGreeting,
  readToken,
  refuseBytes,
  type Token,
  VERSION,
  WHY,
} from './packets.ts'
import { RecentOpens } from './recent-opens.ts'
import type { Carrier, DatagramAddress } from './route.ts'
import { write32 } from './segment.ts'

export interface KcpServerSettings {
  readonly core: KcpSettings
  readonly maxConnections: number
  readonly keepAliveMs: number
  readonly idleTimeoutMs: number
  readonly lingerMs: number
  readonly handshakeTimeoutMs: number
}

/** What a server needs of who listens. */
export interface KcpServerHost {
  /** Somebody has proven where he is, and nothing was made for him. Undefined: turn him away. */
  knocks(from: DatagramAddress): Arrival | undefined
  /** A conversation is gone. */
  isOver(): void
}

/** Somebody on his way in. */
export interface Arrival {
  /** His conversation is there, and not confirmed. */
  begins(conversation: Conversation): void
  /** It is confirmed. */
  enters(conversation: Conversation): void
  /** It is gone before that. */
  leaves(): void
}

/** What has been counted. Each of these packets was dropped. */
export interface Dropped {
  /** No packet of this protocol, or of no conversation. */
  unknown: number
  /** Of a conversation, but without its token. */
  forged: number
  /** With a cookie that is too old, or made up. */
  unproven: number
  /** With the token, and nonsense. */
  malformed: number
}

/** Two tokens and a conversation. */
const RANDOM_BYTES = 20

export class KcpServer implements ConversationHost {
  readonly dropped: Dropped = { unknown: 0, forged: 0, unproven: 0, malformed: 0 }
  readonly deadlines = new DueHeap<Conversation>()
  /** Nobody is let in any more. */
  isClosed = false
  readonly #settings: KcpServerSettings
  #common: ConversationSettings | undefined
  readonly #host: KcpServerHost
  readonly #carrier: Carrier & Secrets
  readonly #cookies: Cookies
  readonly #conversations = new Map<number, Conversation>()
  /** Those that only answer a peer that closes again. */
  readonly #over = new Set<Conversation>()
  readonly #opens = new RecentOpens()
  readonly #visitors = new Map<Conversation, Arrival>()

  constructor(
    settings: KcpServerSettings,
    carrier: Carrier & Secrets,
    host: KcpServerHost,
    now: number,
  ) {
    this.#settings = settings
    this.#host = host
    this.#carrier = carrier
    this.#cookies = new Cookies(now, carrier)
  }

  /** Conversations, those that are not confirmed included. */
  get size(): number {
    return this.#conversations.size - this.#over.size
  }

  /** Those, and what is left of former ones. */
  get isEmpty(): boolean {
    return this.#conversations.size === 0
  }

  get conversations(): IterableIterator<Conversation> {
    return this.#conversations.values()
  }

  packet(packet: Buffer, from: DatagramAddress, now: number): void {
    const conv = convOf(packet)
    if (conv !== undefined) this.#known(conv, packet, from, now)
    else this.#stranger(packet, from, now)
  }

  // --- conversations ---------------------------------------------------------------------------

  #known(conv: number, packet: Buffer, from: DatagramAddress, now: number): void {
    const conversation = this.#conversations.get(conv)
    if (conversation === undefined) this.dropped.unknown++
    else if (!hasToken(packet, conversation.route.tokens!.in)) this.dropped.forged++
    else if (!this.#isProven(conversation, packet, from, now)) this.dropped.unproven++
    else if (!conversation.input(packet, now)) this.dropped.malformed++
  }

  /**
   * Is the address known, or proven by this packet? One that is not is asked for a proof. What it
   * has sent counts all the same, as nobody else has the token; but nothing goes there.
   *
   * @returns False: the packet is a proof of nothing.
   */
  #isProven(
    conversation: Conversation,
    packet: Buffer,
    from: DatagramAddress,
    now: number,
  ): boolean {
    const { route } = conversation
    if (Buffer.compare(route.address.bytes, from.bytes) === 0) return true
    const about = aboutOf(conversation.conv)
    if (packet[0] === PACKET_KIND.proof) {
      const cookie = cookieOf(packet)
      if (cookie === undefined) return false
      if (!this.#cookies.isGood(PURPOSE.move, from.bytes, about, now, cookie)) return false
      conversation.moved(this.#carrier.kept(from), now)
    } else if (packet.length >= ADDRESS_PROOF_BYTES && now - route.askedAt >= KCP_PROVE_MS) {
      route.askedAt = now
      const cookie = this.#cookies.make(PURPOSE.move, from.bytes, about, now)
      const { out } = conversation.route.tokens!
      this.#carrier.send(proofBytes(PACKET_KIND.prove, out, conversation.conv, cookie), from)
    }
    return true
  }

  // --- strangers -------------------------------------------------------------------------------

  #stranger(packet: Buffer, from: DatagramAddress, now: number): void {
    const greeting = readGreeting(packet)
    if (greeting === undefined) {
      this.dropped.unknown++
      return
    }
    const { version, nonce, open } = greeting
    const refuse = (why: number): void => this.#carrier.send(refuseBytes(nonce, why), from)
    if (version !== VERSION) refuse(WHY.version)
    else if (open === undefined) this.#giveCookie(from, nonce, now)
    else if (this.#cookies.isGood(PURPOSE.open, from.bytes, nonce, now, open.cookie)) {
      const why = this.#open(from, nonce, open.mtu, now)
      if (why !== undefined) refuse(why)
    } else {
      this.dropped.unproven++
      // It may be of his former address, or too old.
      this.#giveCookie(from, nonce, now)
    }
  }

  #giveCookie(from: DatagramAddress, nonce: Buffer, now: number): void {
    const cookie = this.#cookies.make(PURPOSE.open, from.bytes, nonce, now)
    this.#carrier.send(cookieBytes(nonce, cookie), from)
  }

  /** @returns Why not. */
  #open(from: DatagramAddress, nonce: Buffer, mtu: number, now: number): number | undefined {
    const key = `${from.toString()} ${nonce.toString('latin1')}`
    const before = this.#opens.get(key, now)
    if (before !== undefined) {
      const conversation = this.#conversations.get(before)
      // What we have answered was lost.
      if (conversation?.state === 'greeting') this.#accept(conversation, nonce)
      return undefined
    }
    if (this.isClosed) return WHY.closed
    const isFull = this.size >= this.#settings.maxConnections
    if (isFull || this.#visitors.size >= KCP_GREETINGS_MAX || this.#opens.isFull(now))
      return WHY.full
    const visitor = this.#host.knocks(from)
    if (visitor === undefined) return WHY.turnedAway
    const conversation = this.#make(this.#carrier.kept(from), mtu, now)
    this.#conversations.set(conversation.conv, conversation)
    this.#opens.set(key, conversation.conv, now)
    this.#visitors.set(conversation, visitor)
    this.deadlines.set(conversation, now + this.#settings.handshakeTimeoutMs)
    this.#accept(conversation, nonce)
    visitor.begins(conversation)
    return undefined
  }

  #make(address: DatagramAddress, mtu: number, now: number): Conversation {
    let random: Buffer
    do random = this.#carrier.randomBytes(RANDOM_BYTES)
    while (this.#conversations.has(random.readUInt32LE(16)))
    const tokens: { in: Token; out: Token } = {
      in: readToken(random, 0),
      out: readToken(random, 8),
    }
    const conv = random.readUInt32LE(16)
    const settings = this.#settingsOf(Math.max(mtu, KCP_MTU_BYTES_MIN) - DATA_HEAD_BYTES)
    return new Conversation(this, this.#carrier, { conv, tokens, address }, settings, now)
  }

  /** With packets of a client: hardly any client has others than most. */
  #settingsOf(mtu: number): ConversationSettings {
    const { core, ...times } = this.#settings
    this.#common ??= { core, role: 'server', ...times }
    if (mtu >= core.mtu) return this.#common
    return { ...this.#common, core: { ...core, mtu } }
  }

  #accept({ conv, route, core }: Conversation, nonce: Buffer): void {
    const { address, tokens } = route
    const mtu = core.mtu + DATA_HEAD_BYTES
    const { keepAliveMs, idleTimeoutMs } = this.#settings
    const up = tokens!.in
    const down = tokens!.out
    const agreed: Agreement = { conv, up, down, mtu, keepAliveMs, idleTimeoutMs }
    this.#carrier.send(acceptBytes(nonce, agreed), address)
  }

  // --- what conversations need -----------------------------------------------------------------

  isDue(conversation: Conversation, at: number): void {
    // One that is gone may be closed still by who has it.
    if (this.#conversations.get(conversation.conv) !== conversation) return
    if (conversation.state === 'over') this.#keepFew(conversation)
    this.deadlines.set(conversation, at)
  }

  isOpen(conversation: Conversation): void {
    const visitor = this.#visitors.get(conversation)
    this.#visitors.delete(conversation)
    visitor?.enters(conversation)
  }

  hasLeft(conversation: Conversation): void {
    const visitor = this.#visitors.get(conversation)
    this.#visitors.delete(conversation)
    visitor?.leaves()
  }

  isOver(conversation: Conversation): void {
    this.#over.delete(conversation)
    this.#conversations.delete(conversation.conv)
    this.deadlines.remove(conversation)
    this.#host.isOver()
  }

  #keepFew(conversation: Conversation): void {
    this.#over.add(conversation)
    if (this.#over.size <= KCP_CLOSED_MAX) return
    const [oldest] = this.#over
    this.isOver(oldest!)
  }
}

function aboutOf(conv: number): Buffer {
  const about = Buffer.alloc(4)
  write32(about, 0, conv)
  return about
}
