/** A typed reference to a service of another node, as `ServiceRef` is one to a service of ours. */

import type { LuaValues } from '../codec/seri/lua-values.ts'
import type { Methods } from '../modules/definition.ts'
import type { CheckedArgs } from '../service/message-value.ts'
import { methodTable } from '../service/ref.ts'
import type { Response } from '../service/response.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { checkDeadline } from './node-calls.ts'
import type { Target } from './request-frames.ts'

type Fn = (...args: never[]) => unknown

/** Of several values the first one, as Lua has it for who asks for one. */
type First<V extends readonly unknown[]> = V extends readonly [infer F, ...unknown[]]
  ? F
  : V extends readonly []
    ? undefined
    : unknown
type Value<T> = T extends LuaValues<infer V> ? First<V> : T
type AnswerOf<R> = Awaited<R> extends Response<infer T> ? Value<T> : Value<Awaited<R>>

/** `ref.call.x(…)`: the first value of what method `x` of that node answers, as a promise. */
export type RemoteCalls<M> = {
  readonly [K in keyof M as M[K] extends Fn ? K : never]: M[K] extends (...args: infer A) => infer R
    ? (...args: CheckedArgs<A>) => Promise<AnswerOf<R>>
    : never
}

/** `ref.send.x(…)`: no answer, and nobody knows whether it comes. */
export type RemoteSends<M> = {
  readonly [K in keyof M as M[K] extends Fn ? K : never]: M[K] extends (...args: infer A) => unknown
    ? (...args: CheckedArgs<A>) => void
    : never
}

/** What a reference needs of the cluster. */
export interface RemoteCaller {
  /** Resolves with the first value. */
  call(values: readonly unknown[], options: WaitOptions | undefined): Promise<unknown>
  send(values: readonly unknown[]): void
}

/** Obtained from `cluster.ref`. It is of the service that has made it, and no part of messages. */
export class RemoteRef<M extends Methods = Methods> {
  readonly node: string
  readonly address: Target
  readonly #caller: RemoteCaller
  readonly #options: WaitOptions | undefined
  #call: RemoteCalls<M> | undefined
  #send: RemoteSends<M> | undefined

  /** @internal Made by `cluster.ref`. */
  constructor(caller: RemoteCaller, node: string, address: Target, options?: WaitOptions) {
    this.#caller = caller
    this.node = node
    this.address = address
    this.#options = options
  }

  /** Its methods. Each rejects as `cluster.call` does. */
  get call(): RemoteCalls<M> {
    this.#call ??= methodTable((values) =>
      this.#caller.call(values, this.#options),
    ) as RemoteCalls<M>
    return this.#call
  }

  /** The same methods without an answer. They and calls of one service come in order. */
  get send(): RemoteSends<M> {
    this.#send ??= methodTable((values) => this.#caller.send(values)) as RemoteSends<M>
    return this.#send
  }

  /** The same, giving up earlier, or later: see `cluster.with`. */
  with(options: WaitOptions): RemoteRef<M> {
    checkDeadline('call', options)
    return new RemoteRef<M>(this.#caller, this.node, this.address, options)
  }
}
