/** A gate whose watchdog is the body of a test, its clients on node:net. */
import assert from 'node:assert/strict'
import type { MethodsOf, ServiceRef, Skynet } from 'skynet-ts'
import type { GateEvent, GateRef, GateService, WatchedGateOptions } from 'skynet-ts/gate'
import type agentService from '../fixtures/gate-agent.ts'
import { FramedClient } from './framed-client.ts'
import type { Handlers } from './run.ts'
import { until } from './until.ts'

export type Agent = ServiceRef<MethodsOf<typeof agentService>>

/** A gate whose watchdog is the test. */
export interface Scene {
  readonly gate: GateRef
  readonly port: number
  readonly events: GateEvent[]
  /** Wait for an event of that kind behind those that were taken, and take it. */
  event<K extends GateEvent[0]>(kind: K): Promise<Extract<GateEvent, readonly [K, ...unknown[]]>>
  join(): Promise<[client: FramedClient, fd: number]>
  agent(on?: number): Promise<Agent>
}

/** Launch a gate, and be its watchdog. */
export async function startGate(
  skynet: Skynet,
  handlers: Handlers,
  options: Omit<WatchedGateOptions, 'host' | 'port'> = {},
): Promise<Scene> {
  const events: GateEvent[] = []
  let taken = 0
  handlers.socket = (...event: never[]) => void events.push(event as unknown as GateEvent)
  const gate = await skynet.newService<GateService>('gate', { on: 0 })
  const { port } = await gate.call.open({ host: '127.0.0.1', port: 0, ...options })
  const event: Scene['event'] = async (kind) => {
    await until(`the event ${kind}`, () => events.length > taken)
    const next = events[taken++]!
    assert.equal(next[0], kind)
    return next as never
  }
  return {
    gate,
    port,
    events,
    event,
    async join() {
      const client = await FramedClient.connect(port)
      const [, fd] = await event('open')
      return [client, fd]
    },
    agent: (on) =>
      skynet.newService<typeof agentService>('../fixtures/gate-agent.ts', {
        args: [gate],
        ...(on === undefined ? {} : { on }),
      }),
  }
}
