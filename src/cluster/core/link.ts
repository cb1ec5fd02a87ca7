/**
 * The link between two nodes: what a TCP connection is between two programs, over whatever moves
 * frames. Messages of one session come in order, each once, from its begin on, or the link is
 * reset; then every request over it ends, once, and a new session begins. It has no timer, no
 * thread and no system: time, chance and the transport are its host's.
 */
import assert from 'node:assert/strict'
import {
  LINK_ASSEMBLY_BYTES_MAX,
  LINK_LANES_MAX,
  LINK_PROBE_MS,
  LINK_STOP_MS,
  LINK_WINDOW_BYTES_MAX,
} from '../../base/limits.ts'
import { Assemblies } from './assemblies.ts'
import { Credit } from './credit.ts'
import {
  bareFrame,
  FRAME_FLAG,
  FRAME_KIND,
  FRAME_VERSIONS,
  type FrameKind,
  FrameReader,
  type Hello,
  helloFrame,
  isAnswer,
  isSaid,
  isShortError,
  type LinkEnd,
  putHead,
  resetFrame,
} from './frame.ts'
import { LinkQueue, type LostRequest, type QueueLimits, type SendNumbered } from './link-queue.ts'
import { isUsable, LinkSession, type SessionState, versionWith } from './session.ts'

/** Whether the handler of a request that has no answer may have run. `no`: it never did. */
export type Sent = 'no' | 'maybe'

/**
 * `full`, `closed`: nothing was taken, and nothing will be told. What services say without a
 * session is refused where they say it, from `full` of the host on. Here it is `full` only when so
 * much waits that the link is reset, see `flush`: what comes after it is not taken either.
 */
export type Posted = 'queued' | 'full' | 'closed'

/** What a link needs of its node. Nothing of this may call the link, unless it says so. */
export interface ClusterLinkHost {
  /** Milliseconds that never go back. It may be the time at which the turn began. */
  now(): number
  /** 0 … 1 */
  random(): number
  /** As `send` of a transport; `ticket` goes back into `refused`. */
  transmit(frame: Uint8Array, ticket: number): boolean
  /** Call `flush` at the end of the turn. Said once, until then. */
  pending(): void
  /**
   * A message has come, bytes `from` … `from + length` of `bytes`, which are valid during the call.
   * It may call the link.
   *
   * @param remainingMs For its request; 0: none was said.
   */
  deliver(
    type: number,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void
  /**
   * So much waits that requests are `full`: services are to say no more until that is over. Told
   * once each.
   */
  full(isFull: boolean): void
  /** A request gets no answer any more. It may call the link. */
  lost(source: number, session: number, sent: Sent, why: LinkEnd | 'timeout'): void
  /**
   * A session that was open is over, or messages were dropped that waited for one. Told behind all
   * `lost`. It may call the link.
   *
   * @param dropped Messages of services that waited and have not left, and that nobody is told of:
   * no requests.
   */
  ended(why: LinkEnd, dropped: number): void
}

/** What is told of a link. */
export interface LinkCounts {
  /** Frames of an earlier session or epoch. */
  late: number
  malformed: number
  /** Requests that came past their deadline: nobody has run them. */
  expired: number
  /** Answers that nobody waited for any more. */
  unasked: number
  resets: number
}

export interface LinkPeers extends QueueLimits {
  /** Epoch of this node, and of the other one. */
  readonly self: number
  readonly peer: number
  /** So often `tick` is called, in milliseconds. */
  readonly tickMs?: number
}

const LIMITS = { lanes: LINK_LANES_MAX, assemblyBytes: LINK_ASSEMBLY_BYTES_MAX }
/** Deadlines travel in 32 bits, with a sign when the clock is past them. */
const REMAINING_MS_MAX = 0x7fffffff
const TICK_MS = 50
/** A tick that is missing for so many times its time: the process was stopped. */
const STOP_TICKS = 4
/** So much of what was consumed is told alone when nothing goes the other way. */
const TOLD_BYTES = LINK_WINDOW_BYTES_MAX / 4

export class ClusterLink {
  readonly counts: LinkCounts = { late: 0, malformed: 0, expired: 0, unasked: 0, resets: 0 }
  readonly #host: ClusterLinkHost
  readonly #peers: LinkPeers
  readonly #session = new LinkSession()
  readonly #credit = new Credit(LINK_WINDOW_BYTES_MAX)
  readonly #queue: LinkQueue
  readonly #assemblies = new Assemblies(LIMITS)
  readonly #reader = new FrameReader()
  /** The header of the next frame. */
  readonly #head = {
    version: FRAME_VERSIONS.max as number,
    epoch: 0,
    session: 0,
    yours: 0,
    number: 1,
    consumed: 0,
    clock: 0,
  }
  /** Of the session: what the peer takes at a time. */
  #limits = LIMITS
  /** Number of the next frame that comes. */
  #expected = 1
  #isPending = false
  #isWritable = true
  #isCreditDue = false
  /** The host has been told so. */
  #isFull = false
  /** So much waits that the session ends with the turn: whoever posts must not be told within. */
  #isOver = false
  #sentAt = 0
  /** A pause of that many milliseconds between two ticks was a stop. */
  readonly #stopMs: number
  #tickedAt: number
  /** Until the next tick: what comes may have waited for us so long. */
  #lateMs = 0

  constructor(peers: LinkPeers, host: ClusterLinkHost) {
    const { tickMs = TICK_MS } = peers
    this.#peers = peers
    this.#host = host
    this.#stopMs = Math.max(LINK_STOP_MS, STOP_TICKS * tickMs)
    this.#tickedAt = this.#now()
    this.#head.epoch = peers.self
    const send: SendNumbered = (...frame) => this.#sendNumbered(...frame)
    this.#queue = new LinkQueue(this.#credit, send, peers)
  }

  get state(): SessionState {
    return this.#session.state
  }

  /** Number of our session; 0: none. */
  get session(): number {
    return this.#session.mine
  }

  /** Requests that wait for their answers. */
  get openRequests(): number {
    return this.#queue.openRequests
  }

  /** Bytes that have not left. */
  get waitingBytes(): number {
    return this.#queue.waitingBytes
  }

  /** Bytes that the peer has not consumed, as far as we know. */
  get outstandingBytes(): number {
    return this.#credit.outstanding
  }

  /** Long messages that have not come whole. */
  get assemblies(): number {
    return this.#assemblies.size
  }

  /**
   * Send a message. Its bytes are copied, and leave at the end of the turn.
   *
   * @param type 16 bits: the low byte is that of the message, the other one the border's.
   * @param to Ids of 24 bits: of the peer's node, and `source` of ours.
   * @param session 0: no answer is wanted. Of an answer that of its request. Else that request is
   * open until it is answered, or told as `lost`.
   * @param remainingMs For a request: until then. For others 0.
   * @param isGiven `bytes` are the link's from now on: a long message is not copied.
   */
  post(
    type: number,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    isGiven = false,
  ): Posted {
    if (this.#session.state !== 'open' && !this.#begin()) return 'closed'
    const queue = this.#queue
    if (queue.isFullFor(length)) {
      this.#tellFull(true)
      if (!isSaid(type, session) && !isShortError(type, length)) return 'full'
      if (queue.isOverFor(length)) this.#isOver = true
    }
    // One that is taken behind one that was not would be a hole in what somebody says.
    if (this.#isOver) {
      this.#wantFlush()
      return 'full'
    }
    const isRequest = session !== 0 && !isAnswer(type)
    const until = isRequest ? this.#until(remainingMs) : 0
    if (queue.isFrameFullFor(length)) this.#pump()
    queue.add(type, to, source, session, until, bytes, from, length, isGiven)
    if (!this.#isPending) this.#wantFlush()
    return 'queued'
  }

  #tellFull(isFull: boolean): void {
    if (this.#isFull === isFull) return
    this.#isFull = isFull
    this.#host.full(isFull)
  }

  /** False: closed. */
  #begin(): boolean {
    if (this.#session.state === 'idle') this.#greet(undefined)
    return this.#session.state !== 'closed'
  }

  #until(remainingMs: number): number {
    if (!(remainingMs > 0)) assert.fail(`a request has a deadline: ${remainingMs}`)
    return this.#now() + Math.min(Math.ceil(remainingMs), REMAINING_MS_MAX)
  }

  /** Nobody waits for that request any more: nothing is told of it. */
  forget(source: number, session: number): void {
    this.#queue.take(source, session)
  }

  #now(): number {
    return Math.floor(this.#host.now())
  }

  #wantFlush(): void {
    if (this.#isPending) return
    this.#isPending = true
    this.#host.pending()
  }

  /** The turn ends: what was posted leaves, as far as credit and transport let it. */
  flush(): void {
    this.#isPending = false
    if (this.#isOver) this.#renew('over')
    if (this.#session.isHelloDue && this.#isWritable) this.#sendHello()
    this.#pump()
    this.#sendCredit()
  }

  /** The transport takes frames again. */
  writable(): void {
    this.#isWritable = true
    this.#wantFlush()
  }

  #sendHello(): void {
    const { state } = this.#session
    this.#stamp()
    const hello = this.#session.hello(this.#peers.peer)
    const frame = helloFrame(this.#head, hello, state === 'open')
    if (this.#give(frame, 0)) this.#session.isHelloDue = false
  }

  #pump(): void {
    if (this.#session.state === 'open' && this.#isWritable) this.#queue.pump(this.#limits)
    if (this.#isFull && this.#queue.hasRoom) this.#tellFull(false)
  }

  #sendNumbered(kind: FrameKind, view: DataView, frame: Uint8Array, ticket: number): boolean {
    if (!this.#isWritable) return false
    this.#stamp()
    putHead(view, kind, 0, this.#head)
    if (!this.#give(frame, ticket)) return false
    this.#head.number = (this.#head.number + 1) >>> 0
    this.#credit.sent(frame.length, kind === FRAME_KIND.DATA)
    return true
  }

  /** Alone, when nothing goes the other way that could tell it. */
  #sendCredit(): void {
    if (this.#session.state !== 'open' || !this.#isWritable) return
    if (!this.#isCreditDue && this.#credit.untold < TOLD_BYTES) return
    this.#sendBare(FRAME_KIND.CREDIT, 0)
  }

  #sendBare(kind: typeof FRAME_KIND.CREDIT | typeof FRAME_KIND.BYE, flags: number): void {
    this.#stamp()
    this.#give(bareFrame(kind, this.#head, flags), 0)
  }

  #stamp(): void {
    const head = this.#head
    head.session = this.#session.mine
    head.yours = this.#session.theirs
    head.consumed = this.#credit.consumed
    head.clock = this.#now() >>> 0
  }

  #give(frame: Uint8Array, ticket: number): boolean {
    if (!this.#host.transmit(frame, ticket)) {
      this.#isWritable = false
      return false
    }
    this.#credit.told()
    this.#isCreditDue = false
    this.#sentAt = this.#now()
    return true
  }

  /** A frame has come from that peer: bytes `at` … `end`, which may be anything. */
  receive(bytes: Uint8Array, at: number, end: number): void {
    const reader = this.#reader
    if (this.#session.state === 'closed') return
    if (reader.read(bytes, at, end) !== undefined) this.#malformed()
    else if (reader.epoch !== this.#peers.peer) this.counts.late++
    else if (reader.kind === FRAME_KIND.HELLO) this.#receiveHello(reader.hello)
    else if (this.#session.has(reader.session, reader.yours)) {
      // It has both numbers, so the peer has had our HELLO, also when its answer was lost.
      if (this.#session.state === 'greeting') this.#open()
      this.#receiveOfSession(bytes, end - at)
    } else if (reader.kind === FRAME_KIND.RESET && this.#isOurs(reader.yours)) this.#receiveReset()
    else this.#receiveLate()
  }

  #isOurs(yours: number): boolean {
    return yours !== 0 && yours === this.#session.mine
  }

  /** Who speaks of a session that we do not know has to hear that, unless it is over for both. */
  #receiveLate(): void {
    const { kind } = this.#reader
    this.counts.late++
    const isOver = kind === FRAME_KIND.RESET || kind === FRAME_KIND.BYE
    if (this.#session.state === 'idle' && !isOver) this.#greet(undefined)
  }

  #malformed(): void {
    this.counts.malformed++
    if (this.#session.state === 'open') this.#renew('malformed')
  }

  #receiveOfSession(bytes: Uint8Array, length: number): void {
    const { kind, number, consumed } = this.#reader
    if (kind === FRAME_KIND.RESET) this.#receiveReset()
    else if (kind === FRAME_KIND.BYE) this.#receiveBye(consumed)
    else if (number !== this.#expected) this.#renew('gap')
    else if (!this.#credit.acknowledge(consumed)) this.#malformed()
    else if (kind === FRAME_KIND.CREDIT) this.#receiveCredit()
    else this.#receiveNumbered(bytes, length)
    if (this.#session.state === 'open') this.#wantFlushAfter()
  }

  /** Of what it had not consumed by then it has run nothing. */
  #receiveBye(consumed: number): void {
    const isKnown = this.#credit.acknowledge(consumed)
    const refused = isKnown ? this.#queue.ticket - this.#credit.batches : Infinity
    this.#finish('bye', 'idle', refused)
  }

  #receiveCredit(): void {
    if ((this.#reader.flags & FRAME_FLAG.PROBE) !== 0) this.#isCreditDue = true
  }

  #receiveNumbered(bytes: Uint8Array, length: number): void {
    this.#expected = (this.#expected + 1) >>> 0
    if (!this.#credit.received(length)) {
      this.#renew('credit')
      return
    }
    this.#credit.consume()
    this.#lookForStop(this.#now())
    if (this.#reader.kind === FRAME_KIND.DATA) this.#receiveMessages(bytes)
    else this.#receiveChunk(bytes)
  }

  #wantFlushAfter(): void {
    const isDue = this.#isCreditDue || this.#credit.untold >= TOLD_BYTES
    if (isDue || !this.#queue.isEmpty) this.#wantFlush()
  }

  #receiveMessages(bytes: Uint8Array): void {
    const reader = this.#reader
    const { mine } = this.#session
    while (reader.next()) {
      this.#deliver(bytes, reader.message.from, reader.message.length)
      // Whoever got it may have ended the session.
      if (this.#session.mine !== mine) return
    }
    if (reader.isBroken) this.#malformed()
  }

  #receiveChunk(bytes: Uint8Array): void {
    const message = this.#assemblies.take(this.#reader.message, bytes)
    if (message === null) this.#malformed()
    else if (message !== undefined) {
      this.#deliver(message, 0, message.length)
      this.#assemblies.done(message)
    }
  }

  #deliver(bytes: Uint8Array, from: number, length: number): void {
    const { type, to, source, session, deadline } = this.#reader.message
    let remainingMs = 0
    if (session !== 0 && isAnswer(type)) {
      if (!this.#queue.take(to, session)) {
        this.counts.unasked++
        return
      }
    } else if (deadline !== 0) {
      remainingMs = ((deadline - this.#reader.clock) | 0) - this.#lateMs
      if (remainingMs <= 0) {
        this.counts.expired++
        return
      }
    }
    this.#host.deliver(type, to, source, session, remainingMs, bytes, from, length)
  }

  #receiveHello(hello: Hello): void {
    const { session } = this.#reader
    const version = versionWith(hello)
    if (hello.to !== this.#peers.self) this.#refuse('epoch')
    else if (version === 0) {
      this.#refuse('version')
      this.#finish('version', 'closed')
    } else if (session === 0 || !isUsable(hello)) this.#malformed()
    else this.#meet(hello, version)
  }

  #meet(hello: Hello, version: number): void {
    const { session, yours, flags } = this.#reader
    const greeting = this.#session.meet(session, yours)
    if (greeting === 'ignore') return
    if (greeting === 'begin') this.#greet(undefined)
    if (greeting === 'renew') this.#renew('peer')
    const { state } = this.#session
    // Who was told of the end may have closed the link.
    if (state === 'closed') return
    if (state === 'greeting') this.#agree(hello, version, session)
    if (greeting === 'open') this.#open()
    if ((flags & FRAME_FLAG.SETTLED) === 0) this.#greetAgain()
  }

  #agree(hello: Hello, version: number, session: number): void {
    this.#session.theirs = session
    this.#head.version = version
    this.#limits = { lanes: hello.lanes, assemblyBytes: hello.assemblyBytes }
    this.#credit.clear(hello.windowBytes)
  }

  #open(): void {
    this.#session.open()
    this.#wantFlush()
  }

  #receiveReset(): void {
    const { why } = this.#reader
    if (why === 'version') this.#finish('version', 'closed')
    else this.#renew(why, true)
  }

  /** Say that there is no session for whom a HELLO is from. */
  #refuse(why: LinkEnd): void {
    this.#stamp()
    const head = { ...this.#head, yours: this.#reader.session }
    this.#give(resetFrame(head, why, FRAME_VERSIONS), 0)
  }

  /**
   * The session is over: everything that was under way over it ends, and another one begins.
   *
   * @param why `cut`: the transport lost what was in flight. `suspect`: the peer is not heard.
   */
  reset(why: LinkEnd): void {
    const { state } = this.#session
    if (state === 'idle' || state === 'closed') return
    // Nothing but the greeting was under way.
    if (state === 'greeting' && why === 'cut') this.#greetAgain()
    else this.#renew(why)
  }

  /** @param ticket Of the first frame that nobody got; 0 or none: that is not known. */
  refused(ticket = 0): void {
    const { state } = this.#session
    if (state === 'idle' || state === 'closed') return
    // What was sent in a session before has ended with it.
    if (this.#queue.isOver(ticket)) return
    this.#renew('refused', true, ticket || Infinity)
  }

  /** Nothing goes over it any more. A peer with an open session is told. */
  close(): void {
    if (this.#session.state === 'closed') return
    if (this.#session.state === 'open' && this.#isWritable) this.#sendBare(FRAME_KIND.BYE, 0)
    this.#finish('closed', 'closed')
  }

  /** @param isLater Who was just refused is not greeted at once. */
  #renew(why: LinkEnd, isLater = false, refused = Infinity): void {
    const tell = this.#end(why, refused)
    this.#greet(why)
    if (isLater) this.#session.postpone()
    tell()
  }

  #finish(why: LinkEnd, state: 'idle' | 'closed', refused = Infinity): void {
    const tell = this.#end(why, refused)
    this.#session.end(state)
    tell()
  }

  /** @returns Tells everybody: once another session has begun, as who is told may post. */
  #end(why: LinkEnd, refused: number): () => void {
    const wasOpen = this.#session.state === 'open'
    const { requests, dropped, sends } = this.#queue.clear(refused)
    this.#isOver = false
    this.#tellFull(false)
    this.#assemblies.clear()
    this.#credit.clear(0)
    this.#head.number = this.#expected = 1
    this.#isCreditDue = false
    if (wasOpen) this.counts.resets++
    return () => {
      for (const request of requests) this.#tellLost(request, why)
      if (wasOpen || dropped > 0) this.#host.ended(why, sends)
    }
  }

  #tellLost({ source, session, mayRun }: LostRequest, why: LinkEnd | 'timeout'): void {
    this.#host.lost(source, session, mayRun ? 'maybe' : 'no', why)
  }

  /** Begin a session of ours. */
  #greet(why: LinkEnd | undefined): void {
    this.#session.begin(this.#host.random(), why, this.#now())
    this.#greetAgain()
  }

  #greetAgain(): void {
    this.#session.isHelloDue = true
    this.#isWritable = true
    this.#wantFlush()
  }

  /**
   * A process that was stopped finds what was sent to it meanwhile. How long that has waited nobody
   * can tell: as long as the stop at most, and that counts. Better not run than run too late.
   */
  #lookForStop(now: number): void {
    const pausedMs = now - this.#tickedAt
    if (pausedMs >= this.#stopMs) this.#lateMs = pausedMs
  }

  /** Time passes: call it some 20 times a second. */
  tick(): void {
    const now = this.#now()
    this.#lateMs = 0
    this.#lookForStop(now)
    this.#tickedAt = now
    this.#queue.expire(now, (request) => this.#tellLost(request, 'timeout'))
    if (this.#session.isSilent(now)) this.#greetAgain()
    if (this.#session.state === 'open') this.#keepUp(now)
  }

  /** What has no frame to go with goes alone. Who hears nothing of what is under way asks. */
  #keepUp(now: number): void {
    const { outstanding, untold } = this.#credit
    if (untold > 0) this.#isCreditDue = true
    if (this.#isCreditDue) this.#wantFlush()
    else if (outstanding > 0 && now - this.#sentAt >= LINK_PROBE_MS && this.#isWritable) {
      this.#sendBare(FRAME_KIND.CREDIT, FRAME_FLAG.PROBE)
    }
  }
}
