/**
 * A UDP socket of KCP: brings packets and time to what decides, and what that sends away. One timer
 * for all its conversations, set only while one of them has something to do.
 */

import { randomBytes } from 'node:crypto'
import { KCP_HELD_MS, KCP_PACKET_BYTES_MAX } from '../../base/limits.ts'
import { UdpAddress } from '../../net/udp-address.ts'
import type { Skynet } from '../../skynet/skynet.ts'
import { Skynet as SkynetClass } from '../../skynet/skynet.ts'
import type { Datagram, UdpSocket } from '../../sockets/udp-socket.ts'
import type { Secrets } from './cookies.ts'
import type { Due, DueHeap } from './due-heap.ts'
import { addPort, type Leaver } from './ports.ts'
import type { Carrier, DatagramAddress, Flushable } from './route.ts'

/** Packets are written here, and copied at once. One a thread: a module is loaded once in each. */
const SCRATCH = Buffer.allocUnsafeSlow(KCP_PACKET_BYTES_MAX)

/** What decides: of a server or of a client. */
export interface PortCore {
  readonly deadlines: DueHeap<Due & { tick(now: number): void }>
  packet(packet: Buffer, from: DatagramAddress, now: number): void
}

/** Who has it. */
export interface PortUser extends Leaver {
  /** The socket has failed, or was closed: nothing comes any more. Undefined: it was closed. */
  failed(why: unknown): void
}

type Service = ReturnType<typeof SkynetClass.serviceOf>

export class KcpPort implements Carrier, Secrets {
  readonly scratch = SCRATCH
  readonly udp: UdpSocket
  readonly service: Service
  readonly #flusher: { markDirty(gatherer: { flush(): void }): void }
  /** In which something was sent in this turn. */
  readonly #touched = new Set<Flushable>()
  readonly #skynet: Skynet
  #core!: PortCore
  #left = (): void => {}
  #timer: ReturnType<Service['after']> | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #heldMs = 0
  #isClosed = false

  constructor(skynet: Skynet, udp: UdpSocket) {
    this.#skynet = skynet
    this.udp = udp
    this.service = SkynetClass.serviceOf(skynet)
    this.#flusher = SkynetClass.siteOf(skynet).client
  }

  /**
   * In ms. While the thread was held, or its process stopped, nothing could be heard: such a time
   * does not count, or all would have been silent for too long.
   */
  get now(): number {
    const now = Math.floor(this.service.now()) - this.#heldMs
    const late = now - this.#timerAt
    if (late < KCP_HELD_MS) return now
    this.#heldMs += late
    return this.#timerAt
  }

  /** Begin to receive. */
  start(core: PortCore, user: PortUser): void {
    this.#core = core
    this.#left = addPort(this.#skynet, user)
    const failed = (why: unknown): void => user.failed(why)
    void this.#read().then(failed, failed)
  }

  async #read(): Promise<void> {
    const { udp } = this
    for (let next = await udp.receive(); next !== null; next = await udp.receive()) {
      if (next.data.length > KCP_PACKET_BYTES_MAX) continue
      this.#core.packet(next.data, next.from, this.now)
      this.arm()
    }
  }

  send(packet: Uint8Array, to: DatagramAddress): void {
    if (this.udp.isOpen) this.udp.sendTo(to as Datagram['from'], packet)
  }

  randomBytes(count: number): Buffer {
    return randomBytes(count)
  }

  kept({ bytes }: DatagramAddress): DatagramAddress {
    return UdpAddress.fromBytes(bytes)
  }

  /** Flush it at the end of this turn. */
  isTouched(item: Flushable): void {
    if (this.#touched.size === 0) this.#flusher.markDirty(this)
    this.#touched.add(item)
  }

  /** Called at the end of a turn. */
  flush(): void {
    const { now } = this
    for (const each of this.#touched) each.flush(now)
    this.#touched.clear()
    this.handOn()
    this.arm()
  }

  /** What was sent leaves now: of many ports each would keep room for it until all are done. */
  handOn(): void {
    this.udp.leave()
  }

  /** See to it that the timer fires when the first one is due. */
  arm(): void {
    const at = this.#core.deadlines.first?.dueAt
    if (at === undefined || at >= this.#timerAt || this.#isClosed) return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.service.after(Math.max(0, at - this.now), () => this.#fire())
  }

  #fire(): void {
    const { deadlines } = this.#core
    const { now } = this
    this.#timerAt = Number.POSITIVE_INFINITY
    const due: (Due & { tick(now: number): void })[] = []
    for (let first = deadlines.first; first !== undefined; first = deadlines.first) {
      if (first.dueAt > now) break
      deadlines.remove(first)
      due.push(first)
    }
    for (const each of due) each.tick(now)
    this.handOn()
    this.arm()
  }

  async close(): Promise<void> {
    this.#left()
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isClosed = true
    await this.udp.close()
  }
}
