/** What may happen in a simulated world of sessions, a row each. */

import { encodeWire, FROM_CLIENT } from '../../client/wire.ts'
import type { RandomStep } from '../random-steps.ts'
import type { SimClient } from './sim-client.ts'
import { TREATMENTS } from './sim-gate.ts'
import type { SessionWorld, SimConnection } from './world.ts'

const NAMES = ['a', 'b', 'c'] as const
const LETTERS = Object.values(TREATMENTS)
const BODY_BYTES = 120
const LONG_BYTES = 400
const STALL_MS = 5000
const PUSHES = 40
const ENDS = ['agent', 'drain', 'error'] as const
const RETRY_MS = 700
const CLOSED_MS = 3000

const anyClient = ({ clients, random }: SessionWorld): SimClient | undefined =>
  clients.size === 0 ? undefined : random.pick([...clients.values()])

const anyConnection = (world: SessionWorld): SimConnection | undefined => {
  const client = anyClient(world)
  return client === undefined ? undefined : world.connections.get(client)
}

export const SESSION_STEPS: readonly RandomStep<SessionWorld>[] = [
  {
    name: 'a client comes',
    weight: 2,
    run(world) {
      const name = world.random.pick(NAMES)
      if (world.clients.has(name)) return undefined
      world.start(name)
      return name
    },
  },
  {
    name: 'calls',
    weight: 10,
    run(world) {
      const client = anyClient(world)
      if (client === undefined) return undefined
      const { random } = world
      const count = random.size(12)
      for (let i = 0; i < count; i++) {
        const bytes = random.oneIn(60) ? LONG_BYTES : random.below(BODY_BYTES)
        client.ask(random.pick(LETTERS), random.oneIn(4), bytes)
      }
      return `${count} of ${client.name}`
    },
  },
  {
    name: 'pushes',
    weight: 8,
    run(world) {
      const sessions = [...world.gate.table.sessions()]
      if (sessions.length === 0) return undefined
      const session = world.random.pick(sessions)
      const count = world.random.size(PUSHES)
      for (let i = 0; i < count; i++) world.gate.push(session)
      return `${count} to ${session.user}`
    },
  },
  {
    name: 'a connection is cut',
    weight: 8,
    run(world) {
      const connection = anyConnection(world)
      connection?.cut()
      return connection && `${connection.client.name} ${connection.number}`
    },
  },
  {
    name: 'a connection stalls',
    weight: 6,
    run(world) {
      const connection = anyConnection(world)
      if (connection === undefined) return undefined
      const { random } = world
      connection.isTroubled = true
      const ms = random.size(STALL_MS)
      const which = random.below(3)
      if (which !== 0) connection.toGate.stall(ms)
      if (which !== 1) connection.toClient.stall(ms)
      return `${connection.client.name} ${connection.number} for ${ms} ms`
    },
  },
  {
    name: 'the next HELLO is held back, until a later one has come',
    weight: 4,
    run(world) {
      const connection = anyConnection(world)
      if (connection === undefined) return undefined
      connection.client.isHeld = true
      connection.cut()
      return connection.client.name
    },
  },
  {
    name: 'the network is back',
    weight: 2,
    run(world) {
      const client = anyClient(world)
      client?.core.wake()
      return client?.name
    },
  },
  {
    name: 'a client crashes, and is there again',
    weight: 2,
    run(world) {
      const client = anyClient(world)
      if (client === undefined) return undefined
      const { token } = client.core
      world.crash(client)
      world.start(client.name, world.random.oneIn(4) ? undefined : token)
      return client.name
    },
  },
  {
    name: 'a caller gives up',
    weight: 2,
    run(world) {
      const client = anyClient(world)
      return client?.giveUp()
    },
  },
  {
    name: 'the gate ends a session',
    weight: 2,
    run(world) {
      const sessions = [...world.gate.table.sessions()]
      if (sessions.length === 0) return undefined
      const session = world.random.pick(sessions)
      const code = world.random.pick(ENDS)
      session.end({ code, retryMs: world.random.below(RETRY_MS) + 1 })
      return `of ${session.user}: ${code}`
    },
  },
  {
    name: 'the gate lets nobody new in for a while',
    weight: 1,
    run(world) {
      const { table } = world.gate
      table.refuseNew({ code: 'drain', retryMs: RETRY_MS })
      world.agenda.after(world.random.below(CLOSED_MS), () => table.refuseNew(undefined))
      return ''
    },
  },
  {
    name: 'the gate crashes',
    weight: 1,
    run(world) {
      if (!world.random.oneIn(4)) return undefined
      world.crashGate()
      return 'and another one is there'
    },
  },
  {
    name: 'somebody says an old HELLO again',
    weight: 2,
    run(world) {
      const client = anyClient(world)
      if (client === undefined || world.hellos.length === 0) return undefined
      const hello = world.random.pick(world.hellos)
      const connection = world.newConnection(client, -1)
      connection.enter()
      connection.isTroubled = true
      connection.toGate.send(hello)
      if (world.random.oneIn(2)) {
        const ack = { kind: 'ack', pushesUpTo: 0, answersUpTo: 0, answers: [] } as const
        connection.toGate.send(encodeWire(FROM_CLIENT, ack))
      }
      connection.toGate.send(undefined)
      return `of ${hello.length} bytes`
    },
  },
]
