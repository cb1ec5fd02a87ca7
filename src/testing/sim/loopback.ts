/**
 * The network of a test node: one machine, alone. Every address is its own, so a connect reaches
 * whoever listens on that port, and a test may stand in for a server at any address.
 */
import { formatAddress } from '../../os/address.ts'
import { ERRNO } from '../../os/errno.ts'
import type { AnyAddress, ListenFlags, SocketAddress } from '../../os/os.ts'
import type { SimNetwork } from '../sim-os.ts'
import { SimMailbox } from './datagrams.ts'
import { Listening, SimEndpoint } from './endpoint.ts'
import { NO_FAULTS } from './faults.ts'

const { EADDRINUSE, EAGAIN, ECONNREFUSED, ENOENT } = ERRNO
/** What a kernel holds of a connection that is not read, and of datagrams. */
const RECEIVE_BYTES = 128 * 1024
const DATAGRAMS_MAX = 1024
/** Those that a system gives to who asks for none. */
const PORT_MIN = 49_152
const PORT_MAX = 65_535
const OWN = { 4: '127.0.0.1', 6: '::1' } as const
const ANY = { 4: '0.0.0.0', 6: '::' } as const

interface Place {
  readonly listening: Listening
  readonly flags: ListenFlags
}

export class Loopback implements SimNetwork {
  readonly #places: Place[] = []
  /** By port: those that are bound. */
  readonly #mailboxes = new Map<number, SimMailbox>()
  #lastPort = PORT_MIN - 1

  freshEndpoint(): SimEndpoint {
    const endpoint = new SimEndpoint(RECEIVE_BYTES)
    endpoint.resetKeepsData = true
    return endpoint
  }

  listen(address: AnyAddress, flags: ListenFlags): Listening | number {
    const isTaken = (place: Place): boolean =>
      meets(place, address, flags) && !(flags.reusePort && place.flags.reusePort)
    if (this.#places.some(isTaken)) return -EADDRINUSE
    const local = isFree(address) ? { ...address, port: this.#nextPort() } : address
    const listening = new Listening(local, flags.backlog)
    this.#places.push({ listening, flags })
    return listening
  }

  forget(closed: Listening | SimMailbox): void {
    if (closed instanceof Listening) {
      const at = this.#places.findIndex(({ listening }) => listening === closed)
      this.#places.splice(at, 1)
    } else if (this.#mailboxes.get(closed.local.port) === closed) {
      this.#mailboxes.delete(closed.local.port)
    }
  }

  connect(endpoint: SimEndpoint, address: AnyAddress): number {
    const listening = this.#find(address)
    const isUnix = address.family === 'unix'
    if (listening === undefined) return isUnix ? -ENOENT : -ECONNREFUSED
    if (isUnix && listening.isFull) return -EAGAIN
    const far = this.freshEndpoint()
    endpoint.local = isUnix ? { ...address, path: '' } : this.#address(address.family)
    endpoint.remote = isUnix ? address : { ...address, host: hostAt(address) }
    far.local = endpoint.remote
    far.remote = endpoint.local
    return listening.arrive(endpoint, far)
  }

  /** The nearest of those that listen there; of several at the same place each in its turn. */
  #find(address: AnyAddress): Listening | undefined {
    const there = this.#places.filter((place) => hears(place, address))
    const text = formatAddress(address)
    const exact = there.filter(({ listening }) => formatAddress(listening.local) === text)
    const found = exact[0] ?? there[0]
    if (found === undefined) return undefined
    // It goes behind the others.
    this.#places.push(...this.#places.splice(this.#places.indexOf(found), 1))
    return found.listening
  }

  openMailbox(family: 4 | 6): SimMailbox {
    const local = { family, host: ANY[family], port: 0 }
    return new SimMailbox(local, DATAGRAMS_MAX, (...send) => this.#deliver(...send), NO_FAULTS)
  }

  bind(mailbox: SimMailbox, address: SocketAddress): number {
    if (this.#mailboxes.has(address.port)) return -EADDRINUSE
    mailbox.local = address.port === 0 ? { ...address, port: this.#nextPort() } : address
    this.#mailboxes.set(mailbox.local.port, mailbox)
    return 0
  }

  #deliver(mailbox: SimMailbox, to: SocketAddress, bytes: Buffer): void {
    if (mailbox.local.port === 0) this.bind(mailbox, mailbox.local)
    const { family, host, port } = mailbox.local
    const isNamed = family === to.family && host !== ANY[family]
    const from = { family: to.family, host: isNamed ? host : OWN[to.family], port }
    const found = this.#mailboxes.get(to.port)
    if (found !== undefined && takes(found.local, to)) found.arrive({ from, bytes })
  }

  #address(family: 4 | 6): SocketAddress {
    return { family, host: OWN[family], port: this.#nextPort() }
  }

  #nextPort(): number {
    do {
      this.#lastPort = this.#lastPort === PORT_MAX ? PORT_MIN : this.#lastPort + 1
    } while (this.#isUsed(this.#lastPort))
    return this.#lastPort
  }

  #isUsed(port: number): boolean {
    return this.#mailboxes.has(port) || this.#places.some((each) => each.listening.port === port)
  }
}

const isFree = (address: AnyAddress): address is SocketAddress =>
  address.family !== 'unix' && address.port === 0

/** Who connects to any address connects to its own machine. */
const hostAt = ({ family, host }: SocketAddress): string =>
  host === ANY[family] ? OWN[family] : host

/** Is that a place for one of them alone? */
function meets(
  { listening: { local }, flags }: Place,
  address: AnyAddress,
  { ipv6Only }: ListenFlags,
): boolean {
  if (local.family === 'unix' || address.family === 'unix') {
    return local.family === address.family && formatAddress(local) === formatAddress(address)
  }
  if (local.port !== address.port) return false
  if (local.family === address.family) {
    const isAny = local.host === ANY[local.family] || address.host === ANY[address.family]
    return isAny || local.host === address.host
  }
  const isWide = local.host === '::' && flags.ipv6Only !== true
  return isWide || (address.host === '::' && ipv6Only !== true)
}

/** Does it take who connects to `address`? */
function hears({ listening: { local }, flags }: Place, address: AnyAddress): boolean {
  if (local.family === 'unix' || address.family === 'unix') {
    return local.family === address.family && formatAddress(local) === formatAddress(address)
  }
  if (local.port !== address.port) return false
  if (local.family !== address.family) return local.host === '::' && flags.ipv6Only !== true
  return local.host === ANY[local.family] || local.host === hostAt(address)
}

/** A socket of IPv6 on all addresses takes IPv4 as well. */
const takes = (local: SocketAddress, to: SocketAddress): boolean =>
  local.family === to.family
    ? local.host === ANY[local.family] || local.host === hostAt(to)
    : local.host === '::'
