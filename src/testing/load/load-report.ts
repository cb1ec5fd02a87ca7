/** What a run of bots has counted, and the table of it that people read. */
import { LOAD_ERRORS_MAX } from '../../base/limits.ts'
import type { ConnectionCounts } from './faulty-links.ts'
import { Spread } from './spread.ts'

/** Calls of one name. */
export interface CallLoad {
  /** Those that were answered. */
  readonly count: number
  readonly failed: number
  readonly perSecond: number
  /** Half of them took so long or shorter, in ms; percentiles are exact to 2 %. */
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** What bots have thrown, by what it says. */
export interface LoadError {
  readonly text: string
  readonly count: number
  /** The first that has met it, and in which of its rounds. */
  readonly bot: number
  readonly round: number
}

export interface LoadResult {
  readonly seed: number
  readonly bots: number
  /** Scripts that have come to their end. */
  readonly rounds: number
  /** From the first bot to the end of the last. */
  readonly ms: number
  /** By name; `ready` is the time from `connect` to the welcome. */
  readonly calls: Readonly<Record<string, CallLoad>>
  /** How often each event of the protocol was heard. */
  readonly events: Readonly<Record<string, number>>
  /** How many connections were made, cut on purpose, and had a session that went on. */
  readonly connections: ConnectionCounts & { readonly resumed: number }
  /** The most frequent first. */
  readonly errors: readonly LoadError[]
  /** A table for people. */
  toString(): string
}

/** The row of the time up to the welcome. */
export const READY_CALL = 'ready'

const OTHERS = 'other errors'

/** Counts while a run goes on. */
export class LoadBook {
  rounds = 0
  resumed = 0
  readonly links: ConnectionCounts = { made: 0, cut: 0 }
  readonly events: Record<string, number>
  readonly #calls = new Map<string, { readonly spread: Spread; failed: number }>()
  readonly #errors = new Map<
    string,
    { count: number; readonly bot: number; readonly round: number }
  >()

  constructor(calls: readonly string[], events: readonly string[]) {
    for (const name of [READY_CALL, ...calls])
      this.#calls.set(name, { spread: new Spread(), failed: 0 })
    this.events = Object.fromEntries(events.map((name) => [name, 0]))
  }

  answered(name: string, ms: number): void {
    this.#calls.get(name)!.spread.add(ms)
  }

  failed(name: string): void {
    this.#calls.get(name)!.failed++
  }

  thrown(error: unknown, bot: number, round: number): void {
    const said = String(error)
    const text = this.#errors.has(said) || this.#errors.size < LOAD_ERRORS_MAX ? said : OTHERS
    const known = this.#errors.get(text)
    if (known === undefined) this.#errors.set(text, { count: 1, bot, round })
    else known.count++
  }

  result(seed: number, bots: number, ms: number): LoadResult {
    const seconds = Math.max(ms, 1) / 1000
    const calls = Array.from(this.#calls, ([name, { spread, failed }]) => {
      const { count, maxMs } = spread
      const [p50Ms, p90Ms, p99Ms] = [spread.at(0.5), spread.at(0.9), spread.at(0.99)]
      return [name, { count, failed, perSecond: count / seconds, p50Ms, p90Ms, p99Ms, maxMs }]
    })
    const errors = Array.from(this.#errors, ([text, rest]) => ({ text, ...rest }))
    const result = {
      seed,
      bots,
      rounds: this.rounds,
      ms,
      calls: Object.fromEntries(calls) as Record<string, CallLoad>,
      events: this.events,
      connections: { ...this.links, resumed: this.resumed },
      errors: errors.sort((a, b) => b.count - a.count),
    }
    return { ...result, toString: () => tableOf(result) }
  }
}

const ERRORS_SHOWN = 10

function tableOf(result: LoadResult): string {
  const { seed, bots, rounds, ms, calls, events, connections, errors } = result
  const { made, cut, resumed } = connections
  const head = ['call', 'answered', 'failed', 'per s', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms']
  const rows = Object.entries(calls).map(([name, each]) => {
    const times = [each.perSecond, each.p50Ms, each.p90Ms, each.p99Ms, each.maxMs]
    return [name, whole(each.count), whole(each.failed), ...times.map(tenths)]
  })
  const heard = Object.entries(events).map(([name, count]) => [name, whole(count)])
  const found = errors.slice(0, ERRORS_SHOWN).map(({ text, count, bot, round }) => {
    return `${whole(count)} × ${text} (first: bot ${bot}, round ${round})`
  })
  const rest = errors.length - found.length
  return [
    `${whole(bots)} bots, ${whole(rounds)} rounds in ${tenths(ms / 1000)} s, seed ${seed}`,
    `${whole(made)} connections: ${whole(cut)} cut on purpose, ${whole(resumed)} resumed a session`,
    '',
    ...aligned([head, ...rows]),
    ...(heard.length === 0 ? [] : ['', ...aligned([['event', 'heard'], ...heard])]),
    ...(found.length === 0 ? [] : ['', ...found]),
    ...(rest > 0 ? [`and ${rest} others`] : []),
  ].join('\n')
}

const whole = (count: number): string => count.toLocaleString('en')
const tenths = (value: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** The first column to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  const cell = (text: string, at: number): string =>
    at === 0 ? text.padEnd(widths[at]!) : text.padStart(widths[at]!)
  return rows.map((row) => row.map(cell).join('  '))
}
