/** Requests answered over HTTP: a service that serves, beside node:http with the same handler. */
import type { HttpLoad } from './load/http.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { contestByCpu, type Served } from './support/by-cpu.ts'
import { Child } from './support/child.ts'
import { askService, startNode } from './support/sides.ts'

type Shape = Pick<HttpLoad, 'connections' | 'path' | 'pipelined'>

const SHAPES: readonly (readonly [string, Shape])[] = [
  ['hello, 1 connection', { connections: 1, path: '/hello', pipelined: 1 }],
  ['hello, 50 connections', { connections: 50, path: '/hello', pipelined: 1 }],
  ['hello, 500 connections', { connections: 500, path: '/hello', pipelined: 1 }],
  ['hello, 50 connections, 16 a packet', { connections: 50, path: '/hello', pipelined: 16 }],
  ['64 KiB, 50 connections', { connections: 50, path: '/large', pipelined: 1 }],
]

export const http: Bench = {
  name: 'http',
  help: 'requests answered over HTTP, by a service and by node:http',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using load = await Child.start('load/main.js', [], options)
  await using node = await startNode('services/http.js', 1, options)
  await using plain = await Child.start('peers/node-http.js', [], options)
  const port = await askService<number>(node, 'port')
  const plainPort = await plain.request<number>('port')
  const rows: Row[] = []
  for (const [what, shape] of SHAPES) {
    const served = (name: string, server: Child, at: number): Served => {
      const target: Omit<HttpLoad, 'seconds'> = {
        host: '127.0.0.1',
        port: at,
        ...shape,
        warmSeconds: 0,
      }
      return {
        name,
        server,
        load: (seconds) => load.request<Measure>('http', { ...target, seconds }),
      }
    }
    const ours = served('skynet-ts', node, port)
    rows.push(...(await contestByCpu(what, ours, served('node:http', plain, plainPort), options)))
  }
  return rows
}
