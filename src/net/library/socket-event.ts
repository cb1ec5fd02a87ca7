/** What a program that polls is told: the records of event.ts as a union. */
import { EVENT } from '../event.ts'
import { UdpAddress } from '../udp-address.ts'

interface Common {
  readonly id: number
  /** The number that was given with the socket, or with the last `start`. */
  readonly owner: number
}

/** Tell them apart by `type`. Buffers are yours. */
export type SocketEvent = Common &
  (
    | {
        readonly type: 'open'
        /**
         * `start`, `transfer`, `udp`, `binding`; of a connection that was made the peer,
         * `127.0.0.1:80`; of a new listener the host it is bound to.
         */
        readonly text: string
        /** Of a new listener and of a UDP socket the port that is open; else 0. */
        readonly port: number
      }
    | {
        /** Somebody connected to listener `id`. */
        readonly type: 'accept'
        /** The id of the connection. It is not read before `start`. */
        readonly client: number
        /** `127.0.0.1:51812`. */
        readonly text: string
      }
    | { readonly type: 'data'; readonly data: Buffer }
    /** A datagram, which may be empty. */
    | { readonly type: 'udp'; readonly data: Buffer; readonly from: UdpAddress }
    /** Nothing more will come. A peer that has ended can still be sent to, until you `close`. */
    | { readonly type: 'close' }
    /** Why `connect`, `start` or `bind` failed; or why an open socket did, before its `close`. */
    | { readonly type: 'error'; readonly text: string }
    /** A client was refused by listener `id`, which goes on: no descriptors, no free slot. */
    | { readonly type: 'refuse'; readonly text: string }
    /** So much waits to be sent, told at 1 MiB and each doubling; 0 once everything has left. */
    | { readonly type: 'warning'; readonly queuedKiB: number }
  )

/** @param bytes Of the record, to be kept. Undefined: a record for the library, not its user. */
export function socketEvent(
  kind: number,
  owner: number,
  id: number,
  ud: number,
  bytes: Buffer,
): SocketEvent | undefined {
  switch (kind) {
    case EVENT.DATA:
      return { type: 'data', id, owner, data: bytes }
    case EVENT.UDP: {
      const from = UdpAddress.received(bytes.subarray(ud))
      return { type: 'udp', id, owner, data: bytes.subarray(0, ud), from }
    }
    case EVENT.OPEN:
      return { type: 'open', id, owner, text: bytes.toString(), port: ud }
    case EVENT.ACCEPT:
      return { type: 'accept', id, owner, client: ud, text: bytes.toString() }
    case EVENT.CLOSE:
      return { type: 'close', id, owner }
    case EVENT.ERROR:
      return { type: 'error', id, owner, text: bytes.toString() }
    case EVENT.REFUSE:
      return { type: 'refuse', id, owner, text: bytes.toString() }
    case EVENT.WARNING:
      return { type: 'warning', id, owner, queuedKiB: ud }
  }
  return undefined
}
