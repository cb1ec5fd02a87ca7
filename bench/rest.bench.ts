/** What a node takes that does nothing, and what each further worker adds to it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { startNode } from './support/sides.ts'

const SOCKET_THREADS = 1
/** Workers of a node; and how many more, to see what one of them takes. */
const WORKERS = 2
const MORE = 8
/** What goes on after a start has ended by then. */
const REST_MS = 500

export const rest: Bench = {
  name: 'rest',
  help: 'memory of a node that does nothing, and what a worker takes to start',
  run,
}

interface Taken {
  readonly rss: number
  readonly cpuMs: number
}

async function run(options: BenchOptions): Promise<Row[]> {
  const more = options.isQuick ? 1 : MORE
  const begin: readonly [string, (workers: number) => Promise<Child>][] = [
    ['skynet-ts', (workers) => startNode('services/idle.js', workers, options)],
    ['empty threads', (workers) => emptyThreads(workers, options)],
  ]
  const take = async (start: (workers: number) => Promise<Child>, workers: number) => {
    await using child = await start(workers)
    await delay(REST_MS)
    const [rss, cpuMs] = [
      await child.request<number>('rssNow'),
      await child.request<number>('cpuMs'),
    ]
    return { rss, cpuMs }
  }
  const sides = (measureOf: (few: Taken, many: Taken) => Measure): readonly Side[] =>
    begin.map(([name, start]) => ({
      name,
      measure: async () => measureOf(await take(start, WORKERS), await take(start, WORKERS + more)),
    }))
  const compare = (what: string, unit: Row['unit'], [ours, ...others]: readonly Side[]) =>
    contest({ what, unit, ours, others }, options)
  return [
    ...(await compare(
      `node, ${WORKERS} workers: rss`,
      'bytes',
      sides(({ rss }) => ({ completed: WORKERS, value: rss })),
    )),
    ...(await compare(
      'one more worker: rss',
      'bytes',
      sides((few, many) => ({ completed: more, value: Math.max(many.rss - few.rss, 1) / more })),
    )),
    ...(await compare(
      'more workers started: per second of CPU',
      '/s',
      sides((few, many) => ({
        completed: more,
        value: more / (Math.max(many.cpuMs - few.cpuMs, 1) / 1000),
      })),
    )),
  ]
}

/** A process with as many threads as a node of so many workers. */
function emptyThreads(workers: number, options: BenchOptions): Promise<Child> {
  return Child.start('peers/empty-threads.js', [String(workers + SOCKET_THREADS)], options)
}
