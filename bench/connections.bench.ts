/** Memory of many connections that one process holds: the heap of each thread, and all of it. */
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side, twofold } from './support/contest.ts'
import { raiseDescriptors } from './support/descriptors.ts'
import { letPass } from './support/passers.ts'
import type { Memory } from './support/settled.ts'
import { askService, startNode } from './support/sides.ts'

const CONNECTIONS = 60_000
/** What a process needs beside the connections. */
const DESCRIPTORS_SPARE = 200
/** Of one process of clients, to one address of the server: it has 28,000 ports there. */
const CLIENTS_MAX = 15_000

export const connections: Bench = {
  name: 'connections',
  help: 'memory of each connection that a process holds: 60,000, or as many as it may open',
  run,
}

/** A process that serves connections and keeps them. */
interface Holder {
  readonly process: Child
  readonly port: number
  /** Where a connection is closed once the client has closed it. */
  readonly warmPort: number
  memory(): Promise<Memory>
}
type Start = (options: BenchOptions) => Promise<Holder>

const WORKER: readonly (readonly [string, Start])[] = [
  ['not read', (options) => startOurs('held', options)],
  ['read in a loop', (options) => startOurs('read', options)],
]

async function run(options: BenchOptions): Promise<Row[]> {
  const wanted = options.isQuick ? 100 : CONNECTIONS
  const count = Math.min(wanted, raiseDescriptors(wanted + DESCRIPTORS_SPARE) - DESCRIPTORS_SPARE)
  const loads: Child[] = []
  try {
    for (let left = count; left > 0; left -= CLIENTS_MAX) {
      loads.push(await Child.start('load/main.js', [], options))
    }
    return await measureAll(count, loads, options)
  } finally {
    for (const load of loads) await load[Symbol.asyncDispose]()
  }
}

async function measureAll(
  count: number,
  loads: readonly Child[],
  options: BenchOptions,
): Promise<Row[]> {
  const rounds = { rounds: Math.min(options.rounds, 3) }
  const sides = (name: string, start: Start): readonly [Side, Side] =>
    twofold(name, () => grown(start, loads, count, options))
  const net: Start = () => startAlone('peers/net-echo.js', options)
  const unit = 'bytes' as const
  const rows: Row[] = []
  for (const [how, start] of WORKER) {
    const [ours, oursRss] = sides('skynet-ts', start)
    const [other, otherRss] = sides('node:net', net)
    const what = `${count} connections, ${how}`
    const heaps = { what: `${what}: heap of the worker`, unit, ours, others: [other] }
    rows.push(...(await contest(heaps, rounds)))
    const whole = { what: `${what}: rss`, unit, ours: oursRss, others: [otherRss] }
    rows.push(...(await contest(whole, rounds)))
  }
  // Nobody can ask the socket thread of a node: it never leaves its loop. So it is looked at alone.
  const [ours] = sides('skynet-ts', () => startAlone('peers/socket-thread.js', options))
  const [other] = sides('node:net', net)
  const what = `${count} connections: heap of the socket thread`
  rows.push(...(await contest({ what, unit, ours, others: [other] }, rounds)))
  return rows
}

/** @returns Bytes a connection: of the heap that is asked for, and of the whole process. */
async function grown(
  start: Start,
  loads: readonly Child[],
  count: number,
  options: BenchOptions,
): Promise<readonly [Measure, Measure]> {
  const holder = await start(options)
  await using _ = holder.process
  const { port, warmPort } = holder
  await letPass(loads[0]!, { host: '127.0.0.1', port: warmPort }, count)
  const before = await holder.memory()
  let completed = 0
  for (const [i, load] of loads.entries()) {
    const some = Math.min(CLIENTS_MAX, count - completed)
    const target = { host: `127.0.0.${i + 1}`, port, connections: some }
    completed += await load.request<number>('hold', target)
  }
  const after = await holder.memory()
  for (const load of loads) await load.request('release')
  const each = (bytes: number): Measure => ({ completed, value: Math.max(bytes, 1) / completed })
  return [each(after.heap - before.heap), each(after.rss - before.rss)]
}

async function startOurs(how: 'held' | 'read', options: BenchOptions): Promise<Holder> {
  const process = await startNode('services/holder.js', 1, options)
  const ports = await askService<{ held: number; read: number }>(process, 'ports')
  const memory = (): Promise<Memory> => askService<Memory>(process, 'settledMemory')
  return { process, port: ports[how], warmPort: ports.read, memory }
}

async function startAlone(module: string, options: BenchOptions): Promise<Holder> {
  const process = await Child.start(module, [], options)
  const memory = (): Promise<Memory> => process.request<Memory>('settledMemory')
  const port = await process.request<number>('port')
  return { process, port, warmPort: port, memory }
}
