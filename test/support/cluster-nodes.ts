/** Nodes of one cluster, each a process, and what a test does to them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../../bench/support/child.ts'
import type { Load } from '../fixtures/cluster-actor.ts'
import { textOf } from './cli.ts'
import { type Book, type Harm, type Judged, judge, type NodeEntry, now } from './cluster-books.ts'
import type { Way } from './cluster-ways.ts'
import { until } from './until.ts'

/** Calls all others, and writes down what comes of it. */
const ACTOR = 'cluster-actor'
const LOOK_MS = 500
const LOOKS_MAX = 20
/** So many of the last calls to a node tell why it does not answer. */
const LAST = 5

export class ClusterNode {
  readonly name: string
  readonly child: Child

  constructor(name: string, child: Child) {
    this.name = name
    this.child = child
  }

  ask<T>(name: string, params: object = {}): Promise<T> {
    return this.child.request('service', { name, params })
  }

  async states(): Promise<readonly NodeEntry[]> {
    return (await this.ask<Book>('book')).nodes
  }
}

export class ClusterNodes implements AsyncDisposable {
  readonly #way: Way
  readonly #service: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'skynet-cluster-'))
  readonly #nodes = new Map<string, ClusterNode>()
  readonly #harms: Harm[] = []

  private constructor(way: Way, service: string) {
    this.#way = way
    this.#service = service
  }

  /** The first is there before the others begin. */
  static async start(way: Way, names: readonly string[], service = ACTOR): Promise<ClusterNodes> {
    const nodes = new ClusterNodes(way, service)
    try {
      const [first, ...others] = names
      await nodes.add(first!)
      await Promise.all(others.map((name) => nodes.add(name)))
      return nodes
    } catch (error) {
      const logs = nodes.logs()
      await nodes[Symbol.asyncDispose]()
      throw new Error(`Cannot start the nodes:\n${logs}`, { cause: error })
    }
  }

  get names(): readonly string[] {
    return [...this.#nodes.keys()]
  }

  node(name: string): ClusterNode {
    return this.#nodes.get(name)!
  }

  /** Start it, for the first time or again. */
  async add(name: string): Promise<ClusterNode> {
    const config = {
      thread: 2,
      // A test may hold a worker.
      monitorMs: 0,
      args: [this.#folder],
      logger: join(this.#folder, `${name}.log`),
      cluster: this.#way.configOf(name),
    }
    const args = [`../test/fixtures/${this.#service}.js`, JSON.stringify(config)]
    const before = this.#way.before?.(name)
    const child = await Child.start('support/node-process.js', args, {}, before)
    const node = new ClusterNode(name, child)
    this.#nodes.set(name, node)
    return node
  }

  /** Each calls all others, and the ledger, which the first of these has: by chance any. */
  async load(seed: number, callers = 4): Promise<void> {
    const { names } = this
    for (let i = 0; i < names.length; i++) {
      await this.loadOne(names[(seed + i) % names.length]!, seed + i, callers)
      if (i === 0) await sleep(LOOK_MS)
    }
  }

  async loadOne(name: string, seed: number, callers = 4): Promise<void> {
    const peers = this.names.filter((other) => other !== name)
    const load: Load = { peers, seed, callers }
    await this.node(name).ask('begin', load)
  }

  kill(name: string): void {
    this.#harm(name, 'kill')
    process.kill(this.node(name).child.pid, 'SIGKILL')
  }

  /**
   * @param what `pause`: for so short that nobody may take it for dead.
   * @returns Lets it go on.
   */
  stop(name: string, what: 'stop' | 'pause' = 'stop'): () => void {
    const { pid } = this.node(name).child
    const harm = this.#harm(name, what)
    process.kill(pid, 'SIGSTOP')
    return () => {
      process.kill(pid, 'SIGCONT')
      harm.to = now()
    }
  }

  #harm(name: string, what: Harm['what']): Harm {
    const { pid } = this.node(name).child
    const harm = { node: name, pid, what, from: now(), to: Number.POSITIVE_INFINITY }
    this.#harms.push(harm)
    return harm
  }

  /**
   * It is cut off, by who calls this.
   *
   * @param what `outage`: of that nobody has to die. `blink`: nor of that, when it was as short as
   * it was meant to be.
   * @returns Called when it is no more.
   */
  cut(name: string, what: 'cut' | 'blink' | 'outage' = 'cut'): () => void {
    const harm = this.#harm(name, what)
    return () => {
      harm.to = now()
    }
  }

  /** Wait until each of the observers has seen it so: how long that was after the harm, in ms. */
  async seen(node: string, state: string, by: readonly string[]): Promise<number> {
    const { from } = this.#harms.findLast((harm) => harm.node === node)!
    let last = 0
    for (const observer of by) {
      const entry = await until(`${observer} sees that ${node} is ${state}`, async () => {
        const states = await this.node(observer).states()
        return states.find((each) => each.node === node && each.state === state && each.at > from)
      })
      last = Math.max(last, entry.at - from)
    }
    return last
  }

  /**
   * Everybody calls everybody again, and the ledger; then nothing more is begun, what is under way
   * ends, and the books are compared.
   */
  async settle(): Promise<Judged> {
    const since = now()
    for (const name of this.names) await this.#reachesAll(name, since)
    const books: (Book & { pid: number })[] = []
    for (const node of this.#nodes.values()) {
      books.push({ ...(await node.ask<Book>('enough')), pid: node.child.pid })
    }
    const isLate = ({ faults }: Judged): boolean => faults.some((each) => / got \d+ of /.test(each))
    let judged = judge(this.#folder, books, this.#harms)
    // Messages behind a call that has met its deadline may be on their way.
    for (let i = 0; i < LOOKS_MAX && isLate(judged); i++) {
      await sleep(LOOK_MS)
      judged = judge(this.#folder, books, this.#harms)
    }
    return judged
  }

  async #reachesAll(name: string, since: number): Promise<void> {
    const wanted = ['ledger', ...this.names.filter((other) => other !== name)]
    const missing = async (): Promise<string[]> => {
      const answered = await this.node(name).ask<readonly string[]>('answered', { since })
      return wanted.filter((each) => !answered.includes(each))
    }
    const what = `${name} to be answered by ${wanted}`
    await until(what, async () => (await missing()).length === 0).catch(async (error) => {
      throw new Error(await this.#whyNot(name, await missing(), since), { cause: error })
    })
  }

  /** What its last calls came to, and how each node has seen it and the others. */
  async #whyNot(name: string, missing: readonly string[], since: number): Promise<string> {
    const lines = [`${name} was not answered by ${missing}, asked since ${since}`]
    const { calls } = await this.node(name).ask<Book>('book')
    for (const to of missing) {
      const last = calls.filter((call) => call.to === to).slice(-LAST)
      lines.push(...last.map((call) => JSON.stringify(call)))
    }
    for (const each of this.names) {
      const states = await this.node(each).states()
      lines.push(`${each} has seen:`, ...states.slice(-LAST * 2).map((one) => JSON.stringify(one)))
    }
    return lines.join('\n  ')
  }

  logs(): string {
    return this.names
      .map((name) => `${name}:\n${textOf(join(this.#folder, `${name}.log`))}`)
      .join('')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { what, pid, to } of this.#harms) {
      if (what !== 'kill' && to === Number.POSITIVE_INFINITY) process.kill(pid, 'SIGCONT')
    }
    await Promise.all([...this.#nodes.values()].map(({ child }) => child[Symbol.asyncDispose]()))
    await this.#way[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
