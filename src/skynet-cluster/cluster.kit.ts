/** What tests of this room share: a connection in memory, and what Skynet has been heard to say. */
import { setImmediate } from '../base/event-loop.ts'
import { Random } from '../testing/sim/random.ts'
import { vectorsOf } from '../testing/vectors.ts'
import type { ClusterSocket } from './sender.ts'

/** Frames in, frames out. */
export class FakeSocket implements ClusterSocket {
  isOpen = true
  bufferedAmount = 0
  /** As they were written, and how. */
  readonly written: { readonly bytes: Buffer; readonly isLow: boolean }[] = []
  #rest = Buffer.alloc(0)
  /** Who takes frames has thrown: it gets no more. */
  #hasFailed = false
  #take: ((body: Buffer) => unknown) | undefined
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  #drained: (() => void)[] = []

  write(frame: Uint8Array, options?: { readonly priority: 'low' }): boolean {
    this.written.push({ bytes: Buffer.from(frame), isLow: options !== undefined })
    return true
  }

  /** All that was written since the last time. */
  sent(): Buffer {
    return Buffer.concat(this.written.splice(0).map(({ bytes }) => bytes))
  }

  drain(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Everything has left. */
  leave(): void {
    this.bufferedAmount = 0
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  each(take: (body: Buffer) => unknown): Promise<void> {
    this.#take = take
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  /** Bytes of the peer have come. */
  feed(bytes: Buffer): void {
    const all = Buffer.concat([this.#rest, bytes])
    let at = 0
    while (all.length - at >= 2) {
      const end = at + 2 + all.readUInt16BE(at)
      if (end > all.length) break
      this.deliver(all.subarray(at + 2, end))
      at = end
    }
    this.#rest = all.subarray(at)
  }

  /** A frame of the peer has come. */
  deliver(body: Buffer): void {
    if (!this.isOpen || this.#hasFailed) return
    try {
      this.#take!(body)
    } catch (error) {
      this.#hasFailed = true
      this.#settle!.reject(error)
    }
  }

  /** The peer has ended. */
  end(): void {
    this.#settle!.resolve()
  }

  async close(): Promise<void> {
    this.isOpen = false
    this.#settle?.resolve()
  }
}

/** Whatever was set off is done. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Runs = readonly (readonly [hex: string, count: number])[]
interface Bytes {
  readonly hex?: string
  readonly hexRle?: Runs
}

export interface CapturedFrame extends Bytes {
  readonly dir: 'c2s' | 's2c'
  readonly kind: string
}

interface Vectors {
  readonly exchanges: readonly {
    readonly label: string
    readonly frames: readonly CapturedFrame[]
    readonly results?: readonly string[]
  }[]
  /** Bytes that a client has sent to Skynet, and what came back. */
  readonly rawClient: readonly {
    readonly label: string
    readonly sent?: readonly Bytes[]
    readonly received?: string
    readonly thenSent?: string
    readonly thenReceived?: string
  }[]
  /** A server that answers Skynet: its frames have no kind when they were made by hand. */
  readonly fakeServer: readonly {
    readonly label: string
    readonly frames: readonly CapturedFrame[]
    readonly results: readonly string[]
  }[]
}

export const captured = vectorsOf<Vectors>('cluster')

export const bytesOf = ({ hex, hexRle }: Bytes): Buffer =>
  hexRle === undefined
    ? Buffer.from(hex!, 'hex')
    : Buffer.concat(
        hexRle.map(([text, count]) => {
          const one = Buffer.from(text, 'hex')
          return Buffer.alloc(one.length * count, one)
        }),
      )

export const bytesOfAll = (frames: readonly Bytes[]): Buffer => Buffer.concat(frames.map(bytesOf))

/** The frames in these bytes, without their lengths. */
export function bodiesOf(bytes: Buffer): Buffer[] {
  const bodies: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at)
    bodies.push(bytes.subarray(at + 2, end))
    at = end
  }
  return bodies
}

const chance = new Random(7)

/** How bytes may be cut on their way. */
export const CUTS: Readonly<Record<string, (bytes: Buffer) => Buffer[]>> = {
  whole: (bytes) => [bytes],
  // Of long ones a byte is like the other.
  'byte by byte': (bytes) => cut(bytes, (at) => (bytes.length > 2000 && at > 500 ? 997 : 1)),
  'in pieces by chance': (bytes) =>
    cut(bytes, () => 1 + chance.below(Math.min(bytes.length, 50_000))),
}

function cut(bytes: Buffer, next: (at: number) => number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + next(at))
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}
