/** One scenario against one node: what was done, what was lost, what it cost, what is left. */
import type { Child } from '../../../bench/support/child.ts'
import type { ControlResult } from './control.ts'
import type { PeersResult } from './hostile-peers.ts'
import type { Done } from './hostility.ts'
import type { Rig, Sample } from './rig.ts'
import type { Crowd, Scenario } from './scenarios.ts'
import { spreadText } from './spread.ts'

const MIB = 1024 * 1024
/**
 * What any load may add to a node with two workers: its shared rings, touched for the first time
 * (20 MiB), and for each of three isolates a young generation (48 MiB) and the buffers that may be
 * garbage before V8 collects (64 MiB).
 */
const ANY_LOAD_BYTES = (20 + 3 * (48 + 64)) * MIB
/**
 * What a worker may keep of a load that is over: 256 spare write buffers (4 MiB), tables that have
 * grown, compiled code.
 */
const KEPT_BYTES = 12 * MIB
const CONTROL_LINE_BYTES_MAX = 2000

export interface AttackPlan {
  readonly seconds: number
  /** Of the sizes of a full run. */
  readonly scale: number
}

export interface Outcome {
  /** For people. */
  readonly lines: readonly string[]
  /** None: all is well. */
  readonly faults: readonly string[]
}

export async function attack(rig: Rig, scenario: Scenario, plan: AttackPlan): Promise<Outcome> {
  const { scale, seconds } = plan
  const before = await rig.sample()
  await rig.watchMemory()
  const clients = Math.max(3, Math.round(scenario.controls * scale))
  // In a short run too, each client has several bursts.
  const restMs = Math.min(scenario.controlRestMs, (seconds * 1000) / 4)
  await rig.startControl({ clients, restMs, lineBytesMax: CONTROL_LINE_BYTES_MAX })
  const crowds: Child[] = []
  for (const each of scenario.crowds) crowds.push(await rig.peers(sized(each, scale)))
  await rig.forgetLatency()
  const [, beside = ''] = await Promise.all([
    scenario.beside === undefined ? rig.pause(seconds) : undefined,
    scenario.beside?.(rig, seconds, scale),
  ])
  const { mustCount } = scenario
  const results = await Promise.all(crowds.map((child) => rig.stopPeers(child, mustCount)))
  const controls = await rig.stopControl()
  await rig.ask('probe', { on: false })
  await rig.settle(before)
  const after = await rig.sample()
  const peak = Math.max(rig.memoryPeak(), after.rss)
  rig.checkLog()
  const done = total(results)
  for (const { faults } of results) for (const each of faults) rig.fault(each)
  const measured = { before, peak, after, done, control: controls }
  check(rig, scenario, measured, scale)
  return { lines: report(scenario, measured, beside), faults: rig.takeFaults() }
}

const sized = ({ name, size, restMs }: Crowd, scale: number): Crowd => ({
  name,
  size: Math.max(2, Math.round(size * scale)),
  restMs,
})

function total(results: readonly PeersResult[]): Done {
  const done: Done = {}
  for (const result of results) {
    for (const [name, count] of Object.entries(result.done)) done[name] = (done[name] ?? 0) + count
  }
  return done
}

interface Measured {
  readonly before: Sample
  readonly peak: number
  readonly after: Sample
  readonly done: Done
  readonly control: ControlResult
}

function check(rig: Rig, scenario: Scenario, measured: Measured, scale: number): void {
  const { before, peak, after, done, control } = measured
  for (const each of control.faults.slice(0, 5)) rig.fault(`control: ${each}`)
  const { sent, answered } = control
  if (answered !== sent || sent === 0) rig.fault(`control: ${answered} answers to ${sent} lines`)
  for (const name of scenario.mustCount) {
    if (!((done[name] ?? 0) > 0)) rig.fault(`nothing was counted as '${name}'`)
  }
  const clients = scenario.crowds.reduce((sum, each) => sum + sized(each, scale).size, 0)
  const boundBytes = ANY_LOAD_BYTES + Math.max(clients, 50) * scenario.heldBytes
  if (peak - before.rss > boundBytes) {
    const why = `${mib(ANY_LOAD_BYTES)} for any load, ${scenario.heldWhy} for each client`
    rig.fault(`memory grew by ${mib(peak - before.rss)}, more than ${mib(boundBytes)}: ${why}`)
  }
  for (const [worker, bytes] of after.heaps.entries()) {
    const kept = bytes - before.heaps[worker]!
    if (kept > KEPT_BYTES) rig.fault(`worker ${worker} keeps ${mib(kept)} when all have left`)
  }
}

function report(scenario: Scenario, measured: Measured, beside: string): string[] {
  const { before, peak, after, done, control } = measured
  const counts = Object.entries(done).map(
    ([name, count]) => `${count.toLocaleString('en')} ${name}`,
  )
  const ends = Object.entries(after.stats.ends)
    .map(([why, count]) => [why, count - (before.stats.ends[why] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .map(([why, count]) => `${why} ${count}`)
  const accepted = after.stats.accepted - before.stats.accepted
  const kept = after.heaps.map((bytes, worker) => mib(bytes - before.heaps[worker]!))
  const { answered, sent, latency, ownDelayMs } = control
  const descriptors = after.descriptors - before.descriptors
  return [
    `${scenario.name}: ${[...counts, beside].filter((text) => text !== '').join(', ')}`,
    `  control: ${answered} of ${sent} lines answered, ${spreadText(latency)}` +
      ` (they themselves were late by p99 ${ownDelayMs.toFixed(1)} ms)`,
    `  node: ${accepted} accepted; ended by ${ends.join(', ')}`,
    `  socket thread, order to answer: ${spreadText(after.stats.socketTurn)}`,
    `  memory: ${mib(before.rss)} before, ${mib(peak)} peak, ${mib(after.rss)} after` +
      `; workers keep ${kept.join(' and ')}; descriptors ${descriptors} more`,
  ]
}

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`
