/** A service as it is seen from outside: by the program that started its node, or by a test. */
import { checkInteger, checkText } from '../base/check.ts'
import { formatHandle, isSkynetError, SkynetError } from '../base/errors.ts'
import type { Methods } from '../modules/definition.ts'
import { type BoundRef, type CallOf, methodTable, type SendOf } from './ref.ts'
import { checkWait, WaitLimits, type WaitOptions } from './wait-options.ts'

/**
 * The methods of a service as functions. One of a name is looked up at each call: it follows a
 * service that is launched again.
 */
export interface NodeRef<M extends Methods = Methods> extends BoundRef<M> {
  /** The name, or the handle as in logs: `:0000000a`. */
  readonly address: string
  /**
   * Each method returns a promise of the answer. It rejects as a call of a service does, with
   * `ERR_NAME_UNKNOWN` while nobody has the name, and `ERR_NODE_STOPPED` after the node.
   */
  readonly call: CallOf<M>
  /** Without an answer. False: it is known already that nobody gets it. */
  readonly send: SendOf<M>
  /** Calls that give up: `ERR_CALL_TIMEOUT` after `timeoutMs`, `ABORT_ERR` when `signal` aborts. */
  with(options: WaitOptions): BoundRef<M>
}

/** The name, or the handle as in logs. */
export const textOf = (to: number | string): string =>
  typeof to === 'number' ? formatHandle(to) : to

/** Why a call failed while the node stopped: whose end came first says nothing. */
export function orStopped(error: unknown, to: number | string, method: unknown): unknown {
  const isEnd = isSkynetError(error, 'ERR_SERVICE_EXITED') || isSkynetError(error, 'ERR_CALL_DEAD')
  return isEnd ? nodeStopped(to, method) : error
}

export const nodeStopped = (to: number | string, method: unknown): SkynetError =>
  new SkynetError('ERR_NODE_STOPPED', { to: textOf(to), method: String(method) })

/** What a reference needs of who holds it. `message` is `[method, ...args]`. */
export interface OutsideCaller {
  call(to: number | string, message: unknown[], limits: WaitOptions | undefined): Promise<unknown>
  send(to: number | string, message: unknown[]): boolean
}

/** @throws `TypeError`, `RangeError` unless it is a handle or a local name. */
export function checkTarget(what: string, address: number | string): number | string {
  if (typeof address === 'number') checkInteger(what, 'address', address, 1, 0xffffffff)
  else checkText(what, 'address', address)
  return address
}

export function nodeRef<M extends Methods>(caller: OutsideCaller, to: number | string): NodeRef<M> {
  const calls = (limits: WaitOptions | undefined): CallOf<M> =>
    methodTable((message) => caller.call(to, message, limits)) as CallOf<M>
  return {
    address: textOf(to),
    call: calls(undefined),
    send: methodTable((message) => caller.send(to, message)) as SendOf<M>,
    with(options) {
      checkWait('call', options)
      return { call: calls(new WaitLimits(options)) }
    },
  }
}
