/** A node under attack, its well-behaved clients, and everything that is measured of both. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SocketInfo } from 'skynet-ts'
import { Child } from '../../../bench/support/child.ts'
import type { ControlPlan, ControlResult } from './control.ts'
import type { PeersPlan, PeersResult } from './hostile-peers.ts'
import type { GateStats } from './line-gate.ts'

const FOLDER = '../test/soak/support'
const SAMPLE_MS = 50
/** A closed socket may take 10 s to send what was written: LINGER_MS_MAX. */
const REST_MS_MAX = 60_000

export interface Sample {
  readonly rss: number
  readonly descriptors: number
  /** Of each worker, without its garbage. */
  readonly heaps: readonly number[]
  readonly stats: GateStats
}

export class Rig implements AsyncDisposable {
  readonly #node: Child
  readonly #control: Child
  readonly #folder: string
  readonly #peers = new Set<Child>()
  readonly #idle: Child[] = []
  #faults: string[] = []
  #logBytes = 0
  #sampling: NodeJS.Timeout | undefined
  #peak = 0
  #wake = (): void => {}

  private constructor(node: Child, control: Child, folder: string) {
    this.#node = node
    this.#control = control
    this.#folder = folder
  }

  static async start(): Promise<Rig> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-soak-'))
    const node = Child.start(`${FOLDER}/hostile-node.js`, [join(folder, 'log')], {})
    const control = Child.start(`${FOLDER}/control.js`, [], {})
    return new Rig(await node, await control, folder)
  }

  get port(): Promise<number> {
    return this.ask('port')
  }

  ask<T>(name: string, params: object = {}): Promise<T> {
    return this.#node.request('service', { name, params })
  }

  /** Something is not as it must be. */
  fault(text: string): void {
    this.#faults.push(text)
  }

  takeFaults(): string[] {
    const faults = this.#faults
    this.#faults = []
    return faults
  }

  /** A process of hostile clients that has begun. It is used again once it was stopped. */
  async peers(plan: Omit<PeersPlan, 'port'>): Promise<Child> {
    const child = this.#idle.pop() ?? (await Child.start(`${FOLDER}/hostile-peers.js`, [], {}))
    this.#peers.add(child)
    await child.request('start', { ...plan, port: await this.port })
    return child
  }

  /** @param mustCount What they must have done, however long that takes. */
  async stopPeers(child: Child, mustCount: readonly string[]): Promise<PeersResult> {
    const result = await child.request<PeersResult>('stop', { mustCount })
    this.#idle.push(child)
    return result
  }

  async startControl(plan: Omit<ControlPlan, 'port'>): Promise<void> {
    await this.#control.request('start', { ...plan, port: await this.port })
  }

  /** What took long before this moment does not count: clients were still coming. */
  async forgetLatency(): Promise<void> {
    await this.#control.request('forgetLatency')
    await this.ask('probe', { on: true })
  }

  stopControl(): Promise<ControlResult> {
    return this.#control.request('stop')
  }

  /** Time passes; less of it when `endPause` is called. */
  async pause(seconds: number): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    await Promise.race([sleep(seconds * 1000), woken])
  }

  async sample(): Promise<Sample> {
    const heaps = await this.ask<number[]>('heaps')
    const stats = await this.ask<GateStats>('stats')
    const descriptors = await this.#node.request<number>('descriptors')
    return { rss: await this.#rss(), descriptors, heaps, stats }
  }

  #rss(): Promise<number> {
    return this.#node.request('rss')
  }

  /** From now on, watch how much memory the node takes. */
  async watchMemory(): Promise<void> {
    this.#peak = await this.#rss()
    const look = async (): Promise<void> => {
      this.#peak = Math.max(this.#peak, await this.#rss())
    }
    this.#sampling = setInterval(() => {
      look().catch((error: Error) => {
        this.#endSampling()
        this.fault(error.message)
        this.#wake()
      })
    }, SAMPLE_MS)
  }

  #endSampling(): void {
    clearInterval(this.#sampling)
  }

  /** @returns The most that was seen. */
  memoryPeak(): number {
    this.#endSampling()
    return this.#peak
  }

  /** Connections of the node. Listeners come and go meanwhile: the probe's. */
  async connections(): Promise<number> {
    const sockets = await this.ask<SocketInfo[]>('netstat')
    return sockets.filter(({ state }) => !/LISTEN|RESERVE/.test(state)).length
  }

  /** Wait until nothing but the listener is left: no socket, no task, no descriptor. */
  async settle({ descriptors }: Sample): Promise<void> {
    const endsAt = performance.now() + REST_MS_MAX
    let left: SocketInfo[] = []
    let open = 0
    let tasks = 0
    do {
      left = await this.ask<SocketInfo[]>('netstat')
      open = await this.#node.request<number>('descriptors')
      const { accepted, ends } = await this.ask<GateStats>('stats')
      tasks = Object.values(ends).reduce((rest, count) => rest - count, accepted)
      if (left.length === 1 && open === descriptors && tasks === 0) return
      await sleep(20)
    } while (performance.now() < endsAt)
    const states = left.map(({ id, state, queued }) => `${id} ${state} ${queued}`).slice(0, 5)
    if (left.length > 1) this.fault(`${left.length - 1} sockets are left: ${states.join(', ')}`)
    if (tasks > 0) this.fault(`${tasks} connections are still served`)
    if (open !== descriptors) this.fault(`${open} descriptors are open, ${descriptors} before`)
  }

  /** Errors since the last look. A long mailbox is none: that is up to who gets the cores. */
  checkLog(): void {
    const log = readFileSync(join(this.#folder, 'log'), 'utf8')
    const errors = log.slice(this.#logBytes).match(/^.*error: (?!May overload).*$/gm) ?? []
    this.#logBytes = log.length
    if (errors.length > 0) this.fault(`the log has ${errors.length} errors: ${errors[0]}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endSampling()
    const children = [this.#node, this.#control, ...this.#peers]
    await Promise.all(children.map((child) => child[Symbol.asyncDispose]()))
    rmSync(this.#folder, { recursive: true })
  }
}
