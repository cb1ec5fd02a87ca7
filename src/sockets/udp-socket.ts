/** A UDP socket of a service. */
import type { Endpoint } from '../net/endpoint.ts'
import { UdpAddress } from '../net/udp-address.ts'
import type { SocketOption } from '../os/os.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { Intake, type IntakeOf } from './intake.ts'
import type { SocketPool } from './pool.ts'
import { handlers } from './socket-events.ts'
import { SocketLife } from './socket-life.ts'
import { UdpSender } from './udp-sender.ts'

/** What a datagram costs here besides its bytes: many small ones are bounded too. */
const DATAGRAM_OVERHEAD_BYTES = 64

export interface Datagram {
  /** Yours. May be empty. */
  readonly data: Buffer
  readonly from: UdpAddress
}

const RECEIVED: IntakeOf<Datagram> = {
  verb: 'receive',
  cost: ({ data }) => data.length + DATAGRAM_OVERHEAD_BYTES,
  limit: ({ pool }) => pool.receiveLimitBytes,
}

/** Obtained from `skynet.socket.udp`, `udpListen`, `udpDial`. One receiver may wait at a time. */
export class UdpSocket implements AsyncIterable<Datagram>, AsyncDisposable {
  readonly id: number
  /** 6: of IPv6, which reaches IPv4 peers too unless it is `ipv6Only`. */
  readonly family: 4 | 6
  /** The port it is bound to; 0 before the first send when none was asked for. */
  port = 0
  readonly #life: SocketLife
  readonly #received: Intake<Datagram>
  readonly #sender: UdpSender

  /** Made by open-udp.ts only. */
  constructor(pool: SocketPool, id: number, family: 4 | 6) {
    this.id = id
    this.family = family
    this.#life = new SocketLife(pool, this, 'opening')
    this.#received = new Intake(this.#life, RECEIVED)
    this.#sender = new UdpSender(this.#life, family)
  }

  /** Datagrams that were not sent as too much waited already. */
  get dropped(): number {
    return this.#sender.dropped
  }

  set dropped(count: number) {
    this.#sender.dropped = count
  }

  get isOpen(): boolean {
    return this.#life.isOpen
  }

  /** Where `send` goes. */
  get peer(): UdpAddress | undefined {
    return this.#sender.peer
  }

  /**
   * The next datagram, or null once the socket is closed. When a service does not keep up, the
   * kernel drops what comes: that is UDP.
   *
   * @throws {SkynetError} `ERR_SOCKET_BUSY`, `ERR_SOCKET_FAILED`; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`
   * as asked for.
   */
  receive(options?: WaitOptions): Promise<Datagram | null> {
    return this.#received.take(options)
  }

  /** Datagrams until the socket is closed; leaving the loop closes it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void, void> {
    try {
      for (let next = await this.receive(); next !== null; next = await this.receive()) yield next
    } finally {
      await this.close()
    }
  }

  /**
   * Send one datagram; those of one turn leave together. `data` is yours again on return.
   *
   * @param to Where a datagram came from, or an IP and a port.
   * @returns False when too much waits already: this one is dropped, and counted in `dropped`.
   * @throws {SkynetError} `ERR_SOCKET_CLOSED`; `ERR_SOCKET_STATE` an IPv6 address on an IPv4
   * socket. `RangeError` for more than 65,507 bytes, `TypeError` for what is no address.
   */
  sendTo(to: UdpAddress | { host: string; port: number }, data: string | Uint8Array): boolean {
    return this.#sender.sendTo(to, data)
  }

  /** Send to the peer of `connect` or `udpDial`. As `sendTo`; `ERR_SOCKET_STATE` without a peer. */
  send(data: string | Uint8Array): boolean {
    return this.#sender.send(data)
  }

  /**
   * Choose the peer that `send` goes to. Names are looked up. Others are received all the same.
   *
   * @throws {SkynetError} `ERR_CONNECT` unknown name, or no address of this socket's family.
   */
  connect(endpoint: Endpoint | UdpAddress, options?: WaitOptions): Promise<void> {
    return this.#sender.connect(endpoint, options)
  }

  /** Resolves once everything sent so far was taken by the kernel. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#sender.drain(options)
  }

  /** As `Connection.setOption`; `broadcast` lets datagrams go to a broadcast address. */
  setOption(name: SocketOption, value: number): void {
    this.#life.checkOpen()
    this.#life.pool.setOption(this.id, name, value)
  }

  /**
   * What was sent still leaves; what came and was not received is dropped. Resolves when the
   * descriptor is closed: then anybody may bind the port. It closes all the same when nobody waits
   * any more: `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  close(options?: WaitOptions): Promise<void> {
    return this.#life.close(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- its life, as the pool and socket-life.ts see it -----------------------------------------

  /** @internal Wait until the socket thread has it. Called by open-udp.ts. */
  open(options: WaitOptions | undefined): Promise<void> {
    return this.#life.open('open UDP', options)
  }

  /** @internal */
  leave(): void {
    this.#sender.flush()
  }

  /** @internal CLOSE comes when the descriptor is closed. */
  letGo(): boolean {
    this.#end(() => {})
    return false
  }

  static readonly #events = handlers<UdpSocket>({
    UDP: (self, length, payload) => self.#receive(length, payload),
    OPEN: (self, port) => {
      if (port !== 0) self.port = port
      self.#life.opened()
    },
    DRAIN: (self, sign) => self.#sender.drained(sign),
    ERROR: (self, _, reason) => self.#life.fail(reason.toString()),
    CLOSE: (self) => {
      self.#end()
      self.#life.gone()
    },
  })

  /** @internal */
  happened(kind: number, ud: number, payload: Buffer): void {
    UdpSocket.#events[kind]?.(this, ud, payload)
  }

  #receive(length: number, payload: Buffer): void {
    if (this.#life.isOver) return
    const from = UdpAddress.received(payload.subarray(length))
    this.#received.push({ data: payload.subarray(0, length), from })
  }

  #end(drop?: (datagram: Datagram) => void): void {
    if (!this.#life.isOver) this.#life.move('closed')
    this.#sender.fail()
    this.#life.failOpening()
    this.#received.end(drop)
  }
}
