/** A typed reference to another service: its methods as functions. */
import { formatHandle } from '../base/errors.ts'
import type { Methods } from '../modules/definition.ts'
import type { Response } from './response.ts'
import { checkWait, WaitLimits, type WaitOptions } from './wait-options.ts'

type Fn = (...args: never[]) => unknown
/** What a caller gets of a method that returns `R`, or that answers later. */
type AnswerOf<R> = Awaited<R> extends Response<infer T> ? T : Awaited<R>

/** `ref.call.x(…)`: what method `x` returns, as a promise. */
export type CallOf<M> = {
  readonly [K in keyof M as M[K] extends Fn ? K : never]: M[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<AnswerOf<R>>
    : never
}
/** `ref.send.x(…)`: no answer. False: there is no such service, nothing was sent. */
export type SendOf<M> = {
  readonly [K in keyof M as M[K] extends Fn ? K : never]: M[K] extends (...args: infer A) => unknown
    ? (...args: A) => boolean
    : never
}

/** What a reference needs of the service that holds it. */
export interface Caller {
  callMethod(to: number, message: unknown[], options: WaitOptions | undefined): Promise<unknown>
  sendMethod(to: number, message: unknown[]): boolean
}

/** Calls with the same deadline and signal. Made by `ref.with`. */
export interface BoundRef<M extends Methods> {
  readonly call: CallOf<M>
}

export class ServiceRef<M extends Methods = Methods> implements BoundRef<M> {
  /** The handle, which may be sent to other services: see `skynet.ref`. */
  readonly handle: number
  readonly #caller: Caller
  #call: CallOf<M> | undefined
  #send: SendOf<M> | undefined

  constructor(caller: Caller, handle: number) {
    this.#caller = caller
    this.handle = handle
  }

  /** `:0000000a`, as in logs. */
  get address(): string {
    return formatHandle(this.handle)
  }

  /**
   * The methods of the service, each a function that returns a promise of the answer. It rejects
   * with the error that the method threw, or `ERR_CALL_DEAD`, `ERR_METHOD_UNKNOWN`,
   * `ERR_MESSAGE_UNSUPPORTED`. Without `with`, it waits as long as the config's `callTimeoutMs`.
   */
  get call(): CallOf<M> {
    if (this.#call === undefined) {
      const { handle } = this
      const caller = this.#caller
      this.#call = methodTable((message) =>
        caller.callMethod(handle, message, undefined),
      ) as CallOf<M>
    }
    return this.#call
  }

  /**
   * The same methods, without an answer. Sends and calls to one service arrive in order. Returns
   * false when the service is gone; true says that it was sent, not that it will be handled.
   */
  get send(): SendOf<M> {
    if (this.#send === undefined) {
      const { handle } = this
      const caller = this.#caller
      this.#send = methodTable((message) => caller.sendMethod(handle, message)) as SendOf<M>
    }
    return this.#send
  }

  /** Calls that give up: `ERR_CALL_TIMEOUT` after `timeoutMs`, `ABORT_ERR` when `signal` aborts. */
  with(options: WaitOptions): BoundRef<M> {
    checkWait('call', options)
    const { handle } = this
    const caller = this.#caller
    // Checked here, and not again by each call.
    const limits = new WaitLimits(options)
    const call = methodTable((message) => caller.callMethod(handle, message, limits))
    return { call: call as CallOf<M> }
  }

  toString(): string {
    return this.address
  }
}

/**
 * An object that has every method: the first use of a name goes to the proxy behind it, which adds
 * the function; from then on it is an ordinary property, without the cost of a proxy.
 */
function methodTable(invoke: (message: unknown[]) => unknown): object {
  const maker = new Proxy(Object.create(null) as object, {
    get(_target, name, table) {
      // Asked by `await` and by printing; no service may have a method of that name.
      if (typeof name !== 'string' || name === 'then') return undefined
      // The short ones spelled out: then no array is made but the message itself.
      const method = (...args: unknown[]): unknown => {
        if (args.length === 1) return invoke([name, args[0]])
        if (args.length === 2) return invoke([name, args[0], args[1]])
        return invoke([name, ...args])
      }
      Object.defineProperty(table, name, { value: method })
      return method
    },
  })
  return Object.create(maker) as object
}
