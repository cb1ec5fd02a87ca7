/** What messages in frames stand on: a connection, or any stream of bytes. */
import { checkFunction, isObject, refusal } from '../base/check.ts'
import { monotonicNow } from '../base/event-loop.ts'
import type { Framed } from '../net/client/writer.ts'
import { limitsFrom, type WaitOptions } from '../service/wait-options.ts'
import type { ByteStream } from './byte-stream.ts'
import type { Frame, Frames } from './stream-reader.ts'

/** What carries frames: a byte stream, or a connection, which does so from the inside. */
export interface FrameCarrier {
  /** Of a socket, to be named in errors; 0: it has none. */
  readonly id: number
  readonly remoteAddress: string
  readonly isOpen: boolean
  readonly bufferedAmount: number
  /** Everything that comes is for these frames from now on. It throws when it has others. */
  startFrames(frames: Frames): void
  /** The next frame when it has come, and may be handed out. */
  nextFrame(): Frame | undefined
  /** The next frame; null at the end. */
  readFrame(options: WaitOptions | undefined): Promise<Frame | null>
  /**
   * Hand frames to `take` as they come. Null: that was the end. A frame: the caller takes it
   * himself. Undefined: a promise that `take` has returned is settled.
   */
  handOut(take: Take): Promise<Frame | null | undefined>
  writeFrame(format: Framed, body: string | Uint8Array): boolean
  drain(options: WaitOptions | undefined): Promise<void>
  close(): Promise<void>
}

type Take = (frame: Frame) => unknown

/** Whose frames are handed out; it is told how that has ended before whoever waits for it. */
export interface FrameReceiver {
  /** That was the last one. */
  over(): void
  broke(error: unknown): void
}

/**
 * Hand frames to `take`, up to the end. Peers that are silent hold what waits for the first one; a
 * loop, which is suspended with all its variables, begins only where `take` has to be waited for.
 */
export function handAll(carrier: FrameCarrier, take: Take, receiver: FrameReceiver): Promise<void> {
  return carrier.handOut(take).then(
    (frame) => goOn(carrier, take, receiver, frame),
    (error) => {
      receiver.broke(error)
      throw error
    },
  )
}

/** @param first What `handOut` has given. */
async function goOn(
  carrier: FrameCarrier,
  take: Take,
  receiver: FrameReceiver,
  first: Frame | null | undefined,
): Promise<void> {
  try {
    for (let frame = first; frame !== null; ) {
      const taken = frame === undefined ? undefined : take(frame)
      if (typeof taken === 'object' && taken !== null) await taken
      frame = carrier.nextFrame() ?? (await carrier.handOut(take))
    }
  } catch (error) {
    receiver.broke(error)
    throw error
  }
  receiver.over()
}

/** The bytes of one frame, in a buffer of its own. */
export function frameOf(format: Framed, body: string | Uint8Array): Buffer {
  const length = format.lengthOf(body)
  const overhead = format.overhead(length)
  const bytes = Buffer.allocUnsafe(overhead + length)
  format.put(bytes, 0, body, length, overhead)
  return bytes
}

/** Of waits of which a stream of others knows nothing. */
const CLOCK = {
  get now(): number {
    return monotonicNow()
  },
}

/** Frames on a stream that knows nothing of them. */
export class StreamCarrier implements FrameCarrier {
  readonly id = 0
  readonly #stream: ByteStream
  #frames!: Frames
  #isClosed = false

  constructor(stream: ByteStream) {
    if (!isObject(stream)) throw refusal('type', 'frame', 'stream', 'a byte stream', stream)
    for (const name of ['read', 'write'] as const) {
      checkFunction('frame', `stream.${name}`, stream[name])
    }
    this.#stream = stream
  }

  get remoteAddress(): string {
    return this.#stream.remoteAddress
  }

  get isOpen(): boolean {
    return this.#stream.isOpen
  }

  get bufferedAmount(): number {
    return this.#stream.bufferedAmount
  }

  startFrames(frames: Frames): void {
    this.#frames = frames
    if (frames.stays === true) this.#stream.hold?.()
  }

  nextFrame(): Frame | undefined {
    return this.#frames.next()
  }

  async readFrame(options: WaitOptions | undefined): Promise<Frame | null> {
    const frames = this.#frames
    const left = options && limitsFrom(CLOCK, options)
    let frame = frames.next()
    while (frame === undefined) {
      if (frames.isOver === true) return null
      const chunk = await this.#stream.read(undefined, left?.())
      if (this.#isClosed) return null
      if (chunk === null) {
        frames.end()
        return null
      }
      frames.push(chunk)
      frame = frames.next()
    }
    return frame
  }

  writeFrame(format: Framed, body: string | Uint8Array): boolean {
    return this.#stream.write(frameOf(format, body))
  }

  handOut(): Promise<Frame | null> {
    return this.readFrame(undefined)
  }

  drain(options: WaitOptions | undefined): Promise<void> {
    return this.#stream.drain(options)
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#frames.rest()
    return this.#stream.close()
  }
}
