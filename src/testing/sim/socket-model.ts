/**
 * The reference model: what users of a socket may rely on, whatever the system does. It knows
 * nothing of how the server works; it hears what was ordered, what the owners were told, and what
 * the peer got.
 */
import assert from 'node:assert/strict'
import type { EVENT } from '../../net/event.ts'
import { SimDrains } from './drains.ts'
import type { SimPeer } from './peer.ts'
import type { SettingsModel } from './settings-model.ts'
import { patternAt, SentStream } from './stream.ts'

/** How long a close waits for the FIN of the peer. */
const FIN_WAIT_MS = 2000

export type Kind = keyof typeof EVENT

/** One socket, whoever owns it. */
export class SocketModel {
  readonly id: number
  readonly sent: SentStream
  readonly settings: SettingsModel
  peer: SimPeer | undefined
  /** Bytes that owners have used up; the rest goes to the next owner. */
  consumed = 0
  /** Why CLOSE may come before everything was received; `undefined`: it may not. */
  mayEnd: string | undefined
  /** Why the peer may miss something of what was sent. */
  mayLose: string | undefined
  /** Of each lane, pieces that must arrive, once `close` or `end` was ordered. */
  #owed: readonly number[] | undefined
  #closedAt = Number.POSITIVE_INFINITY
  hasMoved = false
  /** Who may have kept it, as owners. */
  readonly holders = new Set<Holding>()
  /** Somebody was told that it is kept: it does not move any more. */
  isHeld = false
  /** A write was refused that ends it. */
  mustEnd = false
  /** Of a listener. */
  port = 0

  constructor(id: number, settings: SettingsModel) {
    this.id = id
    this.settings = settings
    this.sent = new SentStream(id)
  }

  /** The world did something to it: anything may be lost. */
  get isRough(): boolean {
    const { peer } = this
    return peer === undefined || peer.isRough
  }

  /** `close` was ordered, or `end` when `isHalf`: what `worker` sent before must still arrive. */
  closeOrdered(worker: number, now: number, isHalf: boolean): void {
    const owed = this.sent.owedTo(worker)
    // What another owner sent may still be on its way to the server: a close does not wait for it.
    this.#owed = this.#owed?.map((count, lane) => Math.min(count, owed[lane]!)) ?? owed
    if (isHalf) return
    this.mayEnd ??= 'close was ordered'
    this.#closedAt = Math.min(this.#closedAt, now)
  }

  /** What is sent from now on may be dropped. */
  get isClosing(): boolean {
    return this.#owed !== undefined || this.mayLose !== undefined
  }

  /** Bytes that our system has taken; undefined: they need not be those that were sent. */
  get bytesTaken(): number | undefined {
    if (this.isRough || this.isClosing || this.hasMoved) return undefined
    const near = this.peer!.endpoint.other!
    return near.isClosed ? undefined : near.bytesTaken
  }

  /** Bytes that wait at our side; undefined: nobody knows. */
  get unsent(): number | undefined {
    const { bytesTaken } = this
    return bytesTaken === undefined ? undefined : this.sent.bytes - bytesTaken
  }

  /** The limit alone decides whether a write is taken, or refused, while `unsent` bytes wait. */
  written(isTaken: boolean, unsent: number | undefined): void {
    const { id, settings } = this
    if (unsent !== undefined) {
      const isRight = isTaken ? settings.mayTakeAt(unsent) : settings.mayRefuseAt(unsent)
      const text = `a write ${isTaken ? 'taken' : 'refused'} while ${unsent} bytes wait`
      assert.ok(isRight, `socket ${id}: ${text}`)
    }
    if (isTaken) return
    if (settings.mayOverflow) this.cut('too much waited')
    if (settings.mustOverflow) this.mustEnd = true
  }

  cut(reason: string): void {
    this.mayEnd ??= reason
    this.mayLose ??= reason
  }

  /** A close that takes this long is cut. */
  timePassed(now: number): void {
    const limitMs = Math.min(FIN_WAIT_MS, this.settings.lingerMsMin)
    if (now - this.#closedAt >= limitMs) this.mayLose ??= 'closing took long'
  }

  /** It had been idle too long, of which its owner may not have heard yet. */
  get #hasExpired(): boolean {
    const { activeAt, closedAt } = this.peer!.endpoint.other!
    return this.settings.mayExpire({ activeAt, closedAt })
  }

  peerSawEnd(): void {
    if (this.mayLose !== undefined && !this.isRough) this.sent.checkWhole()
    if (this.mayLose !== undefined || this.isRough || this.#hasExpired) return
    assert.ok(this.#owed !== undefined, `socket ${this.id}: FIN, and nobody has closed or ended it`)
    this.sent.checkComplete(this.#owed)
  }

  peerSawReset(errno: number): void {
    if (this.mayLose !== undefined || this.isRough || this.#hasExpired) return
    assert.fail(`socket ${this.id}: the peer met errno ${errno}, and nobody cut the connection`)
  }

  /** After everybody has heard everything. */
  checkHeld(): void {
    const text = `socket ${this.id}: somebody was refused, and no owner has kept it`
    assert.ok(!this.isHeld || this.holders.size > 0, text)
  }

  /** An owner was told that nothing more will come; `received` bytes did. */
  ended(received: number): void {
    if (this.mayEnd !== undefined || this.isRough) return
    const { peer, id } = this
    assert.ok(peer!.hasEnded, `socket ${id}: CLOSE, and nobody has closed it`)
    assert.equal(received, peer!.sent, `socket ${id}: CLOSE before all bytes of the peer`)
  }

  /** Is that why the server has ended it? Also after CLOSE: its owner may still write. */
  isOurEnd(reason: string): boolean {
    const near = this.peer?.endpoint.other
    if (near !== undefined && this.settings.isExpiry(reason, near)) return true
    return this.settings.mayOverflow && reason.startsWith('more than ')
  }

  failed(reason: string): void {
    if (this.isOurEnd(reason)) this.cut(reason)
    const text = `socket ${this.id}: ERROR ${reason}, and nothing had happened to it`
    assert.ok(this.isRough || this.mayLose !== undefined, text)
    this.cut('ERROR')
  }
}

/** How far an owner is with a socket. */
export type SocketPhase =
  /** `listen` was ordered. */
  | 'listening'
  /** It came with ACCEPT, and is not read yet. */
  | 'accepted'
  /** `connect` or `start` was ordered, and is not answered. */
  | 'opening'
  | 'open'
  /** CLOSE came. */
  | 'ended'
  /** YIELD came: it belongs to somebody else. */
  | 'moved'
  /** ERROR was the answer to `connect` or `start`. */
  | 'failed'

/** Row: phase. What an owner may be told then. */
const MAY_COME: Readonly<Record<SocketPhase, readonly Kind[]>> = {
  listening: ['OPEN', 'ACCEPT', 'REFUSE', 'YIELD', 'ERROR', 'CLOSE'],
  accepted: ['YIELD', 'ERROR', 'CLOSE', 'WARNING', 'DRAIN'],
  opening: ['OPEN', 'YIELD', 'ERROR', 'CLOSE', 'WARNING', 'DRAIN'],
  open: ['DATA', 'YIELD', 'ERROR', 'CLOSE', 'WARNING', 'DRAIN'],
  ended: ['YIELD', 'ERROR', 'WARNING', 'DRAIN'],
  // The order to hand over and the end of the socket cross each other.
  moved: ['ERROR', 'CLOSE', 'WARNING', 'DRAIN'],
  // As above, when it was the owner before.
  failed: ['ERROR', 'CLOSE', 'WARNING', 'DRAIN'],
}

/** What `start` is answered when the owner keeps the socket. */
const STAYS = 'what it carries stays with its service (HTTP, TLS, WebSocket)'
/** What `start` is answered that cannot be. */
const START_REFUSED = [
  STAYS,
  'invalid socket',
  'socket closed',
  'a listener cannot be transferred',
  'it is not connected yet',
]

/** One owner's view of one socket, from when it hears of it until CLOSE or YIELD. */
export class Holding {
  readonly socket: SocketModel
  phase: SocketPhase
  /** The next byte that it will be given. */
  position = 0
  /** `listen`, `connect` and `start` that wait for OPEN or ERROR. */
  asked: number
  /** Orders to go on reading: one that comes too late is answered with ERROR. */
  resumed = 0
  /** Closed before it was connected: the connect may still fail, after CLOSE. */
  isEarlyClosed = false
  /** By `start` from another owner: nothing is written before OPEN. */
  readonly isTaken: boolean
  /** By `connect`: nobody else can have the socket before OPEN. */
  readonly isConnect: boolean
  isPaused = false
  /** A listener: `start` was ordered. */
  hasStarted = false
  hasSaidEnd = false
  /** It has asked for what is kept by another one. */
  mustFail = false
  readonly drains: SimDrains
  /** It was the owner before it asked again: what it gave back may have come too late. */
  mayBeOwner = false

  constructor(socket: SocketModel, phase: SocketPhase, isConnect = false) {
    this.socket = socket
    this.phase = phase
    this.isConnect = isConnect
    this.isTaken = phase === 'opening' && !isConnect
    this.drains = new SimDrains(socket)
    this.asked = phase === 'listening' || phase === 'opening' ? 1 : 0
  }

  get isOver(): boolean {
    return this.phase === 'ended' || this.phase === 'moved' || this.phase === 'failed'
  }

  /** Everybody took as many turns as they could: what was sent has arrived, both ways. */
  checkArrived(): void {
    const { phase, socket, position } = this
    const isEnded = this.isOver || !socket.mustEnd
    assert.ok(isEnded, `socket ${socket.id}: too much waited, and it goes on`)
    if (socket.isRough || socket.isClosing || socket.mayEnd !== undefined) return
    if (phase === 'open' || phase === 'accepted' || phase === 'ended') socket.sent.checkAll()
    if (phase !== 'open' || this.isPaused) return
    const { sent, hasEnded } = socket.peer!
    assert.equal(position, sent, `socket ${socket.id}: not all that the peer sent was received`)
    assert.ok(!hasEnded, `socket ${socket.id}: the peer has ended, and nobody was told`)
  }

  happened(kind: Kind, ud: number, payload: Buffer, worker: number): void {
    const { phase, socket } = this
    const text = `socket ${socket.id}: ${kind} ${kind === 'DATA' ? '' : payload} while ${phase}`
    assert.ok(MAY_COME[phase].includes(kind), text)
    if (kind === 'OPEN') this.#opened(payload.toString(), worker)
    else if (kind === 'DATA') this.#received(payload)
    else if (kind === 'CLOSE') this.#ended()
    else if (kind === 'ERROR') this.#failed(payload.toString())
    else if (kind === 'DRAIN') this.drains.answered(ud)
    else if (kind === 'YIELD') this.#yielded(worker)
  }

  #opened(text: string, worker: number): void {
    const { socket } = this
    assert.ok(this.asked > 0, `socket ${socket.id}: OPEN ${text}, and nobody had asked`)
    assert.ok(!this.mustFail, `socket ${socket.id}: OPEN ${text}, and another one keeps it`)
    this.asked--
    socket.settings.opened()
    if (this.phase === 'listening') return
    this.phase = 'open'
    this.position = socket.consumed
    if (text !== 'transfer') return
    socket.sent.tookOver(worker)
    this.drains.tookOver()
  }

  #received(bytes: Buffer): void {
    const { socket, position } = this
    const { peer, id } = socket
    if (peer !== undefined) {
      assert.ok(position + bytes.length <= peer.sent, `socket ${id}: more bytes than were sent`)
      const isRight = patternAt(peer.shift, position, bytes.length).equals(bytes)
      assert.ok(isRight, `socket ${id}: wrong bytes at ${position}`)
    }
    this.position += bytes.length
  }

  #ended(): void {
    if (this.phase === 'failed') {
      assert.ok(this.mayBeOwner, `socket ${this.socket.id}: CLOSE while failed`)
      this.mayBeOwner = false
    }
    if (this.phase === 'open') this.socket.ended(this.position)
    else if (this.phase !== 'listening') this.socket.ended(this.socket.consumed)
    else assert.ok(this.socket.mayEnd !== undefined, `listener ${this.socket.id}: CLOSE`)
    // The answer to a connect that was closed is CLOSE alone.
    this.isEarlyClosed = this.phase === 'opening' && this.isConnect
    this.phase = this.phase === 'moved' ? 'failed' : 'ended'
  }

  #failed(reason: string): void {
    // Its owner may be told of a failure before the answer to its `start`.
    const isAnswer = START_REFUSED.includes(reason)
    if (reason === STAYS) this.socket.isHeld = true
    if (this.asked > 0 && (isAnswer || this.isConnect)) {
      this.asked--
      if (this.phase === 'opening') this.phase = 'failed'
      return
    }
    if (this.isOver) {
      if (isAnswer && this.resumed > 0) return
      const isLate = this.isEarlyClosed || this.phase === 'moved' || this.socket.isOurEnd(reason)
      assert.ok(isLate, `socket ${this.socket.id}: ERROR ${reason} while ${this.phase}`)
      if (this.isEarlyClosed) return
    }
    this.socket.failed(reason)
  }

  #yielded(worker: number): void {
    this.drains.gaveAway()
    // It was to move before that order came.
    this.socket.holders.delete(this)
    if (this.phase === 'open' || this.phase === 'ended') {
      this.socket.sent.gaveAway(worker)
      this.socket.hasMoved = true
    }
    // Whoever asked for it meanwhile is still answered.
    if (this.asked === 0) this.phase = 'moved'
  }
}
