/** Bytes over TLS: echoed, and handshakes, by a service and by node:tls. */
import type { TlsLoad } from './peers/tls-load.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { contestByCpu, type Served } from './support/by-cpu.ts'
import { Child } from './support/child.ts'
import { askService, startNode } from './support/sides.ts'

type Work = Pick<TlsLoad, 'connections' | 'bytes'> & { readonly what: string }

/** Without bytes: connect, shake hands, be closed, and again. */
const WORKS: readonly Work[] = [
  { what: '50 connections, 64 B echoed', connections: 50, bytes: 64 },
  { what: '50 connections, 4 KiB echoed', connections: 50, bytes: 4096 },
  { what: 'handshakes, 8 under way', connections: 8, bytes: 0 },
]

export const tls: Bench = {
  name: 'tls',
  help: 'messages echoed and handshakes over TLS, by a service and by node:tls',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using load = await Child.start('peers/tls-load.js', [], options)
  await using node = await startNode('services/tls-echo.js', 1, options)
  await using other = await Child.start('peers/tls-echo.js', [], options)
  const rows: Row[] = []
  for (const { what, connections, bytes } of WORKS) {
    const served = (name: string, server: Child, port: number): Served => {
      const work: Omit<TlsLoad, 'seconds'> = { port, connections, bytes }
      return { name, server, load: (seconds) => load.request<Measure>('run', { ...work, seconds }) }
    }
    // The client is node:tls, and takes more than half of the time: the server shows in its CPU.
    const ours = served('skynet-ts', node, await askService<number>(node, 'port'))
    const theirs = served('node:tls', other, await other.request<number>('port'))
    rows.push(...(await contestByCpu(what, ours, theirs, options)))
  }
  return rows
}
