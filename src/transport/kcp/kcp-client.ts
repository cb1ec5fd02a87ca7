/**
 * One client: his handshake, then his conversation. Without socket, clock and timer: `port.ts`
 * brings packets and time.
 */
import {
  KCP_GREET_MS,
  KCP_GREET_MS_MAX,
  KCP_KEEP_ALIVE_MS_MIN,
  KCP_MTU_BYTES_MIN,
  KCP_OPENS_PER_COOKIE,
} from '../../base/limits.ts'
import { Conversation, type ConversationHost } from './conversation.ts'
import type { Secrets } from './cookies.ts'
import type { KcpSettings } from './core.ts'
import { DueHeap } from './due-heap.ts'
import type { Dropped } from './kcp-server.ts'
import {
  type Agreement,
  convOf,
  cookieOf,
  DATA_HEAD_BYTES,
  GREETING_NONCE_BYTES,
  hasToken,
  kcpHelloBytes,
  openBytes,
  PACKET_KIND,
  proofBytes,
  REFUSALS,
  readServerAnswer,
} from './packets.ts'
import type { Carrier, DatagramAddress } from './route.ts'

export interface KcpClientSettings {
  readonly core: KcpSettings
  readonly lingerMs: number
  /** Of bare KCP. */
  readonly idleTimeoutMs: number
  /** How long the handshake may take. */
  readonly connectTimeoutMs: number
}

/** What a client needs of who connects. */
export interface KcpClientHost {
  /** The handshake is done. */
  connected(conversation: Conversation): void
  /** It is in vain. */
  refused(reason: string): void
  /** Nothing more is to come or to leave. */
  isOver(): void
}

export class KcpClient implements ConversationHost {
  readonly dropped: Dropped = { unknown: 0, forged: 0, unproven: 0, malformed: 0 }
  readonly deadlines = new DueHeap<Conversation | Greeter>()
  conversation: Conversation | undefined
  readonly #settings: KcpClientSettings
  readonly #carrier: Carrier & Secrets
  readonly #host: KcpClientHost
  readonly #server: DatagramAddress
  #greeter: Greeter | undefined

  constructor(
    settings: KcpClientSettings,
    carrier: Carrier & Secrets,
    host: KcpClientHost,
    server: DatagramAddress,
  ) {
    this.#settings = settings
    this.#carrier = carrier
    this.#host = host
    this.#server = server
  }

  /** Begin the handshake. */
  greet(now: number): void {
    const mtu = this.#settings.core.mtu + DATA_HEAD_BYTES
    this.#greeter = new Greeter(this, this.newNonce(), mtu, now)
    this.#greeter.tick(now)
  }

  /** Bare KCP: there is nothing to agree on. */
  begin(conv: number, now: number): Conversation {
    const { core, lingerMs, idleTimeoutMs } = this.#settings
    const ends = { conv, tokens: undefined, address: this.#server }
    const times = { keepAliveMs: 0, idleTimeoutMs, lingerMs, handshakeTimeoutMs: 0 }
    const settings = { core, role: 'client' as const, ...times }
    this.conversation = new Conversation(this, this.#carrier, ends, settings, now)
    return this.conversation
  }

  get connectTimeoutMs(): number {
    return this.#settings.connectTimeoutMs
  }

  packet(packet: Buffer, _from: DatagramAddress, now: number): void {
    const { conversation } = this
    if (conversation === undefined) {
      if (this.#greeter?.packet(packet, now) !== true) this.dropped.unknown++
    } else if (conversation.route.tokens === undefined) {
      if (!conversation.inputSegments(packet, now)) this.dropped.malformed++
    } else if (convOf(packet) !== conversation.conv) this.dropped.unknown++
    else if (!hasToken(packet, conversation.route.tokens.in)) this.dropped.forged++
    else if (!this.#input(conversation, packet, now)) this.dropped.malformed++
  }

  #input(conversation: Conversation, packet: Buffer, now: number): boolean {
    if (packet[0] !== PACKET_KIND.prove) return conversation.input(packet, now)
    // We have moved, as the server sees us.
    const cookie = cookieOf(packet)
    if (cookie === undefined) return false
    const { out } = conversation.route.tokens!
    this.#carrier.send(proofBytes(PACKET_KIND.proof, out, conversation.conv, cookie), this.#server)
    return true
  }

  // --- the handshake ---------------------------------------------------------------------------

  newNonce(): Buffer {
    return this.#carrier.randomBytes(GREETING_NONCE_BYTES)
  }

  greets(packet: Buffer): void {
    this.#carrier.send(packet, this.#server)
  }

  agree(agreed: Agreement, now: number): void {
    const { core, lingerMs } = this.#settings
    const { conv, idleTimeoutMs } = agreed
    this.#endGreeting()
    // Whatever a server says, it does not make its client flood it, nor send nothing.
    const keepAliveMs = Math.max(agreed.keepAliveMs, KCP_KEEP_ALIVE_MS_MIN)
    const mtu = Math.max(agreed.mtu, KCP_MTU_BYTES_MIN) - DATA_HEAD_BYTES
    const times = { keepAliveMs, idleTimeoutMs, lingerMs, handshakeTimeoutMs: 0 }
    const ends = { conv, tokens: { out: agreed.up, in: agreed.down }, address: this.#server }
    const settings = { core: { ...core, mtu: Math.min(core.mtu, mtu) }, role: 'client' as const }
    const all = { ...settings, ...times }
    this.conversation = new Conversation(this, this.#carrier, ends, all, now)
    this.conversation.confirm(now)
    this.#host.connected(this.conversation)
  }

  refuse(reason: string): void {
    this.#endGreeting()
    this.#host.refused(reason)
  }

  /** Nobody wants it any more. */
  giveUp(): void {
    this.#endGreeting()
  }

  #endGreeting(): void {
    if (this.#greeter !== undefined) this.deadlines.remove(this.#greeter)
    this.#greeter = undefined
  }

  // --- what the conversation needs -------------------------------------------------------------

  isDue(item: Conversation | Greeter, at: number): void {
    this.deadlines.set(item, at)
  }

  /** The server knows: nobody waits for that here. */
  isOpen(): void {}

  hasLeft(): void {}

  isOver(conversation: Conversation): void {
    this.deadlines.remove(conversation)
    this.#host.isOver()
  }
}

/** Says hello until there is a cookie, then shows it until there is an answer. */
export class Greeter {
  dueAt = 0
  place = -1
  readonly #client: KcpClient
  #nonce: Buffer
  readonly #mtu: number
  readonly #begunAt: number
  #cookie: Buffer | undefined
  #pauseMs = KCP_GREET_MS
  #saidAt = Number.NEGATIVE_INFINITY
  /** Times that this cookie was shown. */
  #shown = 0

  constructor(client: KcpClient, nonce: Buffer, mtu: number, now: number) {
    this.#client = client
    this.#nonce = nonce
    this.#mtu = mtu
    this.#begunAt = now
  }

  /** @returns False: it is no answer to this greeting. */
  packet(packet: Buffer, now: number): boolean {
    const answer = readServerAnswer(packet, this.#nonce)
    if (answer === undefined) return false
    if (answer.kind === 'refuse') {
      this.#client.refuse(REFUSALS[answer.why] || `it says ${answer.why}`)
    } else if (answer.kind === 'accept') {
      this.#client.agree(answer.agreed, now)
    } else {
      // Another one: that of before is good no more. It is shown when it is time to.
      const isFirst = this.#cookie === undefined
      this.#cookie = Buffer.from(answer.cookie)
      if (isFirst) {
        this.#shown = 0
        this.#pauseMs = KCP_GREET_MS
        this.#say(now)
      }
    }
    return true
  }

  tick(now: number): void {
    const { connectTimeoutMs } = this.#client
    const endsAt = this.#begunAt + connectTimeoutMs
    if (now >= endsAt) {
      this.#client.refuse(`no answer within ${connectTimeoutMs} ms`)
      return
    }
    if (now - this.#saidAt >= this.#pauseMs) {
      if (this.#shown >= KCP_OPENS_PER_COOKIE) this.#beginAgain()
      this.#say(now)
    } else this.#client.isDue(this, Math.min(endsAt, this.#saidAt + this.#pauseMs))
  }

  /**
   * The cookie may be too old, or of a server that was started again. Or it has opened what the
   * server has given up meanwhile: it opens nothing again, nor does another one of that greeting.
   */
  #beginAgain(): void {
    this.#cookie = undefined
    this.#shown = 0
    this.#nonce = this.#client.newNonce()
  }

  #say(now: number): void {
    const cookie = this.#cookie
    if (this.#saidAt !== Number.NEGATIVE_INFINITY && cookie === undefined) {
      this.#pauseMs = Math.min(KCP_GREET_MS_MAX, this.#pauseMs * 2)
    }
    this.#saidAt = now
    if (cookie === undefined) this.#client.greets(kcpHelloBytes(this.#nonce))
    else {
      this.#shown++
      this.#client.greets(openBytes(this.#nonce, cookie, this.#mtu))
    }
    const endsAt = this.#begunAt + this.#client.connectTimeoutMs
    this.#client.isDue(this, Math.min(endsAt, now + this.#pauseMs))
  }
}
