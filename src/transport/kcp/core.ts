/**
 * KCP, as the C program `ikcp` speaks it: messages out of packets that are lost, doubled and out of
 * order. No clock and no socket: whoever drives it brings the time and the packets.
 *
 * What a peer sends is bounded: a window of segments that wait, one behind a gap, acknowledgements.
 */
import assert from 'node:assert/strict'
import { KCP_ACKS_PER_SEGMENT, KCP_FRAGMENTS_MAX } from '../../base/limits.ts'
import { Congestion } from './congestion.ts'
import { ReceiveWindow } from './receive-window.ts'
import { RoundTrip } from './round-trip.ts'
import {
  AT,
  distance,
  lengthAt,
  read32,
  SEGMENT_COMMAND,
  SEGMENT_HEAD_BYTES,
  type SegmentBase,
  writeHead,
} from './segment.ts'
import { CELL, SendWindow } from './send-window.ts'

/** What the peer has room for until it says so. */
const PEER_WINDOW = 128
/** A segment is sent again so often because later ones have come; then by its time alone. */
const FAST_RESENDS_MAX = 5
/** Asking a peer without room: first, and at most. */
const PROBE_MS = 5000
const PROBE_MS_MAX = 120_000
/** Its clock was stopped, or has jumped: the next flush is now. */
const JUMP_MS = 10_000
/** To be said with the next flush. */
const SAY = { ask: 1, tell: 2 }

/** How a conversation behaves: the names of C's `ikcp_nodelay` and `ikcp_wndsize` in brackets. */
export interface KcpSettings {
  /** Longest packet in bytes. */
  readonly mtu: number
  /** Segments under way at most (`sndwnd`). */
  readonly sendWindow: number
  /** Segments that wait here at most (`rcvwnd`): the peer is told. */
  readonly receiveWindow: number
  /** Between two flushes (`interval`). */
  readonly intervalMs: number
  /** 0: waits double; 1: they grow by half; 2: by half of what a round trip takes (`nodelay`). */
  readonly noDelay: 0 | 1 | 2
  /** Send again what was passed over so often; 0: never (`resend`). */
  readonly fastResend: number
  /** Be polite to others on the way (`nc` is the opposite). */
  readonly isPolite: boolean
  /** Of a message that comes. */
  readonly messageBytesMax: number
}

/** Where packets are written to, and go from. One can serve many conversations. */
export interface PacketOut {
  readonly bytes: Uint8Array
  /** Where segments begin: what is in front is the caller's. */
  readonly begin: number
  /** The packet up to `end` is whole. It is overwritten when this returns. */
  send(end: number): void
}

/** No acknowledgements wait. */
const NOTHING = new Uint32Array(0)

export class KcpCore {
  /** What was sent here and the peer does not have. */
  readonly outgoing: SendWindow
  /** What has come and was not taken. */
  readonly incoming: ReceiveWindow
  readonly #settings: KcpSettings
  readonly #out: PacketOut
  readonly #base: SegmentBase
  readonly #roundTrip: RoundTrip
  readonly #congestion: Congestion
  /** Number and time of each. */
  #acks = NOTHING
  #ackCount = 0
  #peerWindow = PEER_WINDOW
  #say = 0
  #probeMs = 0
  #probeAt = 0
  #flushAt: number
  /** The earliest time at which something is sent again, as of the last flush. */
  #resendAt = 0
  /** Since the last flush the peer has acknowledged something. */
  #isRoomMade = false
  /** Something has changed since the last flush that it may act on. */
  #isTouched = false
  /** Segments that were sent more than once. */
  resent = 0

  constructor(conv: number, settings: KcpSettings, out: PacketOut, now: number) {
    const segmentBytes = settings.mtu - SEGMENT_HEAD_BYTES
    this.#settings = settings
    this.#out = out
    this.#base = { conv, window: settings.receiveWindow, una: 0 }
    this.outgoing = new SendWindow(segmentBytes)
    this.incoming = new ReceiveWindow(settings.receiveWindow, settings.messageBytesMax)
    this.#roundTrip = new RoundTrip(settings.intervalMs, settings.noDelay > 0)
    this.#congestion = new Congestion(segmentBytes)
    this.#flushAt = now >>> 0
  }

  get conv(): number {
    return this.#base.conv
  }

  get mtu(): number {
    return this.#settings.mtu
  }

  /** There is more to be said at once than should wait for the next flush. */
  get isPressed(): boolean {
    return (
      this.#ackCount * 4 >= this.#settings.receiveWindow ||
      (this.outgoing.hasWaiting && this.#peerWindow > 0 && this.#isRoomMade)
    )
  }

  /** Smoothed, in ms; 0: not known. */
  get roundTripMs(): number {
    return this.#roundTrip.ms
  }

  /** @param message Of at most 127 segments. Kept as it is until the peer has it. */
  send(message: Buffer): void {
    assert(this.outgoing.segmentsOf(message.length) <= KCP_FRAGMENTS_MAX)
    this.outgoing.push(message)
    this.#isTouched = true
  }

  /** The next message that is whole. */
  receive(): Buffer | undefined {
    const wasFull = this.incoming.isFull
    const message = this.incoming.take()
    if (message === undefined || !wasFull || this.incoming.isFull) return message
    // The peer may have been told that there is no room, and would ask after seconds.
    this.#say |= SAY.tell
    return message
  }

  // --- what comes ------------------------------------------------------------------------------

  /**
   * A packet has come. What is no segment of this conversation ends it; segments before are taken.
   *
   * @param packet Parts of it are kept.
   * @returns False: something in it made no sense.
   */
  input(packet: Buffer, now: number): boolean {
    const outgoing = this.outgoing
    const unaBefore = outgoing.una
    let isAcked = false
    let newest = 0
    let newestTime = 0
    let at = 0
    this.#isTouched = true
    if (packet.length < SEGMENT_HEAD_BYTES) return false
    while (packet.length - at >= SEGMENT_HEAD_BYTES) {
      const length = lengthAt(packet, at)
      const command = packet[at + AT.command]!
      if (read32(packet, at + AT.conv) !== this.#base.conv) return false
      if (length > packet.length - at - SEGMENT_HEAD_BYTES) return false
      if (command < SEGMENT_COMMAND.push || command > SEGMENT_COMMAND.tell) return false
      this.#peerWindow = packet[at + AT.window]! | (packet[at + AT.window + 1]! << 8)
      outgoing.acknowledgeBefore(read32(packet, at + AT.una))
      const number = read32(packet, at + AT.number)
      const time = read32(packet, at + AT.time)
      if (command === SEGMENT_COMMAND.ack) {
        const rtt = distance(now, time)
        if (rtt >= 0) this.#roundTrip.measured(rtt)
        outgoing.acknowledge(number)
        const isNewer = distance(number, newest) > 0 && distance(time, newestTime) > 0
        if (!isAcked || isNewer) {
          newest = number
          newestTime = time
        }
        isAcked = true
      } else if (command === SEGMENT_COMMAND.push) {
        this.#push(packet, at, length, number, time)
      } else if (command === SEGMENT_COMMAND.ask) {
        this.#say |= SAY.tell
      }
      at += SEGMENT_HEAD_BYTES + length
    }
    if (isAcked) outgoing.passOver(newest, newestTime)
    if (distance(outgoing.una, unaBefore) > 0) {
      this.#congestion.acknowledged(this.#peerWindow)
      this.#isRoomMade = true
    }
    return true
  }

  #push(packet: Buffer, at: number, length: number, number: number, time: number): void {
    const incoming = this.incoming
    if (distance(number, incoming.next + incoming.window) >= 0) return
    if (incoming.refused !== undefined || !this.#acknowledge(number, time)) return
    if (distance(number, incoming.next) < 0) return
    const begin = at + SEGMENT_HEAD_BYTES
    incoming.put(number, packet[at + AT.fragment]!, packet.subarray(begin, begin + length))
  }

  /** @returns False: so many wait that this one has to come again. */
  #acknowledge(number: number, time: number): boolean {
    const at = this.#ackCount * 2
    if (this.#ackCount >= KCP_ACKS_PER_SEGMENT * this.#settings.receiveWindow) return false
    if (at === this.#acks.length) {
      const acks = new Uint32Array(Math.max(16, at * 2))
      acks.set(this.#acks)
      this.#acks = acks
    }
    this.#acks[at] = number
    this.#acks[at + 1] = time
    this.#ackCount++
    return true
  }

  // --- what leaves -----------------------------------------------------------------------------

  /** When `update` has something to do: a time, or undefined: not before something happens. */
  get dueAt(): number | undefined {
    if (this.#isTouched || this.#ackCount > 0 || this.#say !== 0) return this.#flushAt
    if (this.outgoing.una !== this.outgoing.next) return later(this.#flushAt, this.#resendAt)
    if (!this.outgoing.hasWaiting) return undefined
    return this.#probeMs === 0 ? this.#flushAt : later(this.#flushAt, this.#probeAt)
  }

  /** Flush, when it is time to. */
  update(now: number): void {
    let late = distance(now, this.#flushAt)
    if (late >= JUMP_MS || late < -JUMP_MS) {
      this.#flushAt = now >>> 0
      late = 0
    }
    if (late < 0) return
    this.#flushAt = (this.#flushAt + this.#settings.intervalMs) >>> 0
    if (distance(now, this.#flushAt) >= 0) {
      this.#flushAt = (now + this.#settings.intervalMs) >>> 0
    }
    this.flush(now)
  }

  /** Send what may be sent now. */
  flush(now: number): void {
    const packets = new Packets(this.#out, this.#settings.mtu, this.#base)
    const windowBefore = this.#congestion.window
    this.#isTouched = false
    this.#isRoomMade = false
    this.#base.window = this.incoming.room
    this.#base.una = this.incoming.next
    this.#flushAcks(packets)
    this.#probe(now)
    if (this.#say & SAY.ask) packets.head(SEGMENT_COMMAND.ask)
    if (this.#say & SAY.tell) packets.head(SEGMENT_COMMAND.tell)
    this.#say = 0
    this.#begin(now)
    this.#flushSegments(packets, now, windowBefore)
  }

  #flushAcks(packets: Packets): void {
    for (let i = 0; i < this.#ackCount; i++) {
      packets.head(SEGMENT_COMMAND.ack, this.#acks[2 * i], this.#acks[2 * i + 1])
    }
    this.#ackCount = 0
  }

  /** A peer without room is asked now and then: what it told may be lost. */
  #probe(now: number): void {
    if (this.#peerWindow > 0) {
      this.#probeMs = 0
      return
    }
    if (this.#probeMs === 0) {
      this.#probeMs = PROBE_MS
    } else {
      if (distance(now, this.#probeAt) < 0) return
      this.#probeMs = Math.min(PROBE_MS_MAX, this.#probeMs + Math.trunc(this.#probeMs / 2))
      this.#say |= SAY.ask
    }
    this.#probeAt = (now + this.#probeMs) >>> 0
  }

  /** What waits is under way, as far as windows let it. */
  #begin(now: number): void {
    const outgoing = this.outgoing
    let window = Math.min(this.#settings.sendWindow, this.#peerWindow)
    if (this.#settings.isPolite) window = Math.min(window, this.#congestion.window)
    while (outgoing.hasWaiting && distance(outgoing.next, outgoing.una + window) < 0) {
      outgoing.begin()
    }
    this.#resendAt = (now + JUMP_MS) >>> 0
  }

  #flushSegments(packets: Packets, now: number, windowBefore: number): void {
    const outgoing = this.outgoing
    let passedOver = 0
    let isLate = false
    for (let number = outgoing.una; number !== outgoing.next; number = (number + 1) >>> 0) {
      const row = outgoing.rowOf(number)
      const message = outgoing.messageOf(row)
      if (message === undefined) continue
      const why = this.#why(row, now)
      if (why === 'passed over') passedOver++
      if (why === 'late') isLate = true
      if (why !== undefined) this.#sendSegment(packets, number, row, message, now)
      const resendAt = outgoing.cells[row + CELL.resendAt]!
      if (distance(resendAt, this.#resendAt) < 0) this.#resendAt = resendAt
    }
    packets.end()
    const underWay = distance(outgoing.next, outgoing.una)
    if (passedOver > 0) this.#congestion.passedOver(underWay, this.#settings.fastResend)
    if (isLate) this.#congestion.timedOut(windowBefore)
    this.#congestion.atLeastOne()
  }

  /** Why a segment is sent now, if it is; when it is sent again if nothing is heard. */
  #why(row: number, now: number): 'new' | 'late' | 'passed over' | undefined {
    const { cells } = this.outgoing
    const { noDelay, fastResend } = this.#settings
    const { rto } = this.#roundTrip
    if (cells[row + CELL.sent] === 0) {
      cells[row + CELL.rto] = rto
      cells[row + CELL.resendAt] = now + rto + (noDelay === 0 ? rto >> 3 : 0)
      return 'new'
    }
    const waited = cells[row + CELL.rto]!
    if (distance(now, cells[row + CELL.resendAt]!) >= 0) {
      const more = noDelay === 0 ? Math.max(waited, rto) : (noDelay === 1 ? waited : rto) >> 1
      cells[row + CELL.rto] = waited + more
      cells[row + CELL.resendAt] = now + waited + more
      return 'late'
    }
    if (fastResend === 0 || cells[row + CELL.skipped]! < fastResend) return undefined
    if (cells[row + CELL.sent]! > FAST_RESENDS_MAX) return undefined
    cells[row + CELL.skipped] = 0
    cells[row + CELL.resendAt] = now + waited
    return 'passed over'
  }

  #sendSegment(packets: Packets, number: number, row: number, message: Buffer, now: number): void {
    const { cells } = this.outgoing
    if (cells[row + CELL.sent]! > 0) this.resent++
    cells[row + CELL.sent]!++
    cells[row + CELL.time] = now
    packets.segment(
      cells[row + CELL.fragment]!,
      now >>> 0,
      number,
      message,
      cells[row + CELL.at]!,
      cells[row + CELL.length]!,
    )
  }

  /** Whatever is under way is sent again with the next flush: the way has changed. */
  sendAgain(now: number): void {
    const outgoing = this.outgoing
    for (let number = outgoing.una; number !== outgoing.next; number = (number + 1) >>> 0) {
      const row = outgoing.rowOf(number)
      if (outgoing.messageOf(row) !== undefined) outgoing.cells[row + CELL.resendAt] = now
    }
    this.#isTouched = true
  }

  /** It has memory that it may give back by and by. */
  get isRoomy(): boolean {
    const { outgoing, incoming } = this
    const isBare = this.#acks === NOTHING && outgoing.cells.length === 0 && incoming.isCompact
    return !isBare && outgoing.isEmpty && incoming.isQuiet
  }

  /** Give back the memory that nothing is in. */
  compact(): void {
    this.outgoing.compact()
    this.incoming.compact()
    if (this.#ackCount === 0) this.#acks = NOTHING
  }

  /** Nothing more leaves. What came is there to be taken. */
  dropOutgoing(): void {
    this.outgoing.clear()
    this.#ackCount = 0
    this.#say = 0
    this.#isTouched = false
    this.compact()
  }
}

const later = (a: number, b: number): number => (distance(a, b) > 0 ? a : b)

/** Segments gathered into packets of one flush. */
class Packets {
  readonly #out: PacketOut
  readonly #base: SegmentBase
  readonly #end: number
  #at: number
  /** Of the last acknowledgement: C leaves them in what it asks and tells. */
  #number = 0
  #time = 0

  constructor(out: PacketOut, mtu: number, base: SegmentBase) {
    this.#out = out
    this.#base = base
    this.#at = out.begin
    this.#end = out.begin + mtu
  }

  /** A segment without data. */
  head(command: number, number = this.#number, time = this.#time): void {
    this.#number = number
    this.#time = time
    this.#room(0)
    writeHead(this.#out.bytes, this.#at, this.#base, command, 0, time, number, 0)
    this.#at += SEGMENT_HEAD_BYTES
  }

  segment(
    fragment: number,
    time: number,
    number: number,
    message: Buffer,
    from: number,
    length: number,
  ): void {
    const { bytes } = this.#out
    this.#room(length)
    writeHead(bytes, this.#at, this.#base, SEGMENT_COMMAND.push, fragment, time, number, length)
    this.#at += SEGMENT_HEAD_BYTES
    message.copy(bytes, this.#at, from, from + length)
    this.#at += length
  }

  #room(length: number): void {
    if (this.#at + SEGMENT_HEAD_BYTES + length > this.#end) this.end()
  }

  /** Send what there is. */
  end(): void {
    if (this.#at > this.#out.begin) this.#out.send(this.#at)
    this.#at = this.#out.begin
  }
}
