/** What a UDP socket does. Runs on the socket thread only. */
import { compactLength } from '../../os/compact.ts'
import { isAgain, isTransient } from '../../os/errno.ts'
import { INTEREST } from '../../os/poll/poller.ts'
import { EVENT } from '../event.ts'
import { SLOT } from '../slots.ts'
import { TOTAL } from '../totals.ts'
import { endStarving, starve } from './shortage.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'

/** Batches of one socket before others get their turn. */
const BATCHES_PER_EVENT_MAX = 4
const SENDS_PER_EVENT_MAX = 64
const NO_ADDRESS = Buffer.of(0)

/** Read what is there, many datagrams a system call. When a ring is full the kernel drops. */
export function readDatagrams(sockets: Sockets, socket: Socket): void {
  const link = sockets.owners.linkOf(socket.owner)
  if (link === undefined) {
    sockets.free(socket)
    return
  }
  const { batch } = sockets.buffers
  const { region, stride, lengths } = batch
  for (let round = 0; round < BATCHES_PER_EVENT_MAX; round++) {
    if (link.isFull) {
      sockets.stall(socket, link)
      return
    }
    const count = sockets.os.receiveBatch(socket.fd, batch)
    if (count < 0) {
      if (!isAgain(count)) {
        sockets.owners.fail(socket, count)
        sockets.free(socket)
      }
      return
    }
    sockets.slots.cells[socket.at + SLOT.readAt] = sockets.now
    for (let i = 0; i < count; i++) {
      const at = i * stride
      const length = lengths[i]!
      const end = at + length + compactLength(region.bytes, at + length)
      sockets.totals.add(TOTAL.received, length)
      sockets.slots.floats[(socket.at + SLOT.bytesIn) >> 1]! += length
      link.emit(EVENT.UDP, socket.owner, socket.id, length, region.bytes.subarray(at, end))
    }
    if (count < batch.size) return
  }
}

/** Send a datagram that a worker could not send itself, or queue it, whole and in order. */
export function enqueueDatagram(sockets: Sockets, socket: Socket, datagram: Buffer): void {
  const udp = socket.udp!
  const length = datagram.length - compactLength(datagram, 0)
  // Workers refuse what is beyond the limit, but two may do so at the same time.
  if (socket.closing || udp.bytes >= socket.settings.sendLimitBytes) {
    sockets.settle(socket.at, 1, length)
    return
  }
  udp.queue.push(datagram)
  udp.bytes += length
  flushDatagrams(sockets, socket)
}

export function flushDatagrams(sockets: Sockets, socket: Socket): void {
  const { queue } = socket.udp!
  let hasMemory = true
  if (queue.length > 0 && sockets.tokens.tryTake(socket)) {
    hasMemory = sendQueued(sockets, socket)
    sockets.tokens.release(socket)
  }
  if (!hasMemory) {
    starve(sockets, socket)
    return
  }
  if (queue.length > 0) {
    sockets.watching.watch(socket, socket.interest | INTEREST.write)
    return
  }
  endStarving(sockets, socket)
  sockets.watching.ignore(socket, INTEREST.write)
  sockets.owners.answerDrains(socket, 1)
  if (socket.closing) sockets.free(socket)
}

/** False: the kernel has no memory for it now. */
function sendQueued(sockets: Sockets, socket: Socket): boolean {
  const udp = socket.udp!
  for (let round = 0; round < SENDS_PER_EVENT_MAX; round++) {
    const datagram = udp.queue.peek()
    if (datagram === undefined) return true
    const at = compactLength(datagram, 0)
    const length = datagram.length - at
    const given = datagram.subarray(0, at)
    const address = given.equals(NO_ADDRESS) ? udp.peer : given
    if (address === undefined) {
      sockets.log(`socket-server : set udp (${socket.id}) error: address first.`)
    } else {
      const count = sockets.os.sendTo(socket.fd, datagram, at, length, address)
      if (isAgain(count)) return true
      if (isTransient(count)) return false
      if (count < 0) {
        const reason = sockets.os.errorText(count)
        sockets.log(`socket-server : udp (${socket.id}) sendto error ${reason}.`)
      } else {
        sockets.totals.add(TOTAL.sent, count)
        sockets.slots.floats[(socket.at + SLOT.bytesOut) >> 1]! += count
        sockets.slots.cells[socket.at + SLOT.writeAt] = sockets.now
      }
    }
    udp.queue.shift()
    udp.bytes -= length
    sockets.settle(socket.at, 1, length)
  }
  return true
}
