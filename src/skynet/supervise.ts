/** Services that are launched again when they end: restart strategies as Erlang has them. */
import {
  checkArgs,
  checkArray,
  checkChoice,
  checkGiven,
  checkInteger,
  checkMs,
  checkOptions,
  checkPlain,
  checkText,
  isA,
  refusal,
} from '../base/check.ts'
import { formatHandle, SkynetError } from '../base/errors.ts'
import { TIMER_MS_MAX } from '../base/limits.ts'
import { launchFrom } from '../launch/imported.ts'
import { checkNodePlacement, type NodePlacement, type Placement } from '../launch/placement.ts'
import { RemoteChild, type RemoteChildHost } from '../launch/remote-child.ts'
import type { AnyService, ArgsOf, Methods } from '../modules/definition.ts'
import { checkServicePath, type ServicePath } from '../modules/service-module.ts'
import { type Ending, isMeant } from '../service/life.ts'
import { ServiceRef } from '../service/ref.ts'
import type { Service } from '../service/service.ts'
import { type WaitFor, waitAlong } from '../service/wait.ts'
import {
  checkLimits,
  checkWait,
  limitsFrom,
  WAIT_NAMES,
  type WaitLimits,
  type WaitOptions,
} from '../service/wait-options.ts'
import { monitor } from '../supervision/monitor.ts'
import { Facade } from './facade.ts'
import type { Skynet } from './skynet.ts'

export type RestartStrategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** Which children are launched anew when the one at `at` of `count` has ended: from, to. */
const STRATEGIES: {
  readonly [K in RestartStrategy]: (at: number, count: number) => [number, number]
} = {
  'one-for-one': (at) => [at, at + 1],
  'one-for-all': (_at, count) => [0, count],
  'rest-for-one': (at, count) => [at, count],
}

/** Which ends of a child are answered by another launch. */
const RESTARTS = {
  always: () => true,
  'on-failure': (ending: Ending) => !isMeant(ending),
  never: () => false,
} as const

export interface ChildSpec<S extends AnyService = AnyService> {
  /** Its name with the supervisor. */
  readonly name: string
  /** As for `newService`. */
  readonly path: ServicePath<S>
  /**
   * What its setup gets. A function is asked at each launch, with how the last one ended: the place
   * to hand its state over.
   */
  readonly args?: Readonly<ArgsOf<S>> | ((last: Ending | undefined) => Readonly<ArgsOf<S>>)
  readonly on?: Placement
  /**
   * On which node of the cluster, as for `newService`. Default: the one of the supervisor. Launched
   * again it may be on another one, and not before the last one is over: docs/cluster.md.
   */
  readonly node?: NodePlacement
  /** Default `always`. A fault of a child ends it: see `onFault` of `newService`. */
  readonly restart?: keyof typeof RESTARTS
}

/** Its arguments may be left out only when its setup takes none. */
type ChildOf<S extends AnyService> =
  [] extends ArgsOf<S> ? ChildSpec<S> : ChildSpec<S> & Required<Pick<ChildSpec<S>, 'args'>>

/** `timeoutMs` and `signal` limit the start: what was launched by then ends. */
export interface SuperviseOptions<S extends readonly AnyService[] = readonly AnyService[]>
  extends WaitOptions {
  readonly strategy: RestartStrategy
  /** Launched in this order, ended in the reverse one. */
  readonly children: { readonly [I in keyof S]: ChildOf<S[I]> }
  /** More restarts than this within `periodMs` end everything. Default 3 within 5,000 ms. */
  readonly maxRestarts?: number
  readonly periodMs?: number
  /** Wait before the first restart of a period, and twice as long before each next. Default 0. */
  readonly backoffMs?: number
}

interface Child {
  readonly spec: ChildSpec
  ref: ServiceRef | undefined
  last: Ending | undefined
  /** What is being done because it has ended, where that concerns no other child. */
  work: Promise<void>
  /** What it is on another node; undefined: it is always here. */
  readonly elsewhere: RemoteChild | undefined
}

/**
 * Launch services, and launch them again when they end. When they end too often, all of them end,
 * and so does the service that supervises them: `crash`, with `ERR_RESTART_LIMIT` as the cause.
 *
 * @throws As `newService` when one of them cannot be launched at first; the others end then.
 * `TypeError`, `RangeError` for options that are wrong; nothing was launched then.
 */
export async function supervise<const S extends readonly AnyService[]>(
  skynet: Skynet,
  options: SuperviseOptions<S>,
): Promise<Supervisor> {
  const supervisor = new Supervisor(skynet, options)
  await supervisor.start()
  return supervisor
}

const OPTION_KEYS = ['strategy', 'children', 'maxRestarts', 'periodMs', 'backoffMs', ...WAIT_NAMES]
const CHILD_KEYS = ['name', 'path', 'args', 'on', 'node', 'restart']

function checkSupervise(options: SuperviseOptions): void {
  checkGiven('supervise', 'options', options, OPTION_KEYS)
  checkLimits('supervise', options)
  const { strategy, children, maxRestarts = 3, periodMs = 5000, backoffMs = 0 } = options
  checkChoice('supervise', 'strategy', strategy, Object.keys(STRATEGIES))
  checkInteger('supervise', 'maxRestarts', maxRestarts, 0, Number.MAX_SAFE_INTEGER)
  checkMs('supervise', 'periodMs', periodMs)
  checkMs('supervise', 'backoffMs', backoffMs)
  checkArray('supervise', 'children', children)
  const names = new Set<string>()
  for (const [i, child] of children.entries()) {
    checkPlain('supervise', `children[${i}]`, child)
    checkOptions('supervise a child', 'child', child, CHILD_KEYS)
    const { name, args = [], restart = 'always' } = child
    checkText('supervise a child', 'name', name)
    checkServicePath('supervise a child', child.path)
    if (names.has(name)) {
      throw refusal('value', 'supervise a child', 'name', 'of no other child', name)
    }
    names.add(name)
    checkChoice('supervise a child', 'restart', restart, Object.keys(RESTARTS))
    if (typeof args !== 'function') checkArgs('supervise a child', args)
    if (child.node !== undefined) checkNodePlacement(child.node, child.on)
  }
}

const NOTHING: Promise<void> = Promise.resolve()

/** Between two looks at the node of a child. */
const FOR_NODE: WaitFor = {
  kind: 'wait',
  what: 'the node of a child',
  late: (timeoutMs) => {
    const info = { to: 'the node of a child', method: 'launch', timeoutMs }
    return new SkynetError('ERR_CALL_TIMEOUT', info)
  },
}

export class Supervisor {
  readonly #skynet: Skynet
  readonly #service: Service
  readonly #options: SuperviseOptions
  readonly #children: readonly Child[]
  /** When there were restarts, within the period. */
  readonly #restarts: number[] = []
  #work = NOTHING
  #isOver = false
  /** Takes its exit hook away. */
  #forget: (() => void) | undefined

  /** @throws `TypeError`, `RangeError` for options that are wrong. */
  constructor(skynet: Skynet, options: SuperviseOptions) {
    checkSupervise(options)
    if (!isA(skynet, Facade)) {
      throw refusal('type', 'supervise', 'skynet', 'the one that a setup gets', skynet)
    }
    this.#skynet = skynet
    this.#service = Facade.serviceOf(skynet)
    this.#options = options
    const host: RemoteChildHost = {
      service: this.#service,
      isOver: () => this.#isOver,
      rest: (ms, limits) => waitAlong(this.#service, FOR_NODE, limits, skynet.sleep(ms)),
    }
    this.#children = options.children.map((spec) => ({
      ...{ spec, ref: undefined, last: undefined, work: NOTHING },
      elsewhere: spec.node === undefined ? undefined : new RemoteChild(host),
    }))
  }

  /** The child of that name as it is now; undefined while there is none. */
  child<M extends Methods = Methods>(name: string): ServiceRef<M> | undefined {
    const child = this.#children.find(({ spec }) => spec.name === name)
    return child?.ref as ServiceRef<M> | undefined
  }

  async start(): Promise<void> {
    try {
      const left = limitsFrom(this.#service.runtime, this.#options)
      for (const child of this.#children) await this.#launch(child, left())
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#forget = this.#service.onExit(() => this.stop())
  }

  /**
   * End all children, the last one first, and wait for that. They end also when nobody waits any
   * more: `ERR_WAIT_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  async stop(options?: WaitOptions): Promise<void> {
    checkWait('stop', options)
    this.#isOver = true
    const about = { kind: 'wait', what: 'the end of all children' } as const
    const ended = this.#end(0, this.#children.length).then(() => this.#forget?.())
    await waitAlong(this.#service, about, options, ended)
  }

  async #launch(child: Child, limits?: WaitLimits): Promise<void> {
    const { path, args = [], on = 'least-loaded', node } = child.spec
    const given = typeof args === 'function' ? args(child.last) : args
    checkArgs('supervise a child', given)
    const where = node === undefined ? { on } : { on, node }
    const options = { args: [...given], ...where, onFault: 'end' } as const
    const as = { isChild: true, limits, elsewhere: child.elsewhere }
    const site = Facade.siteOf(this.#skynet)
    const handle = await launchFrom(this.#service, site, path, options, as)
    child.ref = new ServiceRef(this.#service, handle)
    if (this.#isOver) return this.#endOne(child)
    monitor(this.#service, handle).then(
      (ending) => {
        child.elsewhere?.ended(ending)
        this.#inTurn(child, () => this.#ended(child, ending))
      },
      // This service has ended, and its children end with it.
      () => {},
    )
  }

  /** One after the other: an ending may concern children that are being launched. */
  #inTurn(child: Child, task: () => Promise<void>): void {
    const isAlone = child.elsewhere !== undefined && this.#options.strategy === 'one-for-one'
    // Whose node is out of reach keeps no other one.
    if (isAlone) child.work = child.work.then(task)
    else this.#work = this.#work.then(task)
  }

  async #ended(child: Child, ending: Ending): Promise<void> {
    // Ended by us, and perhaps there again.
    if (this.#isOver || child.ref?.handle !== ending.handle) return
    child.ref = undefined
    child.last = ending
    const { restart = 'always' } = child.spec
    if (!RESTARTS[restart](ending)) return
    const at = this.#children.indexOf(child)
    const [from, to] = STRATEGIES[this.#options.strategy](at, this.#children.length)
    await this.#end(from, to)
    while (!(await this.#again(from, to, ending)));
  }

  /** One try to launch them again. False: one of them failed. */
  async #again(from: number, to: number, { handle, reason }: Ending): Promise<boolean> {
    if (this.#isOver) return true
    const { maxRestarts = 3, periodMs = 5000, backoffMs = 0 } = this.#options
    const skynet = this.#skynet
    const now = skynet.now()
    while (this.#restarts.length > 0 && this.#restarts[0]! <= now - periodMs) this.#restarts.shift()
    if (this.#restarts.push(now) > maxRestarts) {
      await this.stop()
      const info = { handle: formatHandle(handle), reason, maxRestarts, periodMs }
      const error = new SkynetError('ERR_RESTART_LIMIT', info)
      skynet.error(error.message)
      this.#service.crash(error)
      return true
    }
    const waitMs = backoffMs * 2 ** (this.#restarts.length - 1)
    if (waitMs > 0) await skynet.sleep(Math.min(waitMs, TIMER_MS_MAX))
    try {
      for (const child of this.#children.slice(from, to)) {
        if (this.#isOver) return true
        if (child.ref === undefined) await this.#launch(child)
      }
      return true
    } catch (error) {
      if (this.#isOver || this.#service.hasEnded) return true
      skynet.error('a child cannot be launched again:', error)
      await this.#end(from, to)
      return false
    }
  }

  async #end(from: number, to: number): Promise<void> {
    for (const child of this.#children.slice(from, to).reverse()) await this.#endOne(child)
  }

  async #endOne(child: Child): Promise<void> {
    const { ref, elsewhere } = child
    child.ref = undefined
    // It rejects when this service has ended: its node ends it then.
    if (elsewhere?.isPlaced === true) await elsewhere.end().catch(() => {})
    else if (ref !== undefined) await this.#skynet.kill(ref.handle).catch(() => false)
  }
}
