/** References of who is no service: of the program that started a node, or of a test. */
import { checkInteger, checkText } from '../base/check.ts'
import { formatHandle, isSkynetError, SkynetError } from '../base/errors.ts'
import type { Methods } from '../modules/definition.ts'
import {
  type BoundRef,
  type Caller,
  type CallOf,
  methodTable,
  type SendOf,
  ServiceRef,
} from './ref.ts'
import { checkWait, WaitLimits, type WaitOptions } from './wait-options.ts'

type Target = number | string

/** What calls for them. Names are looked up where the call goes on, each time. */
export interface OutsideCaller extends Caller {
  callMethod(to: Target, message: unknown[], limits: WaitOptions | undefined): Promise<unknown>
  sendMethod(to: Target, message: unknown[]): boolean
}

/** Which service has a name, or is of another node, is known inside of the node alone. */
export const NO_NAMES: Caller['runtime'] = {
  handleOf(name) {
    throw new TypeError(`Cannot tell the handle of ${name}: outside of the node it is not known`)
  },
  handles: { textOf: formatHandle },
}

export class NodeRef<M extends Methods = Methods> extends ServiceRef<M> {
  readonly #caller: OutsideCaller
  #call: CallOf<M> | undefined
  #send: SendOf<M> | undefined

  constructor(caller: OutsideCaller, target: Target) {
    super(caller, target)
    this.#caller = caller
  }

  override get call(): CallOf<M> {
    this.#call ??= this.#calls(undefined)
    return this.#call
  }

  override get send(): SendOf<M> {
    const { target } = this
    this.#send ??= methodTable((message) => this.#caller.sendMethod(target, message)) as SendOf<M>
    return this.#send
  }

  override with(options: WaitOptions): BoundRef<M> {
    checkWait('call', options)
    return { call: this.#calls(new WaitLimits(options)) }
  }

  #calls(limits: WaitOptions | undefined): CallOf<M> {
    const { target } = this
    return methodTable((message) => this.#caller.callMethod(target, message, limits)) as CallOf<M>
  }
}

/** The name, or the handle as in logs. */
export const textOf = (to: Target): string => (typeof to === 'number' ? formatHandle(to) : to)

/** Why a call failed while the node stopped: whose end came first says nothing. */
export function orStopped(error: unknown, to: Target, method: unknown): unknown {
  const isEnd = isSkynetError(error, 'ERR_SERVICE_EXITED') || isSkynetError(error, 'ERR_CALL_DEAD')
  return isEnd ? nodeStopped(to, method) : error
}

export const nodeStopped = (to: Target, method: unknown): SkynetError =>
  new SkynetError('ERR_NODE_STOPPED', { to: textOf(to), method: String(method) })

/** @throws `TypeError`, `RangeError` unless it is a handle or a local name. */
export function checkTarget(what: string, address: Target): Target {
  if (typeof address === 'number') checkInteger(what, 'address', address, 1, 0xffffffff)
  else checkText(what, 'address', address)
  return address
}
