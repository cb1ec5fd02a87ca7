/** What is done to a cluster whose nodes call each other all the while. Books are compared then. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Judged } from './cluster-books.ts'
import { ClusterNodes } from './cluster-nodes.ts'
import { overNats, overTcp, overThree, overTls, type Way } from './cluster-ways.ts'
import { NatsServer, NatsServers } from './nats-server.ts'
import { NETWORKS_LEFT_OUT, Networks } from './networks.ts'
import { below, type Random } from './seed.ts'

export interface Outcome extends Judged {
  /** How long after the harm all others knew of the death, in ms; none: nobody had to die. */
  readonly noticedMs?: number | undefined
}

interface Scene {
  readonly nodes: ClusterNodes
  readonly random: Random
  readonly server?: NatsServer | undefined
  readonly servers?: NatsServers | undefined
  readonly networks?: Networks | undefined
}

type Act = (scene: Scene) => Promise<number | undefined>

/** The first holds the store, where that is kept by a node. All have certificates. */
const NAMES = ['a', 'b', 'm'] as const
const UNDER_WAY_MS = 1000
/** Less than a lease: no reason to declare anybody dead. */
const PAUSE_MS = 1000
const STOP_MS = 5000
const DOWNTIME_MS = 4000
/** Where the store is, on servers of NATS. */
const STREAM = 'KV_sk_skynet'

const others = (name: string): string[] => NAMES.filter((other) => other !== name)
const oneOf = (random: Random, names: readonly string[]): string =>
  names[below(random, names.length)]!

/** It comes back as another epoch, and all others talk to it again. */
async function back({ nodes, random }: Scene, name: string): Promise<void> {
  await nodes.add(name)
  await nodes.seen(name, 'up', others(name))
  await nodes.loadOne(name, below(random, 1e9))
  await sleep(UNDER_WAY_MS)
}

const ACTS: Readonly<Record<string, Act>> = {
  async kill(scene) {
    const { nodes, random } = scene
    const victim = oneOf(random, ['b', 'm'])
    nodes.kill(victim)
    const noticedMs = await nodes.seen(victim, 'down', others(victim))
    await back(scene, victim)
    return noticedMs
  },

  async stop({ nodes, random }) {
    const victim = oneOf(random, ['b', 'm'])
    const goOn = nodes.stop(victim)
    const noticedMs = await nodes.seen(victim, 'down', others(victim))
    await sleep(Math.max(0, STOP_MS - noticedMs) + below(random, 1000))
    goOn()
    await nodes.seen(victim, 'up', others(victim))
    await sleep(UNDER_WAY_MS)
    return noticedMs
  },

  async pause({ nodes, random }) {
    const victim = oneOf(random, NAMES)
    const goOn = nodes.stop(victim, 'pause')
    await sleep(PAUSE_MS)
    goOn()
    await sleep(UNDER_WAY_MS)
    return undefined
  },

  /** Whoever holds the store: it forgets all that was in it. */
  async store(scene) {
    const { nodes, server } = scene
    if (server === undefined) {
      nodes.kill('a')
      await sleep(DOWNTIME_MS)
      await back(scene, 'a')
    } else {
      const healed = NAMES.map((name) => nodes.cut(name, 'outage'))
      await server.signal('SIGKILL')
      await sleep(DOWNTIME_MS)
      await server.start()
      await sleep(UNDER_WAY_MS)
      for (const each of healed) each()
      await sleep(UNDER_WAY_MS)
    }
    return undefined
  },

  /** The store does not answer for longer than a lease, and goes on as if nothing had been. */
  async hold({ nodes, server }) {
    const goOn = NAMES.map((name) => nodes.cut(name, 'outage'))
    if (server === undefined) goOn.push(nodes.stop('a', 'pause'))
    else await server.signal('SIGSTOP')
    await sleep(STOP_MS)
    await server?.signal('SIGCONT')
    for (const each of goOn) each()
    await sleep(2 * UNDER_WAY_MS)
    return undefined
  },

  /** Of three servers the one that leads the store: writes are out for seconds. */
  async leader({ nodes, servers }) {
    const leader = await servers!.leaderOf(STREAM)
    const healed = NAMES.map((name) => nodes.cut(name, 'outage'))
    await leader.signal('SIGKILL')
    await sleep(DOWNTIME_MS)
    await leader.start()
    await servers!.leaderOf(STREAM)
    await sleep(UNDER_WAY_MS)
    for (const each of healed) each()
    await sleep(UNDER_WAY_MS)
    return undefined
  },

  /** Two do not reach each other, and both reach all others: no reason to declare anybody dead. */
  async pair({ nodes, networks }) {
    const healed = ['b', 'm'].map((name) => nodes.cut(name, 'outage'))
    networks!.cut('b', 'm')
    networks!.cut('m', 'b')
    await sleep(STOP_MS)
    networks!.heal('b', 'm')
    networks!.heal('m', 'b')
    for (const each of healed) each()
    return undefined
  },

  /** It hears the others, and nobody hears it. */
  async mute({ nodes, networks, random }) {
    const victim = oneOf(random, ['b', 'm'])
    const healed = nodes.cut(victim)
    for (const other of others(victim)) networks!.cut(victim, other)
    const noticedMs = await nodes.seen(victim, 'down', others(victim))
    for (const other of others(victim)) networks!.heal(victim, other)
    healed()
    await nodes.seen(victim, 'up', others(victim))
    return noticedMs
  },

  async partition({ nodes, networks, random }) {
    const victim = oneOf(random, ['b', 'm'])
    const healed = nodes.cut(victim)
    each(victim, (from, to) => networks!.cut(from, to))
    const noticedMs = await nodes.seen(victim, 'down', others(victim))
    await sleep(Math.max(0, STOP_MS - noticedMs))
    each(victim, (from, to) => networks!.heal(from, to))
    healed()
    await nodes.seen(victim, 'up', others(victim))
    await sleep(UNDER_WAY_MS)
    return noticedMs
  },
}

/** Both ways between a node and all others. */
function each(victim: string, act: (from: string, to: string) => void): void {
  for (const other of others(victim)) {
    act(victim, other)
    act(other, victim)
  }
}

/** These take networks. */
const CUTS = ['partition', 'pair', 'mute']
const KINDS = ['kill', 'stop', 'pause', 'store', 'hold']

/** After these connections begin anew. */
const ENDS = ['kill', 'stop', 'store', 'partition']

/** By the way on which they can be. */
const WAYS = { tcp: KINDS.concat(CUTS), tls: ENDS, nats: KINDS.concat('leader') } as const

export interface Scenario {
  readonly what: string
  readonly way: keyof typeof WAYS
}

/** `WAY` of the environment: those of one way. */
export const SCENARIOS: readonly Scenario[] = Object.entries(WAYS)
  .filter(([way]) => way === (process.env.WAY ?? way))
  .flatMap(([way, kinds]) => kinds.map((what) => ({ what, way }) as Scenario))

/** @returns A text: what of it could not be, as something is missing here. */
export async function runScenario(
  { what, way }: Scenario,
  random: Random,
): Promise<Outcome | string> {
  const isCut = CUTS.includes(what)
  const networks = isCut ? Networks.make(NAMES) : undefined
  if (isCut && networks === undefined) return NETWORKS_LEFT_OUT
  const servers = what === 'leader' ? await NatsServers.start() : undefined
  const server = way === 'nats' && what !== 'leader' ? await NatsServer.start() : undefined
  await using nodes = await ClusterNodes.start(
    await wayOf(way, { networks, server, servers }),
    NAMES,
  )
  await nodes.load(below(random, 1e9))
  await sleep(UNDER_WAY_MS + below(random, UNDER_WAY_MS))
  try {
    const noticedMs = await ACTS[what]!({ nodes, random, server, servers, networks })
    const judged = await nodes.settle()
    // Why, only they say, and they go with the nodes.
    if (judged.faults.length > 0) console.log(nodes.logs())
    return { ...judged, noticedMs }
  } catch (error) {
    throw new Error(`${what} over ${way}:\n${nodes.logs()}`, { cause: error })
  }
}

async function wayOf(
  way: Scenario['way'],
  { networks, server, servers }: Partial<Scene>,
): Promise<Way> {
  if (server !== undefined) return overNats(server)
  if (servers !== undefined) return overThree(servers)
  return way === 'tls' ? overTls(NAMES, networks) : overTcp(NAMES, networks)
}
