/**
 * Who reads a socket: it is started, paused, and handed over from one owner to the next. Not a byte
 * is lost or overtaken. Runs on the socket thread only.
 */
import { INTEREST } from '../../os/poll/poller.ts'
import { EVENT } from '../event.ts'
import { STATE } from '../state.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'
import { closeSocket, flush } from './tcp.ts'

// A text of an event fits into the smallest ring that the simulation has.
const STAYS = 'what it carries stays with its service (HTTP, TLS, WebSocket)'

/** `caller` wants to read it, or to accept; it becomes the owner if it is not. */
export function startReading(sockets: Sockets, id: number, caller: number): void {
  const socket = sockets.find(id)
  if (socket === undefined) {
    sockets.owners.emit(caller, EVENT.ERROR, id, 0, 'invalid socket')
    return
  }
  const state = sockets.stateOf(socket)
  if (socket.held && socket.owner !== caller) {
    sockets.owners.emit(caller, EVENT.ERROR, id, 0, STAYS)
  } else if (state === STATE.PLISTEN || state === STATE.PACCEPT) {
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

export function pauseReading(sockets: Sockets, id: number): void {
  const socket = sockets.find(id)
  if (socket === undefined || socket.fd < 0) return
  socket.reading = false
  sockets.watching.ignore(socket, INTEREST.read)
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

/** The former owner gives back what it had not read. @param request The number of the YIELD. */
export function handOver(sockets: Sockets, id: number, request: number, unread: Buffer): void {
  const socket = sockets.find(id)
  if (socket === undefined || socket.heir === 0 || socket.closing) return
  if (request === socket.yields) inherit(sockets, socket, unread)
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
