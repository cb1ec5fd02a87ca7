/** Calls and messages between two nodes on one machine, beside what one writes by hand for that. */
import { overNats, overTcp, overTls } from '../test/support/cluster-ways.ts'
import { isNatsInstalled, NATS_LEFT_OUT, NatsServer } from '../test/support/nats-server.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { contest, type Side, twofold } from './support/contest.ts'
import { jsonRpc, natsRequest, nodes, type Pair } from './support/pairs.ts'

interface Kind {
  readonly what: string
  readonly ask: 'call' | 'send'
  readonly params: object
}

const KINDS: readonly Kind[] = [
  { what: 'calls, one at a time', ask: 'call', params: { concurrent: 1 } },
  { what: 'calls, 100 concurrent', ask: 'call', params: { concurrent: 100 } },
  { what: 'sends of 64 B', ask: 'send', params: { bytes: 64 } },
  { what: 'sends of 1 KiB', ask: 'send', params: { bytes: 1024 } },
]

export const cluster: Bench = {
  name: 'cluster',
  help: 'calls answered and messages received by another node, and CPU time of both for each',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using tcp = await nodes('skynet-ts tcp', await overTcp(['a', 'b']), options)
  await using rpc = await jsonRpc('JSON-RPC', 'each', options)
  await using gathered = await jsonRpc('JSON-RPC, gathered', 'tick', options)
  await using tls = await nodes('skynet-ts tls', await overTls(['a', 'b']), options)
  const rows = [
    ...(await compare('TCP', tcp, [rpc, gathered], options)),
    ...(await compare('TLS', tls, [tcp], options)),
  ]
  if (!isNatsInstalled()) {
    process.stderr.write(`${NATS_LEFT_OUT}\n`)
    return rows
  }
  await using server = await NatsServer.start()
  await using nats = await nodes('skynet-ts nats', overNats(server), options)
  await using request = await natsRequest(server.port, options)
  return [...rows, ...(await compare('NATS', nats, [request, tcp], options))]
}

/** Rates and CPU times are of the same rounds. */
async function compare(
  way: string,
  ours: Pair,
  others: readonly Pair[],
  options: BenchOptions,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const kind of KINDS) {
    const what = `${way}: ${kind.what}`
    const sides = (pair: Pair): readonly [Side, Side] =>
      twofold(pair.name, () => measure(pair, kind, options))
    const [rate, cpu] = sides(ours)
    const all = others.map(sides)
    const rates = { what, unit: '/s', ours: rate, others: all.map(([first]) => first) } as const
    const cpus = {
      what: `${what}: CPU`,
      unit: 'us',
      ours: cpu,
      others: all.map(([, second]) => second),
    } as const
    rows.push(...(await contest(rates, options)), ...(await contest(cpus, options)))
  }
  return rows
}

async function measure(
  pair: Pair,
  { ask, params }: Kind,
  { seconds, warmSeconds }: BenchOptions,
): Promise<readonly [Measure, Measure]> {
  await pair.ask(ask, { ...params, seconds: warmSeconds, warmSeconds: 0 })
  const before = await pair.cpuMs()
  const rate = await pair.ask(ask, { ...params, seconds, warmSeconds: 0 })
  const usedMs = (await pair.cpuMs()) - before
  const { completed } = rate
  return [rate, { completed, value: (usedMs * 1000) / completed }]
}
