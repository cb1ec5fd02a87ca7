/** The services of this node, as agents of other nodes find and call them. */

import type { RequestTraits } from '../service/calls.ts'
import type { ServiceRuntime } from '../service/service.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { AgentHost, AgentLimits } from './agent.ts'
import { TEXT } from './answer-frames.ts'
import type { RegisteredNames } from './registered-names.ts'
import type { Target } from './request-frames.ts'
import type { SayOften } from './sayings.ts'

/** The service that calls in the name of other nodes. */
export interface CallingService {
  readonly handle: number
  readonly runtime: Pick<ServiceRuntime, 'router' | 'handles' | 'handleOf'>
  callMethod(to: number, message: unknown[], options?: WaitOptions): Promise<unknown>
  sendMethod(to: number, message: unknown[]): boolean
  request(
    method: string,
    to: number,
    options: WaitOptions | undefined,
    send: (session: number) => boolean,
    more?: RequestTraits,
  ): Promise<unknown>
}

export class LocalServices implements AgentHost {
  readonly limits: AgentLimits
  readonly calls = { count: 0 }
  readonly say: SayOften
  readonly #service: CallingService
  readonly #names: RegisteredNames
  readonly #isNeeded: (handle: number) => boolean

  /** @param isNeeded Is that a service of the node itself, which others may not call? */
  constructor(
    service: CallingService,
    names: RegisteredNames,
    limits: AgentLimits,
    isNeeded: (handle: number) => boolean,
    say: SayOften,
  ) {
    this.#service = service
    this.#names = names
    this.#isNeeded = isNeeded
    this.limits = limits
    this.say = say
  }

  named(name: string): number | undefined {
    return this.#names.get(name)
  }

  methodAt(handle: number, id: unknown): string | undefined {
    return this.#names.methodAt(handle, id)
  }

  /** `.service` of Skynet knows snax services; ours has other methods, for this node alone. */
  answerOf(target: Target, [method, kind, name]: readonly unknown[]): unknown[] | undefined {
    if (target !== '.service' || method !== 'QUERY' || kind !== 'snaxd') return undefined
    const handle = this.#names.snaxHandle(name)
    return handle === undefined ? undefined : [handle]
  }

  find(target: Target): number | string {
    const { runtime, handle } = this.#service
    const found = this.#handleOf(target)
    if (found === undefined) return TEXT.NAME
    if (runtime.handles.workerOf(found) < 0) return TEXT.DEAD
    if (found === handle || this.#isNeeded(found)) return `${TEXT.DEAD}: it is of the node itself`
    return found
  }

  call(
    handle: number,
    message: unknown[],
    limits: WaitOptions,
    trace: string | undefined,
  ): Promise<unknown> {
    const service = this.#service
    if (trace === undefined) return service.callMethod(handle, message, limits)
    // As a message of a trace travels between services: see src/service/trace.ts.
    const send = (session: number): boolean => {
      const traced = [trace, PTYPE.LUA, message]
      return service.runtime.router.send(PTYPE.TRACE, handle, service.handle, session, traced)
    }
    return service.request(message[0] as string, handle, limits, send)
  }

  send(handle: number, message: unknown[]): void {
    if (!this.#service.sendMethod(handle, message)) this.say('push', TEXT.DEAD)
  }

  /** Undefined: nobody has that name, and nobody could. */
  #handleOf(target: Target): number | undefined {
    if (typeof target === 'number') return target
    const sign = target[0]
    if (sign === '@') return this.#names.get(target.slice(1))
    return sign === '.' || sign === ':' ? this.#service.runtime.handleOf(target) : undefined
  }
}
