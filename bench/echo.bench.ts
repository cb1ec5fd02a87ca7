/** Bytes in, the same bytes out: a service behind the socket thread, beside node:net. */
import type { EchoLoad } from './load/echo.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { askService, startNode } from './support/sides.ts'

type Shape = Pick<EchoLoad, 'connections' | 'bytes' | 'pipelined' | 'isFramed'>

const FRAMED: Shape = { connections: 50, bytes: 64, pipelined: 16, isFramed: true }
const SHAPES: readonly { readonly what: string; readonly shape: Shape }[] = [
  { what: '1 connection, 64 B', shape: plain(1, 64) },
  { what: '50 connections, 64 B', shape: plain(50, 64) },
  { what: '500 connections, 64 B', shape: plain(500, 64) },
  { what: '50 connections, 4 KiB', shape: plain(50, 4096) },
]
const WHAT_FRAMED = '50 connections, 16 frames of 64 B'

export const echo: Bench = {
  name: 'echo',
  help: 'messages echoed over TCP, by a service and by node:net',
  run: (options) => (options.target === undefined ? runAll(options) : runTarget(options)),
}

async function runAll(options: BenchOptions): Promise<Row[]> {
  await using load = await Child.start('load/main.js', [], options)
  await using plainNode = await startNode('services/echo.js', 1, options)
  await using framedNode = await startNode('services/framed-echo.js', 1, options)
  await using net = await Child.start('peers/net-echo.js', [], options)
  const port = await askService<number>(plainNode, 'port')
  const netPort = await net.request<number>('port')
  const side = (name: string, at: number, shape: Shape): Side => ({
    name,
    measure: () => measure(load, options, { host: '127.0.0.1', port: at, ...shape }),
  })
  const rows: Row[] = []
  for (const { what, shape } of SHAPES) {
    const others = [side('node:net', netPort, shape)]
    const ours = side('skynet-ts', port, shape)
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  const framedPort = await net.request<number>('framedPort')
  const parsedPort = await askService<number>(framedNode, 'port')
  for (const [name, reads] of FRAMED_SERVERS) {
    const what = `${WHAT_FRAMED}, ${reads}`
    const ours = side('skynet-ts', await askService<number>(framedNode, name), FRAMED)
    const others = [side('node:net', framedPort, FRAMED)]
    // What frames() does for a service is compared with the parser that it would have.
    if (name === 'framesPort') others.push(side('parsed', parsedPort, FRAMED))
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  return rows
}

const FRAMED_SERVERS = [
  ['port', 'parsed'],
  ['readPort', 'read(n)'],
  ['framesPort', 'frames()'],
] as const

async function runTarget(options: BenchOptions): Promise<Row[]> {
  const { host, port } = options.target!
  await using load = await Child.start('load/main.js', [], options)
  const rows: Row[] = []
  for (const { what, shape } of [...SHAPES, { what: WHAT_FRAMED, shape: FRAMED }]) {
    const others: Side[] = [
      { name: `${host}:${port}`, measure: () => measure(load, options, { host, port, ...shape }) },
    ]
    rows.push(...(await contest({ what, unit: '/s', others }, options)))
  }
  return rows
}

function plain(connections: number, bytes: number): Shape {
  return { connections, bytes, pipelined: 1, isFramed: false }
}

function measure(
  load: Child,
  { seconds, warmSeconds }: BenchOptions,
  shape: Omit<EchoLoad, 'seconds' | 'warmSeconds'>,
): Promise<Measure> {
  return load.request<Measure>('echo', { ...shape, seconds, warmSeconds })
}
