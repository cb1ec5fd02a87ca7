/** What is done to a cluster whose nodes call each other all the while. Books are compared then. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Judged, now } from './cluster-books.ts'
import { ClusterNodes } from './cluster-nodes.ts'
import { overNats, overTcp, overThree, overTls, type Way } from './cluster-ways.ts'
import { NatsServer, NatsServers, SERVERS } from './nats-server.ts'
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
const BLINK_MS = 500
const STOP_MS = 5000
/** Three servers have another leader by then, and a lease has passed since. */
const LEADERLESS_MS = 12_000
const DOWNTIME_MS = 4000
/** Where the store is, on servers of NATS. */
const STREAM = 'KV_sk_skynet'

const others = (name: string): string[] => NAMES.filter((other) => other !== name)
const oneOf = (random: Random, names: readonly string[]): string =>
  names[below(random, names.length)]!

/** Over TCP nobody joins, and nobody is declared dead, without the first. */
const victimOf = ({ random, server, servers }: Scene): string =>
  oneOf(random, server === undefined && servers === undefined ? ['b', 'm'] : NAMES)

/** It comes back as another epoch, and all others talk to it again. */
async function back({ nodes, random }: Scene, name: string): Promise<void> {
  await nodes.add(name)
  await nodes.seen(name, 'up', others(name))
  await nodes.loadOne(name, below(random, 1e9))
  await sleep(UNDER_WAY_MS)
}

const ACTS: Readonly<Record<string, Act>> = {
  async kill(scene) {
    const { nodes } = scene
    const victim = victimOf(scene)
    nodes.kill(victim)
    const noticedMs = await nodes.seen(victim, 'down', others(victim))
    await back(scene, victim)
    return noticedMs
  },

  async stop(scene) {
    const { nodes, random } = scene
    const victim = victimOf(scene)
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
    const heals = [networks!.cutAll(['b'], ['m']), networks!.cutAll(['m'], ['b'])]
    await sleep(STOP_MS)
    for (const heal of heals) heal()
    for (const each of healed) each()
    return undefined
  },

  /** It hears all others, and nobody hears it. */
  mute(scene) {
    const networks = scene.networks!
    const victim = victimOf(scene)
    return cutOff(scene, victim, () => networks.cutAll([victim], networks.except(victim)))
  },

  /** Others send to it, and it hears nobody. */
  deaf(scene) {
    const networks = scene.networks!
    const victim = victimOf(scene)
    return cutOff(scene, victim, () => networks.cutAll(networks.except(victim), [victim]))
  },

  partition(scene) {
    const victim = victimOf(scene)
    return cutOff(scene, victim, () => scene.networks!.divide(victim))
  },

  /** For so short that nobody may take it for dead. */
  async blink(scene) {
    const { nodes, networks } = scene
    const victim = victimOf(scene)
    const healed = nodes.cut(victim, 'blink')
    const heal = networks!.divide(victim)
    await sleep(BLINK_MS)
    heal()
    healed()
    await sleep(UNDER_WAY_MS)
    return undefined
  },

  server: (scene) => withoutServer(scene, false),
  'server that led': (scene) => withoutServer(scene, true),
  minority: (scene) => minority(scene, false),
  'minority that led': (scene) => minority(scene, true),
}

/**
 * Of three servers one is cut off, and of the nodes none: who is connected to it finds that out,
 * and goes to another one, before anybody takes him for dead.
 */
async function withoutServer(scene: Scene, leads: boolean): Promise<undefined> {
  const { nodes, networks, random } = scene
  const { servers } = scene.servers!
  const server = servers[below(random, servers.length)]!
  await letLead(scene, server, leads)
  const healed = (await server.nodes()).map((name) => nodes.cut(name, 'outage'))
  const heal = networks!.divide(SERVERS[servers.indexOf(server)]!)
  await sleep(LEADERLESS_MS)
  heal()
  for (const each of healed) each()
  await sleep(UNDER_WAY_MS)
}

/** It leads from now on, or another one does. */
const letLead = ({ servers }: Scene, server: NatsServer, leads: boolean): Promise<void> =>
  servers!.letLead(STREAM, leads ? server : servers!.servers.find((each) => each !== server)!)

/** For longer than a lease. */
async function cutOff({ nodes }: Scene, victim: string, cut: () => () => void): Promise<number> {
  const begunAt = now()
  const healed = nodes.cut(victim)
  const heal = cut()
  // Until then some ways are open: on a busy machine that may be long.
  const cutMs = now() - begunAt
  const noticedMs = (await nodes.seen(victim, 'down', others(victim))) - cutMs
  await sleep(Math.max(0, STOP_MS - noticedMs))
  heal()
  healed()
  await nodes.seen(victim, 'up', others(victim))
  await sleep(UNDER_WAY_MS)
  return noticedMs
}

/** Of three servers one is cut off, and a node with it: none of the others is connected to it. */
async function minority(scene: Scene, leads: boolean): Promise<number> {
  const { networks, random } = scene
  const { servers } = scene.servers!
  const victim = victimOf(scene)
  const used = await Promise.all(servers.map((server) => server.nodes()))
  const free = servers.filter((_, i) => !used[i]!.some((name) => others(victim).includes(name)))
  const server = free[below(random, free.length)]!
  await letLead(scene, server, leads)
  const host = SERVERS[servers.indexOf(server)]!
  return cutOff(scene, victim, () => networks!.divide(victim, host))
}

/** These take networks. */
const CUTS = ['partition', 'blink', 'mute', 'deaf']
/** And these three servers, each with a network of its own. */
const SERVER_CUTS = ['server', 'server that led', 'minority', 'minority that led']
const KINDS = ['kill', 'stop', 'pause', 'store', 'hold']

/** After these connections begin anew. */
const ENDS = ['kill', 'stop', 'store', 'partition']

/** By the way on which they can be. */
const WAYS = {
  tcp: [...KINDS, ...CUTS, 'pair'],
  tls: ENDS,
  nats: [...KINDS, ...CUTS, 'leader', ...SERVER_CUTS],
} as const

const IN_NETWORKS = [...CUTS, ...SERVER_CUTS, 'pair']
const OVER_THREE = ['leader', ...SERVER_CUTS]

export interface Scenario {
  readonly what: string
  readonly way: keyof typeof WAYS
}

/** `WAY` of the environment: those of one way; `WHAT`: one kind of them. */
export const SCENARIOS: readonly Scenario[] = Object.entries(WAYS)
  .filter(([way]) => way === (process.env.WAY ?? way))
  .flatMap(([way, kinds]) => kinds.map((what) => ({ what, way }) as Scenario))
  .filter(({ what }) => what === (process.env.WHAT ?? what))

/** The majority may have to find another leader, and other watches, before it can decide. */
export const isDecidedLate = ({ what }: Scenario): boolean => SERVER_CUTS.includes(what)

/** @returns A text: what of it could not be, as something is missing here. */
export async function runScenario(
  { what, way }: Scenario,
  random: Random,
): Promise<Outcome | string> {
  const isCut = IN_NETWORKS.includes(what)
  const isOfThree = OVER_THREE.includes(what)
  const hosts = [...NAMES, ...(way === 'nats' ? SERVERS : [])]
  using networks = isCut ? Networks.make(hosts) : undefined
  if (isCut && networks === undefined) return NETWORKS_LEFT_OUT
  const place = networks && { networks, host: SERVERS[0] }
  const servers = isOfThree ? await NatsServers.start(networks) : undefined
  const server = way === 'nats' && !isOfThree ? await NatsServer.start({ place }) : undefined
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
  if (server !== undefined) return overNats(server, networks)
  if (servers !== undefined) return overThree(servers, networks)
  return way === 'tls' ? overTls(NAMES, networks) : overTcp(NAMES, networks)
}
