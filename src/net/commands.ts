/**
 * Orders to the socket thread. The number is the record type in the command ring: append, never
 * reorder. In a record `a` is the socket id, `b` the owner (or what stands below).
 */
import type { AnyAddress, SocketOption } from '../os/os.ts'

export const COMMAND = {
  /** Begin or go on reading, for owner b. */
  start: 1,
  /** Stop reading until `start`. */
  pause: 2,
  /** b: descriptor that listens already. The owner is in `session`. */
  listen: 3,
  /** Payload: JSON of the addresses to try in turn, and of options: see ConnectPayload. */
  connect: 4,
  /** Payload: bytes; with SEND.block in b their length as float64, in session their address. */
  send: 5,
  /** Flush, say FIN, wait for the peer's FIN, close. b: only if that is the owner; 0: whoever. */
  close: 6,
  /** Close now, and drop what was not sent. b as in close. */
  shutdown: 7,
  /** b: 1 on, 0 off. */
  noDelay: 8,
  /** Answer b, the owner, with DRAIN once nothing waits to be sent, or the socket is gone. */
  drain: 9,
  /** Payload: as in send, what the former owner had not read. b above SEND: the YIELD's ud. */
  handover: 10,
  /** Close everything and leave the loop. b: ms that flushing may take. */
  exit: 11,
  /** Say FIN once everything has left; reading goes on. b: only if that is the owner. */
  end: 12,
  /** Payload: JSON of the settings that change. */
  configure: 13,
  /** b: descriptor of a UDP socket, bound or not. The owner is in `session`. */
  udp: 14,
  /** Payload: a compact address, then the bytes of one datagram. Type none: to the usual peer. */
  datagram: 15,
  /** Payload: the compact address of the usual peer of a UDP socket. */
  peer: 16,
  /** b: descriptor to watch that is not ours, and stays open. The owner is in `session`. */
  bind: 17,
  /** Payload: address and length of a block as float64, then pairs: id, and how much has left. */
  broadcast: 18,
  /** More waits than its policy allows: the socket fails. */
  overflow: 19,
  /** Worker `a` died: its sockets end, and those in the middle of a write of its. */
  died: 20,
  /** Take what the kernel has for the socket now, then answer b, the owner, with LOOKED. */
  look: 21,
  /** It stays with b, if that is the owner: others may not have it. Session 1: nor write to it. */
  hold: 22,
} as const

/** What a connect order says. */
export interface ConnectPayload {
  readonly addresses: AnyAddress[]
  /** Set before the connection is made. */
  readonly options?: Partial<Record<SocketOption, number>> | undefined
}

/** Bits of `b` in a send command, and of a handover. */
export const SEND = { remainder: 1, block: 2, low: 4 } as const
export const SEND_BITS = 3
/** The `how much` of a pair in a broadcast that was not begun. */
export const NOT_BEGUN = -1
