/**
 * The socket server as a library, for programs without services: no node, no threads. It runs on
 * the thread of its caller, who polls for events.
 */
import {
  checkArray,
  checkBytes,
  checkFunction,
  checkInteger,
  checkMs,
  checkOptions,
} from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { SkynetError } from '../base/errors.ts'
import { DATAGRAM_BYTES_MAX, SOCKET_ID_MAX } from '../base/limits.ts'
import { standardError } from '../base/output.ts'
import { Queue } from '../base/queue.ts'
import { describe } from '../base/thrown.ts'
import { compactAddress } from '../os/compact.ts'
import { checkOption } from '../os/options.ts'
import type { Os, SocketAddress, SocketOption } from '../os/os.ts'
import { checkIds } from './broadcaster.ts'
import type { SocketClient } from './client.ts'
import { NOT_BEGUN } from './commands.ts'
import { setOption } from './descriptor.ts'
import { type NetstatInfo, netstat } from './netstat.ts'
import { bindFailure, listenFailure, openListener, openUdp, reserveSlot } from './open.ts'
import { OwnLoop } from './own-loop.ts'
import { checkDescriptor, checkListen, checkUdp } from './place.ts'
import { checkSettings, DEFAULT_SETTINGS, SEND_POLICY, type SocketSettings } from './settings.ts'
import { SharedBytes } from './shared-bytes.ts'
import { PROTOCOL } from './slots.ts'
import type { Socket } from './socket.ts'
import type { SocketEvent } from './socket-event.ts'
import type { SocketFile } from './socket-file.ts'
import {
  CONNECT_NAMES,
  type ConnectOptions,
  checkAddress,
  checkOwner,
  checkPriority,
  connectAddresses,
  LISTEN_NAMES,
  type ListenOptions,
  literal,
  type OwnerOptions,
  type PollOptions,
  type SendOptions,
  type SocketServerOptions,
  UDP_NAMES,
  type UdpOptions,
} from './standalone-options.ts'
import { STATE } from './state.ts'
import { enqueue, overflowed } from './tcp.ts'
import type { SocketTotals } from './totals.ts'
import { enqueueDatagram } from './udp.ts'
import type { UdpAddress } from './udp-address.ts'

/** In front of a datagram for the usual peer. */
const NO_ADDRESS = Buffer.of(0)

const OWNER_NAMES = ['owner']
const SEND_NAMES = ['priority', 'free']
const POLL_NAMES = ['timeoutMs']

/**
 * Made by `createSocketServer`. An id is not used again before 2^31 others were, so an old one is
 * harmless: calls say false, there is no such socket. What fails later is an `error` event. Every
 * call throws `TypeError` or `RangeError` for an argument that makes no sense, and
 * `ERR_SERVER_RELEASED` after `release`; `netstat` and `totals` still tell how it was then.
 */
export class StandaloneServer implements Disposable {
  readonly #os: Os
  readonly #clock: Clock
  readonly #loop: OwnLoop
  /** Calls of `log` and `free` that are due: made while nothing of ours is under way. */
  readonly #due = new Queue<() => void>()
  readonly #log: (text: string) => void
  /** Files of Unix listeners. */
  readonly #files = new Map<number, SocketFile>()
  #isReleased = false

  /** @throws {SkynetError} `ERR_SYSCALL`, `ERR_PLATFORM`. */
  constructor(os: Os, clock: Clock, options: SocketServerOptions) {
    const what = 'create a socket server'
    const settings = { ...DEFAULT_SETTINGS, ...checkSettings(what, options, ['log']) }
    const { log = (text: string) => standardError().addLine(text) } = options
    checkFunction(what, 'log', log)
    this.#os = os
    this.#clock = clock
    this.#log = log
    this.#loop = new OwnLoop(os, clock, settings, (text) => this.#due.push(() => this.#tell(text)))
  }

  // --- opening -------------------------------------------------------------------------------

  /**
   * Listen. The port is open when this returns, and told by an `open` event; nobody is accepted
   * before `start`.
   *
   * @returns The id of the listener.
   * @throws {SkynetError} `ERR_LISTEN`, `ERR_SOCKET_LIMIT`.
   */
  listen(options: ListenOptions): number {
    this.#check('listen')
    const { endpoint, flags } = checkListen(options)
    checkOptions('listen', 'options', options, LISTEN_NAMES)
    const address = literal('listen', endpoint.address, endpoint.host)
    const owner = checkOwner('listen', options.owner)
    const failed = listenFailure(endpoint)
    const { id, fd, file } = openListener(this.#loop.client, address, flags, failed)
    if (file !== undefined) this.#files.set(id, file)
    this.#order('listen', id, fd, owner)
    return id
  }

  /**
   * Connect. What is sent meanwhile waits. An `open` event follows, or `error`, and then the id is
   * gone. The system gives up after minutes: `shutdown` what takes too long for you.
   *
   * @throws {SkynetError} `ERR_SOCKET_LIMIT`.
   */
  connect(options: ConnectOptions): number {
    this.#check('connect')
    checkOptions('connect', 'options', options ?? null, CONNECT_NAMES)
    const addresses = connectAddresses(options)
    const owner = checkOwner('connect', options.owner)
    const id = reserveSlot(this.#loop.slots)
    this.#loop.client.connect(id, owner, addresses)
    this.#obey()
    return id
  }

  /**
   * A UDP socket. Its port is told by an `open` event.
   *
   * @throws {SkynetError} `ERR_BIND`, `ERR_SOCKET_LIMIT`.
   */
  udp(options: UdpOptions = {}): number {
    const what = 'open a UDP socket'
    this.#check(what)
    const { endpoint, flags } = checkUdp(options)
    checkOptions(what, 'options', options, UDP_NAMES)
    const address = literal(what, endpoint.address, endpoint.host) as SocketAddress
    const owner = checkOwner(what, options.owner)
    const { id, fd } = openUdp(this.#loop.client, address, flags, bindFailure(endpoint))
    this.#order('udp', id, fd, owner)
    return id
  }

  /**
   * Read and write a descriptor that exists: a pipe, a terminal. It stays open when the socket is
   * closed. An `open` event follows (`binding`), or `error`, and then the id is gone.
   *
   * @throws {SkynetError} `ERR_SOCKET_LIMIT`.
   */
  bind(fd: number, options: OwnerOptions = {}): number {
    this.#check('bind')
    checkDescriptor(fd)
    checkOptions('bind', 'options', options, OWNER_NAMES)
    const owner = checkOwner('bind', options.owner)
    const id = reserveSlot(this.#loop.slots)
    this.#order('bind', id, fd, owner)
    return id
  }

  // --- reading and closing: false where there is no such socket ------------------------------

  /**
   * Begin to accept, or to read what was accepted: an `open` event says `start`. Go on after
   * `pause`, without an event. When another owner is named the socket moves to it: `transfer`. What
   * cannot be started is told by an `error` event.
   *
   * @param owner Default: the one it has.
   */
  start(id: number, owner?: number): boolean {
    const socket = this.#find('start', id)
    this.#order('start', id, checkOwner('start', owner === undefined ? socket?.owner : owner))
    return socket !== undefined
  }

  /** Stop reading, or accepting, until `start`. The peer's bytes wait in the kernel. */
  pause(id: number): boolean {
    return this.#command('pause', id)
  }

  /** Say FIN once everything has left. Reading goes on. */
  end(id: number): boolean {
    return this.#command('end', id)
  }

  /**
   * Close once everything has left, in at most `lingerMs`: keep polling meanwhile. A `close` event
   * follows, unless there was one.
   */
  close(id: number): boolean {
    this.#unlink(id)
    return this.#command('close', id)
  }

  /** Close now, and drop what was not sent. */
  shutdown(id: number): boolean {
    this.#unlink(id)
    return this.#command('shutdown', id)
  }

  /** Change limits and timeouts of a socket; of a listener, for those that it will accept. */
  configure(id: number, settings: Partial<SocketSettings>): boolean {
    const socket = this.#find('configure', id)
    const changes = checkSettings('configure', settings)
    if (socket !== undefined) this.#loop.sockets.configure(socket, changes)
    return socket !== undefined
  }

  /**
   * Set an option of the system: `noDelay`, `keepIdleSeconds`, `receiveBufferBytes` … A flag is 0
   * or 1. What a listener accepts inherits it.
   *
   * @throws {SkynetError} `ERR_SYSCALL` the system refused it.
   */
  setOption(id: number, name: SocketOption, value: number): boolean {
    const socket = this.#find('set an option of', id)
    checkOption('set an option', name, value)
    if (socket === undefined) return false
    const result = setOption(this.#loop.client, id, name, value)
    if (result === undefined || result >= 0) return result !== undefined
    const reason = this.#os.errorText(result)
    throw new SkynetError('ERR_SYSCALL', { call: `set ${name} of socket ${id}`, reason })
  }

  // --- sending -------------------------------------------------------------------------------

  /**
   * Send now what the kernel takes; the rest leaves while you poll. A UDP socket sends one datagram
   * to its usual peer.
   *
   * @param data Yours again on return, unless it is given away: see `free`. Text is sent as UTF-8.
   * @returns False when it was dropped: there is no such socket, it is closing or listens, or
   * `sendLimitBytes` wait already. Policy `close` ends the socket then: `error`, `close`.
   */
  send(id: number, data: string | Uint8Array, options: SendOptions = {}): boolean {
    const socket = this.#find('send', id)
    checkBytes('send', 'data', data)
    checkOptions('send', 'options', options, SEND_NAMES)
    const { priority = 'high', free } = options
    checkPriority(priority)
    if (free !== undefined) checkFunction('send', 'free', free)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (socket?.udp !== undefined) {
      const hasPeer = socket.udp.peer !== undefined
      const isSent = hasPeer && this.#sendDatagram(socket, NO_ADDRESS, bytes)
      if (free !== undefined) this.#giveBack(free) // it has left, or is a copy
      this.#callBack()
      return isSent
    }
    const isTaken = socket !== undefined && this.#isWritable(socket)
    if (free !== undefined) this.#lend(isTaken ? socket : undefined, bytes, free, priority)
    else if (isTaken && priority === 'low') this.#loop.client.sendLow(id, bytes)
    else if (isTaken) this.#loop.client.send(id, bytes, bytes.length)
    this.#obey()
    return isTaken
  }

  /**
   * The same bytes to many connections: encoded once, held once. Those that are gone, and those
   * whose policy refuses more, are left out.
   */
  broadcast(ids: readonly number[], data: string | Uint8Array): void {
    this.#check('broadcast')
    checkBytes('broadcast', 'data', data)
    checkArray('broadcast', 'ids', ids)
    checkIds(ids as readonly number[])
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (bytes.length === 0) return
    this.#loop.client.sendToAll(ids as readonly number[], bytes)
    this.#obey()
  }

  /**
   * Send one datagram, of up to 65,507 bytes. They are yours again on return.
   *
   * @param to The `from` of a `udp` event, or `UdpAddress.of(host, port)`.
   * @returns False when it was dropped: no such UDP socket, one of IPv4 for a peer of IPv6, or too
   * much waits already.
   */
  sendTo(id: number, to: UdpAddress, data: string | Uint8Array): boolean {
    const socket = this.#find('send', id)
    checkAddress('send', to)
    checkBytes('send', 'data', data)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const address = socket && this.#addressFor(socket, to)
    return address !== undefined && this.#sendDatagram(socket!, address, bytes)
  }

  /**
   * Choose the usual peer of a UDP socket: where `send` goes. Others are received all the same.
   *
   * @returns False as in `sendTo`.
   */
  udpConnect(id: number, to: UdpAddress): boolean {
    const socket = this.#find('connect', id)
    checkAddress('connect', to)
    const address = socket && this.#addressFor(socket, to)
    if (address !== undefined) this.#order('peer', id, 0, 0, address)
    return address !== undefined
  }

  // --- events --------------------------------------------------------------------------------

  /**
   * What happened, in order: at most one turn of the loop, about 1 MiB. Nothing is read, accepted
   * or sent late but in here. While it sleeps nothing else of the program runs: no timer, no
   * promise, no signal handler, so an `AbortSignal` could not end it; a timeout does.
   *
   * What was read of a socket before you closed it still comes.
   *
   * @returns Nothing (`[]`) when the time is over, or without a timeout no socket is left.
   */
  poll(options: PollOptions = {}): SocketEvent[] {
    this.#check('poll')
    checkOptions('poll', 'options', options, POLL_NAMES)
    const { timeoutMs } = options
    if (timeoutMs !== undefined) checkMs('poll', 'timeoutMs', timeoutMs)
    const until = this.#clock.now() + (timeoutMs ?? Number.POSITIVE_INFINITY)
    let events = this.#loop.take()
    let isLate = false
    while (events.length === 0 && !isLate) {
      if (timeoutMs === undefined && this.#loop.sockets.count === 0) break
      const leftMs = Math.max(0, Math.ceil(until - this.#clock.now()))
      this.#loop.turn(timeoutMs === undefined ? -1 : leftMs)
      this.#callBack()
      if (this.#isReleased) return [] // by one who was told
      events = this.#loop.take()
      isLate = this.#clock.now() >= until
    }
    return events
  }

  /** Every socket there is now. */
  netstat(): NetstatInfo[] {
    return netstat(this.#loop.client)
  }

  /** What all sockets have done since the server was made, those that are gone included. */
  totals(): SocketTotals {
    return this.#loop.totals()
  }

  /** Close everything now; drop what was not sent or not polled. A second time it does nothing. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    for (const id of this.#files.keys()) this.#unlink(id)
    this.#loop.close()
    this.#callBack()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  // --- inside --------------------------------------------------------------------------------

  #check(what: string): void {
    if (this.#isReleased) throw new SkynetError('ERR_SERVER_RELEASED', { what })
  }

  /** The socket of `id`; undefined when it is gone. */
  #find(what: string, id: number): Socket | undefined {
    this.#check(what)
    checkInteger(what, 'id', id, 1, SOCKET_ID_MAX)
    return this.#loop.sockets.find(id)
  }

  #command(order: 'pause' | 'end' | 'close' | 'shutdown', id: number): boolean {
    if (this.#find(order, id) === undefined) return false
    this.#order(order, id)
    return true
  }

  #order(...order: Parameters<SocketClient['order']>): void {
    this.#loop.client.order(...order)
    this.#obey()
  }

  #obey(): void {
    this.#loop.obey()
    this.#callBack()
  }

  /** Here, as nothing of ours is under way: who is called back may call us. */
  #callBack(): void {
    for (let call = this.#due.shift(); call !== undefined; call = this.#due.shift()) call()
  }

  /** A log that throws is no reason to lose the line. */
  #tell(text: string): void {
    try {
      this.#log(text)
    } catch (error) {
      standardError().addLine(`${text}\nsocket-server error: log: ${describe(error)}`)
    }
  }

  /** Who lent bytes is told that they are done with. What that throws is nobody else's matter. */
  #giveBack(free: () => void): void {
    this.#due.push(() => {
      try {
        free()
      } catch (error) {
        this.#tell(`socket-server error: free: ${describe(error)}`)
      }
    })
  }

  /** Send bytes that stay where they are; to nobody: they are done with. */
  #lend(
    socket: Socket | undefined,
    bytes: Uint8Array,
    free: () => void,
    priority: 'high' | 'low',
  ): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const parcel = new SharedBytes(buffer, 1, () => this.#giveBack(free))
    if (socket === undefined) {
      parcel.release()
      return
    }
    // Counted, until it is sent or dropped.
    this.#loop.sockets.settle(socket.at, -1, -buffer.length)
    enqueue(this.#loop.sockets, socket, parcel, NOT_BEGUN, priority === 'low')
  }

  #sendDatagram(socket: Socket, address: Uint8Array, bytes: Uint8Array): boolean {
    checkInteger('send', 'data.length', bytes.length, 0, DATAGRAM_BYTES_MAX)
    const { id, at, closing } = socket
    if (closing || this.#loop.slots.queuedOf(id) + bytes.length > this.#loop.slots.limitOf(id))
      return false
    this.#loop.sockets.settle(at, -1, -bytes.length)
    enqueueDatagram(this.#loop.sockets, socket, Buffer.concat([address, bytes]))
    this.#callBack()
    return true
  }

  #isWritable(socket: Socket): boolean {
    const state = this.#loop.sockets.stateOf(socket)
    if (state === STATE.PLISTEN || state === STATE.LISTEN) return false
    if (socket.closing || socket.ending || state === STATE.HALFCLOSE_WRITE) return false
    if (!this.#loop.slots.isFull(socket.id)) return true
    if (this.#loop.slots.policyOf(socket.id) === SEND_POLICY.close)
      overflowed(this.#loop.sockets, socket)
    return false
  }

  /** `to` as a datagram of this socket has it; undefined: it cannot go there. */
  #addressFor(socket: Socket, to: UdpAddress): Uint8Array | undefined {
    if (socket.udp === undefined) return undefined
    const isIPv6 = this.#loop.slots.protocolOf(socket.id) === PROTOCOL.udp6
    if (isIPv6 === (to.family === 6)) return to.bytes
    return isIPv6 ? compactAddress({ family: 4, host: to.host, port: to.port }, 6) : undefined
  }

  /** The file of a Unix listener goes with it. */
  #unlink(id: number): void {
    this.#files.get(id)?.remove()
    this.#files.delete(id)
  }
}
