/**
 * What comes to a socket piece by piece, and who takes it: the connections of a listener, the
 * datagrams of a UDP socket. One taker waits at a time. When much was not taken the socket pauses;
 * it goes on at half.
 */
import { SkynetError } from '../base/errors.ts'
import { Queue } from '../base/queue.ts'
import { Waiter, type WaitFor } from '../service/wait.ts'
import { type WaitOptions, wrongWait } from '../service/wait-options.ts'
import type { SocketLife } from './socket-life.ts'

/** What it is to a kind of socket. One object for all sockets of a kind. */
export interface IntakeOf<T> {
  /** `accept`, as arguments are refused. */
  readonly verb: string
  /** What one piece counts. */
  cost(piece: T): number
  /** So much that is not taken pauses the socket. */
  limit(life: SocketLife): number
}

export class Intake<T> implements WaitFor {
  readonly #life: SocketLife
  readonly #of: IntakeOf<T>
  /** Made with the first piece that finds nobody who waits. */
  #pieces: Queue<T> | undefined
  /** What they cost together. */
  #cost = 0
  #taker: Waiter<T | null> | undefined
  #isPaused = false

  constructor(life: SocketLife, of: IntakeOf<T>) {
    this.#life = life
    this.#of = of
  }

  /** The next piece; null once the socket is closed. */
  take(options: WaitOptions | undefined): Promise<T | null> {
    const wrong = wrongWait(this.#of.verb, options)
    if (wrong !== undefined) return Promise.reject(wrong)
    const { id, error, stage, pool } = this.#life
    if (this.#taker !== undefined) return Promise.reject(new SkynetError('ERR_SOCKET_BUSY', { id }))
    const piece = this.#shift()
    if (piece !== undefined) {
      this.#resumeIfLow()
      return Promise.resolve(piece)
    }
    if (error !== undefined) return Promise.reject(error)
    if (stage === 'closed') return Promise.resolve(null)
    const waiter = new Waiter<T | null>(pool.service, this, options)
    if (!waiter.isOver) this.#taker = waiter
    return waiter.promise
  }

  push(piece: T): void {
    if (this.#taker !== undefined) {
      this.#taker.resolve(piece)
      return
    }
    this.#pieces ??= new Queue()
    this.#pieces.push(piece)
    this.#cost += this.#of.cost(piece)
    if (this.#isPaused || this.#cost < this.#of.limit(this.#life)) return
    this.#isPaused = true
    this.#life.order('pause')
  }

  #shift(): T | undefined {
    const piece = this.#pieces?.shift()
    if (piece !== undefined) this.#cost -= this.#of.cost(piece)
    return piece
  }

  #resumeIfLow(): void {
    if (!this.#isPaused || this.#cost > this.#of.limit(this.#life) / 2) return
    this.#isPaused = false
    this.#life.order('start')
  }

  /** Nothing more will come. What nobody has taken is handed to `drop`, if there is one. */
  end(drop?: (piece: T) => void): void {
    if (drop !== undefined)
      for (let at = this.#shift(); at !== undefined; at = this.#shift()) drop(at)
    const { error } = this.#life
    if (error === undefined) this.#taker?.resolve(null)
    else this.#taker?.reject(error)
  }

  // --- what its waits are for ------------------------------------------------------------------

  get kind(): 'socket' {
    return 'socket'
  }

  get what(): string {
    return this.#life.wait(`${this.#of.verb} from`).what
  }

  late(timeoutMs: number): Error {
    return this.#life.wait(`${this.#of.verb} from`).late(timeoutMs)
  }

  lastLook(then: () => void): void {
    this.#life.wait(`${this.#of.verb} from`).lastLook(then)
  }

  over(): void {
    this.#taker = undefined
  }
}
