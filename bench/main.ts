/** `npm run bench [name…]`: run the benchmarks, print what was completed. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { accept } from './accept.bench.ts'
import { broadcast } from './broadcast.bench.ts'
import { call } from './call.bench.ts'
import { channel } from './channel.bench.ts'
import { cluster } from './cluster.bench.ts'
import { codec } from './codec.bench.ts'
import { connections } from './connections.bench.ts'
import { echo } from './echo.bench.ts'
import { edge } from './edge.bench.ts'
import { gate } from './gate.bench.ts'
import { http } from './http.bench.ts'
import { idle } from './idle.bench.ts'
import { kcp } from './kcp.bench.ts'
import { link } from './link.bench.ts'
import { rest } from './rest.bench.ts'
import { send } from './send.bench.ts'
import { session } from './session.bench.ts'
import { spawn } from './spawn.bench.ts'
import { start } from './start.bench.ts'
import { stores } from './stores.bench.ts'
import type { Bench, BenchOptions, Row, Target } from './support/bench.ts'
import { table } from './support/report.ts'
import { timer } from './timer.bench.ts'
import { tls } from './tls.bench.ts'
import { udp } from './udp.bench.ts'
import { ws } from './ws.bench.ts'

/** In the order in which they run. */
const BENCHES: readonly Bench[] = [
  ...[
    echo,
    udp,
    kcp,
    broadcast,
    gate,
    accept,
    http,
    call,
    send,
    spawn,
    start,
    rest,
    timer,
    stores,
    codec,
    link,
    idle,
    connections,
    channel,
    cluster,
    tls,
    edge,
    session,
    ws,
  ],
]

const USAGE = `usage: npm run bench -- [name…] [options]
${BENCHES.map(({ name, help }) => `  ${name.padEnd(13)}${help}`).join('\n')}
options:
  --json              one JSON document instead of tables
  --target host:port  measure this echo server (an IP address) and nothing else
  --rounds n          rounds of each comparison (default 5)
  --seconds s         time of one side in one round (default 1)
  --quick             tiny inputs: tests the benchmarks, measures nothing
  --profile folder    write CPU profiles of all processes and threads
`

/** Ends the process with one line instead of a stack. */
class UsageError extends Error {}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args)
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const target = values.target === undefined ? undefined : targetOf(values.target)
  const isQuick = values.quick === true
  const options: BenchOptions = {
    rounds: numberOf('rounds', values.rounds, isQuick ? 1 : 5),
    seconds: numberOf('seconds', values.seconds, isQuick ? 0.03 : 1),
    warmSeconds: isQuick ? 0.01 : 0.3,
    isQuick,
    target,
    profile: values.profile,
  }
  const names = positionals.length === 0 && target !== undefined ? ['echo'] : positionals
  const benches: { name: string; rows: readonly Row[] }[] = []
  for (const bench of chosen(names)) {
    const rows = await bench.run(options)
    benches.push({ name: bench.name, rows })
    if (!values.json) process.stdout.write(`${table(bench, rows)}\n`)
  }
  if (!values.json) return
  const { rounds, seconds } = options
  const machine = { platform: process.platform, arch: process.arch, cores: availableParallelism() }
  const report = { node: process.version, ...machine, rounds, seconds, benches }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        target: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean' },
        profile: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`)
  }
}

function chosen(names: readonly string[]): readonly Bench[] {
  if (names.length === 0) return BENCHES
  return names.map((name) => {
    const bench = BENCHES.find((each) => each.name === name)
    if (bench === undefined) throw new UsageError(`Cannot find a bench named '${name}'\n${USAGE}`)
    return bench
  })
}

function numberOf(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (Number.isFinite(value) && value > 0 && (name !== 'rounds' || Number.isInteger(value))) {
    return value
  }
  throw new UsageError(`Cannot run as --${name} must be a number above 0: current value is ${text}`)
}

function targetOf(text: string): Target {
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  if (at > 0 && Number.isInteger(port) && port > 0 && port < 65536) {
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port }
  }
  throw new UsageError(`Cannot run as --target must be host:port: current value is ${text}`)
}
