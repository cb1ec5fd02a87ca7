/** How one service begins: its setup runs, and is done or fails. */

import type { SkynetError } from '../base/errors.ts'
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import type { Methods } from '../modules/definition.ts'
import { isBuiltin, type LoadedService } from '../modules/modules.ts'
import type { LateCaller } from './late-caller.ts'
import type { Fence, LaunchOrigin } from './life.ts'
import { wrongMethods } from './methods.ts'
import { begin, isPlain } from './scope.ts'
import { isThenable } from './sendable.ts'
import type { Service } from './service.ts'
import type { WaitingSetup } from './setup.ts'

/**
 * A setup whose promise is garbage is never done: nobody is left who could settle it. It is said,
 * and that is all: what it has begun may be at work all the same.
 */
const abandoned = new FinalizationRegistry<() => void>((tell) => tell())
const ABANDONED = `setup will never be done: what it awaits is gone, or a method is called 'then'`

/** A supervisor, and by which order of that the child was launched. */
export interface Parent {
  readonly handle: number
  readonly asker: string
}

export interface Launch {
  readonly url: string
  readonly args: readonly unknown[]
  /** Of the references in them. */
  readonly caller?: LateCaller | undefined
  readonly origin: LaunchOrigin
  /** The supervisor with which it ends, if any, and by which order of that it is launched. */
  readonly parent?: Parent | undefined
  /** That supervisor does not wait for it any more. */
  isGivenUp?: boolean
  /** As of its order. */
  readonly setups?: readonly WaitingSetup[] | undefined
  readonly fence?: Fence | undefined
  /** Exactly one of them is called, once. */
  onReady(handle: number): void
  onFailure(error: SkynetError): void
}

/** What a setup needs of the worker where it runs. */
export interface BeginningHost {
  /** How long it may take until that is said. */
  readonly startNoticeMs: number
  /** Code of that service runs from here on. */
  running(handle: number): void
  say(handle: number, text: string): void
  /** It has failed, and nothing of the service is left. */
  failed(launch: Launch, error: unknown): void
}

/** A setup under way. It ends in one of two ways: the first that comes counts. */
export class Beginning {
  readonly #host: BeginningHost
  readonly #service: Service
  readonly #launch: Launch
  #isOver = false
  /** Until it is over; none: nobody is told that it takes long. */
  #notice: ReturnType<typeof setTimeout> | undefined

  constructor(host: BeginningHost, service: Service, launch: Launch) {
    this.#host = host
    this.#service = service
    this.#launch = launch
    service.setup!.beginning = this
  }

  /** The service has ended by itself, or was killed, while its setup was still under way. */
  ended(): void {
    this.#failed(this.#service.exited())
  }

  /** @param facade What a setup is given first. */
  run(definition: LoadedService, facade: unknown): void {
    const { args } = this.#launch
    try {
      this.#host.running(this.#service.handle)
      const result = isPlain()
        ? definition.setup(facade, ...args)
        : setUpIn(definition, facade, args)
      if (isThenable(result) && !('catch' in result)) {
        // A promise has both. Whoever awaits these methods would call one of them.
        this.#failed(new TypeError(`a method cannot be called 'then'`))
      } else if (isThenable(result)) this.#await(result)
      else this.#done(result)
    } catch (error) {
      this.#failed(error)
    }
  }

  #await(result: PromiseLike<unknown>): void {
    const { handle, url } = this.#service
    const promise = Promise.resolve(result)
    abandoned.register(promise, () => {
      if (!this.#isOver) this.#host.say(handle, ABANDONED)
    })
    promise.then(
      (methods) => this.#done(methods),
      (error: unknown) => this.#failed(error),
    )
    if (!this.#isOver && !isBuiltin(url)) this.#notice = this.#noticeLater()
  }

  /** What a setup awaits may never come: that is said, for it could be waited for silently. */
  #noticeLater(): ReturnType<typeof setTimeout> {
    const { startNoticeMs } = this.#host
    const service = this.#service
    return setTimeout(() => {
      if (service.isEnding) return
      const waits = service.waits || 'what it awaits may never come'
      this.#host.say(service.handle, `setup: not done after ${startNoticeMs} ms: ${waits}`)
    }, startNoticeMs).unref()
  }

  #failed(error: unknown): void {
    if (!this.#isFirst()) return
    // First the end: whoever is told finds nothing of the service any more, no name either.
    const ended = this.#service.end('launch failed')
    void ended.then(() => this.#host.failed(this.#launch, error))
  }

  #done(methods: unknown): void {
    // One that is about to end is not ready any more: its end tells who launched it.
    if (this.#service.isEnding) return
    const wrong = wrongMethods(methods)
    if (wrong !== undefined) this.#failed(new TypeError(wrong))
    if (!this.#isFirst()) return
    this.#service.ready((methods ?? {}) as Methods)
    this.#launch.onReady(this.#service.handle)
  }

  #isFirst(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#notice)
    return true
  }
}

/** Apart from `run`: a closure in it would cost also who has no store. */
function setUpIn(definition: LoadedService, facade: unknown, args: readonly unknown[]): unknown {
  return begin(() => definition.setup(facade, ...args))
}
