/**
 * Connect, perhaps send one message and get it back, wait until the server closes, close; again and
 * again. The server says FIN first: what is left of a connection is left on its side, and the ports
 * of this side are free at once.
 */
import { socketAddress } from '../../src/os/address.ts'
import { ERRNO } from '../../src/os/errno.ts'
import type { Os, SocketAddress } from '../../src/os/os.ts'
import { INTEREST, type Poller } from '../../src/os/poll/poller.ts'
import type { Measure, Target } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { measured } from './measured.ts'
import { checked, waitForAny } from './peers.ts'

export interface AcceptLoad extends Target, Pace {
  /** Connections under way at a time. */
  readonly concurrent: number
  /** Of the message that the server sends back before it closes; 0: none, it closes at once. */
  readonly bytes: number
}

const EVENTS_MAX = 64
const MESSAGE_BYTES_MAX = 4096

export function runAccept(os: Os, load: AcceptLoad): Measure {
  const address = socketAddress(load.host, load.port)
  if (address === undefined)
    throw new Error(`Cannot connect to ${load.host}: it must be an address`)
  const loop = new AcceptLoop(os, address, load)
  try {
    loop.begin()
    const measure = measured(loop, load)
    loop.finish()
    return measure
  } finally {
    loop.end()
  }
}

class AcceptLoop {
  /** Connections that the server accepted, answered rightly, and closed. */
  completed = 0
  readonly #os: Os
  readonly #address: SocketAddress
  readonly #poller: Poller
  /** One for each connection under way, -1: none. */
  readonly #fds: Int32Array
  /** Bytes of the answer that are here; -1: the message has not left yet. */
  readonly #received: Int32Array
  readonly #numbers: Int32Array
  readonly #bytes: number
  readonly #inbox: ReturnType<Os['region']>
  readonly #inboxCells: Int32Array
  readonly #outgoing: Buffer
  readonly #outgoingCells: Int32Array
  readonly #tags = new Uint32Array(EVENTS_MAX)
  readonly #ready = new Uint8Array(EVENTS_MAX)
  #open = 0
  #lastNumber = 0
  #isEnding = false

  constructor(os: Os, address: SocketAddress, { concurrent, bytes }: AcceptLoad) {
    this.#os = os
    this.#address = address
    this.#poller = os.createPoller()
    this.#fds = new Int32Array(concurrent).fill(-1)
    this.#received = new Int32Array(concurrent)
    this.#numbers = new Int32Array(concurrent)
    this.#bytes = bytes
    this.#inbox = os.region(new SharedArrayBuffer(MESSAGE_BYTES_MAX * concurrent))
    this.#inboxCells = new Int32Array(this.#inbox.buffer)
    this.#outgoing = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX).fill(0x61)
    this.#outgoingCells = new Int32Array(this.#outgoing.buffer)
  }

  begin(): void {
    for (let i = 0; i < this.#fds.length; i++) this.#connect(i)
  }

  runFor(seconds: number): void {
    const endsAt = performance.now() + seconds * 1000
    while (performance.now() < endsAt) this.#turn()
  }

  /** Connect no more; wait for what is under way. */
  finish(): void {
    this.#isEnding = true
    while (this.#open > 0) this.#turn()
  }

  end(): void {
    for (const fd of this.#fds) if (fd >= 0) this.#os.close(fd)
    this.#poller.close()
  }

  #turn(): void {
    const count = waitForAny(this.#os, this.#poller, this.#tags, this.#ready)
    for (let event = 0; event < count; event++) {
      const i = this.#tags[event]!
      if (this.#received[i]! < 0) this.#sendLate(i)
      else this.#receive(i)
    }
  }

  #connect(i: number): void {
    const os = this.#os
    const fd = checked(os, os.socket(this.#address.family))
    this.#fds[i] = fd
    this.#open++
    const result = os.connect(fd, this.#address)
    if (result !== -ERRNO.EINPROGRESS) checked(os, result)
    const hasLeft = this.#bytes === 0 || this.#send(i)
    this.#received[i] = hasLeft ? 0 : -1
    checked(os, this.#poller.add(fd, i, hasLeft ? INTEREST.read : INTEREST.write))
  }

  /** On this machine the connection is mostly there when connect(2) returns. False: not yet. */
  #send(i: number): boolean {
    const number = ++this.#lastNumber
    this.#numbers[i] = number
    this.#outgoingCells[0] = number
    this.#outgoingCells[this.#bytes / 4 - 1] = number
    const count = this.#os.write(this.#fds[i]!, this.#outgoing, 0, this.#bytes)
    if (count === -ERRNO.EAGAIN) return false
    if (checked(this.#os, count) < this.#bytes) throw new Error('A fresh socket is full')
    return true
  }

  #sendLate(i: number): void {
    checked(this.#os, this.#os.socketError(this.#fds[i]!))
    if (!this.#send(i)) return
    this.#received[i] = 0
    this.#poller.change(this.#fds[i]!, i, INTEREST.read)
  }

  /** All of the answer and then the end, which is one byte of room beyond it. */
  #receive(i: number): void {
    const received = this.#received[i]!
    const at = i * MESSAGE_BYTES_MAX + received
    const count = this.#os.read(this.#fds[i]!, this.#inbox, at, this.#bytes - received + 1)
    if (count === -ERRNO.EAGAIN) return
    if (checked(this.#os, count) > 0) {
      this.#received[i] = received + count
      return
    }
    this.#check(i, received)
    this.completed++
    this.#os.close(this.#fds[i]!)
    this.#fds[i] = -1
    this.#open--
    if (!this.#isEnding) this.#connect(i)
  }

  #check(i: number, received: number): void {
    if (received !== this.#bytes) throw new Error(`The server closed after ${received} bytes`)
    if (received === 0) return
    const first = (i * MESSAGE_BYTES_MAX) / 4
    const number = this.#numbers[i]
    const last = first + this.#bytes / 4 - 1
    if (this.#inboxCells[first] === number && this.#inboxCells[last] === number) return
    throw new Error(`Connection ${number} got back what it had not sent`)
  }
}
