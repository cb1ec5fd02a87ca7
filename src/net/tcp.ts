/** What a TCP socket does when it becomes ready. Runs on the socket thread only. */
import {
  ACCEPTS_PER_EVENT_MAX,
  LINGER_MS_MAX,
  READ_BYTES_MAX,
  READ_BYTES_MIN,
  SEND_QUEUE_BYTES_MAX,
  SEND_WARNING_BYTES,
} from '../base/limits.ts'
import { formatAddress } from '../os/address.ts'
import { ERRNO, isAgain } from '../os/errno.ts'
import type { AnyAddress } from '../os/os.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { EVENT } from './event.ts'
import type { SocketServer } from './server.ts'
import { SLOT } from './slots.ts'
import { Socket } from './socket.ts'
import { STATE } from './state.ts'

/** Full reads of one socket before others get their turn. */
const READS_PER_EVENT_MAX = 4
/** Writes of one socket before others get their turn: its reader may be as fast as we are. */
const WRITES_PER_EVENT_MAX = 16
/** How long accepting pauses when there is no descriptor, not even to refuse with. */
const ACCEPT_PAUSE_MS = 100
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
      socket.stalled = true
      link.stalled.push(socket)
      link.wantRoom()
      server.watch(socket, socket.interest & ~INTEREST.read)
      return
    }
    const count = server.os.read(socket.fd, link.region, at, wanted)
    if (count <= 0) {
      if (count === 0) peerEnded(server, socket)
      else if (!isAgain(count)) readFailed(server, socket, count)
      return
    }
    link.publish(EVENT.DATA, socket.owner, socket.id, 0, count)
    server.slots.floats[(socket.at + SLOT.bytesIn) >> 1]! += count
    if (count < wanted) {
      if (count * 2 < wanted && wanted > READ_BYTES_MIN) socket.readBytes = wanted >> 1
      return
    }
    socket.readBytes = Math.min(wanted * 2, READ_BYTES_MAX)
  }
}

/** FIN: say so, and keep the descriptor until the owner closes it: it may still answer. */
function peerEnded(server: SocketServer, socket: Socket): void {
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
  const isQuiet = state <= STATE.CONNECTING && socket.queue.length === 0
  if (state <= STATE.LISTEN || isQuiet || state === STATE.HALFCLOSE_WRITE) {
    server.free(socket)
    return
  }
  server.tellClose(socket)
  socket.closing = true
  socket.reading = false
  if (state === STATE.CONNECTING) return
  server.move(socket, 'flush')
  server.setDeadline(socket, LINGER_MS_MAX)
  if (socket.queue.length === 0) sendFin(server, socket)
  else server.watch(socket, INTEREST.write)
}

/** Closing: what still comes is thrown away, until the peer's FIN. */
export function discard(server: SocketServer, socket: Socket): void {
  for (let round = 0; round < READS_PER_EVENT_MAX; round++) {
    const count = server.os.read(socket.fd, server.scratch, 0, server.scratch.bytes.length)
    if (count > 0) continue
    if (isAgain(count)) return
    socket.peerEnded = true
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
    server.slots.floats[(socket.at + SLOT.bytesOut) >> 1]! += count
    server.settle(socket.at, queue.written(count), count)
    if (count < next.length) break
    next = queue.peek(server.staging)
  }
  server.releaseToken(socket)
  if (failure < 0) writeFailed(server, socket, failure)
  else if (queue.length > 0) server.watch(socket, socket.interest | INTEREST.write)
  else flushed(server, socket)
}

/** A worker still owes the rest of its direct write. Asked under the token: slots.ts, rule 2. */
function isOwed(server: SocketServer, socket: Socket): boolean {
  return Atomics.load(server.slots.cells, socket.at + SLOT.remainder) === 1
}

/** Everything has left. */
function flushed(server: SocketServer, socket: Socket): void {
  if (socket.polled) server.watch(socket, socket.interest & ~INTEREST.write)
  if (socket.warnBytes > 0) {
    socket.warnBytes = 0
    if (!socket.closing) server.emit(socket.owner, EVENT.WARNING, socket.id, 0)
  }
  if (socket.drainWanted) {
    socket.drainWanted = false
    server.emit(socket.owner, EVENT.DRAIN, socket.id, 0)
  }
  if (socket.closing && !socket.finSent) sendFin(server, socket)
  else if (socket.ending) endWriting(server, socket)
}

/** `end` was ordered and everything has left: half a close. Whoever has both halves is done. */
export function endWriting(server: SocketServer, socket: Socket): void {
  const state = server.stateOf(socket)
  if (state === STATE.HALFCLOSE_READ) server.free(socket)
  if (state !== STATE.CONNECTED) return
  server.takeToken(socket)
  if (!isOwed(server, socket)) {
    server.move(socket, 'ended')
    server.os.shutdown(socket.fd, 'write')
  }
  server.releaseToken(socket)
}

/** The last step of a polite close: FIN, then wait for the peer's, so that it reads everything. */
export function sendFin(server: SocketServer, socket: Socket): void {
  // Under the token: else a worker in the middle of a direct write is cut, and never knows.
  server.takeToken(socket)
  const mustWait = isOwed(server, socket)
  const saysFin = !mustWait && !socket.peerEnded && server.exitAt === 0
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

/** Nothing can be written any more; what the peer sent before may still be read. */
function writeFailed(server: SocketServer, socket: Socket, errno: number): void {
  server.dropQueue(socket)
  if (socket.closing || socket.peerEnded || server.stateOf(socket) !== STATE.CONNECTED) {
    server.free(socket)
    return
  }
  server.move(socket, 'writeFailed')
  server.watch(socket, socket.interest & ~INTEREST.write)
  server.fail(socket, errno)
}

/** Queue bytes that a worker could not write itself. */
export function enqueue(
  server: SocketServer,
  socket: Socket,
  buffer: Buffer,
  isRemainder: boolean,
): void {
  const state = server.stateOf(socket)
  const isLost =
    socket.closing || socket.ending || state === STATE.HALFCLOSE_WRITE || state === STATE.LISTEN
  if (isRemainder) {
    Atomics.store(server.slots.cells, socket.at + SLOT.remainder, 0)
    socket.queue.unshift(buffer)
    if (state === STATE.HALFCLOSE_WRITE) server.dropQueue(socket)
  } else if (isLost || state === STATE.PLISTEN) server.settle(socket.at, 1, buffer.length)
  else socket.queue.push(buffer)
  if (socket.queue.bytes > SEND_QUEUE_BYTES_MAX && !socket.closing) {
    const reason = `more than ${SEND_QUEUE_BYTES_MAX} bytes wait to be sent`
    server.emit(socket.owner, EVENT.ERROR, socket.id, 0, reason)
    server.free(socket)
    return
  }
  if (socket.queue.length === 0) return
  if (state !== STATE.RESERVE && state !== STATE.CONNECTING) flush(server, socket)
  if (socket.fd >= 0) warn(server, socket)
}

function warn(server: SocketServer, socket: Socket): void {
  const { bytes } = socket.queue
  if (bytes < SEND_WARNING_BYTES || bytes < socket.warnBytes || socket.closing) return
  socket.warnBytes = socket.warnBytes === 0 ? SEND_WARNING_BYTES * 2 : socket.warnBytes * 2
  server.emit(socket.owner, EVENT.WARNING, socket.id, Math.ceil(bytes / 1024))
}

/** Take everybody who waits at a listener, within reason. */
export function acceptAll(server: SocketServer, listener: Socket): void {
  if (server.linkOf(listener.owner) === undefined) {
    server.free(listener)
    return
  }
  for (let round = 0; round < ACCEPTS_PER_EVENT_MAX; round++) {
    const fd = server.os.accept(listener.fd)
    if (fd < 0) {
      if (fd === -ERRNO.EMFILE || fd === -ERRNO.ENFILE) {
        if (refuseOne(server, listener, fd)) continue
      }
      return
    }
    const id = server.slots.reserve()
    if (id < 0) {
      server.os.close(fd)
      server.emit(listener.owner, EVENT.REFUSE, listener.id, 0, 'all socket slots are in use')
      continue
    }
    const socket = new Socket(id, server.slots.at(id), listener.owner)
    adopt(server, socket, fd)
    server.add(socket)
    server.move(socket, 'accept')
    server.os.keepAlive(fd, true)
    const peer = server.os.peerAddress(fd)
    const text = peer === undefined ? '' : formatAddress(peer)
    if (!server.emit(listener.owner, EVENT.ACCEPT, listener.id, id, text)) {
      // The owner died since it was looked at: nobody would ever close this connection.
      server.free(socket)
      return
    }
    server.slots.floats[(listener.at + SLOT.bytesIn) >> 1]! += 1
  }
}

/** Out of descriptors: give the reserved one up to take one client and close it at once. */
function refuseOne(server: SocketServer, listener: Socket, errno: number): boolean {
  if (server.reserveFd >= 0) {
    server.os.close(server.reserveFd)
    const fd = server.os.accept(listener.fd)
    if (fd >= 0) server.os.close(fd)
    server.reserveFd = server.os.reserveFd()
    // Linux says EMFILE also when nobody waits: then nobody was refused either.
    if (fd >= 0) {
      server.emit(listener.owner, EVENT.REFUSE, listener.id, 0, server.os.errorText(errno))
    }
    if (server.reserveFd >= 0) return fd >= 0
  }
  server.watch(listener, INTEREST.none)
  server.setDeadline(listener, ACCEPT_PAUSE_MS)
  server.reserveFd = server.os.reserveFd()
  return false
}

function adopt(server: SocketServer, socket: Socket, fd: number): void {
  socket.fd = fd
  Atomics.store(server.slots.cells, socket.at + SLOT.fd, fd)
}

/** Try the next address. The reason reported is that of the last one. */
export function connectNext(server: SocketServer, socket: Socket, lastError: number): void {
  let reason = lastError
  for (;;) {
    const address: AnyAddress | undefined = socket.addresses?.shift()
    if (address === undefined) break
    const fd = server.os.socket(address.family)
    if (fd < 0) {
      reason = fd
      continue
    }
    server.os.keepAlive(fd, true)
    const result = server.os.connect(fd, address)
    if (result === 0 || result === -ERRNO.EINPROGRESS) {
      adopt(server, socket, fd)
      if (result === 0) opened(server, socket)
      else server.watch(socket, INTEREST.write)
      return
    }
    server.os.close(fd)
    reason = result
  }
  server.fail(socket, reason)
  socket.closeTold = true
  server.free(socket)
}

/** A connect that was under way has ended, well or not. */
export function connected(server: SocketServer, socket: Socket): void {
  const error = server.os.socketError(socket.fd)
  if (error === 0) {
    opened(server, socket)
    return
  }
  server.unwatch(socket)
  const { fd } = socket
  server.takeToken(socket)
  adopt(server, socket, -1)
  server.releaseToken(socket)
  server.os.close(fd)
  connectNext(server, socket, error)
}

function opened(server: SocketServer, socket: Socket): void {
  server.move(socket, 'opened')
  if (socket.closing) {
    // Closed while connecting, with something to say first.
    server.move(socket, 'flush')
    server.setDeadline(socket, LINGER_MS_MAX)
    server.watch(socket, INTEREST.write)
    return
  }
  const peer = server.os.peerAddress(socket.fd)
  server.emit(socket.owner, EVENT.OPEN, socket.id, 0, peer === undefined ? '' : formatAddress(peer))
  socket.reading = true
  server.watch(socket, INTEREST.read)
  flush(server, socket)
}

/** A deadline passed: an accept pause is over, or a close took too long. */
export function expire(server: SocketServer, socket: Socket): void {
  server.setDeadline(socket, 0)
  if (server.stateOf(socket) !== STATE.LISTEN) {
    server.free(socket)
    return
  }
  if (server.reserveFd < 0) server.reserveFd = server.os.reserveFd()
  if (socket.reading) server.watch(socket, INTEREST.read)
}
