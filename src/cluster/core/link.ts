/**
 * The link between two nodes: what a TCP connection is between two programs, over whatever moves
 * frames. Messages of one session come in order, each once, from its begin on, or the link is
 * reset; then every request over it ends, once, and a new session begins. It has no timer, no
 * thread and no system: time, chance and the transport are its host's.
 */
import assert from 'node:assert/strict'
import {
  LINK_ASSEMBLY_BYTES_MAX,
  LINK_CHUNKS_BYTES_MAX,
  LINK_FRAME_BYTES_MAX,
  LINK_GREET_MS,
  LINK_GREET_MS_MAX,
  LINK_LANES_MAX,
  LINK_LONG_BYTES_MAX,
  LINK_PROBE_MS,
  LINK_QUEUE_BYTES_MAX,
  LINK_WINDOW_BYTES_MAX,
  MESSAGE_BYTES_MAX,
} from '../../base/limits.ts'
import { Assemblies } from './assemblies.ts'
import { Batches } from './batches.ts'
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
  type LinkEnd,
  putHead,
  resetFrame,
  SMALL_BYTES_MAX,
} from './frame.ts'
import { type LaneMessage, Lanes } from './lanes.ts'
import { HAS_LEFT, IN_LANE, OpenRequests } from './open-requests.ts'
import { Session } from './session.ts'

/** Whether the handler of a request that has no answer may have run. `no`: it never did. */
export type Sent = 'no' | 'maybe'

/** `full`, `closed`: nothing was taken, and nothing will be told. */
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
  /** A request gets no answer any more. It may call the link. */
  lost(source: number, session: number, sent: Sent, why: LinkEnd | 'timeout'): void
  /**
   * A session that was open is over, or messages were dropped that waited for one. Told behind all
   * `lost`. It may call the link.
   *
   * @param dropped Messages that waited, and have not left.
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

export interface LinkPeers {
  /** Epoch of this node, and of the other one. */
  readonly self: number
  readonly peer: number
}

const LIMITS = { lanes: LINK_LANES_MAX, assemblyBytes: LINK_ASSEMBLY_BYTES_MAX }
/** Deadlines travel in 32 bits, with a sign when the clock is past them. */
const REMAINING_MS_MAX = 0x7fffffff

export class ClusterLink {
  readonly counts: LinkCounts = { late: 0, malformed: 0, expired: 0, unasked: 0, resets: 0 }
  readonly #host: ClusterLinkHost
  readonly #peers: LinkPeers
  readonly #session = new Session()
  readonly #credit = new Credit(LINK_WINDOW_BYTES_MAX)
  readonly #batches = new Batches()
  readonly #lanes = new Lanes()
  readonly #assemblies = new Assemblies(LIMITS)
  readonly #requests = new OpenRequests()
  readonly #reader = new FrameReader()
  /** The header of the next frame. */
  readonly #head
  /** Of the session: what the peer takes at a time. */
  #limits = LIMITS
  /** Number of the next frame that comes. */
  #expected = 1
  #isPending = false
  #isWritable = true
  #isHeld = false
  #isHelloDue = false
  #isCreditDue = false
  #lastWhy: LinkEnd | undefined
  /** Of the session: what was sent before it has smaller ones. */
  #firstTicket = 1
  #greetAt = 0
  #greetMs = LINK_GREET_MS
  #sentAt = 0

  constructor(peers: LinkPeers, host: ClusterLinkHost) {
    this.#peers = peers
    this.#host = host
    this.#head = {
      version: FRAME_VERSIONS.max as number,
      epoch: peers.self,
      session: 0,
      yours: 0,
      number: 1,
      consumed: 0,
      clock: 0,
    }
  }

  get state(): Session['state'] {
    return this.#session.state
  }

  /** Number of our session; 0: none. */
  get session(): number {
    return this.#session.mine
  }

  /** Requests that wait for their answers. */
  get openRequests(): number {
    return this.#requests.size
  }

  /** Bytes that have not left. */
  get waitingBytes(): number {
    return this.#batches.bytes + this.#lanes.longBytes + this.#lanes.shortBytes
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
    const lanes = this.#lanes
    const isLong = length > SMALL_BYTES_MAX
    if (isLong ? this.#isFullFor(length) : this.#isFull()) return 'full'
    const isRequest = session !== 0 && !isAnswer(type)
    const until = isRequest ? this.#deadline(remainingMs) : 0
    const deadline = isRequest ? wireTime(until) : 0
    let batch = IN_LANE
    if (isLong || (lanes.size > 0 && lanes.isBlocked(source, to))) {
      const given = bytes.subarray(from, from + length)
      const own = isLong && isGiven ? given : copyOf(given)
      lanes.add({ type, to, source, session, deadline, bytes: own }, this.#batches.filled)
    } else {
      if (this.#batches.isFullFor(length)) this.#pump()
      batch = this.#batches.add(type, to, source, session, deadline, bytes, from, length)
    }
    if (isRequest) this.#requests.add(source, session, until, batch)
    if (!this.#isPending) this.#wantFlush()
    return 'queued'
  }

  /** False: closed. */
  #begin(): boolean {
    if (this.#session.state === 'idle') this.#greet(undefined)
    return this.#session.state !== 'closed'
  }

  #isFull(): boolean {
    return this.#batches.bytes + this.#lanes.shortBytes >= LINK_QUEUE_BYTES_MAX
  }

  #isFullFor(length: number): boolean {
    if (length > MESSAGE_BYTES_MAX) assert.fail(`a message of ${length} bytes`)
    const { longBytes } = this.#lanes
    return longBytes > 0 && longBytes + length > LINK_LONG_BYTES_MAX
  }

  #deadline(remainingMs: number): number {
    if (!(remainingMs > 0)) assert.fail(`a request has a deadline: ${remainingMs}`)
    return this.#now() + Math.min(Math.ceil(remainingMs), REMAINING_MS_MAX)
  }

  /** Nobody waits for that request any more: nothing is told of it. */
  forget(source: number, session: number): void {
    this.#requests.take(source, session)
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
    if (this.#isHelloDue && this.#isWritable) this.#sendHello()
    this.#pump()
    this.#sendCredit()
  }

  /** The transport takes frames again. */
  writable(): void {
    this.#isWritable = true
    this.#wantFlush()
  }

  /**
   * While it is on, nothing that comes counts as consumed: the peer stops once its window is full.
   * For who cannot hand on what has come.
   */
  hold(isOn: boolean): void {
    this.#isHeld = isOn
    if (isOn) return
    this.#credit.consume()
    this.#wantFlush()
  }

  #sendHello(): void {
    const hello = { ...HELLO, to: this.#peers.peer, why: this.#lastWhy }
    this.#stamp()
    const isSettled = this.#session.state === 'open'
    if (this.#give(helloFrame(this.#head, hello, isSettled), 0)) this.#isHelloDue = false
  }

  /** Short messages and chunks in turns, so that neither waits for all of the other kind. */
  #pump(): void {
    if (this.#session.state !== 'open' || this.#isHelloDue) return
    let hasLeft = true
    while (hasLeft && this.#isWritable) {
      hasLeft = this.#sendBatch()
      if (this.#lanes.size > 0 && this.#isWritable) hasLeft = this.#sendChunk() || hasLeft
    }
  }

  #sendBatch(): boolean {
    const batches = this.#batches
    const batch = batches.first
    if (batch === undefined) return false
    const { length } = batch
    if (this.#credit.outstanding + length > this.#credit.windowBytes) return false
    const frame = batch.bytes.subarray(0, length)
    if (!this.#sendNumbered(FRAME_KIND.DATA, batch.view, frame)) return false
    batches.shift()
    return true
  }

  #sendChunk(): boolean {
    const credit = this.#credit
    const batches = this.#batches
    // Beside short messages that wait for credit themselves, chunks have half of what comes.
    const most = batches.first === undefined ? LINK_CHUNKS_BYTES_MAX : credit.windowBytes
    if (credit.outstanding + LINK_FRAME_BYTES_MAX > Math.min(most, credit.windowBytes)) return false
    const lanes = this.#lanes
    const chunk = lanes.next(batches.left, this.#limits)
    if (chunk === undefined) return false
    const frame = chunk.bytes.subarray(0, chunk.length)
    if (!this.#sendNumbered(FRAME_KIND.CHUNK, chunk.view, frame)) return false
    const done = lanes.shift((message) => this.#resume(message))
    if (done !== undefined) this.#moved(done, HAS_LEFT)
    return true
  }

  /** A short message that has waited behind a long one. */
  #resume(message: LaneMessage): number {
    const { type, to, source, session, deadline, bytes } = message
    const { length } = bytes
    const batch = this.#batches.add(type, to, source, session, deadline, bytes, 0, length)
    this.#moved(message, batch)
    return batch
  }

  /** An answer has the session of a request of the peer, which may be that of one of ours. */
  #moved({ type, source, session }: LaneMessage, batch: number): void {
    if (session !== 0 && !isAnswer(type)) this.#requests.move(source, session, batch)
  }

  /** The ticket is the next batch: those from it on have come after a frame that nobody got. */
  #sendNumbered(kind: FrameKind, view: DataView, frame: Uint8Array): boolean {
    this.#stamp()
    putHead(view, kind, 0, this.#head)
    if (!this.#give(frame, this.#batches.left + 1)) return false
    this.#head.number = (this.#head.number + 1) >>> 0
    this.#credit.sent(frame.length)
    return true
  }

  /** Alone, when nothing goes the other way that could tell it. */
  #sendCredit(): void {
    const { state } = this.#session
    if (state !== 'open' || !this.#isWritable || this.#isHelloDue) return
    if (!this.#isCreditDue && this.#credit.untold < LINK_WINDOW_BYTES_MAX / 4) return
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

  /** Who speaks of a session that we do not know has to hear that. */
  #receiveLate(): void {
    this.counts.late++
    if (this.#session.state === 'idle') this.#greet(undefined)
  }

  #malformed(): void {
    this.counts.malformed++
    if (this.#session.state === 'open') this.#renew('malformed')
  }

  #receiveOfSession(bytes: Uint8Array, length: number): void {
    const { kind, number, consumed } = this.#reader
    if (kind === FRAME_KIND.RESET) this.#receiveReset()
    else if (kind === FRAME_KIND.BYE) this.#finish('bye', 'idle')
    else if (!this.#credit.acknowledge(consumed)) this.#malformed()
    else if (number !== this.#expected) this.#renew('gap')
    else if (kind === FRAME_KIND.CREDIT) this.#receiveCredit()
    else this.#receiveNumbered(bytes, length)
    if (this.#session.state === 'open') this.#wantFlushAfter()
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
    if (!this.#isHeld) this.#credit.consume()
    if (this.#reader.kind === FRAME_KIND.DATA) this.#receiveMessages(bytes)
    else this.#receiveChunk(bytes)
  }

  #wantFlushAfter(): void {
    const hasWaiting = this.#batches.first !== undefined || this.#lanes.size > 0
    const isDue = this.#isCreditDue || this.#credit.untold >= LINK_WINDOW_BYTES_MAX / 4
    if (hasWaiting || isDue) this.#wantFlush()
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
    else if (message !== undefined) this.#deliver(message, 0, message.length)
  }

  #deliver(bytes: Uint8Array, from: number, length: number): void {
    const { type, to, source, session, deadline } = this.#reader.message
    let remainingMs = 0
    if (session !== 0 && isAnswer(type)) {
      if (!this.#requests.take(to, session)) {
        this.counts.unasked++
        return
      }
    } else if (deadline !== 0) {
      remainingMs = (deadline - this.#reader.clock) | 0
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
    if (state === 'greeting') {
      this.#session.theirs = session
      this.#agree(hello, version)
    }
    if (greeting === 'open') this.#open()
    if ((flags & FRAME_FLAG.SETTLED) !== 0) return
    this.#isHelloDue = true
    this.#wantFlush()
  }

  #agree(hello: Hello, version: number): void {
    this.#head.version = version
    this.#limits = { lanes: hello.lanes, assemblyBytes: hello.assemblyBytes }
    this.#credit.clear(hello.windowBytes)
  }

  #open(): void {
    this.#session.state = 'open'
    this.#greetMs = LINK_GREET_MS
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
    if (ticket > 0 && ticket < this.#firstTicket) return
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
    const end = this.#take(refused)
    this.#greet(why)
    if (isLater) {
      this.#isHelloDue = false
      this.#greetAt = this.#now() + this.#greetMs
    }
    this.#tell(end, why)
  }

  #finish(why: LinkEnd, state: 'idle' | 'closed'): void {
    const end = this.#take(Infinity)
    this.#session.end(state)
    this.#isHelloDue = false
    this.#tell(end, why)
  }

  /** Takes away what was under way; nobody is told before the next session has begun. */
  #take(refused: number): Ending {
    const left = this.#batches.left
    const dropped = this.#batches.messages + this.#lanes.messages
    const end: Ending = { dropped, wasOpen: this.#session.state === 'open', requests: [] }
    this.#requests.clear((source, session, batch) => {
      end.requests.push({
        source,
        session,
        sent: batch > left || batch >= refused ? 'no' : 'maybe',
      })
    })
    this.#batches.clear()
    this.#firstTicket = this.#batches.left + 1
    this.#lanes.clear()
    this.#assemblies.clear()
    this.#credit.clear(0)
    this.#head.number = this.#expected = 1
    this.#isCreditDue = false
    this.#isWritable = true
    return end
  }

  #tell({ requests, dropped, wasOpen }: Ending, why: LinkEnd): void {
    if (wasOpen) this.counts.resets++
    for (const { source, session, sent } of requests) this.#host.lost(source, session, sent, why)
    if (wasOpen || dropped > 0) this.#host.ended(why, dropped)
  }

  /** Begin a session of ours. */
  #greet(why: LinkEnd | undefined): void {
    this.#session.begin(this.#host.random())
    this.#lastWhy = why
    this.#greetAt = this.#now() + this.#greetMs
    this.#greetAgain()
  }

  /** Time passes: call it some 20 times a second. */
  tick(): void {
    const now = this.#now()
    const { state } = this.#session
    const { left } = this.#batches
    this.#requests.expire(now, (source, session, batch) => {
      this.#host.lost(source, session, batch > left ? 'no' : 'maybe', 'timeout')
    })
    if (state === 'greeting' && now >= this.#greetAt) this.#greetMore(now)
    if (state === 'open') this.#keepUp(now)
  }

  /** Nothing has come of the last HELLO. */
  #greetMore(now: number): void {
    this.#greetMs = Math.min(this.#greetMs * 2, LINK_GREET_MS_MAX)
    this.#greetAt = now + this.#greetMs
    this.#greetAgain()
  }

  #greetAgain(): void {
    this.#isHelloDue = true
    this.#isWritable = true
    this.#wantFlush()
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

interface Ending {
  readonly dropped: number
  readonly wasOpen: boolean
  readonly requests: { readonly source: number; readonly session: number; readonly sent: Sent }[]
}

const HELLO = {
  versions: FRAME_VERSIONS,
  lanes: LINK_LANES_MAX,
  assemblyBytes: LINK_ASSEMBLY_BYTES_MAX,
  windowBytes: LINK_WINDOW_BYTES_MAX,
} as const

/** The greatest version that both speak; 0: none. */
function versionWith({ versions }: Hello): number {
  const version = Math.min(versions.max, FRAME_VERSIONS.max)
  return version >= Math.max(versions.min, FRAME_VERSIONS.min) ? version : 0
}

/** In 32 bits, and not 0, which is none. */
const wireTime = (time: number): number => time >>> 0 || 0xffffffff

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

/** With less a link could wait for ever. */
const isUsable = ({ lanes, assemblyBytes, windowBytes }: Hello): boolean =>
  lanes > 0 && assemblyBytes >= MESSAGE_BYTES_MAX && windowBytes >= 2 * LINK_FRAME_BYTES_MAX
