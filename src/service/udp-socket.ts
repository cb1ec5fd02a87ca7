/** A UDP socket of a service. */
import { checkBytes, checkInteger, checkOptions, isA, isObject, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { DATAGRAM_BYTES_MAX } from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import { DatagramWriter } from '../net/datagram-writer.ts'
import {
  type CheckedEndpoint,
  checkEndpoint,
  type Endpoint,
  endpointText,
} from '../net/endpoint.ts'
import { EVENT } from '../net/event.ts'
import { UdpAddress } from '../net/udp-address.ts'
import { compactAddress } from '../os/compact.ts'
import type { SocketAddress, SocketOption } from '../os/os.ts'
import { closeSocket } from './closing.ts'
import { Drains } from './drains.ts'
import { lookUp } from './look-up.ts'
import type { SocketPool } from './pool.ts'
import { Repeats } from './repeats.ts'
import { SocketWait, Waiter } from './wait.ts'
import { checkWait, type WaitOptions, wrongWait } from './wait-options.ts'

/** What a datagram costs here besides its bytes: many small ones are bounded too. */
const DATAGRAM_OVERHEAD_BYTES = 64

export interface Datagram {
  /** Yours. May be empty. */
  readonly data: Buffer
  readonly from: UdpAddress
}

/** Obtained from `skynet.socket.udp`, `udpListen`, `udpDial`. One receiver may wait at a time. */
export class UdpSocket implements AsyncIterable<Datagram>, AsyncDisposable {
  readonly id: number
  /** 6: of IPv6, which reaches IPv4 peers too unless it is `ipv6Only`. */
  readonly family: 4 | 6
  /** The port it is bound to; 0 before the first send when none was asked for. */
  port = 0
  readonly #pool: SocketPool
  readonly #writer: DatagramWriter
  readonly #refusals: Repeats
  readonly #received = new Queue<Datagram>()
  #receivedBytes = 0
  #isPaused = false
  #isClosed = false
  #error: SkynetError | undefined
  #peer: UdpAddress | undefined
  #opening: Waiter<void> | undefined
  #receiver: Waiter<Datagram | null> | undefined
  #closing: Waiter<void> | undefined
  readonly #drains = new Drains()
  /** Datagrams that were not sent as too much waited already. */
  dropped = 0

  /** Made by open-udp.ts only. */
  constructor(pool: SocketPool, id: number, family: 4 | 6) {
    this.#pool = pool
    this.id = id
    this.family = family
    this.#refusals = new Repeats(
      pool.service,
      (more) => `udp ${id}: ${more} more were refused`,
      'error',
    )
    this.#writer = new DatagramWriter(pool.client, id, (errno) => {
      this.#refusals.say(`udp ${id}: sendto error ${pool.client.os.errorText(errno)}`)
    })
    pool.add(this)
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  /** Where `send` goes. */
  get peer(): UdpAddress | undefined {
    return this.#peer
  }

  /**
   * The next datagram, or null once the socket is closed. When a service does not keep up, the
   * kernel drops what comes: that is UDP.
   *
   * @throws {SkynetError} `ERR_SOCKET_BUSY`, `ERR_SOCKET_FAILED`; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`
   * as asked for.
   */
  receive(options?: WaitOptions): Promise<Datagram | null> {
    const wrong = wrongWait('receive', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    if (this.#receiver !== undefined) {
      return Promise.reject(new SkynetError('ERR_SOCKET_BUSY', { id: this.id }))
    }
    const datagram = this.#received.shift()
    if (datagram !== undefined) {
      this.#receivedBytes -= costOf(datagram)
      this.#resumeIfLow()
      return Promise.resolve(datagram)
    }
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#isClosed) return Promise.resolve(null)
    const about = new SocketWait('receive from', this.id, this.#pool)
    const waiter = new Waiter<Datagram | null>(this.#pool.service, about, options, () => {
      this.#receiver = undefined
    })
    if (!waiter.isOver) this.#receiver = waiter
    return waiter.promise
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
    return this.#send(this.#bytesOf(to), data)
  }

  /** Send to the peer of `connect` or `udpDial`. As `sendTo`; `ERR_SOCKET_STATE` without a peer. */
  send(data: string | Uint8Array): boolean {
    if (this.#peer === undefined) throw this.#wrongState('address first: it has no peer')
    return this.#send(this.#bytesOf(this.#peer), data)
  }

  /**
   * Choose the peer that `send` goes to. Names are looked up. Others are received all the same.
   *
   * @throws {SkynetError} `ERR_CONNECT` unknown name, or no address of this socket's family.
   */
  async connect(endpoint: Endpoint | UdpAddress, options?: WaitOptions): Promise<void> {
    const checked = checkPeer('connect', endpoint)
    checkWait('connect', options)
    const text = endpointText(checked)
    const failed = (reason: string, cause?: unknown): Error =>
      new SkynetError('ERR_CONNECT', { address: text, reason }, { cause })
    const { service } = this.#pool
    const found = await lookUp(service, checked, failed, options)
    if (service.hasEnded) throw service.exited()
    const usable = found.find(({ family }) => family === 4 || family === this.family)
    if (usable === undefined || usable.family === 'unix') throw failed('protocol mismatch')
    this.#setPeer(usable)
  }

  #setPeer(address: SocketAddress): void {
    this.#checkOpen()
    this.#peer = UdpAddress.of(address.host, address.port)
    this.#writer.flush()
    const { client } = this.#pool
    client.order('peer', this.id, 0, 0, compactAddress(address, this.family))
  }

  /** Resolves once everything sent so far was taken by the kernel. */
  drain(options?: WaitOptions): Promise<void> {
    const wrong = wrongWait('drain', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    this.#writer.flush()
    if (this.#isClosed || this.#pool.client.slots.pendingOf(this.id) === 0) return Promise.resolve()
    return this.#drains.wait(this.#pool, this.id, options)
  }

  /** As `Connection.setOption`; `broadcast` lets datagrams go to a broadcast address. */
  setOption(name: SocketOption, value: number): void {
    this.#checkOpen()
    this.#pool.setOption(this.id, name, value)
  }

  /**
   * What was sent still leaves; what came and was not received is dropped. Resolves when the
   * descriptor is closed: then anybody may bind the port. It closes all the same when nobody waits
   * any more: `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  close(options?: WaitOptions): Promise<void> {
    const self = { id: this.id, pool: this.#pool }
    return closeSocket(self, options, (about) => this.#close(about))
  }

  #close(about: SocketWait): Promise<void> | undefined {
    const { service, client } = this.#pool
    if (this.#isClosed) return service.hasEnded ? undefined : this.#closing?.promise
    this.abandon()
    client.order('close', this.id, service.handle)
    while (this.#received.shift() !== undefined);
    this.#end()
    if (service.hasEnded) return undefined
    this.#closing = new Waiter<void>(service, about, undefined)
    return this.#closing.promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #send(address: Uint8Array, data: string | Uint8Array): boolean {
    checkBytes('send', 'data', data)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    checkInteger('send', 'data.length', bytes.length, 0, DATAGRAM_BYTES_MAX)
    this.#checkOpen()
    const isTaken = this.#writer.send(bytes, address)
    if (!isTaken) this.dropped++
    return isTaken
  }

  #bytesOf(to: UdpAddress | { host: string; port: number }): Uint8Array {
    const address = isA(to, UdpAddress) ? to : addressOf(to)
    if (address.bytes.length > 7 === (this.family === 6)) return address.bytes
    const { family, host, port } = address
    if (family === 6) throw this.#wrongState(`protocol mismatch: ${address} on an IPv4 socket`)
    return compactAddress({ family, host, port }, this.family)
  }

  #checkOpen(): void {
    if (this.#isClosed || this.#error !== undefined) throw this.#closedError()
  }

  #closedError(): SkynetError {
    return this.#error ?? new SkynetError('ERR_SOCKET_CLOSED', { id: this.id })
  }

  #wrongState(reason: string): Error {
    return new SkynetError('ERR_SOCKET_STATE', { id: this.id, reason })
  }

  // --- events, called by the pool --------------------------------------------------------------

  /** @internal Wait until the socket thread has it. Called by open-udp.ts. */
  open(waiter: Waiter<void>): void {
    this.#opening = waiter
  }

  /** @internal */
  happened(kind: number, ud: number, payload: Buffer): void {
    if (kind === EVENT.UDP) this.#receive(ud, payload)
    else if (kind === EVENT.OPEN) {
      if (ud !== 0) this.port = ud
      this.#opening?.resolve()
    } else if (kind === EVENT.DRAIN) this.#drains.answered(this.#pool, this.id, ud, this.#error)
    else if (kind === EVENT.ERROR) {
      this.#error = new SkynetError('ERR_SOCKET_FAILED', { id: this.id, reason: `${payload}` })
    } else if (kind === EVENT.CLOSE) this.#gone()
  }

  /** CLOSE of a UDP socket comes when its descriptor is closed. */
  #gone(): void {
    this.#end()
    this.#pool.remove(this.id)
    this.#closing?.resolve()
    this.#closing = undefined
  }

  #receive(length: number, payload: Buffer): void {
    if (this.#isClosed) return
    const from = UdpAddress.received(payload.subarray(length))
    const datagram = { data: payload.subarray(0, length), from }
    if (this.#receiver !== undefined) {
      this.#receiver.resolve(datagram)
      return
    }
    this.#received.push(datagram)
    this.#receivedBytes += costOf(datagram)
    if (this.#isPaused || this.#receivedBytes <= this.#pool.receiveLimitBytes) return
    this.#isPaused = true
    this.#pool.client.order('pause', this.id)
  }

  #resumeIfLow(): void {
    if (!this.#isPaused || this.#receivedBytes > this.#pool.receiveLimitBytes / 2) return
    this.#isPaused = false
    this.#pool.client.order('start', this.id, this.#pool.service.handle)
  }

  /** @internal The service ended: hand on what was sent in this turn. Called by the pool too. */
  abandon(): void {
    this.#writer.flush()
  }

  #end(): void {
    this.#isClosed = true
    const failure = this.#closedError()
    this.#drains.reject(failure)
    this.#opening?.reject(failure)
    if (this.#error === undefined) this.#receiver?.resolve(null)
    else this.#receiver?.reject(this.#error)
  }
}

const costOf = ({ data }: Datagram): number => data.length + DATAGRAM_OVERHEAD_BYTES

/** An endpoint, or where a datagram came from. @throws `TypeError`, `RangeError`. */
export function checkPeer(what: string, given: Endpoint | UdpAddress): CheckedEndpoint {
  const endpoint = isA(given, UdpAddress) ? { host: given.host, port: given.port } : given
  const checked = checkEndpoint(what, endpoint, '127.0.0.1', 1)
  checkOptions(what, 'endpoint', endpoint, ['host', 'port'])
  return checked
}

function addressOf(to: { host: string; port: number }): UdpAddress {
  if (!isObject(to)) {
    throw refusal('type', 'send', 'to', 'a UdpAddress or { host, port }', to)
  }
  return UdpAddress.of(to.host, to.port)
}
