/** The socket thread's side of commands.ts: one function an order. */
import { hostOf, portOf } from '../os/address.ts'
import { compactLength } from '../os/compact.ts'
import { ERRNO } from '../os/errno.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { COMMAND, NOT_BEGUN, SEND, SEND_BITS } from './commands.ts'
import { connectNext } from './connect.ts'
import { EVENT } from './event.ts'
import { look } from './look.ts'
import type { SocketServer } from './server.ts'
import type { SocketSettings } from './settings.ts'
import { bytesOf, type Parcel, SharedBytes } from './shared-bytes.ts'
import { debtorOf, PROTOCOL, SLOT, TRAIT } from './slots.ts'
import { type ConnectPayload, Socket } from './socket.ts'
import { STATE } from './state.ts'
import { closeSocket, endWriting, enqueue, flush, overflowed } from './tcp.ts'
import { Datagrams, enqueueDatagram } from './udp.ts'

/** What a command brings. `payload` is a copy: the ring is used again at once. */
interface Order {
  readonly id: number
  readonly b: number
  readonly session: number
  readonly payload: () => Buffer
  /** The same for bytes to send: those of a block stay where they are until they are sent. */
  readonly parcel: () => Parcel
}
type Run = (server: SocketServer, order: Order) => void

const RUN: { readonly [K in keyof typeof COMMAND]: Run } = {
  start,
  pause,
  listen,
  connect,
  send,
  close,
  shutdown: (server, { id, b }) => {
    const socket = server.find(id)
    if (socket !== undefined && mayClose(socket, b)) server.free(socket)
  },
  noDelay: (server, { id, b }) => {
    const socket = server.find(id)
    if (socket !== undefined && socket.fd >= 0) server.os.noDelay(socket.fd, b === 1)
  },
  drain,
  end,
  configure: (server, { id, payload }) => {
    const socket = server.find(id) ?? newborn(server, id)
    if (socket === undefined) return
    server.configure(socket, JSON.parse(payload().toString()) as Partial<SocketSettings>)
  },
  udp,
  datagram,
  peer: (server, { id, payload }) => {
    const udp = server.find(id)?.udp
    if (udp !== undefined) udp.peer = payload()
  },
  bind,
  broadcast,
  overflow: (server, { id }) => {
    const socket = server.find(id)
    if (socket !== undefined && !socket.closing) overflowed(server, socket)
  },
  handover,
  died,
  look: (server, { id, b }) => {
    const socket = server.find(id)
    if (socket !== undefined) look(server, socket)
    server.emit(b >>> 0, EVENT.LOOKED, id, 0)
  },
  exit: (server, { b }) => {
    server.exitAt = server.clock.now() + b
    for (const socket of server.sockets) if (socket !== undefined) closeSocket(server, socket)
  },
}
const BY_CODE: readonly (Run | undefined)[] = Object.entries(COMMAND).reduce<(Run | undefined)[]>(
  (table, [name, code]) => {
    table[code] = RUN[name as keyof typeof COMMAND]
    return table
  },
  [],
)

export function runCommand(
  server: SocketServer,
  code: number,
  id: number,
  b: number,
  session: number,
  bytes: Buffer,
  at: number,
  length: number,
): void {
  const run = BY_CODE[code]
  if (run === undefined) {
    server.log(`socket-server error: Unknown ctrl ${code}`)
    return
  }
  // In other commands b is an owner, and its bits mean nothing.
  const mayBeBlock = code === COMMAND.send || code === COMMAND.handover
  const isBlock = mayBeBlock && (b & SEND.block) !== 0
  const payload = (): Buffer => {
    if (!isBlock) return Buffer.from(bytes.subarray(at, at + length))
    return server.os.blocks.take(session, bytes.readDoubleLE(at))
  }
  const parcel = (): Parcel => {
    if (!isBlock) return payload()
    const { blocks } = server.os
    const view = blocks.view(session, bytes.readDoubleLE(at))
    return new SharedBytes(view, 1, () => blocks.drop(session))
  }
  run(server, { id, b, session, payload, parcel })
}

function listen(server: SocketServer, { id, b: fd, session: owner }: Order): void {
  const socket = reserved(server, id, owner)
  server.setOwner(socket, owner)
  server.adopt(socket, fd)
  // A stream had been sent to it, as nobody knew yet what it would be.
  server.dropQueue(socket)
  server.move(socket, 'listen')
  // Whoever is accepted inherits it: a system call less for each.
  server.os.keepAlive(fd, true)
  const local = server.os.localAddress(fd)
  server.emit(owner, EVENT.OPEN, id, portOf(local), hostOf(local))
}

/** The slot is in RESERVE, so a send that overtook this order may have made the socket already. */
function reserved(server: SocketServer, id: number, owner: number): Socket {
  const known = server.find(id)
  if (known !== undefined) return known
  const socket = new Socket(id, server.slots.at(id), owner, server.settings)
  server.add(socket)
  server.configure(socket, undefined)
  return socket
}

/** For an order that came before the one that opens the socket. */
function newborn(server: SocketServer, id: number): Socket | undefined {
  return server.slots.stateOf(id) === STATE.RESERVE ? reserved(server, id, 0) : undefined
}

function connect(server: SocketServer, { id, b: owner, payload }: Order): void {
  const socket = reserved(server, id, owner >>> 0)
  server.setOwner(socket, owner >>> 0)
  socket.connecting = JSON.parse(payload().toString()) as ConnectPayload
  server.move(socket, 'connect')
  connectNext(server, socket, 0)
}

function start(server: SocketServer, { id, b }: Order): void {
  const caller = b >>> 0
  const socket = server.find(id)
  if (socket === undefined) {
    server.emit(caller, EVENT.ERROR, id, 0, 'invalid socket')
    return
  }
  const state = server.stateOf(socket)
  if (state === STATE.PLISTEN || state === STATE.PACCEPT) {
    // The acceptor has nothing to give back; it only forgets the socket.
    if (socket.owner !== caller) {
      askBack(server, socket)
      moveTo(server, socket, caller)
    }
    server.move(socket, 'start')
    socket.reading = true
    server.watch(socket, INTEREST.read)
    server.emit(caller, EVENT.OPEN, id, 0, 'start')
    // What was written, or ended, before.
    if (state === STATE.PACCEPT) flush(server, socket)
  } else if (socket.owner === caller && !socket.closing) resume(server, socket)
  else takeOver(server, socket, caller, state)
}

function resume(server: SocketServer, socket: Socket): void {
  if (socket.peerEnded || socket.closing || socket.heir !== 0) return
  socket.reading = true
  if (socket.fd >= 0 && !socket.stalled) server.watch(socket, socket.interest | INTEREST.read)
}

/**
 * Another owner wants the socket. The old one is asked for what it has not read; reading stops
 * until that comes back, so not a byte is lost or overtaken.
 */
function takeOver(server: SocketServer, socket: Socket, heir: number, state: number): void {
  const isConnection = state >= STATE.CONNECTED && socket.udp === undefined
  const isOpen = isConnection && !socket.closing && socket.heir === 0
  // What a dead owner had not read is gone: the rest alone would be a stream with a hole. Its order
  // to close is on its way, behind what it wrote.
  if (!isOpen || server.linkOf(socket.owner) === undefined) {
    server.emit(heir, EVENT.ERROR, socket.id, 0, whyNot(socket, state))
    return
  }
  socket.heir = heir
  socket.reading = false
  server.watch(socket, socket.interest & ~INTEREST.read)
  askBack(server, socket)
}

/** Numbered: an acceptor's answer must not pass for that of the owner after it. */
function askBack(server: SocketServer, socket: Socket): void {
  socket.yields = (socket.yields + 1) & 0xffffff
  server.emit(socket.owner, EVENT.YIELD, socket.id, socket.yields)
}

function whyNot(socket: Socket, state: number): string {
  if (state === STATE.LISTEN) return 'a listener cannot be transferred'
  if (socket.udp !== undefined) return 'a UDP socket cannot be transferred'
  const isComing = state < STATE.CONNECTED && !socket.closing
  return isComing ? 'it is not connected yet' : 'socket closed'
}

/** For the former owner YIELD is the answer to its drains too. */
function moveTo(server: SocketServer, socket: Socket, owner: number): void {
  server.setOwner(socket, owner)
  if (socket.queue.drainsWanted > 0) socket.queue.drainsWanted = 0
}

function handover(server: SocketServer, { id, b, payload }: Order): void {
  const unread = payload()
  const socket = server.find(id)
  if (socket === undefined || socket.heir === 0 || socket.closing) return
  if (b >> SEND_BITS === socket.yields) inherit(server, socket, unread)
}

function inherit(server: SocketServer, socket: Socket, unread: Buffer): void {
  moveTo(server, socket, socket.heir)
  socket.heir = 0
  if (server.linkOf(socket.owner) === undefined) {
    closeSocket(server, socket)
    return
  }
  server.emit(socket.owner, EVENT.OPEN, socket.id, 0, 'transfer')
  for (let at = 0; at < unread.length; at += 64 * 1024) {
    server.emit(socket.owner, EVENT.DATA, socket.id, 0, unread.subarray(at, at + 64 * 1024))
  }
  if (socket.peerEnded) server.emit(socket.owner, EVENT.CLOSE, socket.id, 0)
  else resume(server, socket)
}

function end(server: SocketServer, { id, b }: Order): void {
  const socket = server.find(id)
  // Closing says FIN by itself, and waits for the peer's.
  if (socket === undefined || socket.closing || !mayClose(socket, b)) return
  socket.ending = true
  if (socket.fd >= 0 && socket.queue.length === 0) endWriting(server, socket)
}

function pause(server: SocketServer, { id }: Order): void {
  const socket = server.find(id)
  if (socket === undefined || socket.fd < 0) return
  socket.reading = false
  server.ignore(socket, INTEREST.read)
}

function send(server: SocketServer, { id, b, parcel }: Order): void {
  const begun = (b & SEND.remainder) !== 0 ? 0 : NOT_BEGUN
  give(server, id, parcel(), begun, (b & SEND.low) !== 0)
}

/** To the queue of a socket, which may not exist any more. */
function give(
  server: SocketServer,
  id: number,
  parcel: Parcel,
  begun: number,
  isLow: boolean,
): void {
  const socket = server.find(id) ?? newborn(server, id)
  if (socket === undefined) {
    server.settle(server.slots.at(id), 1, parcel.length - Math.max(0, begun))
    if (parcel instanceof SharedBytes) parcel.release()
  } else if (socket.udp === undefined) enqueue(server, socket, parcel, begun, isLow)
  else {
    // Somebody wrote to a UDP socket: a datagram to its usual peer.
    const bytes = bytesOf(parcel)
    enqueueDatagram(server, socket, Buffer.concat([Buffer.of(0), bytes]))
    if (parcel instanceof SharedBytes) parcel.release()
  }
}

/** One block for many sockets: each holds it until it has sent its part. */
function broadcast(server: SocketServer, { payload }: Order): void {
  const bytes = payload()
  const address = bytes.readDoubleLE(0)
  const { blocks } = server.os
  const view = blocks.view(address, bytes.readDoubleLE(8))
  const shared = new SharedBytes(view, (bytes.length - 16) / 8, () => blocks.drop(address))
  for (let at = 16; at < bytes.length; at += 8) {
    give(server, bytes.readInt32LE(at), shared, bytes.readInt32LE(at + 4), false)
  }
}

function udp(server: SocketServer, { id, b: fd, session: owner }: Order): void {
  const socket = reserved(server, id, owner)
  server.setOwner(socket, owner)
  const isIPv6 = server.os.localAddress(fd)?.family === 6
  server.setTraits(socket, TRAIT.protocol, isIPv6 ? PROTOCOL.udp6 : PROTOCOL.udp4)
  // As above.
  server.dropQueue(socket)
  socket.udp = new Datagrams()
  server.adopt(socket, fd)
  server.move(socket, 'udp')
  socket.reading = true
  server.watch(socket, INTEREST.read)
  server.setDeadline(socket, socket.settings.idleTimeoutMs)
  server.emit(owner, EVENT.OPEN, id, portOf(server.os.localAddress(fd)), 'udp')
}

function datagram(server: SocketServer, { id, payload }: Order): void {
  const bytes = payload()
  const socket = server.find(id)
  if (socket?.udp !== undefined) enqueueDatagram(server, socket, bytes)
  else server.settle(server.slots.at(id), 1, bytes.length - compactLength(bytes, 0))
}

function bind(server: SocketServer, { id, b: fd, session: owner }: Order): void {
  const socket = reserved(server, id, owner)
  server.setOwner(socket, owner)
  const changed = server.os.setNonBlocking(fd, true)
  socket.borrowed = changed === 1 ? 'blocking' : 'as it was'
  server.adopt(socket, fd)
  const result = changed < 0 ? changed : server.tryWatch(socket, INTEREST.read)
  if (result < 0) {
    if (result !== -ERRNO.EEXIST) server.fail(socket, result)
    else server.emit(owner, EVENT.ERROR, id, 0, `descriptor ${fd} is bound already`)
    socket.closeTold = true
    server.free(socket)
    return
  }
  server.setTraits(socket, TRAIT.protocol, PROTOCOL.file)
  server.move(socket, 'bind')
  socket.reading = true
  server.setDeadline(socket, socket.settings.idleTimeoutMs)
  server.emit(owner, EVENT.OPEN, id, 0, 'binding')
}

function close(server: SocketServer, { id, b }: Order): void {
  const socket = server.find(id)
  if (socket !== undefined && mayClose(socket, b)) closeSocket(server, socket)
}

/** An owner's order does not reach a socket that somebody else has taken over by now. */
function mayClose({ owner, heir }: Socket, by: number): boolean {
  return by === 0 || owner === by >>> 0 || heir === by >>> 0
}

/** All that the worker ordered before its end has been done: its orders were before this one. */
function died(server: SocketServer, { id: worker }: Order): void {
  for (const socket of server.sockets) {
    // Without an owner yet: the order that opens it is on its way.
    if (socket === undefined || socket.owner === 0) continue
    const owed = Atomics.load(server.slots.cells, socket.at + SLOT.remainder)
    if (debtorOf(owed) === worker) {
      server.emit(socket.owner, EVENT.ERROR, socket.id, 0, 'who wrote to it died meanwhile')
      server.free(socket)
    } else if (server.linkOf(socket.owner) === undefined) closeSocket(server, socket)
  }
}

function drain(server: SocketServer, { id, b }: Order): void {
  const socket = server.find(id)
  const caller = b >>> 0
  if (socket === undefined || socket.owner !== caller) server.emit(caller, EVENT.DRAIN, id, -1)
  else if (socket.unsent > 0) socket.ownQueue.drainsWanted++
  else server.emit(caller, EVENT.DRAIN, id, 1)
}
