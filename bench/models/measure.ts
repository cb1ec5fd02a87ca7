/**
 * What a connection and a message cost in each model: starts the servers of this folder one after
 * another, and is the same client for all of them.
 *
 *   npm run build && node dist/bench/models/measure.js            (Linux, about 10 s)
 *   node dist/bench/models/measure.js 50 2000                     (connections, echoes of each)
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { INTEREST } from '../../src/os/poll/poller.ts'
import { posixOs } from '../../src/os/posix.ts'
import { checked, connectAll, type Peer } from '../load/peers.ts'
import { type Usage, usageOf } from './usage.ts'

/** A loop gets a crowd for each connection of the others: one alone is too cheap to be seen. */
const MODELS = [
  { name: 'process per connection', program: 'process-per-connection.js', crowd: 1 },
  { name: 'thread per connection', program: 'thread-per-connection.js', crowd: 1 },
  { name: 'one loop', program: 'one-loop.js', crowd: 50 },
  { name: 'one loop (node:net)', program: 'net-loop.js', crowd: 50 },
] as const
const MESSAGE = Buffer.alloc(64, 'x')
const ANSWER_MS_MAX = 20_000
const LOOK_MS = 50

interface Costs {
  readonly bytes: number
  readonly openCpuUs: number
  readonly messageCpuUs: number
  readonly sleeps: number
}

const os = posixOs()

async function measure(
  program: string,
  connections: number,
  crowd: number,
  echoes: number,
): Promise<Costs> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const server = spawn(process.execPath, [path, '0'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const port = await portOf(server)
  const peers: Peer[] = []
  const join = (count: number): void => {
    const fresh = connectAll(os, '127.0.0.1', port, count)
    peers.push(...fresh)
    echo(fresh, 1)
  }
  join(1) // whatever is loaded for the first client is not a cost of the others
  const empty = await settled(server)
  join(connections * crowd)
  const full = await settled(server)
  const some = peers.slice(0, connections)
  echo(some, echoes) // until what is compiled late is compiled
  const before = await settled(server)
  echo(some, echoes)
  const after = await settled(server)

  for (const { fd } of peers) os.close(fd)
  server.stdin!.end()
  await once(server, 'exit')
  const messages = connections * echoes
  return {
    bytes: (full.bytes - empty.bytes) / (connections * crowd),
    openCpuUs: ((full.cpuMs - empty.cpuMs) * 1000) / (connections * crowd),
    messageCpuUs: ((after.cpuMs - before.cpuMs) * 1000) / messages,
    sleeps: (after.sleeps - before.sleeps) / messages,
  }
}

async function portOf(server: ChildProcess): Promise<number> {
  for await (const line of createInterface(server.stdout!)) {
    const port = /:(\d+)$/.exec(line)?.[1]
    if (port !== undefined) return Number(port)
  }
  throw new Error('Cannot measure a server that does not listen')
}

/** Its use once it has nothing to do: the next thread or process may still be starting. */
async function settled({ pid }: ChildProcess): Promise<Usage> {
  for (let before = usageOf(pid!); ; ) {
    await sleep(LOOK_MS)
    const now = usageOf(pid!)
    if (now.cpuMs - before.cpuMs < 1) return now
    before = now
  }
}

/** Each sends a message, waits until it is back, and sends the next: `echoes` times. */
function echo(peers: readonly Peer[], echoes: number): void {
  const poller = os.createPoller()
  const region = os.region(new SharedArrayBuffer(MESSAGE.length))
  const [tags, ready] = [new Uint32Array(64), new Uint8Array(64)]
  const received = new Uint32Array(peers.length)
  const send = (i: number): unknown => checked(os, os.write(peers[i]!.fd, MESSAGE, 0, 64))
  for (const [i, { fd }] of peers.entries()) {
    checked(os, poller.add(fd, i, INTEREST.read))
    send(i)
  }
  for (let left = peers.length; left > 0; ) {
    const count = checked(os, poller.wait(tags, ready, ANSWER_MS_MAX))
    if (count === 0) throw new Error(`Cannot go on: no answer for ${ANSWER_MS_MAX} ms`)
    for (const i of tags.subarray(0, count)) {
      const length = checked(os, os.read(peers[i]!.fd, region, 0, MESSAGE.length))
      if (length === 0) throw new Error('Cannot go on: the server has closed a connection')
      received[i]! += length
      if (received[i] === MESSAGE.length * echoes) left--
      else if (received[i]! % MESSAGE.length === 0) send(i)
    }
  }
  for (const [i, { fd }] of peers.entries()) poller.remove(fd, i)
  poller.close()
}

function print(...cells: readonly string[]): void {
  console.log(
    cells.map((cell, i) => (i === 0 ? cell.padEnd(24) : cell.padStart(i > 3 ? 16 : 21))).join(''),
  )
}

const [connections = 20, echoes = 1000] = process.argv.slice(2).map(Number)
const rows: { readonly name: string; readonly costs: Costs }[] = []
for (const { name, program, crowd } of MODELS) {
  rows.push({ name, costs: await measure(program, connections, crowd, echoes) })
}
/** All others are compared with it. */
const loop = rows.find(({ name }) => name === 'one loop')!.costs
print('', 'memory/connection', 'CPU to open one', 'CPU/message', 'sleeps/message')
for (const { name, costs } of rows) {
  const beside = (key: 'openCpuUs' | 'messageCpuUs'): string =>
    `${costs[key].toFixed(1)} us ${`x${(costs[key] / loop[key]).toFixed(1)}`.padStart(7)}`
  const memory = costs.bytes < 1024 ? '< 1 KiB' : `${(costs.bytes / 1024).toFixed(0)} KiB`
  print(name, memory, beside('openCpuUs'), beside('messageCpuUs'), costs.sleeps.toFixed(2))
}
