/**
 * The same thing again and again, in a node and to it, and what is kept of that: looks before, half
 * of the way and after. What grows in the second half would grow for ever.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import { type Node, resolveConfig, startNode } from 'skynet-ts/node'
import { settledMemory } from '../../bench/support/settled.ts'
import { MODULE_PATHS_MAX } from '../../src/base/limits.ts'
import { type Answer, type Look, type Order, type Scale, WAYS } from '../fixtures/again.ts'
import { descriptors, listeners } from './leftovers.ts'
import { beginOutput } from './output.ts'
import { fixture } from './process.ts'
import { until } from './until.ts'

/** What a thread may hold more for each time, in bytes: nothing that is kept is as small. */
const BYTES_EACH_MAX = 1
/** Noise of V8: code that is compiled, tables that have room for more. */
const HEAP_SLACK = 512 * 1024
/** Noise of malloc, and of pages that V8 has not given back. */
const RSS_SLACK = 32 * 1024 * 1024
/**
 * Of all that a way does, so much is done before the first look: caches fill, code is compiled. The
 * paths of modules are a cache that is emptied when it is full: what asks for others each time goes
 * on by as many as that holds, so each look finds as many in it.
 */
const WARM_PART = 10
/** Questions to a node at the same time, where there are many. */
const AT_ONCE = 100
/** Of the node when nothing else goes on: two workers, and the thread of sockets. */
const THREADS = 3
/** How long what is on its way to its end may take. */
const SETTLE_MS_MAX = 20_000

interface Question {
  readonly scale: Scale
  readonly atOnce: number
  readonly ask: (node: Node) => unknown
}

/** Asked of the node itself, by its process. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  'node.workers, many at once': { scale: 1, atOnce: AT_ONCE, ask: (node) => node.workers() },
  'node.workers, one at a time': { scale: 1, atOnce: 1, ask: (node) => node.workers() },
  'node.stats': { scale: 100, atOnce: AT_ONCE, ask: (node) => node.stats() },
  'node.reopenLog': { scale: 100, atOnce: AT_ONCE, ask: (node) => node.reopenLog() },
  'node.writeCrashReport without a folder': {
    scale: 100,
    atOnce: AT_ONCE,
    ask: (node) => node.writeCrashReport('', ''),
  },
}

/** What leads to the socket thread, whose heap is worth a look then: one takes a second. */
const SOCKET_WAYS: ReadonlySet<string> = new Set([
  'idle timeouts of all lengths',
  'listen and close',
  'listen at a path and close',
  'connect, talk and close',
  'a client of a gate comes, is answered, and leaves',
  'UDP sockets',
])

/** Every way, and by how much less often than the others it goes: what it does takes longer. */
export const ALL_WAYS: ReadonlyMap<string, Scale> = new Map(
  [...Object.entries(QUESTIONS), ...WAYS].map(([way, { scale }]) => [way, scale]),
)

/** Everything there is at one moment. */
export interface State {
  /** Bytes, by thread. */
  readonly heaps: Readonly<Record<string, number>>
  readonly rss: number
  readonly counts: Readonly<Record<string, number>>
}

export interface Course {
  readonly times: number
  /** Before, half of the way, and after. */
  readonly states: readonly [State, State, State]
  /** What grows. */
  readonly faults: readonly string[]
}

/** A node, and the service in it that does what it is told: test/fixtures/again.ts. */
export class Again {
  readonly #node: Node
  readonly #channel: BroadcastChannel
  readonly #socketThread: Worker
  /** Threads that are not over. */
  readonly #threads: ReadonlySet<Worker>
  /** Of message logs. */
  readonly #folder: string
  #answered!: (answer: Answer) => void

  private constructor(
    node: Node,
    channel: BroadcastChannel,
    threads: ReadonlySet<Worker>,
    folder: string,
  ) {
    this.#node = node
    this.#channel = channel
    this.#threads = threads
    // The first thread of a node is its socket thread.
    this.#socketThread = [...threads][0]!
    this.#folder = folder
    channel.onmessage = (event) => this.#answered((event as { data: Answer }).data)
  }

  static async start(): Promise<Again> {
    const name = `again-${process.pid}`
    const channel = new BroadcastChannel(name)
    const ready = new Promise((resolve) => {
      channel.onmessage = resolve
    })
    const threads = new Set<Worker>()
    // A logger that has much to write is said to, past it: not by chance in one of the ways.
    await beginOutput()
    process.on('worker', (thread) => {
      threads.add(thread)
      thread.once('exit', () => threads.delete(thread))
    })
    const folder = mkdtempSync(join(tmpdir(), 'skynet-test-'))
    const given = {
      start: fixture('again.ts'),
      args: [name],
      env: { logpath: folder },
      dedicated: 1,
    }
    const node = await startNode(resolveConfig({ ...given, thread: 2, logger: '/dev/null' }, '/'))
    await ready
    return new Again(node, channel, threads, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.stop({ graceMs: 0 })
    this.#channel.close()
    rmSync(this.#folder, { recursive: true })
  }

  /** Go one way, at most so often: a part of that, as its scale says. */
  async run(way: string, most: number): Promise<Course> {
    const scale = ALL_WAYS.get(way)!
    const step = way.startsWith('queryService') ? MODULE_PATHS_MAX : 1
    const half = Math.ceil(most / scale / 2 / step) * step
    const warm = Math.ceil((2 * half) / WARM_PART)
    await this.#go(way, 0, warm)
    // With that heap, too: what a snapshot takes of this process is there at each look, or at none.
    const before = await this.#look(way, () => true)
    await this.#go(way, warm, warm + half)
    const halfWay = await this.#look(way, (found) => grownCounts(before, found).length === 0)
    await this.#go(way, warm + half, warm + 2 * half)
    const faultsOf = (found: State): string[] => [
      ...grownCounts(before, found),
      ...grownBytes(halfWay, found, half),
    ]
    const after = await this.#look(way, (found) => faultsOf(found).length === 0)
    const faults = faultsOf(after)
    return { times: 2 * half, states: [before, halfWay, after], faults }
  }

  async #go(way: string, from: number, to: number): Promise<void> {
    const question = QUESTIONS[way]
    if (question === undefined) {
      await this.#tell({ way, from, to })
      return
    }
    const { atOnce, ask } = question
    for (let first = from; first < to; first += atOnce) {
      const size = Math.min(atOnce, to - first)
      await Promise.all(Array.from({ length: size }, () => ask(this.#node)))
      // What it tells the workers is not to pile up.
      if (first % AT_ONCE === 0) await this.#node.workers()
    }
  }

  async #tell<T extends Answer>(order: Order): Promise<T> {
    const answered = new Promise<Answer>((resolve) => {
      this.#answered = resolve
    })
    this.#channel.postMessage(order)
    const answer = await answered
    if ('fault' in answer) throw new Error(answer.fault)
    return answer as T
  }

  /** With the heap of the socket thread, where that is worth a look. */
  async #look(way: string, isOver: (found: State) => boolean): Promise<State> {
    const found = await this.#settled(isOver)
    if (!SOCKET_WAYS.has(way)) return found
    return { ...found, heaps: { ...found.heaps, 'socket thread': await this.#socketHeap() } }
  }

  /** @param isOver What is on its way to its end, or still held for it, is waited for. */
  async #settled(isOver: (found: State) => boolean): Promise<State> {
    let found: State | undefined
    const isSettled = async (): Promise<boolean> => {
      found = await this.#lookOnce()
      return this.#threads.size <= THREADS && isOver(found)
    }
    // What does not settle is a fault of the way, and told as that.
    await until('it settles', isSettled, { withinMs: SETTLE_MS_MAX }).catch(() => {})
    return found!
  }

  async #lookOnce(): Promise<State> {
    const looks = [this.#tell<Look>({ look: true }), settledMemory()] as const
    const [{ heaps, counts: inside }, { heap, rss }] = await Promise.all(looks)
    const counts = {
      ...inside,
      descriptors: descriptors(),
      'listeners of the process': sum(Object.values(listeners())),
      'resources of the process': process.getActiveResourcesInfo().length,
    }
    return {
      heaps: { main: heap, 'worker 0': heaps[0]!, 'worker 1': heaps[1]! },
      rss,
      counts,
    }
  }

  /** That thread runs no code but its loop, so nothing in it can tell: what a snapshot holds. */
  async #socketHeap(): Promise<number> {
    const taken = this.#socketThread.getHeapSnapshot()
    let isTaken = false
    void taken.then(() => {
      isTaken = true
    })
    // It begins when the thread looks up, which an order makes it do.
    while (!isTaken) await this.#tell({ way: 'idle timeouts of all lengths', from: 0, to: 1 })
    const { snapshot, nodes } = (await json(await taken)) as Snapshot
    const fields = snapshot.meta.node_fields
    let bytes = 0
    for (let at = fields.indexOf('self_size'); at < nodes.length; at += fields.length) {
      bytes += nodes[at]!
    }
    return bytes
  }
}

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: readonly string[] } }
  readonly nodes: readonly number[]
}

const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0)

function grownCounts({ counts: before }: State, { counts: after }: State): string[] {
  return Object.entries(after)
    .filter(([what, count]) => count > before[what]!)
    .map(([what, count]) => `${what}: ${before[what]} before, ${count} after`)
}

function grownBytes(halfWay: State, after: State, times: number): string[] {
  const faults = Object.entries(after.heaps).flatMap(([thread, bytes]) => {
    const more = bytes - halfWay.heaps[thread]!
    const isFlat = more <= HEAP_SLACK + times * BYTES_EACH_MAX
    return isFlat ? [] : [`heap of ${thread}: ${more} bytes more, ${Math.ceil(more / times)} each`]
  })
  const more = after.rss - halfWay.rss
  if (more > RSS_SLACK + times * BYTES_EACH_MAX) faults.push(`resident: ${more} bytes more`)
  return faults
}
