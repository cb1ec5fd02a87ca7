/**
 * A room: one of many connections says lines, and every connection gets each of them. Counted are
 * lines that arrived whole, at all connections together; a window of lines is under way. Lines may
 * be messages of another kind: see `Spoken`.
 */
import { ERRNO } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'
import { INTEREST } from '../../src/os/poll/poller.ts'
import type { Measure, Target } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { measured } from './measured.ts'
import { checked, connectAll } from './peers.ts'
import { HANDSHAKE } from './websocket.ts'

/** Lines; messages of WebSocket, after a handshake; or messages with their length in 2 bytes. */
export type Spoken = 'line' | 'websocket' | 'frame'

export interface BroadcastLoad extends Target, Pace {
  readonly connections: number
  /** Bytes of a line, its end included: below 126. */
  readonly bytes: number
  /** Lines that may be under way. */
  readonly window: number
  readonly spoken: Spoken
}

/** What stands in front of a line of so many bytes. */
const HEADS: Readonly<Record<Spoken, (bytes: number) => Buffer>> = {
  line: () => Buffer.alloc(0),
  // A client masks; with a mask of zeros the bytes stay as they are.
  websocket: (bytes) => Buffer.of(0x81, 0x80 | bytes, 0, 0, 0, 0),
  frame: (bytes) => Buffer.of(0, bytes),
}

const EVENTS_MAX = 256
/** What a server says to whoever has joined. */
export const WELCOME = 'welcome\n'
const SILENCE_MS_MAX = 10_000
export function runBroadcast(os: Os, load: BroadcastLoad): Measure {
  const peers = connectAll(os, load.host, load.port, load.connections)
  const room = new Room(
    os,
    peers.map(({ fd }) => fd),
    load,
  )
  try {
    room.join()
    return measured(room, load)
  } finally {
    for (const { fd } of peers) os.close(fd)
  }
}

class Room {
  /** Lines that arrived. */
  completed = 0
  readonly #os: Os
  readonly #fds: readonly number[]
  readonly #load: BroadcastLoad
  readonly #received: Float64Array
  readonly #line: Buffer
  /** Bytes of a line as it arrives. */
  readonly #arrivingBytes: number
  #said = 0

  constructor(os: Os, fds: readonly number[], load: BroadcastLoad) {
    this.#os = os
    this.#fds = fds
    this.#load = load
    this.#received = new Float64Array(fds.length)
    const text = Buffer.from(`${'x'.repeat(load.bytes - 1)}\n`)
    this.#line = Buffer.concat([HEADS[load.spoken](load.bytes), text])
    this.#arrivingBytes = load.spoken === 'line' ? load.bytes : load.bytes + 2
  }

  /** Everybody is in the room once the server has said so. */
  join(): void {
    if (this.#load.spoken === 'websocket') {
      const hello = Buffer.from(HANDSHAKE)
      for (const fd of this.#fds) checked(this.#os, this.#os.write(fd, hello, 0, hello.length))
    }
    const region = this.#os.region(new SharedArrayBuffer(4096))
    const endsAt = performance.now() + SILENCE_MS_MAX
    for (const fd of this.#fds) {
      let text = ''
      while (!text.endsWith(WELCOME)) {
        const count = this.#os.read(fd, region, 0, 4096)
        if (count > 0) text += region.bytes.toString('latin1', 0, count)
        else if (count !== -ERRNO.EAGAIN || performance.now() > endsAt) {
          throw new Error('The server does not let everybody in')
        }
      }
    }
  }

  runFor(seconds: number): void {
    const { window, connections } = this.#load
    const poller = this.#os.createPoller()
    this.#fds.forEach((fd, i) => {
      checked(this.#os, poller.add(fd, i, INTEREST.read))
    })
    const tags = new Uint32Array(EVENTS_MAX)
    const ready = new Uint8Array(EVENTS_MAX)
    const region = this.#os.region(new SharedArrayBuffer(64 * 1024))
    const endsAt = performance.now() + seconds * 1000
    for (;;) {
      const everywhere = Math.floor(this.completed / connections)
      const isEnding = performance.now() >= endsAt
      if (isEnding && this.#said === everywhere) break
      while (!isEnding && this.#said - everywhere < window) this.#say()
      const count = checked(this.#os, poller.wait(tags, ready, SILENCE_MS_MAX))
      if (count === 0) throw new Error('The server has not sent anything for 10 s')
      for (let i = 0; i < count; i++) this.#receive(tags[i]!, region)
    }
    poller.close()
  }

  #say(): void {
    const { length } = this.#line
    const count = checked(this.#os, this.#os.write(this.#fds[0]!, this.#line, 0, length))
    if (count !== length) throw new Error('The server does not read what is said')
    this.#said++
  }

  #receive(i: number, region: ReturnType<Os['region']>): void {
    const count = this.#os.read(this.#fds[i]!, region, 0, region.bytes.length)
    if (count === -ERRNO.EAGAIN) return
    if (checked(this.#os, count) === 0) throw new Error('The server closed a connection')
    const before = Math.floor(this.#received[i]! / this.#arrivingBytes)
    this.#received[i]! += count
    const after = Math.floor(this.#received[i]! / this.#arrivingBytes)
    if (after > this.#said) throw new Error('The server sent more than was said')
    this.completed += after - before
  }
}
