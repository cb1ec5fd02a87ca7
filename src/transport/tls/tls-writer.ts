/** Writing to a TLS stream: what one turn writes becomes one record, and there is one way out. */
import { checkBytes } from '../../base/check.ts'
import type { SkynetError } from '../../base/errors.ts'
import { nextTick } from '../../base/event-loop.ts'
import { SEND_WARNING_BYTES, TLS_PIECE_BYTES } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import { Waiter, type WaitFor } from '../../service/wait.ts'
import type { WaitOptions } from '../../service/wait-options.ts'
import { closedBy } from '../../sockets/socket-life.ts'
import type { TlsEngine } from './tls-engine.ts'
import type { TlsPool } from './tls-pool.ts'

/** What it needs to know of the life of its stream. */
export interface TlsWriterHost {
  readonly id: number
  readonly pool: TlsPool
  /** Why it has failed. */
  readonly error: SkynetError | undefined
  readonly isOpen: boolean
  readonly below: { readonly bufferedAmount: number }
  /** Why nothing leaves any more. Made when somebody is told: its stack costs more than a close. */
  readonly failure: Error
  wait(verb: string): WaitFor
  /** Too much waits to be sent. */
  overflow(): void
}

/** What is so long is encrypted at once, and not copied before: it is a record or more anyway. */
const DIRECT_BYTES_MIN = 2048

export class TlsWriter {
  readonly #life: TlsWriterHost
  readonly #engine: Pick<TlsEngine, 'write' | 'end'>
  /** Copies of what was written: it is the writer's again. */
  readonly #chunks = new Queue<Buffer>(2)
  /** Bytes that were written and have not been taken by the stream below. */
  #unsent = 0
  /** Of these, what is being encrypted, or waits there for room. */
  #underWay = 0
  #isFlushing = false
  #isEnding = false
  /** Nothing is sent any more. */
  #isOver = false
  #drains: Set<Waiter<void>> | undefined

  constructor(life: TlsWriterHost, engine: Pick<TlsEngine, 'write' | 'end'>) {
    this.#life = life
    this.#engine = engine
  }

  get bufferedAmount(): number {
    // What is under way is below by now, but for what is being encrypted at this moment.
    const below = Math.max(this.#underWay, this.#life.below.bufferedAmount)
    return this.#unsent - this.#underWay + below
  }

  /** @throws As `ByteStream.write`. */
  write(data: string | Uint8Array): boolean {
    checkBytes('write', 'data', data)
    this.#checkOpen()
    const isText = typeof data === 'string'
    const bytes = isText ? Buffer.from(data) : data
    // Before it is encrypted, which makes it longer: what carries it has a limit, too.
    if (this.bufferedAmount + bytes.length > this.#life.pool.sendLimitBytes) {
      this.#life.overflow()
      return false
    }
    if (bytes.length >= DIRECT_BYTES_MIN) this.#flushNow()
    if (bytes.length >= DIRECT_BYTES_MIN && this.#isIdle) this.#send(bytes)
    else if (bytes.length > 0) this.#keep(isText ? (bytes as Buffer) : Buffer.from(bytes))
    return this.bufferedAmount < SEND_WARNING_BYTES
  }

  #checkOpen(): void {
    if (!this.#life.isOpen || this.#isEnding) throw closedBy(this.#life.id, this.#life.error)
  }

  #keep(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#unsent += bytes.length
    if (this.#isFlushing || this.#underWay > 0) return
    this.#isFlushing = true
    nextTick(this.#flush)
  }

  // --- the way out ---------------------------------------------------------------------------

  readonly #flush = (): void => {
    this.#isFlushing = false
    this.#flushNow()
  }

  #flushNow(): void {
    if (this.#underWay > 0 || this.#chunks.length === 0 || this.#isOver) return
    const piece = this.#nextPiece()
    this.#unsent -= piece.length
    this.#send(piece)
  }

  get #isIdle(): boolean {
    return this.#underWay === 0 && this.#chunks.length === 0
  }

  /** It is encrypted before this returns: whoever has written it may use the bytes again. */
  #send(bytes: Uint8Array): void {
    this.#underWay = bytes.length
    this.#unsent += bytes.length
    this.#engine.write(bytes, this.#wrote)
  }

  readonly #wrote = (): void => {
    if (this.#isOver) return
    this.#unsent -= this.#underWay
    this.#underWay = 0
    if (this.#unsent > 0) this.#flushNow()
    else this.#allLeft()
  }

  #nextPiece(): Buffer {
    const first = this.#chunks.shift()!
    if (this.#chunks.length === 0) return first
    const chunks = [first]
    let { length } = first
    for (let next = this.#chunks.peek(); next !== undefined; next = this.#chunks.peek()) {
      if (length + next.length > TLS_PIECE_BYTES) break
      chunks.push(next)
      length += next.length
      this.#chunks.shift()
    }
    return chunks.length === 1 ? first : Buffer.concat(chunks, length)
  }

  #allLeft(): void {
    for (const waiter of this.#drains ?? []) waiter.resolve()
    if (this.#isEnding) this.#engine.end()
  }

  // --- waiting, and the end ------------------------------------------------------------------

  /** Until the stream below has taken all. @throws As `ByteStream.drain`, but for options. */
  async emptied(options: WaitOptions): Promise<void> {
    this.#checkOpen()
    if (this.#unsent === 0) return
    const { pool } = this.#life
    this.#drains ??= new Set()
    const drains = this.#drains
    const about = this.#life.wait('drain')
    const waiter = new Waiter<void>(pool.service, about, options, (over) => drains.delete(over))
    if (!waiter.isOver) drains.add(waiter)
    await waiter.promise
  }

  /** The end follows behind all that was written. */
  end(): void {
    if (this.#isEnding) return
    this.#checkOpen()
    this.finish()
  }

  /** The same for who has closed already. */
  finish(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    if (this.#unsent === 0) this.#engine.end()
  }

  /** Who waits until all has left is told why not. */
  giveUp(): void {
    if (this.#drains === undefined || this.#drains.size === 0) return
    const { failure } = this.#life
    for (const waiter of this.#drains) waiter.reject(failure)
  }

  /** The same, and nothing more leaves. */
  stop(): void {
    this.#isOver = true
    this.#unsent = 0
    while (this.#chunks.shift() !== undefined);
    this.giveUp()
  }
}
