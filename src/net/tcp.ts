/** What a stream does when it becomes ready: TCP, Unix. Runs on the socket thread only. */
import { READ_BYTES_MIN, SHORTAGE_PAUSE_MS } from '../base/limits.ts'
import { ERRNO, isAgain } from '../os/errno.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { NOT_BEGUN } from './commands.ts'
import { EVENT } from './event.ts'
import type { SocketServer } from './server.ts'
import { type Parcel, SharedBytes } from './shared-bytes.ts'
import { debtErrno, SLOT } from './slots.ts'
import type { Socket } from './socket.ts'
import { STATE } from './state.ts'
import { TOTAL } from './totals.ts'

/** Full reads of one socket before others get their turn. */
const READS_PER_EVENT_MAX = 4
/** Writes of one socket before others get their turn: its reader may be as fast as we are. */
const WRITES_PER_EVENT_MAX = 16
/** Nothing is wrong with the connection: later there may be memory. */
const NO_MEMORY: ReadonlySet<number> = new Set([-ERRNO.ENOBUFS, -ERRNO.ENOMEM])
/** How long a flushed socket waits for the peer's FIN: closing earlier could cut what it reads. */
const FIN_WAIT_MS = 2000

/** Read straight into the ring of the owner's worker. */
export function readable(server: SocketServer, socket: Socket): void {
  const link = server.linkOf(socket.owner)
  if (link === undefined) {
    // Its owner is gone, whose last words may still be in the queue.
    closeSocket(server, socket)
    return
  }
  for (let round = 0; round < READS_PER_EVENT_MAX; round++) {
    const wanted = socket.readBytes
    const at = link.reserve(wanted)
    if (at < 0) {
      server.stall(socket, link)
      return
    }
    const count = server.os.read(socket.fd, link.region, at, wanted)
    if (count <= 0) {
      if (count === 0) peerEnded(server, socket)
      else if (!isAgain(count)) readFailed(server, socket, count)
      return
    }
    server.totals.add(TOTAL.received, count)
    server.slots.floats[(socket.at + SLOT.bytesIn) >> 1]! += count
    server.slots.cells[socket.at + SLOT.readAt] = server.now
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
export function hungUp(server: SocketServer, socket: Socket): void {
  const error = socket.stalled ? 0 : errorOf(server, socket)
  const state = server.stateOf(socket)
  const isWhole = state === STATE.CONNECTED || state === STATE.BIND
  const isReadable = isWhole || (state === STATE.HALFCLOSE_WRITE && socket.ending)
  // Of a Unix socket also after the peer has gone with something unread.
  const isUnix = error !== 0 && server.os.localAddress(socket.fd)?.family === 'unix'
  const isKept = error === 0 || socket.borrowed !== undefined || isUnix
  if (socket.stalled || (isReadable && isKept)) {
    server.unwatch(socket)
    return
  }
  if (error < 0 && !socket.closeTold) server.fail(socket, error)
  server.free(socket)
}

function errorOf(server: SocketServer, socket: Socket): number {
  return server.os.socketError(socket.fd) || debtErrno(debtOf(server, socket))
}

/** FIN: say so, and keep the descriptor until the owner closes it: it may still answer. */
function peerEnded(server: SocketServer, socket: Socket): void {
  const failure = debtErrno(debtOf(server, socket))
  if (failure < 0) {
    readFailed(server, socket, failure)
    return
  }
  socket.peerEnded = true
  socket.reading = false
  if (server.stateOf(socket) === STATE.HALFCLOSE_WRITE) {
    server.free(socket)
    return
  }
  server.move(socket, 'peerEnded')
  server.watch(socket, socket.interest & ~INTEREST.read)
  server.tellClose(socket)
}

function readFailed(server: SocketServer, socket: Socket, errno: number): void {
  server.fail(socket, errno)
  server.free(socket)
}

/** Close as COMMAND.close says: tell the owner now, let what was written leave. */
export function closeSocket(server: SocketServer, socket: Socket): void {
  if (socket.closing) return
  const state = server.stateOf(socket)
  // With nothing to say there is nobody to wait for: not yet connected, or not ours to close.
  const hasNobody = state <= STATE.CONNECTING || socket.borrowed || socket.udp !== undefined
  const isQuiet = hasNobody && socket.unsent === 0
  const hasFailed = state === STATE.HALFCLOSE_WRITE && !socket.ending
  if (state <= STATE.LISTEN || isQuiet || hasFailed) {
    server.free(socket)
    return
  }
  // Of a UDP socket CLOSE says that the port can be used again.
  if (socket.udp === undefined) server.tellClose(socket)
  socket.closing = true
  socket.reading = false
  socket.starved = false
  server.setDeadline(socket, socket.settings.lingerMs)
  if (state === STATE.CONNECTING) return
  server.move(socket, 'flush')
  if (socket.unsent === 0) sendFin(server, socket)
  else server.watch(socket, INTEREST.write)
}

/** Closing: what still comes is thrown away, until the peer's FIN. */
export function discard(server: SocketServer, socket: Socket): void {
  for (let round = 0; round < READS_PER_EVENT_MAX; round++) {
    const count = server.os.read(socket.fd, server.scratch, 0, server.scratch.bytes.length)
    if (count > 0) continue
    if (isAgain(count)) return
    socket.peerEnded = true
    // A rest that a worker still owes is part of a piece that was begun: it comes, or linger ends.
    if (count === 0 && debtOf(server, socket) !== 0) {
      awaitDebt(server, socket)
      return
    }
    if (count === 0 && socket.queue.length > 0) {
      server.watch(socket, socket.interest & ~INTEREST.read)
      return
    }
    server.free(socket)
    return
  }
}

/** Write what is queued, as far as the kernel takes it. */
export function flush(server: SocketServer, socket: Socket): void {
  const { queue } = socket
  if (queue.length === 0) {
    flushed(server, socket)
    return
  }
  if (!server.tryToken(socket)) {
    server.watch(socket, socket.interest | INTEREST.write)
    return
  }
  // A worker still owes the rest of a direct write: its command is on the way. Looked at under the
  // token, as slots.ts rule 2: before, that worker may still be in the middle of its write.
  if (isOwed(server, socket)) {
    server.releaseToken(socket)
    awaitDebt(server, socket)
    return
  }
  let failure = 0
  let next = queue.peek(server.staging)
  for (let round = 0; next !== undefined && round < WRITES_PER_EVENT_MAX; round++) {
    const count = server.os.write(socket.fd, next.bytes, next.offset, next.length)
    if (count < 0) {
      failure = isAgain(count) ? 0 : count
      break
    }
    server.totals.add(TOTAL.sent, count)
    server.slots.floats[(socket.at + SLOT.bytesOut) >> 1]! += count
    server.slots.cells[socket.at + SLOT.writeAt] = server.now
    server.settle(socket.at, queue.written(count), count)
    if (count < next.length) break
    next = queue.peek(server.staging)
  }
  server.releaseToken(socket)
  if (NO_MEMORY.has(failure)) starve(server, socket)
  else if (failure < 0) writeFailed(server, socket, failure)
  else if (queue.length > 0) server.watch(socket, socket.interest | INTEREST.write)
  else flushed(server, socket)
}

/**
 * Until the order has come with what a worker owes there is nothing to write, however writable the
 * socket is. Nor is there anything to hear of a peer that is done, but that it has hung up: the
 * poller would say so again and again, whatever is asked of it.
 */
function awaitDebt(server: SocketServer, socket: Socket): void {
  if (socket.closing && socket.peerEnded) server.unwatch(socket)
  else server.ignore(socket, INTEREST.write)
}

/** The poller would say "writable" again and again: look at the clock instead. */
export function starve(server: SocketServer, socket: Socket): void {
  socket.starved = true
  server.ignore(socket, INTEREST.write)
  server.setDeadline(socket, SHORTAGE_PAUSE_MS)
}

/** A worker still owes the rest of its direct write. Asked under the token: slots.ts, rule 2. */
function isOwed(server: SocketServer, socket: Socket): boolean {
  return Atomics.load(server.slots.cells, socket.at + SLOT.remainder) !== 0
}

/**
 * What a worker owes whose command is on the way; 0: nothing. It waits for a write under way. One
 * that failed took the error out of the socket, which looks like one that ended well: `debtErrno`.
 */
function debtOf(server: SocketServer, socket: Socket): number {
  server.takeToken(socket)
  const owed = Atomics.load(server.slots.cells, socket.at + SLOT.remainder)
  server.releaseToken(socket)
  return owed
}

/** Everything has left. */
function flushed(server: SocketServer, socket: Socket): void {
  endStarving(server, socket)
  server.ignore(socket, INTEREST.write)
  if (socket.queue.warnBytes > 0) {
    socket.queue.warnBytes = 0
    if (!socket.closing) server.emit(socket.owner, EVENT.WARNING, socket.id, 0)
  }
  server.answerDrains(socket, 1)
  if (socket.closing && !socket.finSent) sendFin(server, socket)
  else if (socket.ending) endWriting(server, socket)
}

/** `end` was ordered and everything has left: half a close. Whoever has both halves is done. */
export function endWriting(server: SocketServer, socket: Socket): void {
  const state = server.stateOf(socket)
  if (state !== STATE.CONNECTED && state !== STATE.HALFCLOSE_READ) return
  server.takeToken(socket)
  const mustWait = isOwed(server, socket)
  if (!mustWait && state === STATE.CONNECTED) {
    server.move(socket, 'ended')
    server.os.shutdown(socket.fd, 'write')
  }
  server.releaseToken(socket)
  if (!mustWait && state === STATE.HALFCLOSE_READ) server.free(socket)
}

/** The last step of a polite close: FIN, then wait for the peer's, so that it reads everything. */
export function sendFin(server: SocketServer, socket: Socket): void {
  // Under the token: else a worker in the middle of a direct write is cut, and never knows.
  server.takeToken(socket)
  const mustWait = isOwed(server, socket)
  const isHeard = !socket.peerEnded && !socket.borrowed && server.exitAt === 0
  const saysFin = !mustWait && isHeard
  const isSaid = saysFin && server.os.shutdown(socket.fd, 'write') === 0
  server.releaseToken(socket)
  if (mustWait) return
  socket.finSent = true
  if (!isSaid) {
    server.free(socket)
    return
  }
  server.watch(socket, INTEREST.read)
  server.setDeadline(socket, FIN_WAIT_MS)
}

/**
 * Would a close now drop bytes that were taken for sending? Then it must be RST: half an answer
 * must not look whole. Asked under the token. What is sent after `close` or `end` is no part of it.
 */
export function losesBytes(server: SocketServer, socket: Socket): boolean {
  if (!socket.isStream || server.stateOf(socket) < STATE.CONNECTED) return false
  if (socket.cut || socket.queue.length > 0 || isOwed(server, socket)) return true
  if (socket.closing || socket.ending) return false
  return Atomics.load(server.slots.cells, socket.at + SLOT.pending) > 0
}

/** Nothing can be written any more; what the peer sent before may still be read. */
function writeFailed(server: SocketServer, socket: Socket, errno: number): void {
  socket.cut = true
  server.dropQueue(socket)
  const state = server.stateOf(socket)
  const isOpen = state === STATE.CONNECTED || state === STATE.BIND
  if (socket.closing || socket.peerEnded || !isOpen) {
    server.free(socket)
    return
  }
  server.move(socket, 'writeFailed')
  server.watch(socket, socket.interest & ~INTEREST.write)
  server.fail(socket, errno)
}

/**
 * Queue bytes that a worker could not write itself.
 *
 * @param begun How much of them has left: then the rest goes before everything. NOT_BEGUN: nothing.
 */
export function enqueue(
  server: SocketServer,
  socket: Socket,
  parcel: Parcel,
  begun: number = NOT_BEGUN,
  isLow = false,
): void {
  const state = server.stateOf(socket)
  const isLost = socket.closing || socket.ending || state === STATE.HALFCLOSE_WRITE
  if (begun !== NOT_BEGUN) {
    const owed = Atomics.exchange(server.slots.cells, socket.at + SLOT.remainder, 0)
    socket.ownQueue.unshift(parcel, begun)
    if (state === STATE.HALFCLOSE_WRITE) server.dropQueue(socket)
    else if (owed < 0) writeFailed(server, socket, debtErrno(owed))
  } else if (isLost || state === STATE.PLISTEN || state === STATE.LISTEN || parcel.length === 0) {
    server.settle(socket.at, 1, parcel.length)
    if (parcel instanceof SharedBytes) parcel.release()
  } else if (isLow) socket.ownQueue.pushLow(parcel)
  else socket.ownQueue.push(parcel)
  if (socket.queue.length === 0) return
  if (state !== STATE.RESERVE && state !== STATE.CONNECTING) flush(server, socket)
  if (socket.fd >= 0) warn(server, socket)
}

/** More waits than the policy of the socket allows. */
export function overflowed(server: SocketServer, socket: Socket): void {
  const reason = `more than ${socket.settings.sendLimitBytes} bytes wait to be sent`
  server.emit(socket.owner, EVENT.ERROR, socket.id, 0, reason)
  // What was never open has no end: the error is the answer to its connect.
  if (server.stateOf(socket) <= STATE.CONNECTING) socket.closeTold = true
  server.free(socket)
}

function warn(server: SocketServer, socket: Socket): void {
  const { queue } = socket
  const { bytes } = queue
  const { sendWarningBytes } = socket.settings
  if (bytes < sendWarningBytes || bytes < queue.warnBytes || socket.closing) return
  queue.warnBytes = queue.warnBytes === 0 ? sendWarningBytes * 2 : queue.warnBytes * 2
  server.emit(socket.owner, EVENT.WARNING, socket.id, Math.ceil(bytes / 1024))
}

/** What waited for memory is written again, or has left: another deadline counts now. */
export function endStarving(server: SocketServer, socket: Socket): void {
  if (!socket.starved) return
  socket.starved = false
  server.setDeadline(socket, lifeMs(socket))
}

/** How long a socket lives from now on when nothing happens; 0: for ever. */
const lifeMs = ({ closing, settings }: Socket): number =>
  closing ? settings.lingerMs : settings.idleTimeoutMs
