/** The socket thread's side of commands.ts: one function an order. */
import { hostOf, portOf } from '../os/address.ts'
import type { AnyAddress } from '../os/os.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { COMMAND, SEND } from './commands.ts'
import { EVENT } from './event.ts'
import type { SocketServer } from './server.ts'
import { SLOT } from './slots.ts'
import { Socket } from './socket.ts'
import { STATE } from './state.ts'
import { closeSocket, connectNext, endWriting, enqueue } from './tcp.ts'

/** What a command brings. `payload` is a copy: the ring is used again at once. */
interface Order {
  readonly id: number
  readonly b: number
  readonly session: number
  readonly payload: () => Buffer
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
  handover,
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
  run(server, { id, b, session, payload })
}

function listen(server: SocketServer, { id, b: fd, session: owner }: Order): void {
  const socket = reserved(server, id, owner)
  server.setOwner(socket, owner)
  socket.fd = fd
  Atomics.store(server.slots.cells, socket.at + SLOT.fd, fd)
  server.move(socket, 'listen')
  const local = server.os.localAddress(fd)
  server.emit(owner, EVENT.OPEN, id, portOf(local), hostOf(local))
}

/** The slot is in RESERVE, so a send that overtook this order may have made the socket already. */
function reserved(server: SocketServer, id: number, owner: number): Socket {
  const known = server.find(id)
  if (known !== undefined) return known
  const socket = new Socket(id, server.slots.at(id), owner)
  server.add(socket)
  return socket
}

function connect(server: SocketServer, { id, b: owner, payload }: Order): void {
  const socket = reserved(server, id, owner >>> 0)
  server.setOwner(socket, owner >>> 0)
  socket.addresses = JSON.parse(payload().toString()) as AnyAddress[]
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
    if (socket.owner !== caller) server.emit(socket.owner, EVENT.YIELD, id, 0)
    server.setOwner(socket, caller)
    server.move(socket, 'start')
    socket.reading = true
    server.watch(socket, INTEREST.read)
    server.emit(caller, EVENT.OPEN, id, 0, 'start')
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
  const isOpen = state >= STATE.CONNECTED && !socket.closing && socket.heir === 0
  if (!isOpen) {
    const reason = state < STATE.CONNECTED ? 'a listener cannot be transferred' : 'socket closed'
    server.emit(heir, EVENT.ERROR, socket.id, 0, reason)
    return
  }
  socket.heir = heir
  socket.reading = false
  server.watch(socket, socket.interest & ~INTEREST.read)
  if (server.linkOf(socket.owner) === undefined) inherit(server, socket, Buffer.alloc(0))
  else server.emit(socket.owner, EVENT.YIELD, socket.id, 0)
}

function handover(server: SocketServer, { id, payload }: Order): void {
  const unread = payload()
  const socket = server.find(id)
  if (socket !== undefined && socket.heir !== 0 && !socket.closing) inherit(server, socket, unread)
}

function inherit(server: SocketServer, socket: Socket, unread: Buffer): void {
  server.setOwner(socket, socket.heir)
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
  if (socket === undefined || !mayClose(socket, b)) return
  socket.ending = true
  if (socket.fd >= 0 && socket.queue.length === 0) endWriting(server, socket)
}

function pause(server: SocketServer, { id }: Order): void {
  const socket = server.find(id)
  if (socket === undefined || socket.fd < 0) return
  socket.reading = false
  if (socket.polled) server.watch(socket, socket.interest & ~INTEREST.read)
}

function send(server: SocketServer, { id, b, payload }: Order): void {
  const buffer = payload()
  const at = server.slots.at(id)
  let socket = server.find(id)
  if (socket === undefined && server.slots.stateOf(id) === STATE.RESERVE) {
    socket = reserved(server, id, 0)
  }
  if (socket === undefined) server.settle(at, 1, buffer.length)
  else enqueue(server, socket, buffer, (b & SEND.remainder) !== 0)
}

function close(server: SocketServer, { id, b }: Order): void {
  const socket = server.find(id)
  if (socket !== undefined && mayClose(socket, b)) closeSocket(server, socket)
}

/** An owner's order does not reach a socket that somebody else has taken over by now. */
function mayClose({ owner, heir }: Socket, by: number): boolean {
  return by === 0 || owner === by >>> 0 || heir === by >>> 0
}

function drain(server: SocketServer, { id }: Order): void {
  const socket = server.find(id)
  if (socket === undefined) return
  if (socket.queue.length > 0) socket.drainWanted = true
  else server.emit(socket.owner, EVENT.DRAIN, id, 0)
}
