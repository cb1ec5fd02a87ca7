/** A byte stream as `node:tls` uses one: what is encrypted goes out here, and comes in. */
import { EventEmitter } from 'node:events'
import { nextTick } from '../../base/event-loop.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'

type Done = (error?: Error | null) => void

/** Whose wire it is. */
export interface WireOwner {
  /** The bytes have ended, which says nothing about what was in them. */
  ended(): void
  /** It is decrypted. */
  handedOn(chunk: Buffer): void
  broke(error: Error): void
}

/**
 * Has what `node:tls` asks of a stream that is no socket, and no more than that: no buffers, no
 * states. Ends and failures go to its owner alone: `node:tls` would take any end for a good one.
 */
export class TlsWire extends EventEmitter {
  readonly allowHalfOpen = true
  readonly readableLength = 0
  readable = true
  writable = true
  readonly #stream: ByteStream
  readonly #owner: WireOwner
  #isReading = false
  #isFlowing = false
  #isDestroyed = false
  /** Has come while nobody wanted more. */
  #held: Buffer | undefined

  /** @param first What was read of it already. */
  constructor(stream: ByteStream, owner: WireOwner, first?: Buffer) {
    super()
    this.#stream = stream
    this.#owner = owner
    this.#held = first
    stream.hold?.(true)
  }

  // --- reading -------------------------------------------------------------------------------

  pause(): this {
    this.#isFlowing = false
    return this
  }

  resume(): this {
    if (this.#isFlowing || !this.readable) return this
    this.#isFlowing = true
    if (this.#held === undefined) this.#read()
    // Whoever has asked for more is not within that yet.
    else nextTick(this.#handOn)
    return this
  }

  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    this.#stream.read().then(this.#took, this.#broke)
  }

  readonly #took = (chunk: Buffer | null): void => {
    this.#isReading = false
    if (!this.readable) return
    if (chunk === null) {
      this.readable = false
      this.#owner.ended()
      return
    }
    this.#held = chunk
    this.#handOn()
  }

  readonly #handOn = (): void => {
    const chunk = this.#held
    if (chunk === undefined || !this.#isFlowing || !this.readable) return
    this.#held = undefined
    this.emit('data', chunk)
    this.#owner.handedOn(chunk)
    if (this.#isFlowing && this.readable) this.#read()
  }

  readonly #broke = (error: Error): void => {
    this.#isReading = false
    if (this.readable) this.#owner.broke(error)
  }

  // --- writing -------------------------------------------------------------------------------

  cork(): void {}

  uncork(): void {}

  write(bytes: Buffer, done: Done): boolean {
    try {
      if (this.#stream.write(bytes)) done()
      else this.#stream.drain().then(() => done(), done)
    } catch (error) {
      done(error as Error)
    }
    return true
  }

  end(done: Done): this {
    this.writable = false
    if (this.#stream.isOpen) this.#stream.end()
    done()
    return this
  }

  /** What was written still leaves. */
  destroy(): this {
    if (this.#isDestroyed) return this
    this.#isDestroyed = true
    this.readable = false
    this.writable = false
    this.#held = undefined
    this.#stream.close().catch(() => {})
    nextTick(() => this.emit('close'))
    return this
  }
}
