/**
 * The setup of a service, while it is under way: what has come meanwhile, whom it keeps waiting,
 * and what it waits for. A circle of setups that wait for each other is found here, and refused.
 */
import { SkynetError } from '../base/errors.ts'
import { CIRCLE_MS, CIRCLE_SETUPS_MAX } from '../base/limits.ts'
import { shortPath } from '../base/paths.ts'
import type { Message } from '../kernel/message.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Send } from './calls.ts'
import { type OrderingRuntime, orderHome } from './ordering.ts'
import type { OrderAbout } from './orders.ts'

/** Of what few services have. */
export const NONE: readonly never[] = []

/** A service whose setup is under way. */
export interface WaitingSetup {
  readonly url: string
  readonly handle: number
  readonly isUnique: boolean
}

/** To the worker of a callee: does its setup wait for the caller, and for nothing else? */
export interface CircleOrder extends OrderAbout {
  readonly order: 'circle'
  /** Of the call that is to be refused. */
  readonly session: number
  /** Short paths: who called, then each that waits for the next, up to who called. */
  readonly circle: readonly string[]
}

/** What a setup needs of its service. */
export interface SetupHost {
  readonly url: string
  readonly handle: number
  readonly origin: { readonly isUnique: boolean }
  readonly runtime: Pick<OrderingRuntime, 'handles' | 'router'>
  /**
   * It waits for setups alone, as far as anybody can see: what others hold, a file or a process, is
   * no wait of a service.
   */
  readonly waitsForSetups: boolean
  /** Is that call under way? */
  isCalling(session: number): boolean
  after(ms: number, task: () => void): void
  afterMail(then: () => void): void
}

export class Setup {
  readonly #service: SetupHost
  /** Those that wait for this one, each for the next. */
  readonly #waitingFor: readonly WaitingSetup[]
  /** A task of its author beside it has begun: a fork, a timer, a subscriber. */
  isBranched = false
  /** Told when the service has ended by itself, or was killed, before its setup was done. */
  beginning: { ended(): void } | undefined
  #isOver = false
  #early: Message[] | undefined

  constructor(service: SetupHost, waitingFor: readonly WaitingSetup[] = NONE) {
    this.#service = service
    this.#waitingFor = waitingFor
  }

  /** A request that came meanwhile. */
  keep(message: Message): void {
    this.#early ??= []
    this.#early.push(message)
  }

  /** It is over. Returns the requests that came meanwhile, in order: they are the caller's now. */
  end(): readonly Message[] {
    const early = this.#early ?? NONE
    this.#early = undefined
    this.#isOver = true
    return early
  }

  /**
   * The setups that wait for what this service asks now, this one the last. Empty: it may be
   * another task that asks.
   */
  get waiting(): readonly WaitingSetup[] {
    if (this.isBranched) return NONE
    const { url, handle, origin } = this.#service
    const own = { url, handle, isUnique: origin.isUnique }
    return [...this.#waitingFor, own].slice(-CIRCLE_SETUPS_MAX)
  }

  /**
   * `send` of a call to that callee. When the callee waits for this setup, somebody has to look
   * whether for ever.
   */
  sending(to: number, send: Send): Send {
    const { waiting } = this
    const at = waiting.findIndex(({ handle }) => handle === to)
    if (at < 0) return send
    const circle = [waiting.at(-1)!, ...waiting.slice(at)].map(({ url }) => shortPath(url))
    return (session, timeoutMs) => {
      const hasLeft = send(session, timeoutMs)
      if (hasLeft) this.#lookForCircle({ order: 'circle', handle: to, session, circle })
      return hasLeft
    }
  }

  /** The callee knows whether its setup still waits for others. Until then it is asked again. */
  #lookForCircle(order: CircleOrder): void {
    const service = this.#service
    service.after(CIRCLE_MS, () => {
      if (this.#isOver || !service.isCalling(order.session)) return
      orderHome(service.runtime, service.handle, 0, order)
      this.#lookForCircle(order)
    })
  }

  /**
   * A setup that waits for this one has called this service, whose methods come with its setup. If
   * this waits for setups alone, nobody in the circle would ever be done: that call is refused.
   */
  refuse(source: number, order: CircleOrder): void {
    const service = this.#service
    // What runs now, and what has come meanwhile, is first: this setup may go on by it.
    service.after(0, () => service.afterMail(() => this.#refuse(source, order)))
  }

  #refuse(source: number, { session, circle }: CircleOrder): void {
    const { waitsForSetups, runtime, handle } = this.#service
    if (this.#isOver || !waitsForSetups || !this.#drop(source, session)) return
    const info = { path: circle[0]!, circle: circle.join(' → ') }
    const error = new SkynetError('ERR_LAUNCH_CIRCLE', info)
    runtime.router.send(PTYPE.ERROR, source, handle, session, error)
  }

  /** It is answered otherwise. False: there is no such request. */
  #drop(source: number, session: number): boolean {
    const at = this.#early?.findIndex((each) => each.source === source && each.session === session)
    if (at === undefined || at < 0) return false
    this.#early!.splice(at, 1)
    return true
  }
}

/** Of setups that wait for each other, from the first unique one on: as the manager knows them. */
export function uniqueChain(setups: readonly WaitingSetup[]): readonly string[] {
  const from = setups.findIndex(({ isUnique }) => isUnique)
  return from < 0 ? NONE : setups.slice(from).map(({ url }) => url)
}
