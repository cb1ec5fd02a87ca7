/** Entry: two ends in one process, and between them frames that are copied once, as by a socket. */
import { ClusterLink, type ClusterLinkHost } from '../../src/cluster/core/link.ts'
import type { Measure } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { serve } from '../support/serve.ts'

const BODY = Buffer.alloc(64, 'x')
const TEXT = BODY.toString()
const FRAME_BYTES = 64 * 1024
const REQUEST = 10
const RESPONSE = 1
const CALL_MS = 10_000

/** A side of the bench: a turn of so many messages, until all have come. */
interface Ends {
  /** Messages, or answers, that have come. */
  came: number
  turn(count: number, isCall: boolean): void
}

/** Frames on their way from one end to the other one, in memory that is used again and again. */
class Wire {
  readonly #memory: Buffer[] = []
  readonly #frames: Buffer[] = []

  put(frame: Uint8Array): void {
    const memory = this.#memory.pop() ?? Buffer.allocUnsafeSlow(FRAME_BYTES)
    memory.set(frame)
    this.#frames.push(memory.subarray(0, frame.length))
  }

  /** False: there was none. */
  carry(receive: (frame: Buffer) => void): boolean {
    const frames = this.#frames.splice(0)
    for (const frame of frames) {
      receive(frame)
      this.#memory.push(Buffer.from(frame.buffer))
    }
    return frames.length > 0
  }
}

class LinkEnd implements ClusterLinkHost {
  readonly wire = new Wire()
  readonly link: ClusterLink
  came = 0
  #isPending = false
  #now = performance.now()

  constructor(self: number, peer: number) {
    this.link = new ClusterLink({ self, peer }, this)
  }

  now(): number {
    return this.#now
  }

  random(): number {
    return Math.random()
  }

  transmit(frame: Uint8Array): boolean {
    this.wire.put(frame)
    return true
  }

  pending(): void {
    this.#isPending = true
  }

  deliver(...[type, to, source, session, , bytes, from, length]: Delivered): void {
    if (type === REQUEST && session !== 0) {
      this.link.post(RESPONSE, source, to, session, 0, bytes, from, length)
    } else this.came++
  }

  full(): void {}

  lost(_source: number, session: number, _sent: string, why: string): void {
    throw new Error(`${session} is lost: ${why}`)
  }

  ended(why: string): void {
    throw new Error(`the link has ended: ${why}`)
  }

  flush(): void {
    this.#now = performance.now()
    if (!this.#isPending) return
    this.#isPending = false
    this.link.flush()
  }
}
type Delivered = Parameters<ClusterLinkHost['deliver']>

class Links implements Ends {
  readonly #a = new LinkEnd(1, 2)
  readonly #b = new LinkEnd(2, 1)
  #sessions = 0

  get came(): number {
    return this.#a.came + this.#b.came
  }

  turn(count: number, isCall: boolean): void {
    for (let i = 1; i <= count; i++) {
      const session = isCall ? ++this.#sessions : 0
      const ms = isCall ? CALL_MS : 0
      this.#a.link.post(REQUEST, 5, i, session, ms, BODY, 0, BODY.length)
    }
    for (let isMoving = true; isMoving; ) {
      isMoving = this.#move(this.#a, this.#b)
      isMoving = this.#move(this.#b, this.#a) || isMoving
    }
  }

  #move(from: LinkEnd, to: LinkEnd): boolean {
    from.flush()
    return from.wire.carry((frame) => to.link.receive(frame, 0, frame.length))
  }
}

interface Call {
  readonly id: number
  readonly method: string
  readonly params: readonly string[]
}

/** As one writes it by hand: a length of four bytes, JSON, and who waits in a Map. */
class JsonEnds implements Ends {
  came = 0
  readonly #there = new Wire()
  readonly #back = new Wire()
  readonly #waiting = new Map<number, (result: string) => void>()
  #ids = 0

  turn(count: number, isCall: boolean): void {
    const calls: Buffer[] = []
    for (let i = 0; i < count; i++) {
      const id = isCall ? ++this.#ids : 0
      if (isCall) this.#waiting.set(id, () => this.came++)
      calls.push(framed({ id, method: 'echo', params: [TEXT] }))
    }
    this.#there.put(Buffer.concat(calls))
    this.#there.carry((bytes) => this.#serve(bytes))
    this.#back.carry((bytes) => this.#answered(bytes))
  }

  #serve(bytes: Buffer): void {
    const answers: Buffer[] = []
    for (const value of unframed(bytes)) {
      const { id, params } = value as Call
      if (id === 0) this.came++
      else answers.push(framed({ id, result: params[0] }))
    }
    if (answers.length > 0) this.#back.put(Buffer.concat(answers))
  }

  #answered(bytes: Buffer): void {
    for (const value of unframed(bytes)) {
      const { id, result } = value as { readonly id: number; readonly result: string }
      this.#waiting.get(id)?.(result)
      this.#waiting.delete(id)
    }
  }
}

function framed(value: unknown): Buffer {
  const text = JSON.stringify(value)
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(4 + length)
  frame.writeUInt32BE(length)
  frame.write(text, 4)
  return frame
}

function unframed(bytes: Buffer): unknown[] {
  const values: unknown[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    values.push(JSON.parse(bytes.toString('utf8', at + 4, end)))
    at = end
  }
  return values
}

const KINDS = { link: () => new Links(), json: () => new JsonEnds() }
const TURNS_PER_LOOK = 64

type Params = Pace & { readonly kind: keyof typeof KINDS; readonly count: number }

function pace(isCall: boolean, { kind, count, seconds, warmSeconds }: Params): Measure {
  const ends = KINDS[kind]()
  const run = (forSeconds: number): Measure => {
    const startedAt = performance.now()
    const endsAt = startedAt + forSeconds * 1000
    const before = ends.came
    let asked = 0
    do {
      for (let i = 0; i < TURNS_PER_LOOK; i++) ends.turn(count, isCall)
      asked += TURNS_PER_LOOK * count
    } while (performance.now() < endsAt)
    const completed = ends.came - before
    if (completed !== asked) throw new Error(`${completed} of ${asked} have come`)
    return { completed, value: (completed * 1000) / (performance.now() - startedAt) }
  }
  run(warmSeconds)
  return run(seconds)
}

serve({
  send: (params: Params) => pace(false, params),
  call: (params: Params) => pace(true, params),
})
