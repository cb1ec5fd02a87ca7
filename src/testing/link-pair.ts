/** Two links of a cluster and what lies between them, on one thread: frames, as they were sent. */
import { ClusterLink, type ClusterLinkHost } from '../cluster/core/link.ts'

/** A message as it came, its bytes copied. */
export interface LinkMessage {
  readonly type: number
  readonly to: number
  readonly source: number
  readonly session: number
  readonly remainingMs: number
  readonly bytes: Buffer
}

/** One of two, with all that it has told. */
export class LinkEndpoint implements ClusterLinkHost {
  readonly link: ClusterLink
  readonly epoch: number
  readonly #pair: LinkPair
  readonly delivered: LinkMessage[] = []
  readonly losses: string[] = []
  readonly ends: string[] = []
  /** Each time that it was said. */
  readonly fulls: boolean[] = []
  /** On their way to the other one. */
  readonly frames: { readonly bytes: Buffer; readonly ticket: number }[] = []
  /** What it takes at once; then it says that it takes no more. */
  framesMax = Infinity
  isPending = false
  onMessage: ((message: LinkMessage) => void) | undefined

  constructor(pair: LinkPair, epoch: number, peer: number) {
    this.#pair = pair
    this.epoch = epoch
    this.link = new ClusterLink({ self: epoch, peer }, this)
  }

  now(): number {
    return this.#pair.now
  }

  random(): number {
    return this.#pair.random()
  }

  transmit(frame: Uint8Array, ticket: number): boolean {
    if (this.frames.length >= this.framesMax) return false
    this.frames.push({ bytes: Buffer.from(frame), ticket })
    return true
  }

  pending(): void {
    this.isPending = true
  }

  deliver(
    type: number,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void {
    const copy = Buffer.from(bytes.subarray(from, from + length))
    const message = { type, to, source, session, remainingMs, bytes: copy }
    this.delivered.push(message)
    this.onMessage?.(message)
  }

  lost(source: number, session: number, sent: string, why: string): void {
    this.losses.push(`${source}:${session} ${sent} ${why}`)
  }

  ended(why: string, dropped: number): void {
    this.ends.push(`${why} ${dropped}`)
  }

  full(isFull: boolean): void {
    this.fulls.push(isFull)
  }

  flush(): void {
    if (!this.isPending) return
    this.isPending = false
    this.link.flush()
  }
}

export class LinkPair {
  now = 1000
  readonly a: LinkEndpoint
  readonly b: LinkEndpoint
  readonly random: () => number

  constructor(random: () => number = numbers()) {
    this.random = random
    this.a = new LinkEndpoint(this, 11, 22)
    this.b = new LinkEndpoint(this, 22, 11)
  }

  /** Bring everything that is on its way, in order, until nothing moves. */
  settle(): void {
    while (this.#turn(this.a, this.b) || this.#turn(this.b, this.a));
  }

  /** What one has sent comes, and then what the other one has. */
  step(): void {
    this.#turn(this.a, this.b)
    this.#turn(this.b, this.a)
  }

  /** `to` gets what `from` has sent. False: nothing was there. */
  #turn(from: LinkEndpoint, to: LinkEndpoint): boolean {
    from.flush()
    const frames = from.frames.splice(0)
    for (const { bytes } of frames) to.link.receive(bytes, 0, bytes.length)
    if (frames.length > 0 && from.framesMax !== Infinity) from.link.writable()
    return frames.length > 0
  }

  /** Time passes, in steps of a tick, and everything comes meanwhile. */
  pass(ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now = Math.min(until, this.now + 50)
      this.tick()
      this.settle()
    }
  }

  tick(): void {
    this.a.link.tick()
    this.b.link.tick()
  }
}

/** 0.001, 0.002 … */
function numbers(): () => number {
  let count = 0
  return () => ++count / 1000
}
