/** A listener on another one: who comes has a handshake to do first, and nobody waits for him. */
import { Queue } from '../base/queue.ts'
import type { ByteStream, StreamListener } from '../sockets/byte-stream.ts'

/** What a handshake is to those who come to a listener. */
export interface HandshakeOf<S extends ByteStream> {
  /** Under way at a time, and done but not taken: beyond it nobody is accepted. */
  readonly max: number
  /** How long one may take while few are under way. */
  readonly timeoutMs: number
  /**
   * What it gives is the listener's. It closes nothing when it throws.
   *
   * @param timeoutMs It must have ended by then.
   */
  begin(stream: ByteStream, timeoutMs: number): Promise<S>
  /** It has failed, or nobody waits for it any more: get rid of the stream it was begun with. */
  drop(stream: ByteStream, why: Error | undefined): void
}

/** When many are under way there is less time for each, down to this part of it. */
const PART_MIN = 0.3

/**
 * Handshakes go on beside each other, and streams come out in the order in which theirs are done.
 *
 * The more are under way, the less time a new one has: those who come and say nothing hold the
 * places of others for a short while only, and who is honest and slow has all the time there is as
 * long as nobody does that.
 */
export class HandshakeListener<S extends ByteStream> implements StreamListener {
  readonly #below: StreamListener
  readonly #handshake: HandshakeOf<S>
  readonly #underWay = new Set<ByteStream>()
  readonly #ready = new Queue<S>(4)
  #isAccepting = false
  /** Nobody comes any more: of a listener that has failed, why. */
  #end: { readonly error: unknown } | undefined
  /** Goes on with the loop over what is ready; with the one that accepts. */
  #wakeTaker = (): void => {}
  #wakeAccepting = (): void => {}

  constructor(below: StreamListener, handshake: HandshakeOf<S>) {
    this.#below = below
    this.#handshake = handshake
  }

  get address(): string {
    return this.#below.address
  }

  get port(): number {
    return this.#below.port
  }

  /** False once it was closed, or nobody can come any more. */
  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** @internal It goes on while the node stops, as the one below. */
  get staysOpen(): boolean {
    return (this.#below as { readonly staysOpen?: boolean }).staysOpen === true
  }

  /** Handshakes that are under way. */
  get handshakes(): number {
    return this.#underWay.size
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<S, undefined, void> {
    if (!this.#isAccepting) void this.#accept()
    this.#isAccepting = true
    try {
      for (;;) {
        const next = this.#ready.shift()
        this.#wakeAccepting()
        if (next !== undefined) yield next
        else if (this.#end === undefined) {
          await new Promise<void>((resolve) => {
            this.#wakeTaker = resolve
          })
        } else if (this.#end.error === undefined) return undefined
        else throw this.#end.error
      }
    } finally {
      await this.close()
    }
  }

  close(): Promise<void> {
    this.#ended(undefined)
    return this.#below.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #accept(): Promise<void> {
    try {
      for await (const stream of this.#below) {
        void this.#greet(stream)
        while (this.#isFull) {
          await new Promise<void>((resolve) => {
            this.#wakeAccepting = resolve
          })
        }
      }
      this.#ended(undefined)
    } catch (error) {
      this.#ended(error)
    }
  }

  get #isFull(): boolean {
    return this.#end === undefined && this.#taken >= this.#handshake.max
  }

  get #taken(): number {
    return this.#underWay.size + this.#ready.length
  }

  async #greet(below: ByteStream): Promise<void> {
    const { max, timeoutMs } = this.#handshake
    if (this.#end !== undefined) {
      // It came in the turn in which nobody was let in any more.
      this.#handshake.drop(below, undefined)
      return
    }
    const part = Math.max(PART_MIN, 1 - this.#taken / max)
    this.#underWay.add(below)
    try {
      const stream = await this.#handshake.begin(below, Math.max(1, Math.round(timeoutMs * part)))
      // Whoever has ended it meanwhile has dropped the stream.
      if (this.#underWay.delete(below)) this.#ready.push(stream)
    } catch (error) {
      if (this.#underWay.delete(below)) this.#handshake.drop(below, error as Error)
    }
    this.#wakeTaker()
    this.#wakeAccepting()
  }

  /** Nobody comes any more: those that nobody took are gone. */
  #ended(error: unknown): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    for (const stream of this.#underWay) this.#handshake.drop(stream, undefined)
    this.#underWay.clear()
    for (let at = this.#ready.shift(); at !== undefined; at = this.#ready.shift()) {
      at.close().catch(() => {})
    }
    this.#wakeTaker()
    this.#wakeAccepting()
  }
}
