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
import { measured } from './measured.ts'
import { checked, connectAll, type Peer, waitForAny } from './peers.ts'
import { shakeHands } from './websocket.ts'

export interface EchoLoad extends Target, Pace {
  readonly connections: number
  /** Payload of a message: even, at least 4. */
  readonly bytes: number
  /** Messages of a burst. */
  readonly pipelined: number
  /** Each message begins with its length in 2 bytes, big-endian, which `bytes` does not count. */
  readonly isFramed: boolean
  /** Each message is one of WebSocket, after a handshake: below 126 bytes. */
  readonly isWebSocket?: boolean
}

/** What stands in front of a message, as it is sent, and as it comes back: of even lengths. */
function headsOf({ bytes, isFramed, isWebSocket = false }: EchoLoad): {
  out: Buffer
  back: Buffer
} {
  // A client masks; with a mask of zeros the bytes stay as they are.
  if (isWebSocket) {
    return { out: Buffer.of(0x82, 0x80 | bytes, 0, 0, 0, 0), back: Buffer.of(0x82, bytes) }
  }
  const length = isFramed ? Buffer.of(bytes >>> 8, bytes & 0xff) : Buffer.alloc(0)
  return { out: length, back: length }
}

const EVENTS_MAX = 64

/** @param load With `peers` already connected these are used, and stay open. 0 s: one burst. */
export function runEcho(os: Os, load: EchoLoad & { readonly peers?: readonly Peer[] }): Measure {
  const peers = load.peers ?? connectAll(os, load.host, load.port, load.connections)
  if (load.isWebSocket) shakeHands(os, peers)
  const loop = new EchoLoop(os, peers, load)
  try {
    loop.begin()
    if (load.seconds === 0) return measured(loop, load, () => loop.finish())
    const measure = measured(loop, load)
    loop.finish()
    return measure
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
  /** A message as it comes back, and its head; as it is sent. */
  readonly #messageBytes: number
  readonly #headBytes: number
  readonly #sentMessageBytes: number
  readonly #sentHeadBytes: number
  readonly #pipelined: number
  readonly #burstBytes: number
  readonly #sentBurstBytes: number
  /** The begin of each head that comes back. */
  readonly #headUnit: number
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

  constructor(os: Os, peers: readonly Peer[], load: EchoLoad) {
    const { bytes, pipelined } = load
    const { out, back } = headsOf(load)
    this.#os = os
    this.#poller = os.createPoller()
    this.#fds = Int32Array.from(peers, ({ fd }) => fd)
    this.#headBytes = back.length
    this.#headUnit = back.length === 0 ? 0 : back.readUInt16LE()
    this.#messageBytes = back.length + bytes
    this.#sentHeadBytes = out.length
    this.#sentMessageBytes = out.length + bytes
    this.#pipelined = pipelined
    this.#burstBytes = this.#messageBytes * pipelined
    this.#sentBurstBytes = this.#sentMessageBytes * pipelined
    this.#inbox = os.region(new SharedArrayBuffer(this.#burstBytes * peers.length))
    this.#inboxUnits = new Uint16Array(this.#inbox.buffer)
    this.#received = new Int32Array(peers.length)
    this.#outgoing = Buffer.allocUnsafeSlow(this.#sentBurstBytes).fill(0x61)
    this.#outgoingUnits = new Uint16Array(this.#outgoing.buffer)
    this.#bursts = new Uint32Array(peers.length)
    for (let at = 0; at < this.#sentBurstBytes; at += this.#sentMessageBytes) {
      out.copy(this.#outgoing, at)
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
    const head = this.#sentHeadBytes >> 1
    const step = this.#sentMessageBytes >> 1
    const units = this.#outgoingUnits
    for (let k = 0, at = 0; k < this.#pipelined; k++, at += step) {
      units[at + head] = number + k
      units[at + step - 1] = i
    }
    this.#open++
    const count = this.#os.write(this.#fds[i]!, this.#outgoing, 0, this.#sentBurstBytes)
    if (count === this.#sentBurstBytes) return
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
        (head === 0 || units[at] === this.#headUnit)
      if (!isSame) throw new Error(`Connection ${i} got back what it had not sent`)
    }
  }
}
