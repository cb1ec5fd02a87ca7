/** A typed reference to another service: its methods as functions. */
import { inspect } from 'node:util'
import { formatHandle, SkynetError } from '../base/errors.ts'
import { METHODS_KEPT_MAX } from '../base/limits.ts'
import type { Methods } from '../modules/definition.ts'
import { ServiceId } from '../wire/service-id.ts'
import type { Call, CheckedArgs } from './message-value.ts'
import type { Response } from './response.ts'
import { checkWait, WaitLimits, type WaitOptions } from './wait-options.ts'

type Fn = (...args: never[]) => unknown
/** What a caller gets of a method that returns `R`, or that answers later. */
type AnswerOf<R> = Awaited<R> extends Response<infer T> ? T : Awaited<R>

/** `ref.call.x(…)`: what method `x` returns, as a promise. */
export type CallOf<M> = {
  readonly [K in keyof M as M[K] extends Fn ? K : never]: M[K] extends (...args: infer A) => infer R
    ? Call<A, AnswerOf<R>>
    : never
}
/** `ref.send.x(…)`: no answer. False: there is no such service, nothing was sent. */
export type SendOf<M> = {
  readonly [K in keyof M as M[K] extends Fn ? K : never]: M[K] extends (...args: infer A) => unknown
    ? (...args: CheckedArgs<A>) => boolean
    : never
}

/** What a reference needs of the service that holds it. */
export interface Caller {
  readonly runtime: {
    /** 0: no service has that name now. */
    handleOf(name: string): number
    readonly handles: { textOf(handle: number): string }
  }
  callMethod(to: number, message: unknown[], options: WaitOptions | undefined): Promise<unknown>
  sendMethod(to: number, message: unknown[]): boolean
}

/** Calls with the same deadline and signal. Made by `ref.with`. */
export interface BoundRef<M extends Methods> {
  readonly call: CallOf<M>
}

/**
 * Of a service by its handle, or of whoever has a local name at each call (`skynet.named`). It may
 * be part of a message, and calls for the service that got it then.
 */
export class ServiceRef<M extends Methods = Methods> extends ServiceId implements BoundRef<M> {
  readonly #caller: Caller
  #call: CallOf<M> | undefined
  #send: SendOf<M> | undefined

  /** @param target Handle or local name. */
  constructor(caller: Caller, target: number | string) {
    super(target)
    this.#caller = caller
  }

  /**
   * The handle; of a name, that of the service that has it now.
   *
   * @throws {SkynetError} `ERR_NAME_UNKNOWN` when none has it.
   */
  get handle(): number {
    const { target } = this
    if (typeof target === 'number') return target
    const handle = this.#caller.runtime.handleOf(target)
    if (handle === 0) throw nameUnknown(target)
    return handle
  }

  /** `:0000000a`, as in logs; of a name, the name. */
  get address(): string {
    const { target } = this
    return typeof target === 'number' ? formatHandle(target) : target
  }

  /**
   * The methods of the service, each a function that returns a promise of the answer. It rejects
   * with the error that the method threw, or `ERR_CALL_DEAD`, `ERR_METHOD_UNKNOWN`,
   * `ERR_MESSAGE_UNSUPPORTED`; of a name, `ERR_NAME_UNKNOWN`. Without `with`, it waits as long as
   * the config's `callTimeoutMs`.
   */
  get call(): CallOf<M> {
    this.#call ??= this.#calls(undefined)
    return this.#call
  }

  /**
   * The same methods, without an answer. Sends and calls to one service arrive in order. Returns
   * false when the service is gone; true says that it was sent, not that it will be handled.
   */
  get send(): SendOf<M> {
    this.#send ??= this.#sends()
    return this.#send
  }

  /** Calls that give up: `ERR_CALL_TIMEOUT` after `timeoutMs`, `ABORT_ERR` when `signal` aborts. */
  with(options: WaitOptions): BoundRef<M> {
    checkWait('call', options)
    // Checked here, and not again by each call.
    return { call: this.#calls(new WaitLimits(options)) }
  }

  #calls(limits: WaitOptions | undefined): CallOf<M> {
    const { target } = this
    const caller = this.#caller
    if (typeof target === 'number') {
      return methodTable((message) => caller.callMethod(target, message, limits)) as CallOf<M>
    }
    return methodTable((message) => {
      const handle = caller.runtime.handleOf(target)
      if (handle === 0) return Promise.reject(nameUnknown(target))
      return caller.callMethod(handle, message, limits)
    }) as CallOf<M>
  }

  #sends(): SendOf<M> {
    const { target } = this
    const caller = this.#caller
    if (typeof target === 'number') {
      return methodTable((message) => caller.sendMethod(target, message)) as SendOf<M>
    }
    return methodTable((message) => {
      const handle = caller.runtime.handleOf(target)
      return handle !== 0 && caller.sendMethod(handle, message)
    }) as SendOf<M>
  }

  /** As `address`; of a service of another node `b:0000000a`, as it is called there. */
  override toString(): string {
    const { target } = this
    return typeof target === 'number' ? this.#caller.runtime.handles.textOf(target) : target
  }

  /** @internal In logs: `ServiceRef b:0000000a`. What only has the prototype is shown as it is. */
  [inspect.custom](): unknown {
    return ServiceId.is(this) ? `ServiceRef ${this.toString()}` : this
  }
}

const nameUnknown = (name: string): Error => new SkynetError('ERR_NAME_UNKNOWN', { name })

/**
 * An object that has every method: the first use of a name goes to the proxy behind it, which adds
 * the function; from then on it is an ordinary property, without the cost of a proxy. Who asks by a
 * name that a client has sent asks for ever others: beyond so many a function is made for each use.
 */
export function methodTable(invoke: (message: unknown[]) => unknown): object {
  let kept = 0
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
      if (kept < METHODS_KEPT_MAX) {
        kept++
        Object.defineProperty(table, name, { value: method })
      }
      return method
    },
  })
  return Object.create(maker) as object
}
