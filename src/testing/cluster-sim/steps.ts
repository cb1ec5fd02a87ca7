/** What may happen in a simulated cluster, and how often. */
import type { RandomStep } from '../random-steps.ts'
import { LETTER_BYTES } from './letter.ts'
import { HUB } from './network.ts'
import type { SimProcess } from './sim-process.ts'
import { NAMES } from './sim-services.ts'
import type { ClusterWorld } from './world.ts'

type ClusterStep = RandomStep<ClusterWorld>

const CALL_MS = [50, 500, 2000, 5000] as const
const STOPS_MS = [100, 1000, 2000, 4000, 10_000] as const
const OUTAGES_MS = [300, 2000, 5000, 10_000] as const
const SIZES = [LETTER_BYTES, LETTER_BYTES, LETTER_BYTES, 2000, 50_000, 200_000] as const
const BURST_MAX = 30

const row = (weight: number, name: string, run: ClusterStep['run']): ClusterStep => ({
  weight,
  name,
  run,
})

/** One that can be told what to do. */
function anyone({ random, meant }: ClusterWorld): SimProcess | undefined {
  const ready = meant.filter(({ isStopped }) => !isStopped)
  return ready.length === 0 ? undefined : random.pick(ready)
}

function speak(world: ClusterWorld, run: (process: SimProcess, peer: string) => unknown): unknown {
  const process = anyone(world)
  const peers = process === undefined ? [] : [...process.cluster.peers]
  if (process === undefined || peers.length === 0) return undefined
  const peer = world.random.pick(peers)
  return `${process.name} → ${peer.node}: ${run(process, peer.node)}`
}

/** Of the sizes the large ones are rare: they take long to simulate. */
const sizeOf = ({ random }: ClusterWorld): number =>
  random.oneIn(4) ? random.pick(SIZES) : LETTER_BYTES

export const CLUSTER_STEPS: readonly ClusterStep[] = [
  row(24, 'call', (world) =>
    speak(world, (process, node) => {
      const ms = world.random.pick(CALL_MS)
      const count = 1 + world.random.below(3)
      process.run(() => {
        for (let i = 0; i < count; i++) {
          const peer = process.cluster.peer(node)
          if (peer !== undefined) process.services.call(peer, 1 + (i % 2), ms, sizeOf(world))
        }
      })
      return `${count} × ${ms} ms`
    }),
  ),
  row(12, 'send', (world) =>
    speak(world, (process, node) => {
      const count = 1 + world.random.below(BURST_MAX)
      process.run(() => {
        for (let i = 0; i < count; i++) {
          const peer = process.cluster.peer(node)
          if (peer !== undefined)
            process.services.send(peer, 1, i === 0 ? sizeOf(world) : LETTER_BYTES)
        }
      })
      return `${count}`
    }),
  ),
  row(8, 'claim', (world) => {
    const process = anyone(world)
    const name = world.random.pick(NAMES)
    process?.services.claim(name)
    return process && `${process.name} ${name}`
  }),
  row(2, 'release', (world) => {
    const process = anyone(world)
    const name = [...(process?.services.claims ?? [])][0]
    if (name !== undefined) process?.services.release(name)
    return name && `${process?.name} ${name}`
  }),
  row(3, 'stop', (world) => {
    const process = anyone(world)
    const ms = world.random.pick(STOPS_MS)
    process?.stop(ms)
    return process && `${process.name} for ${ms}`
  }),
  row(2, 'slow', (world) => {
    const process = anyone(world)
    if (process === undefined) return undefined
    const times = 4 + world.random.below(40)
    for (let i = 0; i < times; i++)
      world.agenda.after(i * SLOW_MS, () => process.stop(SLOW_MS - 50))
    return `${process.name} ${times} × ${SLOW_MS}`
  }),
  row(2, 'kill', (world) => {
    const process = world.random.pick(world.processes)
    if (!process.isMeant) return undefined
    process.kill()
    return process.name
  }),
  row(3, 'start', (world) => {
    const node = world.random.pick(world.nodes)
    if (world.at(node) !== undefined) return undefined
    return world.start(node).name
  }),
  row(1, 'kill the thread of the cluster', (world) => {
    const process = anyone(world)
    process?.kill()
    return process && `${process.name}, then ${world.start(process.node).name}`
  }),
  row(2, 'start a second process under a living name', (world) => {
    const node = world.random.pick(world.nodes)
    const before = world.at(node)
    return before?.cluster.epoch && `${before.name}, then ${world.start(node).name}`
  }),
  row(1, 'leave', (world) => {
    const process = anyone(world)
    if (world.meant.length < 3) return undefined
    process?.leave()
    return process?.name
  }),
  row(3, 'cut from the hub', (world) => {
    const process = anyone(world)
    if (process === undefined) return undefined
    const way = world.random.below(3)
    if (way === 0) world.troubles.cut(process.spot, HUB, true)
    else if (way === 1) world.troubles.cut(HUB, process.spot, true)
    else world.troubles.cut(process.spot, HUB, false)
    return `${process.name} ${['to it', 'from it', 'both'][way]}`
  }),
  row(3, 'cut two nodes', (world) => {
    const one = anyone(world)
    const other = anyone(world)
    if (one === undefined || one === other || !world.network.isDirect) return undefined
    world.troubles.cut(one.spot, other!.spot, world.random.oneIn(2))
    return `${one.name} ${other!.name}`
  }),
  row(8, 'heal', (world) => world.troubles.healOne(world.random.oneIn(2)) || undefined),
  row(2, 'store out', (world) => {
    const ms = world.random.pick(OUTAGES_MS)
    world.hub.storeOutUntil = world.agenda.now + ms
    return ms
  }),
  row(1, 'store loses its memory', (world) => {
    if (world.hub.isDown) return undefined
    world.troubles.forget()
    return 'at once'
  }),
  row(1, 'store loses its memory, and a newcomer wants a name', (world) => {
    const node = world.random.pick(world.nodes)
    const before = world.at(node)
    if (world.hub.isStoreOut) return undefined
    before?.kill()
    world.troubles.forget()
    const process = world.start(node)
    const name = world.random.pick(NAMES)
    process.services.claim(name)
    return `${process.name} ${name}`
  }),
  row(2, 'restart the hub', (world) => {
    const ms = world.random.pick(OUTAGES_MS)
    const isForgetful = world.random.oneIn(2)
    world.troubles.restartHub(ms, isForgetful)
    return `${ms} ms${isForgetful ? ', memory lost' : ''}`
  }),
]
const SLOW_MS = 250
