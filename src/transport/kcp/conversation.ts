/**
 * One conversation of KCP, with what KCP has not: it is confirmed, kept alive, closed. The same at
 * both ends. No clock, no socket, no timer of its own: `tick` is called when it is due.
 */
import {
  KCP_CLOSED_MS,
  KCP_CLOSES,
  KCP_CONFIRM_MS,
  KCP_KEEP_ALIVE_MS_MIN,
  KCP_QUIET_MS,
} from '../../base/limits.ts'
import { KcpCore, type KcpSettings } from './core.ts'
import type { Due } from './due-heap.ts'
import {
  type Close,
  closeBytes,
  closedBytes,
  DATA_HEAD_BYTES,
  PACKET_KIND,
  pingBytes,
  pongBytes,
  readClose,
  type Token,
} from './packets.ts'
import type { MessageRefusal } from './receive-window.ts'
import { type Carrier, type DatagramAddress, PacketRoute, type TokenPair } from './route.ts'
import { distance } from './segment.ts'

/** Row: a state. Cell: those that may follow. */
const NEXT = {
  /** Of a server: accepted; nothing has come with its token. */
  greeting: ['open', 'over'],
  open: ['leaving', 'closing', 'over'],
  /** Closed here: what was sent is on its way. */
  leaving: ['closing', 'over'],
  /** The peer is told so, again and again, until it says that it knows. */
  closing: ['over'],
  /** Nothing leaves any more, but for the answer to a peer that closes again. */
  over: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type ConversationState = keyof typeof NEXT

/** Between whom. */
export interface ConversationEnds {
  readonly conv: number
  /** Absent: with bare KCP. */
  readonly tokens: TokenPair | undefined
  readonly address: DatagramAddress
}

/** How it behaves: one object for many. */
export interface ConversationSettings {
  readonly core: KcpSettings
  readonly role: 'client' | 'server'
  /** Nothing was sent for so long: a client pings. */
  readonly keepAliveMs: number
  /** Nothing has come for so long: it has failed. 0: never. */
  readonly idleTimeoutMs: number
  /** How long what was sent may take to arrive after `close`. */
  readonly lingerMs: number
  /** How long a server waits for the first word. */
  readonly handshakeTimeoutMs: number
}

/** What a conversation needs of the side that it is on. */
export interface ConversationHost {
  /** Look again at when it is due. */
  isDue(conversation: Conversation, at: number): void
  /** It is confirmed: it may be handed out. */
  isOpen(conversation: Conversation): void
  /** It was let go before it was open. */
  hasLeft(conversation: Conversation): void
  /** It needs nothing more. */
  isOver(conversation: Conversation): void
}

/** Who has it, and is told. */
export interface ConversationOwner {
  /** Something has come, or left, or ended: look. */
  changed(): void
}

/** How it has ended. */
export interface End {
  /** Undefined: it was closed, here or by the peer, and nothing is missing. */
  readonly failure: string | undefined
  readonly code: number
  readonly reason: string
}

/** The codes by which a peer is told why, when nobody has given one: as of WebSocket. */
const CODE = { late: 1001 } as const
/** Why what has come is no message that is taken. */
const REFUSED: Readonly<Record<MessageRefusal, readonly [code: number, reason: string]>> = {
  large: [1009, 'a message is too long'],
  segments: [1009, 'a message is of more segments than there is room for'],
  malformed: [1002, 'what comes is no message'],
}

export class Conversation implements Due {
  dueAt = 0
  place = -1
  readonly core: KcpCore
  readonly route: PacketRoute
  owner: ConversationOwner | undefined
  /** Why it is no more; undefined: it goes on. */
  end: End | undefined
  readonly #host: ConversationHost
  readonly #carrier: Carrier
  readonly #settings: ConversationSettings
  #state: ConversationState
  /** Has anything come with its token? */
  #isConfirmed: boolean
  #heardAt: number
  #sentAt: number
  /** When data came, or was sent. */
  #dataAt: number
  /** Since something has come. */
  #pings = 0
  /** When the state began. */
  #since: number
  #closes = 0
  #farewell: Close | undefined
  /** How long it answers a peer that says more than it had to. */
  #lateMs = KCP_CLOSED_MS

  constructor(
    host: ConversationHost,
    carrier: Carrier,
    { conv, tokens, address }: ConversationEnds,
    settings: ConversationSettings,
    now: number,
  ) {
    this.#host = host
    this.#carrier = carrier
    this.#settings = settings
    this.route = new PacketRoute(carrier, address, tokens)
    this.core = new KcpCore(conv, settings.core, this.route, now)
    this.#isConfirmed = tokens === undefined
    this.#state = settings.role === 'server' && tokens !== undefined ? 'greeting' : 'open'
    this.#heardAt = now
    this.#sentAt = now
    this.#dataAt = now
    this.#since = now
  }

  get conv(): number {
    return this.core.conv
  }

  get state(): ConversationState {
    return this.#state
  }

  /** May something be sent? */
  get isOpen(): boolean {
    return this.#state === 'open' || this.#state === 'greeting'
  }

  // --- what comes ------------------------------------------------------------------------------

  /**
   * A packet of the peer, by its token.
   *
   * @returns False: it makes no sense.
   */
  input(packet: Buffer, now: number): boolean {
    const kind = packet[0]
    if (this.#state === 'over') return this.#inputLate(kind)
    // Who leaves has not confirmed anything.
    if (kind !== PACKET_KIND.close) this.#heard(now)
    if (kind === PACKET_KIND.data) return this.inputSegments(packet.subarray(DATA_HEAD_BYTES), now)
    if (kind === PACKET_KIND.ping) this.#say(pongBytes)
    else if (kind === PACKET_KIND.close) return this.#peerCloses(readClose(packet), now)
    else if (kind === PACKET_KIND.closed && this.#state === 'closing') this.#over(now, 0)
    return true
  }

  /** It is over here. The peer may not know, or not that we know. */
  #inputLate(kind: number | undefined): boolean {
    if (kind === PACKET_KIND.close) this.#say(closedBytes)
    else if (
      this.#farewell !== undefined &&
      (kind === PACKET_KIND.data || kind === PACKET_KIND.ping)
    ) {
      this.#say((token, conv) => closeBytes(token, conv, this.#farewell!))
    }
    return true
  }

  #say(bytesOf: (token: Token, conv: number) => Uint8Array): void {
    this.route.say((token) => bytesOf(token, this.conv))
  }

  #heard(now: number): void {
    this.#heardAt = now
    this.#pings = 0
    if (this.#isConfirmed) return
    this.#isConfirmed = true
    if (this.#state !== 'greeting') return
    this.#move('open', now)
    this.#host.isOpen(this)
  }

  /** Segments of KCP, and nothing in front. */
  inputSegments(packet: Buffer, now: number): boolean {
    if (this.#state === 'over' || this.#state === 'closing') return true
    if (this.route.tokens === undefined) this.#heard(now)
    const { core } = this
    this.#dataAt = now
    const isTaken = core.input(packet, now)
    if (this.#state !== 'open') core.incoming.clear()
    else if (core.incoming.refused !== undefined) this.#refuse(core.incoming.refused, now)
    if (core.isPressed) this.#carrier.isTouched(this)
    this.#schedule(now)
    this.owner?.changed()
    return isTaken
  }

  #refuse(refused: MessageRefusal, now: number): void {
    const [code, reason] = REFUSED[refused]
    this.#endWith({ failure: reason, code, reason })
    this.#sayClose({ sentUpTo: this.core.outgoing.end, code, reason }, now)
  }

  #peerCloses(close: Close | undefined, now: number): boolean {
    if (close === undefined) return false
    this.#say(closedBytes)
    const { code, reason } = close
    const isCut = this.#state === 'open' && !this.core.incoming.hasAllBefore(close.sentUpTo)
    const failure = isCut
      ? `the peer has closed, and not all of it has come${said(close)}`
      : undefined
    this.#endWith({ failure, code, reason })
    this.#over(now)
    return true
  }

  // --- what leaves -----------------------------------------------------------------------------

  /** @param message Kept as it is. */
  post(message: Buffer): void {
    this.core.send(message)
    this.#carrier.isTouched(this)
  }

  /** The next message that is whole. */
  take(): Buffer | undefined {
    const { core } = this
    const wasFull = core.incoming.isFull
    const message = core.receive()
    // The peer has to be told that there is room.
    if (wasFull && message !== undefined) this.#carrier.isTouched(this)
    return message
  }

  /** The end of a turn in which it was touched. */
  flush(now: number): void {
    if (this.#state === 'over' || this.#state === 'closing') return
    this.#sentAt = now
    this.#dataAt = now
    this.core.flush(now)
    this.#schedule(now)
  }

  /** It has moved, and has proven that: what is under way has gone to where it was. */
  moved(to: DatagramAddress, now: number): void {
    this.route.address = to
    this.core.sendAgain(now)
    this.#carrier.isTouched(this)
  }

  /** Say the first word, by which the server knows that the client knows. */
  confirm(now: number): void {
    this.#ping(now)
    this.#schedule(now)
  }

  // --- its end ---------------------------------------------------------------------------------

  /** Close: what was sent leaves before. Again: nothing happens. */
  close(code: number, reason: string, now: number): void {
    if (!this.isOpen) return
    this.#endWith({ failure: undefined, code, reason })
    this.core.incoming.clear()
    this.#farewell = { sentUpTo: this.core.outgoing.end, code, reason }
    if (this.#state === 'greeting' || this.core.outgoing.isEmpty) this.#sayGoodbye(now)
    else this.#move('leaving', now)
    this.#schedule(now)
  }

  /** It has failed: nothing more leaves but the word that says so. */
  fail(failure: string, now: number): void {
    if (this.#state === 'over' || this.#state === 'closing') return
    this.#endWith({ failure, code: 0, reason: '' })
    this.#sayClose({ sentUpTo: this.core.outgoing.end, code: 0, reason: '' }, now)
  }

  /** Its client has said nothing. If he comes late, he is told. */
  #giveUp(now: number): void {
    const reason = 'not confirmed in time'
    this.#endWith({ failure: reason, code: CODE.late, reason })
    this.#sayClose({ sentUpTo: this.core.outgoing.end, code: CODE.late, reason }, now)
  }

  /** Say the end at once, and no more: whoever carries it goes. */
  abandon(now: number): void {
    if (this.#state === 'over') return
    this.#endWith({ failure: 'its service has ended', code: 0, reason: '' })
    const close = this.#farewell ?? { sentUpTo: this.core.outgoing.end, code: 0, reason: '' }
    for (let i = 0; i < 2; i++) this.#say((token, conv) => closeBytes(token, conv, close))
    this.#over(now)
  }

  #sayGoodbye(now: number): void {
    this.#sayClose(this.#farewell!, now)
  }

  #sayClose(close: Close, now: number): void {
    this.#farewell = close
    this.core.dropOutgoing()
    // Bare KCP has no word for it.
    if (this.route.tokens === undefined) {
      this.#over(now)
      return
    }
    this.#tellClose(now)
    // Nobody has it who would wait, and who comes late to confirm it hears so again.
    if (this.#state === 'greeting') {
      this.#over(now)
      return
    }
    this.#move('closing', now)
    this.#schedule(now)
    this.owner?.changed()
  }

  #tellClose(now: number): void {
    this.#closes++
    this.#sentAt = now
    this.#say((token, conv) => closeBytes(token, conv, this.#farewell!))
  }

  #endWith(end: End): void {
    this.end ??= end
  }

  /** @param lateMs 0: the peer knows. */
  #over(now: number, lateMs = KCP_CLOSED_MS): void {
    if (this.#state === 'over') return
    this.#lateMs = this.route.tokens === undefined ? 0 : lateMs
    this.core.dropOutgoing()
    this.end ??= { failure: undefined, code: 0, reason: '' }
    this.#move('over', now)
    this.#schedule(now)
    this.owner?.changed()
  }

  #move(to: ConversationState, now: number): void {
    const next: readonly ConversationState[] = NEXT[this.#state]
    if (!next.includes(to)) throw new Error(`no move from ${this.#state} to ${to}`)
    const isLeft = this.#state === 'greeting' && to !== 'open'
    this.#state = to
    this.#since = now
    if (isLeft) this.#host.hasLeft(this)
  }

  // --- time ------------------------------------------------------------------------------------

  /** It is due, or may be. */
  tick(now: number): void {
    const { handshakeTimeoutMs, lingerMs, idleTimeoutMs } = this.#settings
    const isSilent = idleTimeoutMs > 0 && now - this.#heardAt >= idleTimeoutMs
    switch (this.#state) {
      case 'greeting':
        if (now - this.#since >= handshakeTimeoutMs) this.#giveUp(now)
        break
      case 'open':
        if (isSilent) this.fail(`silent for ${idleTimeoutMs} ms`, now)
        else this.#goOn(now)
        break
      case 'leaving':
        if (this.core.outgoing.isEmpty || isSilent || now - this.#since >= lingerMs) {
          this.#sayGoodbye(now)
        } else this.#goOn(now)
        break
      case 'closing':
        if (now < this.#closeAgainAt) break
        if (this.#closes >= KCP_CLOSES) this.#over(now)
        else this.#tellClose(now)
        break
      case 'over':
        if (now - this.#since >= this.#lateMs) {
          this.#host.isOver(this)
          return
        }
    }
    this.#schedule(now)
  }

  #goOn(now: number): void {
    const at = this.core.dueAt
    if (at !== undefined && distance(now, at) >= 0) {
      this.core.update(now)
      this.#sentAt = now
      this.#dataAt = now
    } else if (at === undefined && now >= this.#quietAt) {
      this.core.compact()
    }
    if (now >= this.#pingAt) this.#ping(now)
  }

  #ping(now: number): void {
    this.#pings++
    this.#sentAt = now
    this.#say(pingBytes)
  }

  /**
   * A client keeps the way open. What the server sends does not reach one whose address has changed
   * without his knowledge, until he says something: soon after data, then less and less often.
   */
  get #pingAt(): number {
    const { role, keepAliveMs } = this.#settings
    if (role === 'server' || keepAliveMs === 0) return Number.POSITIVE_INFINITY
    if (!this.#isConfirmed) return this.#sentAt + KCP_CONFIRM_MS
    if (this.#pings > 0) return this.#sentAt + KCP_KEEP_ALIVE_MS_MIN
    const pauseMs = Math.max(KCP_KEEP_ALIVE_MS_MIN, 2 * (this.#sentAt - this.#dataAt))
    return this.#sentAt + Math.min(keepAliveMs, pauseMs)
  }

  /** It has been quiet for so long that its memory may go. */
  get #quietAt(): number {
    return Math.max(this.#heardAt, this.#sentAt) + KCP_QUIET_MS
  }

  get #closeAgainAt(): number {
    return this.#sentAt + Math.max(KCP_CONFIRM_MS, 2 * this.core.roundTripMs)
  }

  #schedule(now: number): void {
    this.#host.isDue(this, this.#nextAt(now))
  }

  #nextAt(now: number): number {
    const { handshakeTimeoutMs, lingerMs, idleTimeoutMs } = this.#settings
    const state = this.#state
    if (state === 'over') return this.#since + this.#lateMs
    if (state === 'closing') return this.#closeAgainAt
    if (state === 'greeting') return this.#since + handshakeTimeoutMs
    const { dueAt } = this.core
    let at =
      dueAt === undefined ? Number.POSITIVE_INFINITY : now + Math.max(0, distance(dueAt, now))
    if (state === 'leaving') {
      at = Math.min(at, this.#since + lingerMs)
      if (this.core.outgoing.isEmpty) at = now
    }
    if (idleTimeoutMs > 0) at = Math.min(at, this.#heardAt + idleTimeoutMs)
    if (dueAt === undefined && this.core.isRoomy) at = Math.min(at, this.#quietAt)
    return Math.min(at, this.#pingAt)
  }
}

const said = ({ code, reason }: Close): string =>
  code === 0 ? '' : `: ${code}${reason === '' ? '' : ` ${reason}`}`
