/**
 * What the socket thread tells an owner. The number is the record type in the worker's stream ring;
 * `ud` and the payload are as described. Data and ends of one socket arrive in order.
 */
export const EVENT = {
  /** Payload: the bytes. */
  DATA: 0,
  /**
   * Nothing more will come: the peer ended, or the socket was closed here. Exactly once. Of a
   * listener and of a UDP socket: its descriptor is closed.
   */
  CLOSE: 1,
  /** ud: local port of a listener. Payload: text (`start`, `transfer`, or an address). */
  OPEN: 2,
  /** ud: id of the new socket. Payload: `ip:port` of the peer. */
  ACCEPT: 3,
  /** Payload: what went wrong. A CLOSE follows when the socket had been open. */
  ERROR: 4,
  /** A datagram. ud: its bytes. Payload: they, then the compact address it came from. */
  UDP: 6,
  /** ud: KiB that wait to be sent, at 1 MiB and each doubling; 0 when all is sent again. */
  WARNING: 7,
  /** ud: so many `drain` orders are answered: all has left; negative: the socket is gone. */
  DRAIN: 8,
  /** Another owner takes the socket: give back what was not read (`handover`). ud: its number. */
  YIELD: 9,
  /** A listener could not accept somebody and goes on. Payload: why. */
  REFUSE: 10,
  /** A `look` was had: what the kernel had is before this. */
  LOOKED: 11,
} as const

/** One record of the ring, its payload copied: what a message of type SOCKET carries. */
export interface EventRecord {
  /** A value of EVENT. */
  readonly kind: number
  readonly id: number
  readonly ud: number
  readonly payload: Buffer
}
