/**
 * A simulated operating system: the contract `Os` in plain JavaScript, with faults from a seed.
 *
 * It asserts what a kernel would let pass: a descriptor used after close, closed twice, closed
 * while it is watched, memory beyond a region. Numbers of descriptors are used again at once, as
 * the kernel does, so that a stale one meets another socket.
 */
import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.ts'
import { COMPACT_BYTES_MAX, compactAddress, expandAddress } from '../os/compact.ts'
import { ERRNO, errorText, isTransient } from '../os/errno.ts'
import type { HostAddress } from '../os/host-names.ts'
import type {
  AnyAddress,
  DatagramBatch,
  ListenFlags,
  Os,
  SocketAddress,
  SocketOption,
} from '../os/os.ts'
import { checkRange } from '../os/range.ts'
import type { Region } from '../shm/memory.ts'
import { CountedBlocks } from './sim/blocks.ts'
import { SimMailbox } from './sim/datagrams.ts'
import { Bell, Listening, type Pollable, SimEndpoint } from './sim/endpoint.ts'
import type { FaultChooser } from './sim/faults.ts'
import { SimPoller } from './sim/poller.ts'
import type { Chance } from './sim/random.ts'

const { EAGAIN, ECONNABORTED, EINTR, EINVAL, EMFILE, ENFILE, ENOBUFS } = ERRNO
const { EDESTADDRREQ, ENOTCONN, ENOTSOCK } = ERRNO
/** Node makes the whole table anew for each question. */
const ERROR_TEXTS = new Map<number, string>()
/** 0, 1 and 2 are taken in every process. */
const FIRST_FD = 3

/** Who listens where, and whom that reaches who connects or sends. Negative: an errno. */
export interface SimNetwork {
  freshEndpoint(): SimEndpoint
  listen(address: AnyAddress, flags: ListenFlags): Listening | number
  /** As connect(2). */
  connect(endpoint: SimEndpoint, address: AnyAddress): number
  openMailbox(family: 4 | 6): SimMailbox
  bind(mailbox: SimMailbox, address: SocketAddress): number
  /** It is closed. */
  forget(closed: Listening | SimMailbox): void
}

export class SimOs<N extends SimNetwork = SimNetwork> implements Os {
  readonly name = 'simulated'
  /** Nobody looks at how many they were. */
  readonly calls = 0
  readonly blocks = new CountedBlocks()
  readonly network: N
  readonly poller: SimPoller
  /** What was taken from the program, in streams and datagrams. */
  bytesSent = 0
  /** Told of each of these: somebody may be ready to read. */
  onSent: () => void = () => {}
  /** Descriptors that may be open; beyond it there is EMFILE. */
  fdsMax = Number.POSITIVE_INFINITY
  readonly #clock: Clock
  readonly #faults: FaultChooser
  readonly #random: Chance
  readonly #descriptors: (Pollable | undefined)[] = new Array<undefined>(FIRST_FD)
  #openFds = 0
  /** No lower number is free. */
  #lowestFd = FIRST_FD

  constructor(network: N, clock: Clock, faults: FaultChooser, random: Chance) {
    this.#clock = clock
    this.network = network
    this.#faults = faults
    this.#random = random
    this.poller = new SimPoller((fd) => this.#descriptors[fd], faults, random)
  }

  get openFds(): number {
    return this.#openFds
  }

  region(buffer: SharedArrayBuffer): Region {
    return { buffer, bytes: Buffer.from(buffer), address: 0 }
  }

  errorText(errno: number): string {
    const known = ERROR_TEXTS.get(errno)
    if (known !== undefined) return known
    const text = errorText(errno)
    ERROR_TEXTS.set(errno, text)
    return text
  }

  /** One for all: there is one thread. */
  createPoller(): SimPoller {
    return this.poller
  }

  createWakeup(): { readonly readFd: number; readonly writeFd: number } {
    const bell = new Bell()
    return { readFd: this.#open(bell), writeFd: this.#open(bell) }
  }

  signalWakeup(writeFd: number): void {
    this.#of(writeFd, Bell).isRung = true
  }

  clearWakeup(readFd: number): void {
    this.#of(readFd, Bell).isRung = false
  }

  lookUp(_name: string): Promise<HostAddress[]> {
    return notSimulated('lookUp')
  }

  socket(): number {
    if (this.#isFull() || this.#faults.hits('socketNoFile')) return this.#noFile()
    return this.#open(this.network.freshEndpoint())
  }

  listen(address: AnyAddress, flags: number | ListenFlags): number {
    if (this.#isFull()) return this.#noFile()
    const all = typeof flags === 'number' ? { backlog: flags } : flags
    const listening = this.network.listen(address, all)
    return typeof listening === 'number' ? listening : this.#open(listening)
  }

  accept(fd: number): number {
    const listening = this.#of(fd, Listening)
    const { backlog } = listening
    // Linux looks for a descriptor first, others for a connection.
    if (this.#isFull() && (backlog.length > 0 || this.#random.oneIn(2))) return this.#noFile()
    if (backlog.length === 0) return -EAGAIN
    if (this.#faults.hits('acceptInterrupted')) return -EINTR
    if (this.#faults.hits('acceptNoFile')) return this.#noFile()
    if (this.#faults.hits('acceptNoBuffers')) return -ENOBUFS
    const endpoint = listening.take()!
    if (this.#faults.hits('acceptAborted')) {
      endpoint.sendReset()
      endpoint.isClosed = true
      return -ECONNABORTED
    }
    endpoint.activeAt = this.#clock.now()
    return this.#open(endpoint)
  }

  connect(fd: number, address: AnyAddress): number {
    const endpoint = this.#of(fd, SimEndpoint)
    assert.equal(endpoint.state, 'fresh', `connect: descriptor ${fd} has been connected before`)
    endpoint.activeAt = this.#clock.now()
    return this.network.connect(endpoint, address)
  }

  socketError(fd: number): number {
    return this.#of(fd, SimEndpoint).takeError()
  }

  localAddress(fd: number): AnyAddress | undefined {
    const thing = this.#get(fd)
    return thing instanceof Bell ? undefined : (thing as Listening | SimEndpoint | SimMailbox).local
  }

  peerAddress(fd: number): AnyAddress | undefined {
    const endpoint = this.#of(fd, SimEndpoint)
    return endpoint.isReset ? undefined : endpoint.remote
  }

  noDelay(fd: number): number {
    return this.setOption(fd)
  }

  keepAlive(fd: number): number {
    return this.setOption(fd)
  }

  setOption(fd: number, name?: SocketOption, value?: number): number {
    const thing = this.#get(fd)
    if (thing instanceof SimEndpoint && name === 'lingerSeconds') thing.resetsOnClose = value === 0
    return thing instanceof Bell ? -ENOTSOCK : 0
  }

  getOption(fd: number, _name: SocketOption): number {
    return this.setOption(fd)
  }

  setNonBlocking(fd: number): number {
    this.#get(fd)
    return 0
  }

  carriesBytes(fd: number): number {
    return this.#get(fd) instanceof Bell ? 0 : 1
  }

  read(fd: number, region: Region, offset: number, length: number): number {
    checkRange(region.bytes, offset, length)
    const endpoint = this.#of(fd, SimEndpoint)
    if (this.#faults.hits('readAgain')) return -EAGAIN
    const count = endpoint.read(region.bytes, offset, this.#faults.cut('readShort', length))
    if (count > 0) endpoint.activeAt = this.#clock.now()
    return count
  }

  write(fd: number, bytes: Uint8Array, offset: number, length: number): number {
    checkRange(bytes, offset, length)
    const endpoint = this.#of(fd, SimEndpoint)
    if (this.#faults.hits('writeAgain')) return -EAGAIN
    if (this.#faults.hits('writeNoBuffers')) return -ENOBUFS
    const count = endpoint.write(bytes, offset, this.#faults.cut('writeShort', length))
    if (count > 0) this.#hasSent(endpoint, count)
    return count
  }

  shutdown(fd: number, how: 'read' | 'write' | 'both'): number {
    const endpoint = this.#of(fd, SimEndpoint)
    if (endpoint.state !== 'open' || endpoint.isReset) return -ENOTCONN
    if (how !== 'read') endpoint.sendFin()
    return 0
  }

  close(fd: number): number {
    const thing = this.#get(fd)
    assert.ok(!this.poller.has(fd), `close: descriptor ${fd} is still watched`)
    this.#descriptors[fd] = undefined
    this.#lowestFd = Math.min(this.#lowestFd, fd)
    this.#openFds--
    if (thing instanceof Listening || thing instanceof SimMailbox) this.network.forget(thing)
    if (thing instanceof SimEndpoint || thing instanceof SimMailbox)
      thing.closedAt = this.#clock.now()
    thing.close()
    return 0
  }

  unlink(_path: string): number {
    return 0
  }

  socketFile(): undefined {}

  datagram(family: AnyAddress['family']): number {
    if (family === 'unix') return -EINVAL
    return this.#isFull() ? this.#noFile() : this.#open(this.network.openMailbox(family))
  }

  portOf(fd: number): number {
    return this.#of(fd, Listening).port
  }

  mailboxOf(fd: number): SimMailbox {
    return this.#of(fd, SimMailbox)
  }

  duplicate(): never {
    return notSimulated('duplicate')
  }

  lockFile(): never {
    return notSimulated('lockFile')
  }

  bindDatagram(fd: number, address: AnyAddress): number {
    return address.family === 'unix'
      ? -EINVAL
      : this.network.bind(this.#of(fd, SimMailbox), address)
  }

  connectDatagram(): number {
    return notSimulated('connectDatagram')
  }

  receiveFrom(): number {
    return notSimulated('receiveFrom')
  }

  sendTo(fd: number, bytes: Uint8Array, at: number, length: number, to: Uint8Array): number {
    const mailbox = this.#of(fd, SimMailbox)
    const result = this.#sendTo(mailbox, bytes, at, length, to)
    if (!isTransient(result)) mailbox.doneWith++
    return result
  }

  #sendTo(
    mailbox: SimMailbox,
    bytes: Uint8Array,
    at: number,
    length: number,
    to: Uint8Array,
  ): number {
    checkRange(bytes, at, length)
    const address = expandAddress(to)
    if (address === undefined) return -EDESTADDRREQ
    const result = mailbox.send(address, bytes.subarray(at, at + length))
    if (result > 0) this.#hasSent(mailbox, result)
    return result
  }

  #hasSent(from: SimEndpoint | SimMailbox, count: number): void {
    this.onSent()
    from.activeAt = this.#clock.now()
    this.bytesSent += count
  }

  createBatch(size: number, bytesMax: number): DatagramBatch {
    const stride = bytesMax + 1 + COMPACT_BYTES_MAX
    const region = this.region(new SharedArrayBuffer(size * stride))
    return { region, size, bytesMax, stride, lengths: new Int32Array(size) }
  }

  receiveBatch(fd: number, { region, size, stride, lengths }: DatagramBatch): number {
    const mailbox = this.#of(fd, SimMailbox)
    const there = Math.min(size, mailbox.inbox.length)
    if (there === 0 || this.#faults.hits('readAgain')) return -EAGAIN
    const count = this.#faults.cut('readShort', there)
    mailbox.activeAt = this.#clock.now()
    for (let i = 0; i < count; i++) {
      const { bytes, from } = mailbox.receive()!
      lengths[i] = bytes.length
      region.bytes.set(bytes, i * stride)
      region.bytes.set(compactAddress(from, mailbox.local.family), i * stride + bytes.length)
    }
    return count
  }

  sendBatch(fd: number, batch: DatagramBatch, first: number, count: number): number {
    const { region, stride, lengths, size } = batch
    const mailbox = this.#of(fd, SimMailbox)
    assert.ok(count >= 1 && first + count <= size, 'sendBatch: slots beyond the batch')
    const most = this.#faults.cut('writeShort', count)
    let sent = 0
    for (let result = 0; sent < most; sent++) {
      const at = (first + sent) * stride
      const length = lengths[first + sent]!
      const to = region.bytes.subarray(at + length, at + stride)
      result = this.#sendTo(mailbox, region.bytes, at, length, to)
      if (result >= 0) continue
      if (sent > 0) break
      if (!isTransient(result)) mailbox.doneWith++
      return result
    }
    mailbox.doneWith += sent
    return sent
  }

  yield(): void {}

  setAffinity(): number {
    return -ERRNO.ENOSYS
  }

  reserveFd(): number {
    return this.socket()
  }

  #isFull(): boolean {
    return this.#openFds >= this.fdsMax
  }

  #noFile(): number {
    return this.#random.oneIn(4) ? -ENFILE : -EMFILE
  }

  /** The lowest number that is free, as POSIX says. */
  #open(thing: Pollable): number {
    // Or all above would be looked through, each time that a low one was free for a moment.
    const isDense = this.#openFds === this.#descriptors.length - FIRST_FD
    let fd = isDense ? this.#descriptors.length : this.#lowestFd
    while (this.#descriptors[fd] !== undefined) fd++
    this.#lowestFd = fd + 1
    this.#descriptors[fd] = thing
    this.#openFds++
    return fd
  }

  #get(fd: number): Pollable {
    const thing = this.#descriptors[fd]
    assert.ok(thing !== undefined, `descriptor ${fd} is used, and is not open`)
    return thing
  }

  #of<T extends Pollable>(fd: number, kind: new (...args: never[]) => T): T {
    const thing = this.#get(fd)
    assert.ok(thing instanceof kind, `descriptor ${fd} is of another kind than it is used for`)
    return thing
  }
}

function notSimulated(call: string): never {
  return assert.fail(`${call} is not simulated`)
}
