/** What agents order of their gate. */
import { isA, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { queueMicrotask } from '../base/event-loop.ts'
import type { ServiceRef } from '../service/ref.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { AgentLine } from './agent-lines.ts'
import type { ToGate, ToldFailure } from './agent-messages.ts'
import { ClientFault } from './client-fault.ts'
import type { GateDesk } from './gate-desk.ts'
import type { GateSession } from './gate-session.ts'

type Name = keyof ToGate
type Line = AgentLine<GateSession>

export class GateOrders {
  readonly #skynet: Skynet
  readonly #desk: GateDesk

  constructor(skynet: Skynet, desk: GateDesk) {
    this.#skynet = skynet
    this.#desk = desk
  }

  /**
   * The method `session` of a gate. An order is obeyed one turn behind its message, as an answer
   * is: so a client sees what its agent does in the order in which that did it.
   */
  take(line: number, count: number, name: Name, ...rest: unknown[]): unknown {
    const { source, session } = this.#skynet.context()
    const from = this.#desk.lines.find(source, line)
    const isHeard = from?.hears(count, session !== 0) === true
    const handle = this.#handlers[name] as (from: Line, ...rest: unknown[]) => unknown
    if (session !== 0) {
      if (!isHeard) throw over(undefined)
      return Promise.resolve().then(() => handle(from, ...rest))
    }
    if (isHeard) queueMicrotask(() => this.#obey(name, () => handle(from, ...rest)))
    return undefined
  }

  #obey(name: Name, handle: () => unknown): void {
    try {
      handle()
    } catch (error) {
      this.#desk.fault(`${name} of an agent`, error)
    }
  }

  readonly #handlers: { readonly [N in Name]: (from: Line, ...rest: ToGate[N]) => unknown } = {
    push: (from, key, event, body, latest) => this.#push(from, key, event, body, latest),
    pushAll: (from, keys, event, body, latest) => {
      for (const key of keys) this.#push(from, key, event, body, latest)
    },
    kick: (from, key, code, text) => {
      const closing = text === '' ? { code } : { code, text }
      this.#find(from, key)?.session.end(closing)
    },
    attach: (from, key, agent, data) => this.#attach(this.#find(from, key), agent, data),
    drain: (from, key) => this.#drain(this.#find(from, key)),
    // By its number the line has ended.
    over: () => undefined,
  }

  /** Undefined: it is over, or none of that agent. */
  #find(from: Line, key: number): GateSession | undefined {
    const client = this.#desk.find(key)
    return client !== undefined && from.has(client) ? client : undefined
  }

  #push(from: Line, key: number, event: string, body: Uint8Array, latest?: string): void {
    this.#find(from, key)?.session.push(event, body, latest)
  }

  /** Hand it over. What comes meanwhile waits; nothing is asked of the former agent any more. */
  async #attach(
    client: GateSession | undefined,
    agent: ServiceRef,
    data: unknown,
  ): Promise<ToldFailure | undefined> {
    if (client?.state !== 'open') throw over(client)
    client.move('moving')
    const joined = this.#give(client, agent, data)
    joined.catch(() => {})
    // Behind it the former agent begins nothing more, and what it has not begun is back.
    await client.line.ask('moving', client.key).catch(() => {})
    try {
      await joined
    } catch (error) {
      this.#stays(client)
      // As itself it would not arrive.
      if (isA(error, ClientFault)) return [error.code, error.message]
      throw error
    }
    if (client.next?.isOver === true) this.#desk.forsake(client, 'agent')
    if (client.isOver) throw over(client)
    this.#moved(client)
    return undefined
  }

  async #give(client: GateSession, agent: ServiceRef, data: unknown): Promise<void> {
    const to = this.#desk.lines.to(agent.handle)
    if (to === client.line) {
      throw refusal('value', 'hand a session over', 'agent', 'another one', agent)
    }
    client.next = to
    to.add(client)
    await this.#desk.open(client, to, data)
  }

  /** @throws {SkynetError} It is over. */
  #stays(client: GateSession): void {
    const { line, next, key } = client
    client.next = undefined
    if (next !== undefined) {
      // Perhaps that has it, and the answer was late.
      if (next.has(client)) next.tell('ended', key, 'node')
      next.remove(client)
    }
    if (client.isForsaken && !client.isOver) this.#desk.forsake(client, 'agent')
    if (client.isOver) throw over(client)
    // The former agent takes requests again before it gets them, so they keep their order.
    line.tell('stays', key)
    this.#desk.opened(client)
  }

  #moved(client: GateSession): void {
    const { line: from, key } = client
    client.line = client.next!
    client.next = undefined
    client.isForsaken = false
    // What it has pushed until it knows that is on its way.
    void from
      .ask('moved', key)
      .catch((error: unknown) => from.missed(error))
      .then(() => {
        if (!client.lines.includes(from)) from.remove(client)
      })
    this.#desk.opened(client)
  }

  async #drain(client: GateSession | undefined): Promise<void> {
    if (client === undefined) throw over(client)
    await new Promise<void>((resolve) => {
      client.drains.add(resolve)
      this.#desk.drained(client)
    })
    if (client.isOver && client.session.pushCount > 0) throw over(client)
  }
}

const over = (client: GateSession | undefined): SkynetError => {
  const { id = 'unknown', user = 'unknown' } = client?.session ?? {}
  return new SkynetError('ERR_SESSION_OVER', { session: id, user })
}
