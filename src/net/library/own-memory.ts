/** What a loop and its only client, on the same thread, have between them. */

import type { Os } from '../../os/os.ts'
import { createDoorbellMemory, Doorbells } from '../../shm/doorbell.ts'
import type { Region } from '../../shm/memory.ts'
import { ManyRing, StreamRing } from '../../shm/ring.ts'
import { Link } from '../server/links.ts'
import type { Socket } from '../server/socket.ts'
import { SLOTS_BYTES, Slots } from '../slots.ts'
import { Totals } from '../totals.ts'

/** The client, and the server, among the doorbells. */
export const CLIENT = 0
export const SERVER = 1
/** One order is in it at a time; an eighth holds the largest. */
const ORDERS_BYTES = 512 * 1024
/** An eighth holds the largest read, and the largest datagram with its address. */
const EVENTS_BYTES = 1024 * 1024

export class OwnMemory {
  readonly slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
  readonly totals = new Totals(Totals.memory(2), this.slots)
  readonly bells: Doorbells
  /** From the client to the server. */
  readonly orders: { readonly ring: ManyRing; readonly region: Region }
  /** From the server to the client. */
  readonly link: Link<Socket>
  readonly wakeup: ReturnType<Os['createWakeup']>
  readonly #os: Os

  /** @throws {SkynetError} `ERR_SYSCALL`. */
  constructor(os: Os) {
    this.#os = os
    const wakeup = os.createWakeup()
    this.wakeup = wakeup
    const wake = (): void => os.signalWakeup(wakeup.writeFd)
    this.bells = new Doorbells(createDoorbellMemory(2), { thread: SERVER, wake })
    const orders = os.region(new SharedArrayBuffer(ManyRing.bytes(ORDERS_BYTES)))
    this.orders = { region: orders, ring: new ManyRing(orders, 0, ORDERS_BYTES) }
    const events = os.region(new SharedArrayBuffer(StreamRing.bytes(EVENTS_BYTES)))
    const stream = new StreamRing(events, 0, EVENTS_BYTES)
    this.link = new Link(CLIENT, events, stream, this.bells, SERVER)
  }

  /** The memory is the collector's; the descriptors are not. */
  close(): void {
    this.#os.close(this.wakeup.readFd)
    this.#os.close(this.wakeup.writeFd)
  }
}
