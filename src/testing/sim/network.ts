/** The other hosts: who listens where, which connects are under way, and how they will end. */
import { portOf } from '../../os/address.ts'
import { ERRNO } from '../../os/errno.ts'
import type { AnyAddress, ListenFlags, SocketAddress } from '../../os/os.ts'
import type { SimNetwork } from '../sim-os.ts'
import { type SimDatagram, SimMailbox } from './datagrams.ts'
import { Listening, SimEndpoint } from './endpoint.ts'
import type { SimFaults } from './faults.ts'
import type { Random } from './random.ts'

const { ECONNREFUSED, EHOSTUNREACH, EINVAL, ETIMEDOUT } = ERRNO
const OURS = '127.0.0.1'
const THEIRS = '10.0.0.1'
const FIRST_PORT = 10_000
const DATAGRAMS_MAX = 16

/** Takes what our side sends to it. */
type Receive = (from: SocketAddress, bytes: Buffer) => void

/** What our side has read is kept, for whoever wants to check what it does with it. */
export class KeptMailbox extends SimMailbox {
  readonly handedOut: SimDatagram[] = []

  override receive(): SimDatagram | undefined {
    const datagram = super.receive()
    if (datagram !== undefined) this.handedOut.push(datagram)
    return datagram
  }
}

export class Network implements SimNetwork {
  /** Told of the far end of each connect that succeeded, with the port it went to. */
  onConnected: (far: SimEndpoint, port: number) => void = () => {}
  readonly #random: Random
  readonly #faults: SimFaults
  /** Bytes that the buffer of one end may have at most. */
  readonly #capacityMax: number
  readonly #listening = new Map<number, Listening>()
  readonly #mailboxes = new Map<number, KeptMailbox>()
  /** Who takes datagrams, by port. */
  readonly #hosts = new Map<number, Receive>()
  #connecting: SimEndpoint[] = []
  #lastPort = FIRST_PORT

  constructor(random: Random, faults: SimFaults, capacityMax: number) {
    this.#random = random
    this.#faults = faults
    this.#capacityMax = capacityMax
  }

  /** Connects are under way. */
  get isConnecting(): boolean {
    return this.#connecting.length > 0
  }

  freshEndpoint(): SimEndpoint {
    const endpoint = new SimEndpoint(this.#random.size(this.#capacityMax))
    endpoint.resetKeepsData = this.#faults.hits('resetKeepsData')
    return endpoint
  }

  /** An address that nobody has had: `connect` to it leads to another host. */
  freshAddress(): SocketAddress {
    return { family: 4, host: THEIRS, port: ++this.#lastPort }
  }

  listen(address: AnyAddress, { backlog }: ListenFlags): Listening | number {
    if (address.family === 'unix') return -EINVAL
    const port = address.port === 0 ? ++this.#lastPort : address.port
    const listening = new Listening({ family: 4, host: OURS, port }, backlog)
    this.#listening.set(port, listening)
    return listening
  }

  forget(closed: Listening | SimMailbox): void {
    if (closed instanceof Listening) this.#listening.delete(closed.port)
    else this.#mailboxes.delete(closed.local.port)
  }

  /** A UDP socket of ours, on a port by itself. */
  openMailbox(): KeptMailbox {
    const local: SocketAddress = { family: 4, host: OURS, port: ++this.#lastPort }
    const mailbox = new KeptMailbox(
      local,
      DATAGRAMS_MAX,
      (from, to, bytes) => this.#hosts.get(to.port)?.(from.local, bytes),
      this.#faults,
    )
    this.#mailboxes.set(local.port, mailbox)
    return mailbox
  }

  /** It is bound from the beginning. */
  bind(): number {
    return -EINVAL
  }

  /** Another host that takes datagrams. @returns Its address. */
  addHost(receive: Receive): SocketAddress {
    const address = this.freshAddress()
    this.#hosts.set(address.port, receive)
    return address
  }

  /** A host sends a datagram; it may get lost. */
  sendToUs({ port }: SocketAddress, datagram: SimDatagram): void {
    if (!this.#faults.hits('datagramLost')) this.#mailboxes.get(port)?.arrive(datagram)
  }

  /** Who waits to be accepted there. */
  waitingAt(port: number): number {
    return this.#listening.get(port)?.backlog.length ?? 0
  }

  /** Another host connects to us. @returns Its end; undefined: refused, or the backlog is full. */
  dial(port: number): SimEndpoint | undefined {
    const listening = this.#listening.get(port)
    if (listening === undefined || listening.isFull) return undefined
    const far = this.freshEndpoint()
    const near = this.freshEndpoint()
    far.local = this.freshAddress()
    far.remote = { family: 4, host: OURS, port }
    near.local = far.remote
    near.remote = far.local
    near.join(far)
    listening.backlog.push(near)
    return far
  }

  /** We connect to another host. */
  connect(near: SimEndpoint, address: AnyAddress): number {
    if (address.family === 'unix') return -EINVAL
    if (this.#faults.hits('connectRefusedNow')) return -EHOSTUNREACH
    near.local = { family: 4, host: OURS, port: ++this.#lastPort }
    near.remote = address
    if (this.#faults.hits('connectNow')) {
      this.#succeed(near)
      return 0
    }
    near.state = 'connecting'
    this.#connecting.push(near)
    return -ERRNO.EINPROGRESS
  }

  /** Some connects that are under way come to their end, or all. */
  settle(all: boolean): void {
    this.#connecting = this.#connecting.filter((near) => {
      if (near.isClosed) return false
      if (!all && this.#random.oneIn(2)) return true
      if (this.#random.below(3) > 0) this.#succeed(near)
      else {
        near.state = 'failed'
        near.error = this.#random.oneIn(2) ? -ECONNREFUSED : -ETIMEDOUT
      }
      return false
    })
  }

  #succeed(near: SimEndpoint): void {
    const far = this.freshEndpoint()
    far.local = near.remote
    far.remote = near.local
    near.join(far)
    this.onConnected(far, portOf(near.remote))
  }
}
