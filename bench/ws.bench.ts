/** Messages of WebSocket echoed, and memory of one that is idle: a service, and ws on node:http. */
import type { EchoLoad } from './load/echo.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { contestByCpu, type Served } from './support/by-cpu.ts'
import { Child } from './support/child.ts'
import { contest, type Side, twofold } from './support/contest.ts'
import { descriptorsMax } from './support/descriptors.ts'
import { letPass } from './support/passers.ts'
import type { Memory } from './support/settled.ts'
import { askService, startNode } from './support/sides.ts'

type Shape = Pick<EchoLoad, 'connections' | 'bytes' | 'pipelined'>

const SHAPES: readonly { readonly what: string; readonly shape: Shape }[] = [
  { what: '50 connections, 64 B', shape: { connections: 50, bytes: 64, pipelined: 1 } },
  {
    what: '50 connections, 16 of 64 B a packet',
    shape: { connections: 50, bytes: 64, pipelined: 16 },
  },
]
const SERVICE = 'services/websocket-echo.js'
const PEER = 'peers/ws-echo.js'
const IDLE = 10_000
/** What a process needs beside the connections. */
const DESCRIPTORS_SPARE = 200

export const ws: Bench = {
  name: 'ws',
  help: 'messages of WebSocket echoed, and memory of an idle one, by a service and by ws',
  run: async (options) => [...(await echoes(options)), ...(await idles(options))],
}

async function echoes(options: BenchOptions): Promise<Row[]> {
  await using load = await Child.start('load/main.js', [], options)
  await using node = await startNode(SERVICE, 1, options)
  await using peer = await Child.start(PEER, [], options)
  const port = await askService<number>(node, 'port')
  const peerPort = await peer.request<number>('port')
  const rows: Row[] = []
  for (const { what, shape } of SHAPES) {
    const served = (name: string, server: Child, at: number): Served => {
      const target = { host: '127.0.0.1', port: at, ...shape, warmSeconds: 0 }
      const kind = { isFramed: false, isWebSocket: true }
      const echo: Omit<EchoLoad, 'seconds'> = { ...target, ...kind }
      return {
        name,
        server,
        load: (seconds) => load.request<Measure>('echo', { ...echo, seconds }),
      }
    }
    const ours = served('skynet-ts', node, port)
    rows.push(...(await contestByCpu(what, ours, served('ws', peer, peerPort), options)))
  }
  return rows
}

interface Server {
  readonly process: Child
  readonly port: number
  memory(): Promise<Memory>
}

/** Two rows: of the heap of the thread that serves, and of the whole process. */
async function idles(options: BenchOptions): Promise<Row[]> {
  const wanted = options.isQuick ? 100 : IDLE
  const connections = Math.min(wanted, descriptorsMax() - DESCRIPTORS_SPARE)
  await using load = await Child.start('load/main.js', [], options)
  const startOurs = async (): Promise<Server> => {
    const process = await startNode(SERVICE, 1, options)
    const port = await askService<number>(process, 'port')
    return { process, port, memory: () => askService<Memory>(process, 'settledMemory') }
  }
  const startPeer = async (): Promise<Server> => {
    const process = await Child.start(PEER, [], options)
    const port = await process.request<number>('port')
    return { process, port, memory: () => process.request<Memory>('settledMemory') }
  }
  const side = (name: string, start: () => Promise<Server>): readonly [Side, Side] =>
    twofold(name, () => grown(start, load, connections))
  const [ours, oursRss] = side('skynet-ts', startOurs)
  const [other, otherRss] = side('ws', startPeer)
  const rounds = { rounds: Math.min(options.rounds, 3) }
  const what = `${connections} idle connections`
  const unit = 'bytes' as const
  const heaps = { what: `${what}: heap`, unit, ours, others: [other] }
  const whole = { what: `${what}: rss`, unit, ours: oursRss, others: [otherRss] }
  return [...(await contest(heaps, rounds)), ...(await contest(whole, rounds))]
}

/** Each process is new: one that has grown hides what is added. */
async function grown(
  start: () => Promise<Server>,
  load: Child,
  connections: number,
): Promise<readonly [Measure, Measure]> {
  const { process, port, memory } = await start()
  await using _ = process
  const target = { host: '127.0.0.1', port, isWebSocket: true }
  await letPass(load, target, connections)
  const before = await memory()
  const completed = await load.request<number>('hold', { ...target, connections })
  const after = await memory()
  await load.request('release')
  const each = (bytes: number): Measure => ({ completed, value: Math.max(bytes, 1) / completed })
  return [each(after.heap - before.heap), each(after.rss - before.rss)]
}
