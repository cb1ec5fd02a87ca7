/** What a stream does when it becomes ready: TCP, Unix. Runs on the socket thread only. */
import { FIN_WAIT_MS, READ_BYTES_MIN } from '../../base/limits.ts'
import { ERRNO, isAgain } from '../../os/errno.ts'
import { INTEREST } from '../../os/poll/poller.ts'
import { NOT_BEGUN } from '../commands.ts'
import { EVENT } from '../event.ts'
import { type Parcel, SharedBytes } from '../shared-bytes.ts'
import { debtErrno, SLOT } from '../slots.ts'
import { STATE } from '../state.ts'
import { TOTAL } from '../totals.ts'
import { endStarving, starve } from './shortage.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'

/** Full reads of one socket before others get their turn. */
const READS_PER_EVENT_MAX = 4
/** Writes of one socket before others get their turn: its reader may be as fast as we are. */
const WRITES_PER_EVENT_MAX = 16
/** Nothing is wrong with the connection: later there may be memory. */
const NO_MEMORY: ReadonlySet<number> = new Set([-ERRNO.ENOBUFS, -ERRNO.ENOMEM])

/** Read straight into the ring of the owner's worker. */
export function readable(sockets: Sockets, socket: Socket): void {
  const link = sockets.owners.linkOf(socket.owner)
  if (link === undefined) {
    // Its owner is gone, whose last words may still be in the queue.
    closeSocket(sockets, socket)
    return
  }
  for (let round = 0; round < READS_PER_EVENT_MAX; round++) {
    const wanted = socket.readBytes
    const at = link.reserve(wanted)
    if (at < 0) {
      sockets.stall(socket, link)
      return
    }
    const count = sockets.os.read(socket.fd, link.region, at, wanted)
    if (count <= 0) {
      if (count === 0) peerEnded(sockets, socket)
      else if (!isAgain(count)) readFailed(sockets, socket, count)
      return
    }
    sockets.totals.add(TOTAL.received, count)
    sockets.slots.floats[(socket.at + SLOT.bytesIn) >> 1]! += count
    sockets.slots.cells[socket.at + SLOT.readAt] = sockets.now
    link.publish(EVENT.DATA, socket.owner, socket.id, 0, count)
    if (count < wanted) {
      if (count * 2 < wanted && wanted > READ_BYTES_MIN) socket.readBytes = wanted >> 1
      return
    }
    socket.readBytes = Math.min(wanted * 2, socket.settings.readBytesMax)
  }
}

/**
 * The peer is gone while nobody reads. What came before it went stays readable: when the owner
 * reads again, or its ring has room. After RST nothing is left to read.
 */
export function hungUp(sockets: Sockets, socket: Socket): void {
  const error = socket.stalled ? 0 : errorOf(sockets, socket)
  const state = sockets.stateOf(socket)
  const isWhole = state === STATE.CONNECTED || state === STATE.BIND
  const isReadable = isWhole || (state === STATE.HALFCLOSE_WRITE && socket.ending)
  // Of a Unix socket also after the peer has gone with something unread.
  const isUnix = error !== 0 && sockets.os.localAddress(socket.fd)?.family === 'unix'
  const isKept = error === 0 || socket.borrowed !== undefined || isUnix
  if (socket.stalled || (isReadable && isKept)) {
    sockets.watching.unwatch(socket)
    return
  }
  if (error < 0 && !socket.closeTold) sockets.owners.fail(socket, error)
  sockets.free(socket)
}

function errorOf(sockets: Sockets, socket: Socket): number {
  return sockets.os.socketError(socket.fd) || debtErrno(sockets.tokens.debtOf(socket))
}

/** FIN: say so, and keep the descriptor until the owner closes it: it may still answer. */
function peerEnded(sockets: Sockets, socket: Socket): void {
  const failure = debtErrno(sockets.tokens.debtOf(socket))
  if (failure < 0) {
    readFailed(sockets, socket, failure)
    return
  }
  socket.peerEnded = true
  socket.reading = false
  if (sockets.stateOf(socket) === STATE.HALFCLOSE_WRITE) {
    sockets.free(socket)
    return
  }
  sockets.move(socket, 'peerEnded')
  sockets.watching.watch(socket, socket.interest & ~INTEREST.read)
  sockets.owners.tellClose(socket)
}

function readFailed(sockets: Sockets, socket: Socket, errno: number): void {
  sockets.owners.fail(socket, errno)
  sockets.free(socket)
}

/** Close as COMMAND.close says: tell the owner now, let what was written leave. */
export function closeSocket(sockets: Sockets, socket: Socket): void {
  if (socket.closing) return
  const state = sockets.stateOf(socket)
  // With nothing to say there is nobody to wait for: not yet connected, or not ours to close.
  const hasNobody = state <= STATE.CONNECTING || socket.borrowed || socket.udp !== undefined
  const isQuiet = hasNobody && socket.unsent === 0
  const hasFailed = state === STATE.HALFCLOSE_WRITE && !socket.ending
  if (state <= STATE.LISTEN || isQuiet || hasFailed) {
    sockets.free(socket)
    return
  }
  // Of a UDP socket CLOSE says that the port can be used again.
  if (socket.udp === undefined) sockets.owners.tellClose(socket)
  socket.closing = true
  socket.reading = false
  socket.starved = false
  sockets.setDeadline(socket, socket.settings.lingerMs)
  if (state === STATE.CONNECTING) return
  sockets.move(socket, 'flush')
  if (socket.unsent === 0) sendFin(sockets, socket)
  else sockets.watching.watch(socket, INTEREST.write)
}

/** Closing: what still comes is thrown away, until the peer's FIN. */
export function discard(sockets: Sockets, socket: Socket): void {
  const { scratch } = sockets.buffers
  for (let round = 0; round < READS_PER_EVENT_MAX; round++) {
    const count = sockets.os.read(socket.fd, scratch, 0, scratch.bytes.length)
    if (count > 0) continue
    if (isAgain(count)) return
    socket.peerEnded = true
    // A rest that a worker still owes is part of a piece that was begun: it comes, or linger ends.
    if (count === 0 && sockets.tokens.debtOf(socket) !== 0) {
      awaitDebt(sockets, socket)
      return
    }
    if (count === 0 && socket.queue.length > 0) {
      sockets.watching.watch(socket, socket.interest & ~INTEREST.read)
      return
    }
    sockets.free(socket)
    return
  }
}

/** Write what is queued, as far as the kernel takes it. */
export function flush(sockets: Sockets, socket: Socket): void {
  const { queue } = socket
  if (queue.length === 0) {
    flushed(sockets, socket)
    return
  }
  if (!sockets.tokens.tryTake(socket)) {
    sockets.watching.watch(socket, socket.interest | INTEREST.write)
    return
  }
  // A worker still owes the rest of a direct write: its command is on the way. Looked at under the
  // token, as slots.ts rule 2: before, that worker may still be in the middle of its write.
  if (sockets.tokens.isOwed(socket)) {
    sockets.tokens.release(socket)
    awaitDebt(sockets, socket)
    return
  }
  let failure = 0
  let next = queue.peek(sockets.buffers.staging)
  for (let round = 0; next !== undefined && round < WRITES_PER_EVENT_MAX; round++) {
    const count = sockets.os.write(socket.fd, next.bytes, next.offset, next.length)
    if (count < 0) {
      failure = isAgain(count) ? 0 : count
      break
    }
    sockets.totals.add(TOTAL.sent, count)
    sockets.slots.floats[(socket.at + SLOT.bytesOut) >> 1]! += count
    sockets.slots.cells[socket.at + SLOT.writeAt] = sockets.now
    sockets.settle(socket.at, queue.written(count), count)
    if (count < next.length) break
    next = queue.peek(sockets.buffers.staging)
  }
  sockets.tokens.release(socket)
  if (NO_MEMORY.has(failure)) starve(sockets, socket)
  else if (failure < 0) writeFailed(sockets, socket, failure)
  else if (queue.length > 0) sockets.watching.watch(socket, socket.interest | INTEREST.write)
  else flushed(sockets, socket)
}

/**
 * Until the order has come with what a worker owes there is nothing to write, however writable the
 * socket is. Nor is there anything to hear of a peer that is done, but that it has hung up: the
 * poller would say so again and again, whatever is asked of it.
 */
function awaitDebt(sockets: Sockets, socket: Socket): void {
  if (socket.closing && socket.peerEnded) sockets.watching.unwatch(socket)
  else sockets.watching.ignore(socket, INTEREST.write)
}

/** Everything has left. */
function flushed(sockets: Sockets, socket: Socket): void {
  endStarving(sockets, socket)
  sockets.watching.ignore(socket, INTEREST.write)
  if (socket.queue.warnBytes > 0) {
    socket.queue.warnBytes = 0
    if (!socket.closing) sockets.owners.emit(socket.owner, EVENT.WARNING, socket.id, 0)
  }
  sockets.owners.answerDrains(socket, 1)
  if (socket.closing && !socket.finSent) sendFin(sockets, socket)
  else if (socket.ending) endWriting(sockets, socket)
}

/** `end` was ordered and everything has left: half a close. Whoever has both halves is done. */
export function endWriting(sockets: Sockets, socket: Socket): void {
  const state = sockets.stateOf(socket)
  if (state !== STATE.CONNECTED && state !== STATE.HALFCLOSE_READ) return
  sockets.tokens.take(socket)
  const mustWait = sockets.tokens.isOwed(socket)
  if (!mustWait && state === STATE.CONNECTED) {
    sockets.move(socket, 'ended')
    sockets.os.shutdown(socket.fd, 'write')
  }
  sockets.tokens.release(socket)
  if (!mustWait && state === STATE.HALFCLOSE_READ) sockets.free(socket)
}

/** The last step of a polite close: FIN, then wait for the peer's, so that it reads everything. */
export function sendFin(sockets: Sockets, socket: Socket): void {
  // Under the token: else a worker in the middle of a direct write is cut, and never knows.
  sockets.tokens.take(socket)
  const mustWait = sockets.tokens.isOwed(socket)
  const isHeard = !socket.peerEnded && !socket.borrowed && sockets.exitAt === 0
  const saysFin = !mustWait && isHeard
  const isSaid = saysFin && sockets.os.shutdown(socket.fd, 'write') === 0
  sockets.tokens.release(socket)
  if (mustWait) return
  socket.finSent = true
  if (!isSaid) {
    sockets.free(socket)
    return
  }
  sockets.watching.watch(socket, INTEREST.read)
  sockets.setDeadline(socket, FIN_WAIT_MS)
}

/** Nothing can be written any more; what the peer sent before may still be read. */
function writeFailed(sockets: Sockets, socket: Socket, errno: number): void {
  socket.cut = true
  sockets.dropQueue(socket)
  const state = sockets.stateOf(socket)
  const isOpen = state === STATE.CONNECTED || state === STATE.BIND
  if (socket.closing || socket.peerEnded || !isOpen) {
    sockets.free(socket)
    return
  }
  sockets.move(socket, 'writeFailed')
  sockets.watching.watch(socket, socket.interest & ~INTEREST.write)
  sockets.owners.fail(socket, errno)
}

/**
 * Queue bytes that a worker could not write itself.
 *
 * @param begun How much of them has left: then the rest goes before everything. NOT_BEGUN: nothing.
 */
export function enqueue(
  sockets: Sockets,
  socket: Socket,
  parcel: Parcel,
  begun: number = NOT_BEGUN,
  isLow = false,
): void {
  const state = sockets.stateOf(socket)
  const isLost = socket.closing || socket.ending || state === STATE.HALFCLOSE_WRITE
  if (begun !== NOT_BEGUN) {
    const owed = Atomics.exchange(sockets.slots.cells, socket.at + SLOT.remainder, 0)
    socket.ownQueue.unshift(parcel, begun)
    if (state === STATE.HALFCLOSE_WRITE) sockets.dropQueue(socket)
    else if (owed < 0) writeFailed(sockets, socket, debtErrno(owed))
  } else if (isLost || state === STATE.PLISTEN || state === STATE.LISTEN || parcel.length === 0) {
    sockets.settle(socket.at, 1, parcel.length)
    if (parcel instanceof SharedBytes) parcel.release()
  } else if (isLow) socket.ownQueue.pushLow(parcel)
  else socket.ownQueue.push(parcel)
  if (socket.queue.length === 0) return
  if (state !== STATE.RESERVE && state !== STATE.CONNECTING) flush(sockets, socket)
  if (socket.fd >= 0) warn(sockets, socket)
}

/**
 * More waits than the policy of the socket allows. What somebody wrote to a listener, whose id he
 * knew before it listened, waits no more: it was dropped.
 */
export function overflowed(sockets: Sockets, socket: Socket): void {
  const state = sockets.stateOf(socket)
  if (state === STATE.PLISTEN || state === STATE.LISTEN) return
  const reason = `more than ${socket.settings.sendLimitBytes} bytes wait to be sent`
  sockets.owners.emit(socket.owner, EVENT.ERROR, socket.id, 0, reason)
  // What was never open has no end: the error is the answer to its connect.
  if (state <= STATE.CONNECTING) socket.closeTold = true
  sockets.free(socket)
}

function warn(sockets: Sockets, socket: Socket): void {
  const { queue } = socket
  const { bytes } = queue
  const { sendWarningBytes } = socket.settings
  if (bytes < sendWarningBytes || bytes < queue.warnBytes || socket.closing) return
  queue.warnBytes = queue.warnBytes === 0 ? sendWarningBytes * 2 : queue.warnBytes * 2
  sockets.owners.emit(socket.owner, EVENT.WARNING, socket.id, Math.ceil(bytes / 1024))
}
