/**
 * Calls of the program that started the node: they go to a worker, and on from there as those of a
 * service (program-desk.ts). Of the main thread.
 */
import { type Abortable, leaveAbort, watchAbort } from '../../base/abort.ts'
import { abortError, SkynetError } from '../../base/errors.ts'
import { clearTimeout, setTimeout } from '../../base/event-loop.ts'
import {
  NO_NAMES,
  NodeRef,
  nodeStopped,
  type OutsideCaller,
  orStopped,
  textOf,
} from '../../service/node-ref.ts'
import { asArgument } from '../../service/sendable.ts'
import type { WaitOptions } from '../../service/wait-options.ts'
import { Packer } from '../../wire/pack.ts'
import type { Binder } from '../../wire/service-id.ts'
import { unpack } from '../../wire/unpack.ts'
import type { Control, Report } from '../protocol.ts'

type Answer = Report & { kind: 'answered' }

/** A worker that has begun to work. */
export interface Desk {
  readonly name: string
  /** Resolves when it is over. */
  readonly ended: Promise<void>
  tell(control: Control): void
}

export interface ProgramHost {
  readonly isEnding: () => boolean
  /** Which worker makes them; undefined: there is none at the moment. */
  readonly desk: () => Desk | undefined
  /** Does such a service live? */
  readonly isAlive: (handle: number) => boolean
}

/** The longest delay of a timer of Node.js. The worker, too, knows how long a call may take. */
const DELAY_MS_MAX = 0x7fffffff

export class ProgramCalls implements OutsideCaller, Binder {
  readonly runtime = NO_NAMES
  readonly #host: ProgramHost
  readonly #packer = new Packer()
  readonly #open = new Map<number, OpenCall>()
  /** Workers whose end is watched. */
  readonly #desks = new WeakSet<Desk>()
  #lastToken = 0

  constructor(host: ProgramHost) {
    this.#host = host
  }

  /** How many wait for an answer. */
  get open(): number {
    return this.#open.size
  }

  async callMethod(
    to: number | string,
    message: unknown[],
    limits: WaitOptions = {},
  ): Promise<unknown> {
    const packed = this.#pack(message)
    const { signal, timeoutMs } = limits
    if (signal?.aborted) throw abortError(signal)
    const what = { to, method: String(message[0]) }
    const desk = this.#desk()
    if (desk === undefined) throw this.#lost(what, 'no worker')
    const token = ++this.#lastToken
    return new Promise((resolve, reject) => {
      const call = new OpenCall(desk, what, limits, { resolve, reject }, (isGivenUp) => {
        this.#open.delete(token)
        if (isGivenUp) desk.tell({ kind: 'giveUp', token })
      })
      this.#open.set(token, call)
      desk.tell({ kind: 'ask', token, to, message: packed, timeoutMs })
    })
  }

  sendMethod(to: number | string, message: unknown[]): boolean {
    const packed = this.#pack(message)
    if (typeof to === 'number' && !this.#host.isAlive(to)) return false
    const desk = this.#desk()
    desk?.tell({ kind: 'ask', token: 0, to, message: packed, timeoutMs: undefined })
    return desk !== undefined
  }

  /** A reference in an answer. */
  bind(target: number | string): NodeRef {
    return new NodeRef(this, target)
  }

  /** A worker has answered. */
  heard({ token, isGood, value }: Answer): void {
    const call = this.#open.get(token)
    // It came too late.
    if (call === undefined) return
    const bytes = Buffer.from(value)
    const answer = unpack(bytes, 0, bytes.length, this)
    const { to, method } = call.what
    if (isGood) call.resolve(answer)
    else call.reject(this.#host.isEnding() ? orStopped(answer, to, method) : answer)
  }

  /** @throws {SkynetError} What cannot be sent. */
  #pack(message: unknown[]): Uint8Array {
    try {
      const size = this.#packer.pack(message, 'args')
      return Uint8Array.from(this.#packer.bytes.subarray(0, size))
    } catch (error) {
      throw asArgument(error)
    }
  }

  #desk(): Desk | undefined {
    const desk = this.#host.isEnding() ? undefined : this.#host.desk()
    if (desk === undefined || this.#desks.has(desk)) return desk
    this.#desks.add(desk)
    void desk.ended.then(() => {
      for (const call of [...this.#open.values()]) {
        if (call.desk === desk) call.reject(this.#lost(call.what, desk.name))
      }
    })
    return desk
  }

  #lost({ to, method }: What, thread: string): SkynetError {
    if (this.#host.isEnding()) return nodeStopped(to, method)
    const reason = `it was to call ${method} of ${textOf(to)}`
    return new SkynetError('ERR_THREAD_DIED', { thread, reason })
  }
}

interface What {
  readonly to: number | string
  readonly method: string
}

interface Settle {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** One that is not answered. It ends once, and is told so whatever holds the worker. */
class OpenCall implements Abortable {
  readonly desk: Desk
  readonly what: What
  readonly #settle: Settle
  readonly #signal: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #over: (isGivenUp: boolean) => void

  constructor(
    desk: Desk,
    what: What,
    { timeoutMs = 0, signal }: WaitOptions,
    settle: Settle,
    over: (isGivenUp: boolean) => void,
  ) {
    this.desk = desk
    this.what = what
    this.#settle = settle
    this.#signal = signal
    this.#over = over
    if (signal !== undefined) watchAbort(signal, this)
    if (timeoutMs === 0 || timeoutMs > DELAY_MS_MAX) return
    this.#timer = setTimeout(() => {
      this.#end(true)
      const info = { to: textOf(what.to), method: what.method, timeoutMs }
      settle.reject(new SkynetError('ERR_CALL_TIMEOUT', info))
    }, timeoutMs)
  }

  resolve(value: unknown): void {
    this.#end(false)
    this.#settle.resolve(value)
  }

  reject(error: unknown): void {
    this.#end(false)
    this.#settle.reject(error)
  }

  aborted(signal: AbortSignal): void {
    this.#end(true)
    this.#settle.reject(abortError(signal))
  }

  #end(isGivenUp: boolean): void {
    clearTimeout(this.#timer)
    if (this.#signal !== undefined) leaveAbort(this.#signal, this)
    this.#over(isGivenUp)
  }
}
