/** Bytes and datagrams that workers hand on, for the queues of sockets that may be gone by now. */
import { compactLength } from '../../os/compact.ts'
import { type Parcel, parcelBytes, SharedBytes } from '../shared-bytes.ts'
import { newborn } from './births.ts'
import type { Sockets } from './sockets.ts'
import { enqueue } from './tcp.ts'
import { enqueueDatagram } from './udp.ts'

/** @param begun How much of it has left; NOT_BEGUN: nothing. */
export function handOn(
  sockets: Sockets,
  id: number,
  parcel: Parcel,
  begun: number,
  isLow: boolean,
): void {
  const socket = sockets.find(id) ?? newborn(sockets, id)
  if (socket === undefined) {
    sockets.settle(sockets.slots.at(id), 1, parcel.length - Math.max(0, begun))
    if (parcel instanceof SharedBytes) parcel.release()
  } else if (socket.udp === undefined) enqueue(sockets, socket, parcel, begun, isLow)
  else {
    // Somebody wrote to a UDP socket: a datagram to its usual peer.
    const bytes = parcelBytes(parcel)
    enqueueDatagram(sockets, socket, Buffer.concat([Buffer.of(0), bytes]))
    if (parcel instanceof SharedBytes) parcel.release()
  }
}

/** One block for many sockets: each holds it until it has sent its part. */
export function handOnToAll(sockets: Sockets, bytes: Buffer): void {
  const address = bytes.readDoubleLE(0)
  const { blocks } = sockets.os
  const view = blocks.view(address, bytes.readDoubleLE(8))
  const shared = new SharedBytes(view, (bytes.length - 16) / 8, () => blocks.drop(address))
  for (let at = 16; at < bytes.length; at += 8) {
    handOn(sockets, bytes.readInt32LE(at), shared, bytes.readInt32LE(at + 4), false)
  }
}

export function handOnDatagram(sockets: Sockets, id: number, bytes: Buffer): void {
  const socket = sockets.find(id)
  if (socket?.udp !== undefined) enqueueDatagram(sockets, socket, bytes)
  else sockets.settle(sockets.slots.at(id), 1, bytes.length - compactLength(bytes, 0))
}
