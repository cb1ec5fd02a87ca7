/** What a UDP socket does. Runs on the socket thread only. */
import { Queue } from '../base/queue.ts'
import { compactLength } from '../os/compact.ts'
import { isAgain, isTransient } from '../os/errno.ts'
import type { DatagramBatch } from '../os/os.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { EVENT } from './event.ts'
import type { SocketServer } from './server.ts'
import { SLOT } from './slots.ts'
import type { Socket } from './socket.ts'
import { endStarving, starve } from './tcp.ts'
import { TOTAL } from './totals.ts'

/** Batches of one socket before others get their turn. */
const BATCHES_PER_EVENT_MAX = 4
const SENDS_PER_EVENT_MAX = 64
const NO_ADDRESS = Buffer.of(0)

/** What a UDP socket has besides: datagrams that wait for the kernel, each with its address. */
export class Datagrams {
  /** Compact address, then the bytes: as they came in the command. */
  readonly queue = new Queue<Buffer>(4)
  /** Their bytes, without the addresses. */
  bytes = 0
  /** Where a datagram without an address goes. */
  peer: Uint8Array | undefined
}

/** Read what is there, many datagrams a system call. When a ring is full the kernel drops. */
export function readDatagrams(server: SocketServer, socket: Socket, batch: DatagramBatch): void {
  const link = server.linkOf(socket.owner)
  if (link === undefined) {
    server.free(socket)
    return
  }
  const { region, stride, lengths } = batch
  for (let round = 0; round < BATCHES_PER_EVENT_MAX; round++) {
    if (link.isFull) {
      server.stall(socket, link)
      return
    }
    const count = server.os.receiveBatch(socket.fd, batch)
    if (count < 0) {
      if (!isAgain(count)) {
        server.fail(socket, count)
        server.free(socket)
      }
      return
    }
    server.slots.cells[socket.at + SLOT.readAt] = server.now
    for (let i = 0; i < count; i++) {
      const at = i * stride
      const length = lengths[i]!
      const end = at + length + compactLength(region.bytes, at + length)
      server.totals.add(TOTAL.received, length)
      server.slots.floats[(socket.at + SLOT.bytesIn) >> 1]! += length
      link.emit(EVENT.UDP, socket.owner, socket.id, length, region.bytes.subarray(at, end))
    }
    if (count < batch.size) return
  }
}

/** Send a datagram that a worker could not send itself, or queue it, whole and in order. */
export function enqueueDatagram(server: SocketServer, socket: Socket, datagram: Buffer): void {
  const udp = socket.udp!
  const length = datagram.length - compactLength(datagram, 0)
  // Workers refuse what is beyond the limit, but two may do so at the same time.
  if (socket.closing || udp.bytes >= socket.settings.sendLimitBytes) {
    server.settle(socket.at, 1, length)
    return
  }
  udp.queue.push(datagram)
  udp.bytes += length
  flushDatagrams(server, socket)
}

export function flushDatagrams(server: SocketServer, socket: Socket): void {
  const { queue } = socket.udp!
  let hasMemory = true
  if (queue.length > 0 && server.tryToken(socket)) {
    hasMemory = sendQueued(server, socket)
    server.releaseToken(socket)
  }
  if (!hasMemory) {
    starve(server, socket)
    return
  }
  if (queue.length > 0) {
    server.watch(socket, socket.interest | INTEREST.write)
    return
  }
  endStarving(server, socket)
  server.ignore(socket, INTEREST.write)
  server.answerDrains(socket, 1)
  if (socket.closing) server.free(socket)
}

/** False: the kernel has no memory for it now. */
function sendQueued(server: SocketServer, socket: Socket): boolean {
  const udp = socket.udp!
  for (let round = 0; round < SENDS_PER_EVENT_MAX; round++) {
    const datagram = udp.queue.peek()
    if (datagram === undefined) return true
    const at = compactLength(datagram, 0)
    const length = datagram.length - at
    const given = datagram.subarray(0, at)
    const address = given.equals(NO_ADDRESS) ? udp.peer : given
    if (address === undefined) {
      server.log(`socket-server : set udp (${socket.id}) error: address first.`)
    } else {
      const count = server.os.sendTo(socket.fd, datagram, at, length, address)
      if (isAgain(count)) return true
      if (isTransient(count)) return false
      if (count < 0) {
        const reason = server.os.errorText(count)
        server.log(`socket-server : udp (${socket.id}) sendto error ${reason}.`)
      } else {
        server.totals.add(TOTAL.sent, count)
        server.slots.floats[(socket.at + SLOT.bytesOut) >> 1]! += count
        server.slots.cells[socket.at + SLOT.writeAt] = server.now
      }
    }
    udp.queue.shift()
    udp.bytes -= length
    server.settle(socket.at, 1, length)
  }
  return true
}

/** Forget what waits. */
export function dropDatagrams(server: SocketServer, socket: Socket): void {
  const udp = socket.udp
  if (udp === undefined || udp.queue.length === 0) return
  server.settle(socket.at, udp.queue.length, udp.bytes)
  socket.udp = new Datagrams()
}
