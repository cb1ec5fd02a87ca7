/** What a gate does for its sessions: its core alone, and all of it over TCP. */
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { askService, otherSide, startNode } from './support/sides.ts'

const SESSIONS = 1000
const REQUESTS = 200_000
const QUICK = 50

export const session: Bench = {
  name: 'session',
  help: 'sessions that are resumed all at once, and requests that run once',
  run: async (options) => [...(await runCore(options)), ...(await runGate(options))],
}

async function runCore(options: BenchOptions): Promise<Row[]> {
  const kinds = [
    { what: 'core: resumed, per second of CPU', request: 'resume', count: SESSIONS },
    { what: 'core: request answered, per second of CPU', request: 'request', count: REQUESTS },
  ]
  const rows: Row[] = []
  for (const { what, request, count } of kinds) {
    await using child = await Child.start('peers/sessions.js', [], options)
    await using plain = await Child.start('peers/sessions.js', [], options)
    const params = { count: options.isQuick ? QUICK : count }
    const ours = otherSide('skynet-ts', child, request, params)
    const others = [otherSide('JSON', plain, `${request}Json`, params)]
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  return rows
}

/** What each client asks while it is away, and hears of when it is back. */
const CALLS = 2
const TEXTS = Array.from({ length: 8 }, (_, i) => `${i}`.padEnd(60))
/** A WELCOME, answers and pushes, as many bytes each as these have on an average. */
const MESSAGES = 1 + CALLS + TEXTS.length
const MESSAGE_BYTES = 70

async function runGate(options: BenchOptions): Promise<Row[]> {
  const count = options.isQuick ? QUICK : SESSIONS
  await using clients = await Child.start('peers/session-clients.js', [], options)
  await using node = await startNode('services/sessions.js', 2, options)
  await using net = await Child.start('peers/net-hello.js', [], options)
  await clients.request('open', { port: await askService<number>(node, 'port'), count })
  const hello = { count: MESSAGES, bytes: MESSAGE_BYTES }
  const netPort = await net.request<number>('port', hello)
  const bytes = MESSAGES * MESSAGE_BYTES
  const ours: Side = {
    name: 'skynet-ts',
    async measure() {
      await clients.request('cut', { calls: CALLS })
      await askService(node, 'push', { texts: TEXTS })
      return byCpu(node, () => clients.request('back', { pushes: TEXTS.length }))
    },
  }
  const bare: Side = {
    name: 'node:net',
    measure: () => byCpu(net, () => clients.request('bare', { port: netPort, count, bytes })),
  }
  const what = 'TCP: resumed, per second of CPU'
  return await contest({ what, unit: '/s', ours, others: [bare] }, options)
}

/** By the CPU time of all threads of a server meanwhile. */
async function byCpu(server: Child, work: () => Promise<number>): Promise<Measure> {
  const before = await server.request<number>('cpuMs')
  const completed = await work()
  const cpu = (await server.request<number>('cpuMs')) - before
  return { completed, value: (completed * 1000) / Math.max(cpu, 0.001) }
}
