/**
 * Ask an HTTP server: each connection sends a burst of requests in one packet, waits for all
 * answers, checks them, and asks again. One epoll loop; nothing is allocated for a request.
 */
import assert from 'node:assert/strict'
import { ERRNO } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'
import { INTEREST, type Poller } from '../../src/os/poll/poller.ts'
import type { Measure, Target } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { measured } from './measured.ts'
import { checked, connectAll, waitForAny } from './peers.ts'

export interface HttpLoad extends Target, Pace {
  readonly connections: number
  readonly path: string
  /** Requests of a burst. */
  readonly pipelined: number
}

const EVENTS_MAX = 64
const ANSWER_BYTES_MAX = 128 * 1024
const OK = Buffer.from('HTTP/1.1 200 OK\r\n')

export function runHttp(os: Os, load: HttpLoad): Measure {
  const peers = connectAll(os, load.host, load.port, load.connections)
  const fds = peers.map(({ fd }) => fd)
  const loop = new HttpLoop(os, fds, load)
  try {
    const measure = measured(loop, load)
    loop.finish()
    return measure
  } finally {
    loop.end()
    for (const fd of fds) os.close(fd)
  }
}

class HttpLoop {
  /** Requests whose answers are here, whole. */
  completed = 0
  readonly #os: Os
  readonly #poller: Poller
  readonly #fds: readonly number[]
  readonly #burst: Buffer
  readonly #pipelined: number
  /** The answer that is being read, of one connection at a time: only the first is looked into. */
  readonly #region
  readonly #inbox: Buffer
  /** Of an answer; all are alike. 0: none has come. */
  #answerBytes = 0
  /** What came of each burst. */
  readonly #received: Int32Array
  readonly #tags = new Uint32Array(EVENTS_MAX)
  readonly #ready = new Uint8Array(EVENTS_MAX)
  #open = 0
  #isEnding = false

  constructor(os: Os, fds: readonly number[], { host, path, pipelined }: HttpLoad) {
    this.#os = os
    this.#fds = fds
    this.#poller = os.createPoller()
    this.#pipelined = pipelined
    this.#burst = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(pipelined))
    const shared = new SharedArrayBuffer(ANSWER_BYTES_MAX)
    this.#region = os.region(shared)
    this.#inbox = Buffer.from(shared)
    this.#received = new Int32Array(fds.length)
    this.#learn(fds[0]!)
    for (const [i, fd] of fds.entries()) {
      checked(os, this.#poller.add(fd, i, INTEREST.read))
      this.#send(i)
    }
  }

  runFor(seconds: number): void {
    const endsAt = performance.now() + seconds * 1000
    for (let now = performance.now(); now < endsAt; now = performance.now()) this.#turn()
  }

  finish(): void {
    this.#isEnding = true
    while (this.#open > 0) this.#turn()
  }

  end(): void {
    for (const [i, fd] of this.#fds.entries()) this.#poller.remove(fd, i)
    this.#poller.close()
  }

  /** How long is an answer? */
  #learn(fd: number): void {
    const one = this.#burst.subarray(0, this.#burst.length / this.#pipelined)
    assert.equal(this.#os.write(fd, one, 0, one.length), one.length)
    for (let length = 0; ; ) {
      const count = this.#os.read(fd, this.#region, length, ANSWER_BYTES_MAX - length)
      if (count === -ERRNO.EAGAIN) continue
      length += checked(this.#os, count)
      const text = this.#inbox.toString('latin1', 0, length)
      const end = text.indexOf('\r\n\r\n')
      const body = /content-length: (\d+)/i.exec(text)?.[1]
      if (end < 0 || body === undefined) continue
      this.#answerBytes = end + 4 + Number(body)
      if (length === this.#answerBytes) return
    }
  }

  #turn(): void {
    const count = waitForAny(this.#os, this.#poller, this.#tags, this.#ready)
    for (let at = 0; at < count; at++) this.#receive(this.#tags[at]!)
  }

  #receive(i: number): void {
    const burst = this.#answerBytes * this.#pipelined
    const received = this.#received[i]!
    const count = this.#os.read(this.#fds[i]!, this.#region, 0, ANSWER_BYTES_MAX)
    if (count === -ERRNO.EAGAIN) return
    assert.ok(checked(this.#os, count) > 0, 'the server closed a connection')
    if (received % this.#answerBytes === 0) {
      assert.ok(OK.equals(this.#inbox.subarray(0, OK.length)), 'the server did not answer 200')
    }
    this.#received[i] = received + count
    if (received + count < burst) return
    assert.equal(received + count, burst, 'answers are not all alike')
    this.#received[i] = 0
    this.#open--
    this.completed += this.#pipelined
    if (!this.#isEnding) this.#send(i)
  }

  #send(i: number): void {
    this.#open++
    const { length } = this.#burst
    assert.equal(checked(this.#os, this.#os.write(this.#fds[i]!, this.#burst, 0, length)), length)
  }
}
