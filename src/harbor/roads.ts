/**
 * The ways to other harbors, without their sockets: what is sent to one that is not connected yet
 * waits, so much and so long and no more. Skynet lets it wait for ever, without a limit.
 */
import { SkynetError } from '../base/errors.ts'
import { Queue } from '../base/queue.ts'
import type { OpenCall } from './open-calls.ts'
import type { HarborState } from './slave.ts'

/** A frame, and the call that is in it, if it is one. */
export interface HarborParcel {
  readonly frame: Buffer
  readonly call: OpenCall | undefined
  /** Somebody of the other harbor waits for it. */
  readonly isAnswer: boolean
}

export interface RoadsOptions {
  /** Bytes that may wait: for one harbor that is connected, for all that are not. */
  readonly queueBytes: number
  /** How long something may wait for a harbor to connect, in milliseconds. */
  readonly waitMs: number
}

/** What roads need of who has the connections. */
export interface RoadsHost {
  now(): number
  stateOf(harbor: number): HarborState
  /** Bytes that were written to that harbor, which is up, and have not left. */
  bufferedAmount(harbor: number): number
  write(harbor: number, parcel: HarborParcel): void
  /** It had to wait, and will not be sent. */
  dropped(harbor: number, parcel: HarborParcel, error: SkynetError): void
}

interface Waiting {
  readonly parcel: HarborParcel
  readonly until: number
}

/** What a frame that waits takes besides its bytes. */
const OVERHEAD_BYTES = 128
/** An answer without a value: size, kind and session of a frame. */
const WORD_BYTES = 16
const costOf = ({ frame }: HarborParcel): number => frame.length + OVERHEAD_BYTES

export class Roads {
  readonly #host: RoadsHost
  readonly #options: RoadsOptions
  readonly #waiting = new Map<number, Queue<Waiting>>()
  #waitingBytes = 0
  readonly #reasons = new Map<number, string>()

  constructor(host: RoadsHost, options: RoadsOptions) {
    this.#host = host
    this.#options = options
  }

  /** Bytes that wait for harbors that are not connected. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Send it, or let it wait. What is returned: it is not sent. */
  transmit(harbor: number, parcel: HarborParcel): SkynetError | undefined {
    const host = this.#host
    const state = host.stateOf(harbor)
    if (state === 'down') return this.#isDown(harbor, 'no')
    const { queueBytes: limit, waitMs } = this.#options
    const isUp = state === 'up'
    const bytes = isUp ? host.bufferedAmount(harbor) : this.#waitingBytes
    // One that is longer than that finds room when nothing else waits. The word that an answer
    // found none always has it: there are no more of them than open requests.
    const isWord = parcel.isAnswer && parcel.frame.length <= WORD_BYTES
    if (bytes > 0 && bytes + costOf(parcel) > limit && !isWord) {
      return new SkynetError('ERR_HARBOR_FULL', { harbor, bytes, limit, sent: 'no' })
    }
    if (isUp) this.#write(harbor, parcel)
    else this.#keep(harbor, { parcel, until: host.now() + waitMs })
    return undefined
  }

  #write(harbor: number, parcel: HarborParcel): void {
    if (parcel.call !== undefined) parcel.call.hasLeft = true
    this.#host.write(harbor, parcel)
  }

  #keep(harbor: number, waiting: Waiting): void {
    let queue = this.#waiting.get(harbor)
    if (queue === undefined) {
      queue = new Queue()
      this.#waiting.set(harbor, queue)
    }
    queue.push(waiting)
    this.#waitingBytes += costOf(waiting.parcel)
  }

  /** Why nothing can be sent to a harbor that is down. `sent`: of a call that waits for it. */
  #isDown(harbor: number, sent: 'no' | 'maybe'): SkynetError<'ERR_HARBOR_LOST'> {
    const reason = this.#reasons.get(harbor) ?? 'it is down'
    return new SkynetError('ERR_HARBOR_LOST', { harbor, reason, sent })
  }

  /** Why that harbor is down. */
  downError(harbor: number): SkynetError<'ERR_HARBOR_LOST'> {
    return this.#isDown(harbor, 'no')
  }

  /** The error of a call that was sent to that harbor, which has gone down. */
  lossOf(harbor: number, { hasLeft }: OpenCall): SkynetError<'ERR_HARBOR_LOST'> {
    return this.#isDown(harbor, hasLeft ? 'maybe' : 'no')
  }

  /** It is connected: what waits for it leaves, also when that is more than `queueBytes`. */
  up(harbor: number): void {
    for (const { parcel } of this.#taken(harbor)) this.#write(harbor, parcel)
  }

  down(harbor: number, reason: string): void {
    this.#reasons.set(harbor, reason)
    for (const { parcel } of this.#taken(harbor)) {
      this.#host.dropped(harbor, parcel, this.#isDown(harbor, 'no'))
    }
  }

  *#taken(harbor: number): Iterable<Waiting> {
    const queue = this.#waiting.get(harbor)
    if (queue === undefined) return
    this.#waiting.delete(harbor)
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      this.#waitingBytes -= costOf(next.parcel)
      yield next
    }
  }

  /** Drop what has waited too long. */
  tick(): void {
    const now = this.#host.now()
    const { waitMs } = this.#options
    for (const [harbor, queue] of this.#waiting) {
      const reason = `it has not connected within ${waitMs} ms`
      for (let first = queue.peek(); first !== undefined && first.until <= now; ) {
        queue.shift()
        this.#waitingBytes -= costOf(first.parcel)
        const error = new SkynetError('ERR_HARBOR_LOST', { harbor, reason, sent: 'no' })
        this.#host.dropped(harbor, first.parcel, error)
        first = queue.peek()
      }
      if (queue.length === 0) this.#waiting.delete(harbor)
    }
  }
}
