/**
 * A node with one worker, which is the thread of the test: so services may be defined in the test,
 * their messages be seen, and their time and order be chosen. All else is the real code.
 */
import { statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assumeStores } from '../base/async-context.ts'
import {
  checkInteger,
  checkMs,
  checkOptions,
  checkPlain,
  checkText,
  isA,
  refusal,
} from '../base/check.ts'
import { type Clock, realClock } from '../base/clock.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { delay, epochNow, monotonicNow, setImmediate, wallNow } from '../base/event-loop.ts'
import { EXIT_MS, TEST_MESSAGES_MAX } from '../base/limits.ts'
import { Handles } from '../kernel/handles.ts'
import type { LaunchRest } from '../launch/options.ts'
import {
  type AnyService,
  fileOf,
  isServiceDefinition,
  type MethodsOf,
} from '../modules/definition.ts'
import { forgetService, type LoadedService, registerService } from '../modules/modules.ts'
import { addressOf } from '../net/descriptor.ts'
import { type ListenerInfo, listenersOf } from '../net/netstat.ts'
import { freeLargeBlocks } from '../os/large-blocks.ts'
import { originOf } from '../service/life.ts'
import type { LogLine } from '../service/log.ts'
import {
  checkTarget,
  NO_NAMES,
  NodeRef,
  nodeStopped,
  type OutsideCaller,
  orStopped,
} from '../service/node-ref.ts'
import type { ServiceRef } from '../service/ref.ts'
import type { Service } from '../service/service.ts'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { Connection } from '../sockets/connection.ts'
import type { ConnectOptions } from '../sockets/open-connection.ts'
import { poolOf } from '../sockets/pool.ts'
import { type AssembledWorker, assemble } from '../threads/assemble.ts'
import { createNodeMemory } from '../threads/main/node-memory.ts'
import { BUDGETS, SOCKET_DEFAULTS } from '../threads/options.ts'
import { clockStuck, FakeClock, type Follower } from './fake-clock.ts'
import { Probe } from './probe.ts'
import { RecordingRouter, type SentMessage } from './recording-router.ts'
import { type Chance, Random } from './sim/random.ts'
import { checkPeers, type Peers, StandIns } from './stand-ins.ts'
import { takeStray } from './strays.ts'
import { TestClient } from './test-client.ts'
import { TestNet } from './test-net.ts'
import { Work } from './work.ts'

const HARBOR = 0
/** Of a node 2^24: that many would be 32 MiB, to be cleared for each of many nodes. */
const HANDLES = 0xfffff
/**
 * From so many nodes in a process on, their memory goes back to the system when it is freed: else
 * glibc keeps most of it, and clears it for the next one. Some hundreds would have 6 GB.
 */
const MANY_NODES = 32
/** The shared memory of a test node is blocks so large, and larger. */
const BLOCK_BYTES = 512 * 1024
const SEED_MAX = 0xffffffff
/** How long a launch may wait for Node.js; as in probe.ts, nothing that works takes so long. */
const SETTLE_MS_DEFAULT = 10_000
/** Between two looks at a launch that waits for Node.js. */
const LOOK_MS = 1
/** Without a seed sockets that have something to do get their turns in the order they were made. */
const IN_ORDER: Chance = { below: (limit) => limit - 1, oneIn: () => false }

export interface TestNodeOptions {
  /** Default: real time. */
  readonly clock?: FakeClock
  /**
   * 0..2^32-1: choose by it which service gets the next message, of those that have mail, and which
   * socket its turn. Messages from one service to another stay in order, and bytes of a connection.
   * Default: as a node does, in turn.
   */
  readonly seed?: number
  /** What services read with `skynet.getenv`. */
  readonly env?: Readonly<Record<string, string | number | boolean>>
  /**
   * Stand-ins for services, each an object of methods or a service. By the local name by which
   * others find it (`.bank`); or by what it is launched by: the path of its module (`./db.ts`,
   * relative to the file that defines the service of `testService`, else to `base`), or its name in
   * a folder of services (`db`).
   */
  readonly peers?: Peers
  /**
   * Where relative paths start when they are not found beside the file that defines the service, as
   * in a bundle: `import.meta.url`, or a folder. Default: the current folder.
   */
  readonly base?: string
  /**
   * Services that handle more messages while `settled`, `advance` or `received` waits, and go on,
   * make it reject with `ERR_TEST_UNSETTLED`, which names them. Default 1,000,000.
   */
  readonly messagesMax?: number
}

export interface SettleOptions {
  /** How long launches may wait for Node.js, in real time. Default 10 s. */
  readonly timeoutMs?: number
}

/** Of `testNode`; for what `testService` passes on. */
export const NODE_OPTIONS = ['clock', 'seed', 'env', 'peers', 'base', 'messagesMax'] as const

/** @throws `TypeError`, `RangeError` naming what is wrong with them. */
function checkNode(options: TestNodeOptions): void {
  const what = 'test a node'
  checkOptions(what, 'options', options, NODE_OPTIONS)
  const { clock, seed, env, peers, base, messagesMax } = options
  if (clock !== undefined && !isA(clock, FakeClock)) {
    throw refusal('type', what, 'clock', 'a FakeClock', clock)
  }
  if (seed !== undefined) checkInteger(what, 'seed', seed, 0, SEED_MAX)
  if (messagesMax !== undefined) {
    checkInteger(what, 'messagesMax', messagesMax, 1, Number.MAX_SAFE_INTEGER)
  }
  if (env !== undefined) checkPlain(what, 'env', env)
  for (const [name, value] of Object.entries(env ?? {})) {
    if (['string', 'number', 'boolean'].includes(typeof value)) continue
    throw refusal('type', what, `env.${name}`, 'a string, a number or a boolean', value)
  }
  if (peers !== undefined) checkPlain(what, 'peers', peers)
  if (peers !== undefined) checkPeers(what, peers)
  if (base !== undefined) checkText(what, 'base', base)
  if (base !== undefined && !base.startsWith('file:') && !isAbsolute(base)) {
    throw refusal('value', what, 'base', 'a file: URL or an absolute path', base)
  }
}

/**
 * Start a node in this thread. The sockets of its services are real, the network is not: it is in
 * memory, and of this node alone.
 *
 * @throws `TypeError`, `RangeError` for options that it cannot take, or does not know.
 */
export function testNode(options: TestNodeOptions = {}): Promise<TestNode> {
  return nodeFor(options)
}

/** @param definition The one service that it is for: its paths start where it is defined. */
export async function nodeFor(
  options: TestNodeOptions,
  definition?: AnyService,
): Promise<TestNode> {
  checkNode(options)
  const node = new TestNode(options)
  await node.start(definition)
  return node
}

let names = 0
let made = 0

export class TestNode implements AsyncDisposable {
  /** What services have logged. */
  readonly log = new Probe<LogLine>()
  /** Calls and sends between services, those of the test included. */
  readonly sent = new Probe<SentMessage>()
  /** The test as a service: it may call, send, launch and be called by handle, as any. */
  skynet!: Skynet
  readonly #options: TestNodeOptions
  readonly #worker: AssembledWorker
  readonly #net: TestNet
  #standIns: StandIns | undefined
  readonly #caller: OutsideCaller = {
    runtime: NO_NAMES,
    callMethod: async (to, message, limits) => {
      const [method] = message
      if (this.#stopping !== undefined) throw nodeStopped(to, method)
      const own = this.#own
      try {
        return await own.callMethod(own.runtime.knownHandle(to), message, limits)
      } catch (error) {
        throw this.#stopping === undefined ? error : orStopped(error, to, method)
      }
    },
    sendMethod: (to, message) => {
      if (this.#stopping !== undefined) return false
      const own = this.#own
      const handle = own.runtime.handleOf(to)
      return handle !== 0 && own.sendMethod(handle, message)
    },
  }
  readonly #follower: Follower
  #stopping: Promise<void> | undefined
  /** URLs of what the test has launched, which are of this node alone. */
  readonly #launched: string[] = []

  /** Made by `testNode`. */
  constructor(options: TestNodeOptions) {
    const { seed, env = {}, clock } = options
    this.#options = options
    if (++made === MANY_NODES) freeLargeBlocks(BLOCK_BYTES)
    const startedAt = epochNow()
    const time: Clock = clock ?? realClock(startedAt)
    const memory = createNodeMemory(1, true, HANDLES)
    const random = seed === undefined ? undefined : new Random(seed)
    const handles = new Handles(memory.handles, HARBOR)
    this.#net = new TestNet({
      memory,
      clock: time,
      chance: random ?? IN_ORDER,
      workerOf: (owner) => handles.workerOf(owner),
      log: (text) => this.log.add({ at: wallNow(), level: 'error', handle: 0, title: '', text }),
      hasCome: () => scheduler.look(),
    })
    this.#worker = assemble({
      memory,
      worker: 0,
      config: {
        thread: 1,
        harbor: HARBOR,
        cluster: undefined,
        env,
        callTimeoutMs: 0,
        exitMs: EXIT_MS,
        profile: false,
        socket: SOCKET_DEFAULTS,
        services: [],
        budgets: BUDGETS,
      },
      startedAt,
      clock: time,
      os: this.#net.os,
      wakeSocketThread: this.#net.ring,
      isLogservice: () => true,
      dedicate: (path) => Promise.reject(new SkynetError('ERR_WORKER_LIMIT', { path, limit: 0 })),
      report: (report) => {
        if (report.kind === 'log') this.log.add(report.line)
        else if (report.kind === 'abort') void this.stop()
      },
      notesCalls: true,
      onKnown: (error, handle) => this.#known(error, handle),
      resolve: (...asked) => this.#standIns!.resolve(...asked),
      hasTimedTurns: false,
      pick: random && ((length) => random.below(length)),
      makeRouter: (given) => new RecordingRouter(given, (message) => this.sent.add(message)),
      inletOf: (bridge) => this.#net.inletOf(bridge),
    })
    const { wheel, scheduler, runtime } = this.#worker
    this.#follower = {
      nextDue: () => Math.min(wheel.nextDue(), this.#net.nextDue() ?? Number.POSITIVE_INFINITY),
      clockMoved: () => scheduler.clockMoved(),
      dueServices: () => runtime.dueServices,
      settled: (what) => this.#settled(SETTLE_MS_DEFAULT, this.#work(what)),
    }
  }

  /** @internal Called by `testNode`. */
  async start(definition?: AnyService): Promise<void> {
    const { runtime, start } = this.#worker
    assumeStores()
    const own = defineService((skynet) => {
      this.skynet = skynet
    })
    const url = this.#register(own, definition && fileOf(definition), 'test')
    const register = (each: AnyService, name: string): string =>
      this.#register(each, fileOf(each), name)
    const launch = (each: string): void => {
      this.skynet.fork(() => this.skynet.uniqueService(each))
    }
    this.#standIns = new StandIns(this.#options.peers ?? {}, url, register, launch)
    start()
    this.#options.clock?.attach(this.#follower)
    await new Promise<void>((resolve, reject) => {
      const origin = originOf(false, 'log')
      const launch = { url, args: [], origin, onFailure: reject }
      // As whoever asks for a launch does.
      runtime.loads.add(0)
      runtime.launching.launch({ ...launch, onReady: () => resolve() })
    })
    await this.skynet.newService('service-manager')
    for (const [name, peer] of this.#standIns.named) {
      await this.skynet.newService(register(peer, name))
    }
  }

  /**
   * Launch a service that the test has in hand: defined in place, or imported from its module.
   *
   * @throws As `skynet.newService`, which launches by path. `ERR_SERVICE_LAUNCH` once the node has
   * stopped.
   */
  async launch<S extends AnyService>(
    definition: S,
    ...rest: LaunchRest<S>
  ): Promise<ServiceRef<MethodsOf<S>>> {
    if (!isServiceDefinition(definition)) {
      const expected = 'made by defineService (a path is for skynet.newService)'
      throw refusal('type', 'launch', 'definition', expected, definition)
    }
    if (this.#stopping !== undefined) {
      const info = { path: fileOf(definition) ?? 'in hand', reason: 'the node has stopped' }
      throw new SkynetError('ERR_SERVICE_LAUNCH', info)
    }
    return this.skynet.newService<S>(this.#register(definition, fileOf(definition)), ...rest)
  }

  /**
   * A service as the test sees it, typed: as `ref` of a node that a program has started.
   *
   * @param address A local name, which is looked up at each call, or a handle.
   */
  ref<S extends AnyService = AnyService>(address: number | string): ServiceRef<MethodsOf<S>> {
    return new NodeRef(this.#caller, checkTarget('refer to a service', address))
  }

  /** What listens now: of `port: 0` the port that is really open. */
  get listeners(): ListenerInfo[] {
    return listenersOf(this.#worker.client)
  }

  /**
   * Connect to a listener of a service, as its client would.
   *
   * @param where Its port, or as `skynet.socket.connect` takes it.
   * @throws As `skynet.socket.connect`: `ERR_CONNECT` when nobody listens there.
   */
  async connect(where: number | ConnectOptions): Promise<TestClient> {
    const options = typeof where === 'number' ? { port: where } : where
    return this.#clientOf(await this.skynet.socket.connect(options))
  }

  /**
   * A connection without a listener, for a service to which another one hands its clients: `id` is
   * what it takes with `skynet.socket.start(id)`, as of one that was accepted and not used.
   *
   * @throws {SkynetError} `ERR_SOCKET_LIMIT`; `ERR_SERVICE_EXITED` the node has stopped.
   */
  connection(): readonly [client: TestClient, id: number] {
    const { client } = this.#worker
    const own = this.#own
    const [near, id] = this.#net.pair(own.handle)
    return [this.#clientOf(new Connection(poolOf(own, client), near, 'waiting')), id]
  }

  /** The test as a service. @throws {SkynetError} `ERR_SERVICE_EXITED` the node has stopped. */
  get #own(): Service {
    const { self } = this.skynet
    const own = this.#worker.services.get(self)
    if (own === undefined) throw new SkynetError('ERR_SERVICE_EXITED', { handle: self })
    return own
  }

  /** That error is of that service. */
  #known(error: Error, handle: number): void {
    // A call of the test itself, that nobody awaits, is for its runner.
    const isOwn = handle === (this.skynet as Skynet | undefined)?.self
    if (isOwn && !isSkynetError(error, 'ERR_SERVICE_EXITED')) return
    takeStray(error, (what) => this.#worker.stray.fault(what, error))
  }

  #clientOf(connection: Connection): TestClient {
    const { client } = this.#worker
    return new TestClient(connection, {
      localAddress: (id) => addressOf(client, id, 'local'),
      settling: () => {
        const work = this.#work('take what was received')
        let settled: Promise<void> | undefined
        return () => {
          work.look()
          // One that waits already will do: who asks again and again would have one for each time.
          settled ??= this.#settled(SETTLE_MS_DEFAULT, work).finally(() => {
            settled = undefined
          })
          return settled
        }
      },
      clock: this.#options.clock,
    })
  }

  /**
   * Resolves when nothing is left to do before a message or a timer comes. A launch is something to
   * do: its module loads, and its setup may wait for more of Node.js, a file for instance.
   *
   * @throws {SkynetError} `ERR_TEST_TIMEOUT` a launch still waits for Node.js after that time, and
   * which one; `ERR_TEST_CLOCK` timers set others for the same moment of a `FakeClock`, again and
   * again; `ERR_TEST_UNSETTLED` services go on after `messagesMax` messages.
   */
  async settled(options: SettleOptions = {}): Promise<void> {
    checkOptions('settle', 'options', options, ['timeoutMs'])
    const { timeoutMs = SETTLE_MS_DEFAULT } = options
    checkMs('settle', 'timeoutMs', timeoutMs)
    await this.#settled(timeoutMs, this.#work('settle'))
  }

  /** From now on. */
  #work(what: string): Work {
    return new Work(what, this.#worker.services, this.#options.messagesMax ?? TEST_MESSAGES_MAX)
  }

  async #settled(timeoutMs: number, work: Work): Promise<void> {
    const { scheduler, runtime } = this.#worker
    const endsAt = monotonicNow() + timeoutMs
    const { clock } = this.#options
    for (let rounds = 0; ; rounds++) {
      await new Promise(setImmediate)
      if (this.#stopping !== undefined) return
      if (!scheduler.isAsleep) {
        work.look()
        if (clock === undefined || rounds < clock.roundsMax) continue
        // Timers are due all the time: those that fire set others, and keep the thread from sleep.
        const due = runtime.dueServices
        if (due.length > 0) throw clockStuck(clock, due)
        continue
      }
      const launching = runtime.launching.underWay
      if (launching.length === 0) return
      if (monotonicNow() >= endsAt) {
        const info = { what: work.what, timeoutMs, reason: launching.join(', ') }
        throw new SkynetError('ERR_TEST_TIMEOUT', info)
      }
      // Others of this process do the work.
      await delay(LOOK_MS)
    }
  }

  /** Run stop hooks for at most `graceMs` (default 0: none), then end all services. */
  stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    checkOptions('stop a node', 'options', options, ['graceMs'])
    const { graceMs = 0 } = options
    checkMs('stop a node', 'graceMs', graceMs)
    this.#stopping ??= this.#end(graceMs)
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #end(graceMs: number): Promise<void> {
    const { runtime, features, scheduler } = this.#worker
    if (graceMs > 0) await this.#within(graceMs, features.drain(graceMs))
    await this.#within(EXIT_MS, runtime.stop('stop'))
    this.#options.clock?.detach(this.#follower)
    scheduler.stop()
    this.#net.close()
    for (const url of this.#launched) forgetService(url)
  }

  /** A clock that stands still would never end the wait for a hook. */
  async #within(ms: number, work: Promise<void>): Promise<void> {
    let isDone = false
    const done = work.then(() => {
      isDone = true
    })
    for (let round = 0; round < 20 && !isDone; round++) await new Promise(setImmediate)
    const { clock } = this.#options
    if (isDone || clock === undefined) return done
    // Where timers keep the clock from going on, the hooks have no time: they are cut off.
    const moved = clock.advance(ms).then(
      () => done,
      () => {},
    )
    await Promise.race([done, moved])
  }

  /**
   * A URL by which the definition can be launched, of this node alone, and forgotten with it.
   *
   * @param file Where it was made: there its relative paths start, as they do in a node. In a
   * bundle nothing is found there, nor is that file known for code without one.
   * @param name How it is shown.
   */
  #register(definition: AnyService, file: string | undefined, name?: string): string {
    const { base } = this.#options
    const url = urlOf(base ?? process.cwd())
    const own = `./service-${++names}`
    const { href } = new URL(name === undefined ? own : `${own}/${name}`, url)
    this.#launched.push(href)
    const role = base === undefined ? `the current folder, as there is no 'base'` : `'base'`
    const places = [{ url, role }]
    if (file !== undefined) places.unshift({ url: file, role: 'where the service is defined' })
    registerService(href, definition as unknown as LoadedService, places)
    return href
  }
}

/** Relative to a folder is what is in it, relative to a file what is beside it. */
function urlOf(base: string): string {
  if (base.startsWith('file:')) return base
  const isFolder = statSync(base, { throwIfNoEntry: false })?.isDirectory() === true
  return pathToFileURL(isFolder ? `${base}/` : base).href
}
