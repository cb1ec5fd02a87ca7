/** The socket thread's side of commands.ts: one function an order. */
import { hostOf, portOf } from '../os/address.ts'
import { compactLength } from '../os/compact.ts'
import { ERRNO } from '../os/errno.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { COMMAND, type ConnectPayload, NOT_BEGUN, SEND, SEND_BITS } from './commands.ts'
import { connectNext } from './connect.ts'
import { Datagrams } from './datagrams.ts'
import { EVENT } from './event.ts'
import { look } from './look.ts'
import type { SocketSettings } from './settings.ts'
import { bytesOf, type Parcel, SharedBytes } from './shared-bytes.ts'
import { debtorOf, PROTOCOL, SLOT, TRAIT } from './slots.ts'
import { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'
import { STATE } from './state.ts'
import { closeSocket, endWriting, enqueue, flush, overflowed } from './tcp.ts'
import { enqueueDatagram } from './udp.ts'

/** What a command brings. `payload` is a copy: the ring is used again at once. */
interface Order {
  readonly id: number
  readonly b: number
  readonly session: number
  readonly payload: () => Buffer
  /** The same for bytes to send: those of a block stay where they are until they are sent. */
  readonly parcel: () => Parcel
}
type Run = (sockets: Sockets, order: Order) => void

const RUN: { readonly [K in keyof typeof COMMAND]: Run } = {
  start,
  pause,
  listen,
  connect,
  send,
  close,
  shutdown: (sockets, { id, b }) => {
    const socket = sockets.find(id)
    if (socket !== undefined && mayClose(socket, b)) sockets.free(socket)
  },
  noDelay: (sockets, { id, b }) => {
    const socket = sockets.find(id)
    if (socket !== undefined && socket.fd >= 0) sockets.os.noDelay(socket.fd, b === 1)
  },
  drain,
  end,
  configure: (sockets, { id, payload }) => {
    const socket = sockets.find(id) ?? newborn(sockets, id)
    if (socket === undefined) return
    sockets.configure(socket, JSON.parse(payload().toString()) as Partial<SocketSettings>)
  },
  udp,
  datagram,
  peer: (sockets, { id, payload }) => {
    const udp = sockets.find(id)?.udp
    if (udp !== undefined) udp.peer = payload()
  },
  bind,
  broadcast,
  overflow: (sockets, { id }) => {
    const socket = sockets.find(id)
    if (socket !== undefined && !socket.closing) overflowed(sockets, socket)
  },
  handover,
  died,
  look: (sockets, { id, b }) => {
    const socket = sockets.find(id)
    if (socket !== undefined) look(sockets, socket)
    sockets.owners.emit(b >>> 0, EVENT.LOOKED, id, 0)
  },
  exit: (sockets, { b }) => {
    sockets.exitAt = sockets.clock.now() + b
    for (const socket of sockets.all) if (socket !== undefined) closeSocket(sockets, socket)
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
  sockets: Sockets,
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
    sockets.log(`socket-server error: Unknown ctrl ${code}`)
    return
  }
  // In other commands b is an owner, and its bits mean nothing.
  const mayBeBlock = code === COMMAND.send || code === COMMAND.handover
  const isBlock = mayBeBlock && (b & SEND.block) !== 0
  const payload = (): Buffer => {
    if (!isBlock) return Buffer.from(bytes.subarray(at, at + length))
    return sockets.os.blocks.take(session, bytes.readDoubleLE(at))
  }
  const parcel = (): Parcel => {
    if (!isBlock) return payload()
    const { blocks } = sockets.os
    const view = blocks.view(session, bytes.readDoubleLE(at))
    return new SharedBytes(view, 1, () => blocks.drop(session))
  }
  run(sockets, { id, b, session, payload, parcel })
}

function listen(sockets: Sockets, { id, b: fd, session: owner }: Order): void {
  const socket = reserved(sockets, id, owner)
  sockets.setOwner(socket, owner)
  sockets.adopt(socket, fd)
  // A stream had been sent to it, as nobody knew yet what it would be.
  sockets.dropQueue(socket)
  sockets.move(socket, 'listen')
  // Whoever is accepted inherits it: a system call less for each.
  sockets.os.keepAlive(fd, true)
  const local = sockets.os.localAddress(fd)
  sockets.owners.emit(owner, EVENT.OPEN, id, portOf(local), hostOf(local))
}

/** The slot is in RESERVE, so a send that overtook this order may have made the socket already. */
function reserved(sockets: Sockets, id: number, owner: number): Socket {
  const known = sockets.find(id)
  if (known !== undefined) return known
  const socket = new Socket(id, sockets.slots.at(id), owner, sockets.settings)
  sockets.add(socket)
  sockets.configure(socket, undefined)
  return socket
}

/** For an order that came before the one that opens the socket. */
function newborn(sockets: Sockets, id: number): Socket | undefined {
  return sockets.slots.stateOf(id) === STATE.RESERVE ? reserved(sockets, id, 0) : undefined
}

function connect(sockets: Sockets, { id, b: owner, payload }: Order): void {
  const socket = reserved(sockets, id, owner >>> 0)
  sockets.setOwner(socket, owner >>> 0)
  socket.connecting = JSON.parse(payload().toString()) as ConnectPayload
  sockets.move(socket, 'connect')
  connectNext(sockets, socket, 0)
}

function start(sockets: Sockets, { id, b }: Order): void {
  const caller = b >>> 0
  const socket = sockets.find(id)
  if (socket === undefined) {
    sockets.owners.emit(caller, EVENT.ERROR, id, 0, 'invalid socket')
    return
  }
  const state = sockets.stateOf(socket)
  if (state === STATE.PLISTEN || state === STATE.PACCEPT) {
    // The acceptor has nothing to give back; it only forgets the socket.
    if (socket.owner !== caller) {
      askBack(sockets, socket)
      moveTo(sockets, socket, caller)
    }
    sockets.move(socket, 'start')
    socket.reading = true
    sockets.watching.watch(socket, INTEREST.read)
    sockets.owners.emit(caller, EVENT.OPEN, id, 0, 'start')
    // What was written, or ended, before.
    if (state === STATE.PACCEPT) flush(sockets, socket)
  } else if (socket.owner === caller && !socket.closing) resume(sockets, socket)
  else takeOver(sockets, socket, caller, state)
}

function resume(sockets: Sockets, socket: Socket): void {
  if (socket.peerEnded || socket.closing || socket.heir !== 0) return
  socket.reading = true
  if (socket.fd >= 0 && !socket.stalled)
    sockets.watching.watch(socket, socket.interest | INTEREST.read)
}

/**
 * Another owner wants the socket. The old one is asked for what it has not read; reading stops
 * until that comes back, so not a byte is lost or overtaken.
 */
function takeOver(sockets: Sockets, socket: Socket, heir: number, state: number): void {
  const isConnection = state >= STATE.CONNECTED && socket.udp === undefined
  const isOpen = isConnection && !socket.closing && socket.heir === 0
  // What a dead owner had not read is gone: the rest alone would be a stream with a hole. Its order
  // to close is on its way, behind what it wrote.
  if (!isOpen || sockets.owners.linkOf(socket.owner) === undefined) {
    sockets.owners.emit(heir, EVENT.ERROR, socket.id, 0, whyNot(socket, state))
    return
  }
  socket.heir = heir
  socket.reading = false
  sockets.watching.watch(socket, socket.interest & ~INTEREST.read)
  askBack(sockets, socket)
}

/** Numbered: an acceptor's answer must not pass for that of the owner after it. */
function askBack(sockets: Sockets, socket: Socket): void {
  socket.yields = (socket.yields + 1) & 0xffffff
  sockets.owners.emit(socket.owner, EVENT.YIELD, socket.id, socket.yields)
}

function whyNot(socket: Socket, state: number): string {
  if (state === STATE.LISTEN) return 'a listener cannot be transferred'
  if (socket.udp !== undefined) return 'a UDP socket cannot be transferred'
  const isComing = state < STATE.CONNECTED && !socket.closing
  return isComing ? 'it is not connected yet' : 'socket closed'
}

/** For the former owner YIELD is the answer to its drains too. */
function moveTo(sockets: Sockets, socket: Socket, owner: number): void {
  sockets.setOwner(socket, owner)
  if (socket.queue.drainsWanted > 0) socket.queue.drainsWanted = 0
}

function handover(sockets: Sockets, { id, b, payload }: Order): void {
  const unread = payload()
  const socket = sockets.find(id)
  if (socket === undefined || socket.heir === 0 || socket.closing) return
  if (b >> SEND_BITS === socket.yields) inherit(sockets, socket, unread)
}

function inherit(sockets: Sockets, socket: Socket, unread: Buffer): void {
  moveTo(sockets, socket, socket.heir)
  socket.heir = 0
  if (sockets.owners.linkOf(socket.owner) === undefined) {
    closeSocket(sockets, socket)
    return
  }
  sockets.owners.emit(socket.owner, EVENT.OPEN, socket.id, 0, 'transfer')
  for (let at = 0; at < unread.length; at += 64 * 1024) {
    sockets.owners.emit(socket.owner, EVENT.DATA, socket.id, 0, unread.subarray(at, at + 64 * 1024))
  }
  if (socket.peerEnded) sockets.owners.emit(socket.owner, EVENT.CLOSE, socket.id, 0)
  else resume(sockets, socket)
}

function end(sockets: Sockets, { id, b }: Order): void {
  const socket = sockets.find(id)
  // Closing says FIN by itself, and waits for the peer's.
  if (socket === undefined || socket.closing || !mayClose(socket, b)) return
  socket.ending = true
  if (socket.fd >= 0 && socket.queue.length === 0) endWriting(sockets, socket)
}

function pause(sockets: Sockets, { id }: Order): void {
  const socket = sockets.find(id)
  if (socket === undefined || socket.fd < 0) return
  socket.reading = false
  sockets.watching.ignore(socket, INTEREST.read)
}

function send(sockets: Sockets, { id, b, parcel }: Order): void {
  const begun = (b & SEND.remainder) !== 0 ? 0 : NOT_BEGUN
  give(sockets, id, parcel(), begun, (b & SEND.low) !== 0)
}

/** To the queue of a socket, which may not exist any more. */
function give(sockets: Sockets, id: number, parcel: Parcel, begun: number, isLow: boolean): void {
  const socket = sockets.find(id) ?? newborn(sockets, id)
  if (socket === undefined) {
    sockets.settle(sockets.slots.at(id), 1, parcel.length - Math.max(0, begun))
    if (parcel instanceof SharedBytes) parcel.release()
  } else if (socket.udp === undefined) enqueue(sockets, socket, parcel, begun, isLow)
  else {
    // Somebody wrote to a UDP socket: a datagram to its usual peer.
    const bytes = bytesOf(parcel)
    enqueueDatagram(sockets, socket, Buffer.concat([Buffer.of(0), bytes]))
    if (parcel instanceof SharedBytes) parcel.release()
  }
}

/** One block for many sockets: each holds it until it has sent its part. */
function broadcast(sockets: Sockets, { payload }: Order): void {
  const bytes = payload()
  const address = bytes.readDoubleLE(0)
  const { blocks } = sockets.os
  const view = blocks.view(address, bytes.readDoubleLE(8))
  const shared = new SharedBytes(view, (bytes.length - 16) / 8, () => blocks.drop(address))
  for (let at = 16; at < bytes.length; at += 8) {
    give(sockets, bytes.readInt32LE(at), shared, bytes.readInt32LE(at + 4), false)
  }
}

function udp(sockets: Sockets, { id, b: fd, session: owner }: Order): void {
  const socket = reserved(sockets, id, owner)
  sockets.setOwner(socket, owner)
  const isIPv6 = sockets.os.localAddress(fd)?.family === 6
  sockets.setTraits(socket, TRAIT.protocol, isIPv6 ? PROTOCOL.udp6 : PROTOCOL.udp4)
  // As above.
  sockets.dropQueue(socket)
  socket.udp = new Datagrams()
  sockets.adopt(socket, fd)
  sockets.move(socket, 'udp')
  socket.reading = true
  sockets.watching.watch(socket, INTEREST.read)
  sockets.setDeadline(socket, socket.settings.idleTimeoutMs)
  sockets.owners.emit(owner, EVENT.OPEN, id, portOf(sockets.os.localAddress(fd)), 'udp')
}

function datagram(sockets: Sockets, { id, payload }: Order): void {
  const bytes = payload()
  const socket = sockets.find(id)
  if (socket?.udp !== undefined) enqueueDatagram(sockets, socket, bytes)
  else sockets.settle(sockets.slots.at(id), 1, bytes.length - compactLength(bytes, 0))
}

function bind(sockets: Sockets, { id, b: fd, session: owner }: Order): void {
  const socket = reserved(sockets, id, owner)
  sockets.setOwner(socket, owner)
  const changed = sockets.os.setNonBlocking(fd, true)
  socket.borrowed = changed === 1 ? 'blocking' : 'as it was'
  sockets.adopt(socket, fd)
  const result = changed < 0 ? changed : sockets.watching.tryWatch(socket, INTEREST.read)
  if (result < 0) {
    if (result !== -ERRNO.EEXIST) sockets.owners.fail(socket, result)
    else sockets.owners.emit(owner, EVENT.ERROR, id, 0, `descriptor ${fd} is bound already`)
    socket.closeTold = true
    sockets.free(socket)
    return
  }
  sockets.setTraits(socket, TRAIT.protocol, PROTOCOL.file)
  sockets.move(socket, 'bind')
  socket.reading = true
  sockets.setDeadline(socket, socket.settings.idleTimeoutMs)
  sockets.owners.emit(owner, EVENT.OPEN, id, 0, 'binding')
}

function close(sockets: Sockets, { id, b }: Order): void {
  const socket = sockets.find(id)
  if (socket !== undefined && mayClose(socket, b)) closeSocket(sockets, socket)
}

/** An owner's order does not reach a socket that somebody else has taken over by now. */
function mayClose({ owner, heir }: Socket, by: number): boolean {
  return by === 0 || owner === by >>> 0 || heir === by >>> 0
}

/** All that the worker ordered before its end has been done: its orders were before this one. */
function died(sockets: Sockets, { id: worker }: Order): void {
  for (const socket of sockets.all) {
    // Without an owner yet: the order that opens it is on its way.
    if (socket === undefined || socket.owner === 0) continue
    const owed = Atomics.load(sockets.slots.cells, socket.at + SLOT.remainder)
    if (debtorOf(owed) === worker) {
      sockets.owners.emit(socket.owner, EVENT.ERROR, socket.id, 0, 'who wrote to it died meanwhile')
      sockets.free(socket)
    } else if (sockets.owners.linkOf(socket.owner) === undefined) closeSocket(sockets, socket)
  }
}

function drain(sockets: Sockets, { id, b }: Order): void {
  const socket = sockets.find(id)
  const caller = b >>> 0
  if (socket === undefined || socket.owner !== caller)
    sockets.owners.emit(caller, EVENT.DRAIN, id, -1)
  else if (socket.unsent > 0) socket.ownQueue.drainsWanted++
  else sockets.owners.emit(caller, EVENT.DRAIN, id, 1)
}
