/**
 * Ping-pong with an echo server: each connection sends a burst, waits until all of it came back,
 * checks it, and sends the next. One epoll loop, and nothing is allocated for a message.
 */

import { ERRNO } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'
import { INTEREST, type Poller } from '../../src/os/poll/poller.ts'
import type { Region } from '../../src/shm/memory.ts'
import type { Measure, Target } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { checked, connectAll, type Peer, waitForAny } from './peers.ts'

export interface EchoLoad extends Target, Pace {
  readonly connections: number
  /** Payload of a message: even, at least 4. */
  readonly bytes: number
  /** Messages of a burst. */
  readonly pipelined: number
  /** Each message begins with its length in 2 bytes, big-endian, which `bytes` does not count. */
  readonly isFramed: boolean
}

const EVENTS_MAX = 64

/** @param load With `peers` already connected these are used, and stay open. 0 s: one burst. */
export function runEcho(os: Os, load: EchoLoad & { readonly peers?: readonly Peer[] }): Measure {
  const peers = load.peers ?? connectAll(os, load.host, load.port, load.connections)
  const loop = new EchoLoop(os, peers, load)
  try {
    loop.begin()
    loop.runFor(load.warmSeconds)
    const before = loop.completed
    const startedAt = performance.now()
    if (load.seconds > 0) loop.runFor(load.seconds)
    else loop.finish()
    const completed = loop.completed - before
    const value = (completed * 1000) / (performance.now() - startedAt)
    if (load.seconds > 0) loop.finish()
    return { completed, value }
  } finally {
    loop.end()
    if (load.peers === undefined) for (const { fd } of peers) os.close(fd)
  }
}

class EchoLoop {
  /** Messages whose answer is here, whole and right. */
  completed = 0
  readonly #os: Os
  readonly #poller: Poller
  readonly #fds: Int32Array
  readonly #messageBytes: number
  readonly #headBytes: number
  readonly #pipelined: number
  readonly #burstBytes: number
  /** One burst for each connection: what came back so far. */
  readonly #inbox: Region
  readonly #inboxUnits: Uint16Array
  readonly #received: Int32Array
  /** One burst, the same bytes for all but for the numbers in it. */
  readonly #outgoing: Buffer
  readonly #outgoingUnits: Uint16Array
  /** What a socket did not take at once. Seldom anything. */
  readonly #unsent = new Map<number, Buffer>()
  /** Bursts of each connection: numbers its messages. */
  readonly #bursts: Uint32Array
  readonly #tags = new Uint32Array(EVENTS_MAX)
  readonly #ready = new Uint8Array(EVENTS_MAX)
  #open = 0
  #isEnding = false

  constructor(os: Os, peers: readonly Peer[], { bytes, pipelined, isFramed }: EchoLoad) {
    this.#os = os
    this.#poller = os.createPoller()
    this.#fds = Int32Array.from(peers, ({ fd }) => fd)
    this.#headBytes = isFramed ? 2 : 0
    this.#messageBytes = this.#headBytes + bytes
    this.#pipelined = pipelined
    this.#burstBytes = this.#messageBytes * pipelined
    this.#inbox = os.region(new SharedArrayBuffer(this.#burstBytes * peers.length))
    this.#inboxUnits = new Uint16Array(this.#inbox.buffer)
    this.#received = new Int32Array(peers.length)
    this.#outgoing = Buffer.allocUnsafeSlow(this.#burstBytes).fill(0x61)
    this.#outgoingUnits = new Uint16Array(this.#outgoing.buffer)
    this.#bursts = new Uint32Array(peers.length)
    if (!isFramed) return
    for (let at = 0; at < this.#burstBytes; at += this.#messageBytes) {
      this.#outgoing.writeUInt16BE(bytes, at)
    }
  }

  begin(): void {
    for (let i = 0; i < this.#fds.length; i++) {
      checked(this.#os, this.#poller.add(this.#fds[i]!, i, INTEREST.read))
      this.#send(i)
    }
  }

  runFor(seconds: number): void {
    const endsAt = performance.now() + seconds * 1000
    for (let now = performance.now(); now < endsAt; now = performance.now()) this.#turn()
  }

  /** Send no more; wait for what is under way. */
  finish(): void {
    this.#isEnding = true
    while (this.#open > 0) this.#turn()
  }

  end(): void {
    for (let i = 0; i < this.#fds.length; i++) this.#poller.remove(this.#fds[i]!, i)
    this.#poller.close()
  }

  #turn(): void {
    const tags = this.#tags
    const count = waitForAny(this.#os, this.#poller, tags, this.#ready)
    for (let i = 0; i < count; i++) {
      if (this.#unsent.size > 0) this.#sendRest(tags[i]!)
      this.#receive(tags[i]!)
    }
  }

  #receive(i: number): void {
    const received = this.#received[i]!
    const burst = this.#burstBytes
    const offset = i * burst + received
    const count = this.#os.read(this.#fds[i]!, this.#inbox, offset, burst - received)
    if (count === -ERRNO.EAGAIN) return
    if (checked(this.#os, count) === 0) throw new Error('The echo server closed a connection')
    if (received + count < burst) {
      this.#received[i] = received + count
      return
    }
    this.#received[i] = 0
    this.#open--
    this.#check(i)
    this.completed += this.#pipelined
    if (!this.#isEnding) this.#send(i)
  }

  #send(i: number): void {
    const number = this.#bursts[i]!++ * this.#pipelined
    const head = this.#headBytes >> 1
    const step = this.#messageBytes >> 1
    const units = this.#outgoingUnits
    for (let k = 0, at = 0; k < this.#pipelined; k++, at += step) {
      units[at + head] = number + k
      units[at + step - 1] = i
    }
    this.#open++
    const count = this.#os.write(this.#fds[i]!, this.#outgoing, 0, this.#burstBytes)
    if (count === this.#burstBytes) return
    const taken = count === -ERRNO.EAGAIN ? 0 : checked(this.#os, count)
    this.#unsent.set(i, Buffer.from(this.#outgoing.subarray(taken)))
    this.#poller.change(this.#fds[i]!, i, INTEREST.read | INTEREST.write)
  }

  #sendRest(i: number): void {
    const rest = this.#unsent.get(i)
    if (rest === undefined) return
    const count = this.#os.write(this.#fds[i]!, rest, 0, rest.length)
    const taken = count === -ERRNO.EAGAIN ? 0 : checked(this.#os, count)
    if (taken < rest.length) {
      this.#unsent.set(i, rest.subarray(taken))
      return
    }
    this.#unsent.delete(i)
    this.#poller.change(this.#fds[i]!, i, INTEREST.read)
  }

  /** Each message begins and ends as it was sent: its number, and that of the connection. */
  #check(i: number): void {
    const number = (this.#bursts[i]! - 1) * this.#pipelined
    const head = this.#headBytes >> 1
    const step = this.#messageBytes >> 1
    const units = this.#inboxUnits
    const start = (i * this.#burstBytes) >> 1
    for (let k = 0, at = start; k < this.#pipelined; k++, at += step) {
      const isSame =
        units[at + head] === ((number + k) & 0xffff) &&
        units[at + step - 1] === (i & 0xffff) &&
        (head === 0 || units[at] === this.#outgoingUnits[0])
      if (!isSame) throw new Error(`Connection ${i} got back what it had not sent`)
    }
  }
}
