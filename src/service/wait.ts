/** A promise that somebody waits for in a service, and all the ways in which it can end. */
import { type Abortable, leaveAbort, watchAbort } from '../base/abort.ts'
import { abortError, SkynetError } from '../base/errors.ts'
import { ListNode } from '../base/list.ts'
import { partMs } from '../base/parts.ts'
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import type { TaskKind, TaskOrigin, Tracer } from './tasks.ts'
import { WaitLimits, type WaitOptions, wrongWait } from './wait-options.ts'

/** What a wait is for: as `tasks` lists it, and as it ends when it takes too long. */
export interface WaitFor {
  readonly kind: TaskKind
  readonly what: string
  /** Absent: `ERR_WAIT_TIMEOUT`. */
  late?(timeoutMs: number): Error
  /** Run `then` when all has come that had happened by now, beyond this worker's own mail. */
  lastLook?(then: () => void): void
  /** A wait for it has ended, however it did. */
  over?(): void
}

/** Has the socket thread look at a socket; what that finds comes before `then` is run. */
export interface Looker {
  look(id: number, then: () => void): void
}

/** A wait for something of a socket. */
export class SocketWait implements WaitFor {
  readonly kind = 'socket'
  readonly #verb: string
  readonly #id: number
  readonly #looker: Looker | undefined

  /**
   * @param verb What stands before `socket 70000`: `read from`.
   * @param looker None: the socket thread has nothing to tell.
   */
  constructor(verb: string, id: number, looker?: Looker) {
    this.#verb = verb
    this.#id = id
    this.#looker = looker
  }

  /** What it waits for may lie in the kernel: the process was stopped, or the thread held. */
  lastLook(then: () => void): void {
    if (this.#looker === undefined) then()
    else this.#looker.look(this.#id, then)
  }

  get what(): string {
    return `${this.#verb} socket ${this.#id}`
  }

  late(timeoutMs: number): Error {
    return new SkynetError('ERR_SOCKET_TIMEOUT', { id: this.#id, what: this.#verb, timeoutMs })
  }
}

/** What a waiter needs of its service. */
export interface WaitHost {
  /** Nobody will end its waits any more. */
  readonly hasEnded: boolean
  /** What its waits reject with then. */
  exited(): Error
  addWaiter(waiter: ListNode & { reject(error: unknown): void }): void
  removeWaiter(waiter: ListNode & { reject(error: unknown): void }): void
  addTimer(ms: number, owner: TimerOwner, task?: unknown): number
  cancelTimers(owner: TimerOwner): void
  /** Run `then` behind all mail that has come by now. */
  afterMail(then: () => void): void
  /** Notes where waits begin; undefined: nobody asked for that. */
  readonly tracer?: Tracer | undefined
}

/**
 * Ends exactly once: with a value, an error, the timeout, the signal, or the end of its service. A
 * wait that a service begins after its end rejects at once. `onEnd` runs then, whatever it was, and
 * gets the waiter, which may end while it is made.
 */
export class Waiter<T> extends ListNode implements TimerOwner, Abortable {
  readonly promise: Promise<T>
  firstTimer = NO_TIMER
  /** Number in the list of tasks; 0 until it is listed. */
  id = 0
  readonly origin: TaskOrigin | undefined
  readonly about: WaitFor
  readonly #host: WaitHost
  #resolve!: (value: T | PromiseLike<T>) => void
  /** Undefined: it is over. */
  #reject: ((error: unknown) => void) | undefined
  #signal: AbortSignal | undefined
  #onEnd: ((over: Waiter<T>) => void) | undefined
  /** Of the limit, what follows the part that is under way. */
  #leftMs = 0

  constructor(
    host: WaitHost,
    about: WaitFor,
    options: WaitOptions | undefined,
    onEnd?: (over: Waiter<T>) => void,
  ) {
    super()
    this.#host = host
    this.about = about
    this.#onEnd = onEnd
    this.origin = host.tracer?.origin()
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // The stack ended in there: the promise has rejected with that already.
    if (this.isOver) return
    host.addWaiter(this)
    if (host.hasEnded) this.reject(host.exited())
    else if (options !== undefined) this.#limit(options)
  }

  get isOver(): boolean {
    return this.#reject === undefined
  }

  resolve(value: T): void {
    if (this.isOver) return
    this.#resolve(value)
    this.#end()
  }

  reject(error: unknown): void {
    if (this.#reject === undefined) return
    this.#reject(error)
    this.#end()
  }

  /**
   * Called by the wheel, with the limit of which a part has passed; or without: it was to last so
   * long.
   */
  timerFired(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) this.resolve(undefined as T)
    else if (this.#leftMs > 0) this.#nextPart(timeoutMs)
    // A thread that was held, or a process that was stopped, finds its timers due before it looks
    // at its mail, in which there may be what this waits for.
    else this.#host.afterMail(() => this.#lookOnce(timeoutMs))
  }

  #nextPart(timeoutMs: number): void {
    const ms = partMs(this.#leftMs)
    this.#leftMs -= ms
    this.#host.addTimer(ms, this, timeoutMs)
  }

  #lookOnce(timeoutMs: number): void {
    const { about } = this
    if (this.isOver) return
    if (about.lastLook === undefined) this.#tookTooLong(timeoutMs)
    else about.lastLook(() => this.#tookTooLong(timeoutMs))
  }

  #tookTooLong(timeoutMs: number): void {
    if (!this.isOver) this.reject(this.#late(timeoutMs))
  }

  #late(timeoutMs: number): Error {
    const { about } = this
    if (about.late !== undefined) return about.late(timeoutMs)
    const { kind, what } = about
    return new SkynetError('ERR_WAIT_TIMEOUT', { kind, what, timeoutMs })
  }

  /** Called by `watchAbort`. */
  aborted(signal: AbortSignal): void {
    this.reject(abortError(signal))
  }

  #limit(options: WaitOptions): void {
    const wrong = wrongWait('wait', options)
    if (wrong !== undefined) {
      this.reject(wrong)
      return
    }
    const { timeoutMs, signal } = options
    if (signal !== undefined) {
      if (signal.aborted) {
        this.aborted(signal)
        return
      }
      this.#signal = signal
      watchAbort(signal, this)
    }
    if (timeoutMs === undefined || timeoutMs === 0) return
    const askedMs = WaitLimits.is(options) ? options.askedMs : timeoutMs
    this.#leftMs = timeoutMs
    this.#nextPart(askedMs ?? timeoutMs)
  }

  /**
   * The stack may end at each call in here: whatever was not done is done when the waiter is told
   * again, and the end of its service tells all that are in its list.
   */
  #end(): void {
    if (this.firstTimer !== NO_TIMER) this.#host.cancelTimers(this)
    if (this.#signal !== undefined) leaveAbort(this.#signal, this)
    this.about.over?.()
    this.#onEnd?.(this)
    this.#host.removeWaiter(this)
    this.#reject = undefined
  }
}

/** Who waits along with others, by the promise that they wait for, until that is settled. */
const along = new WeakMap<Promise<unknown>, Set<Waiter<unknown>>>()

/**
 * Wait for what others wait for too, but no longer than this caller asked for. The promise has one
 * reaction for all of them: it would keep one of each, also of those that have given up.
 */
export function waitAlong<T>(
  host: WaitHost,
  about: WaitFor,
  options: WaitOptions | undefined,
  promise: Promise<T>,
): Promise<T> {
  if (options === undefined) return promise
  const waiting = along.get(promise) ?? gather(promise)
  const waiter = new Waiter<unknown>(host, about, options, (over) => waiting.delete(over))
  if (!waiter.isOver) waiting.add(waiter)
  return waiter.promise as Promise<T>
}

function gather(promise: Promise<unknown>): Set<Waiter<unknown>> {
  const waiting = new Set<Waiter<unknown>>()
  along.set(promise, waiting)
  const settle = (end: (waiter: Waiter<unknown>) => void): void => {
    // Who comes from now on is told by a reaction of its own.
    along.delete(promise)
    for (const waiter of waiting) end(waiter)
  }
  promise.then(
    (value) => settle((waiter) => waiter.resolve(value)),
    (error: unknown) => settle((waiter) => waiter.reject(error)),
  )
  return waiting
}
