/** The socket thread's side of commands.ts: one function an order. */

import { COMMAND, type ConnectPayload, NOT_BEGUN, SEND, SEND_BITS } from '../commands.ts'
import { EVENT } from '../event.ts'
import type { SocketSettings } from '../settings.ts'
import { type Parcel, SharedBytes } from '../shared-bytes.ts'
import { debtorOf, SLOT, TRAIT } from '../slots.ts'
import { handOn, handOnDatagram, handOnToAll } from './arrivals.ts'
import { beginBound, beginConnecting, beginListening, beginUdp, newborn } from './births.ts'
import { look } from './look.ts'
import { handOver, pauseReading, startReading } from './ownership.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'
import { closeSocket, endWriting, overflowed } from './tcp.ts'

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
  start: (sockets, { id, b }) => startReading(sockets, id, b >>> 0),
  pause: (sockets, { id }) => pauseReading(sockets, id),
  listen: (sockets, { id, b, session }) => beginListening(sockets, id, b, session),
  connect: (sockets, { id, b, payload }) => {
    const wanted = JSON.parse(payload().toString()) as ConnectPayload
    beginConnecting(sockets, id, b >>> 0, wanted)
  },
  send: (sockets, { id, b, parcel }) => {
    const begun = (b & SEND.remainder) !== 0 ? 0 : NOT_BEGUN
    handOn(sockets, id, parcel(), begun, (b & SEND.low) !== 0)
  },
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
  udp: (sockets, { id, b, session }) => beginUdp(sockets, id, b, session),
  datagram: (sockets, { id, payload }) => handOnDatagram(sockets, id, payload()),
  peer: (sockets, { id, payload }) => {
    const udp = sockets.find(id)?.udp
    if (udp !== undefined) udp.peer = payload()
  },
  bind: (sockets, { id, b, session }) => beginBound(sockets, id, b, session),
  broadcast: (sockets, { payload }) => handOnToAll(sockets, payload()),
  overflow: (sockets, { id }) => {
    const socket = sockets.find(id)
    if (socket !== undefined && !socket.closing) overflowed(sockets, socket)
  },
  handover: (sockets, { id, b, payload }) => handOver(sockets, id, b >> SEND_BITS, payload()),
  died,
  look: (sockets, { id, b }) => {
    const socket = sockets.find(id)
    if (socket !== undefined) look(sockets, socket)
    sockets.owners.emit(b >>> 0, EVENT.LOOKED, id, 0)
  },
  hold,
  exit: (sockets, { b }) => {
    sockets.exitAt = sockets.clock.now() + b
    sockets.exitMs = b
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

function end(sockets: Sockets, { id, b }: Order): void {
  const socket = sockets.find(id)
  // Closing says FIN by itself, and waits for the peer's.
  if (socket === undefined || socket.closing || !mayClose(socket, b)) return
  socket.ending = true
  if (socket.fd >= 0 && socket.queue.length === 0) endWriting(sockets, socket)
}

function close(sockets: Sockets, { id, b }: Order): void {
  const socket = sockets.find(id)
  if (socket !== undefined && mayClose(socket, b)) closeSocket(sockets, socket)
}

/** Not for whoever has taken it over by now, or is about to; and nobody gets one that closes. */
function hold(sockets: Sockets, { id, b, session }: Order): void {
  const socket = sockets.find(id)
  if (socket === undefined || socket.closing) return
  if (socket.owner !== b >>> 0 || socket.heir !== 0) return
  socket.held = true
  if (session !== 0) sockets.setTraits(socket, TRAIT.sealed, TRAIT.sealed)
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
