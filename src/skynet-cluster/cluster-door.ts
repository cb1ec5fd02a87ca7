/**
 * The way from a service to `clusterd`, which the first who needs it launches. What is asked before
 * it is known where that is keeps its order. When it ends unmeant, who has told it something that
 * holds launches it again, and tells it so again.
 */
import { setTimeout } from '../base/event-loop.ts'
import { messageOf } from '../base/thrown.ts'
import type { Handles } from '../kernel/handles.ts'
import type { Router } from '../kernel/router.ts'
import type { RequestTraits } from '../service/calls.ts'
import type { Ending } from '../service/life.ts'
import { PartKey } from '../service/part.ts'
import { kept } from '../service/scope.ts'
import type { WaitLimits, WaitOptions } from '../service/wait-options.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { ClusterdMethods } from './clusterd-methods.ts'
import { Standing, type StandingOrder } from './standing.ts'

/** What the door needs of its service. */
export interface DoorService {
  readonly handle: number
  readonly isEnding: boolean
  readonly runtime: { readonly router: Router; readonly handles: Handles }
  callMethod(
    to: number,
    message: unknown[],
    options?: WaitOptions,
    more?: RequestTraits,
  ): Promise<unknown>
  sendMethod(to: number, message: unknown[]): boolean
  say(level: 'error', text: string): void
}

/** What it needs of the node. */
export interface DoorNode {
  /** The handle of the one instance. */
  launch(): Promise<number>
  /** Resolves when it has ended. */
  ended(handle: number): Promise<Ending>
}

/** Who waits until it is known where `clusterd` is. */
interface Guest {
  readonly go: (handle: number) => void
  readonly failed: (error: unknown) => void
}

/** After a launch that has failed. */
const AGAIN_MS = 1000

export class ClusterDoor {
  readonly #service: DoorService
  readonly #node: DoorNode
  readonly #standing: Standing
  #handle = 0
  /** Of the instance that is watched: with the first that it is told to hold. */
  #watched = 0
  #guests: Guest[] | undefined

  constructor(service: DoorService, node: DoorNode) {
    this.#service = service
    this.#node = node
    const { handles } = service.runtime
    this.#standing = new Standing((handle) => handles.workerOf(handle) >= 0)
  }

  /** @param title What the call is called in errors and lists. */
  ask<M extends keyof ClusterdMethods>(
    method: M,
    args: Parameters<ClusterdMethods[M]>,
    left: () => WaitLimits,
    title?: string,
  ): Promise<Awaited<ReturnType<ClusterdMethods[M]>>> {
    const order: StandingOrder = [method, ...args]
    return new Promise((resolve, reject) => {
      const go = (handle: number): void => {
        this.#call(handle, [...order], left(), title).then((answer) => {
          this.#note(order, answer)
          resolve(answer as never)
        }, reject)
      }
      this.#use({ go, failed: reject })
    })
  }

  /** @param failed `clusterd` could not be launched. */
  tell(method: 'push', args: unknown[], failed: (error: unknown) => void): void {
    const go = (handle: number): void => void this.#service.sendMethod(handle, [method, ...args])
    this.#use({ go, failed })
  }

  /** Tell now, or once it is there: before all that is asked from now on. */
  hold(...order: StandingOrder): void {
    this.#standing.note(order, undefined)
    if (this.#handle === 0) return
    this.#say(this.#handle, order, (stamp) => this.#standing.heard(stamp as number))
    this.#watch(this.#handle)
  }

  #call(
    handle: number,
    message: unknown[],
    limits: WaitLimits,
    title: string | undefined,
  ): Promise<unknown> {
    const { runtime, handle: source } = this.#service
    // Not by `sendMethod`: this service may have ended.
    const giveUp = (session: number): void => {
      runtime.router.send(PTYPE.LUA, handle, source, 0, ['giveUp', source, session])
    }
    return this.#service.callMethod(handle, message, limits, { title, giveUp })
  }

  #use(guest: Guest): void {
    if (this.#guests !== undefined) {
      this.#guests.push({ ...guest, go: kept(guest.go) })
    } else if (this.#service.runtime.handles.workerOf(this.#handle) >= 0) {
      guest.go(this.#handle)
    } else {
      const guests = [{ ...guest, go: kept(guest.go) }]
      this.#guests = guests
      this.#node.launch().then(
        (handle) => this.#found(handle, guests),
        (error: unknown) => {
          this.#guests = undefined
          for (const { failed } of guests) failed(error)
        },
      )
    }
  }

  #found(handle: number, guests: readonly Guest[]): void {
    this.#handle = handle
    this.#guests = undefined
    if (!this.#standing.isEmpty) this.#sayAgain(handle)
    for (const { go } of guests) go(handle)
  }

  /** To an instance that has heard nothing of us. */
  #sayAgain(handle: number): void {
    const { words, opened } = this.#standing
    this.#say(handle, ['restore', words], (stamp) => this.#standing.heard(stamp as number))
    for (const listen of opened) this.#openAgain(handle, ['open', listen])
    this.#watch(handle)
  }

  #say(handle: number, order: StandingOrder, done: (answer: unknown) => void = () => {}): void {
    this.#service.callMethod(handle, [...order]).then(done, (error: unknown) => {
      this.#complain(handle, order[0], error)
    })
  }

  /** As often as it takes: a port is not free at once when who had it ends. */
  #openAgain(handle: number, order: StandingOrder): void {
    this.#service.callMethod(handle, [...order]).catch((error: unknown) => {
      if (!this.#complain(handle, order[0], error)) return
      setTimeout(() => {
        if (this.#isOurs(handle)) this.#openAgain(handle, order)
      }, AGAIN_MS).unref()
    })
  }

  /** Another instance will be told when that one has ended: false. */
  #complain(handle: number, method: string, error: unknown): boolean {
    const isOurs = this.#isOurs(handle)
    if (isOurs) this.#service.say('error', `cluster: cannot ${method} again: ${messageOf(error)}`)
    return isOurs
  }

  #isOurs(handle: number): boolean {
    const { isEnding, runtime } = this.#service
    return !isEnding && runtime.handles.workerOf(handle) >= 0
  }

  #note(order: StandingOrder, answer: unknown): void {
    this.#standing.note(order, answer)
    if (!this.#standing.isEmpty) this.#watch(this.#handle)
  }

  /** As often as it takes: nobody may ask, and others wait to come in. */
  #launchAgain(): void {
    if (this.#service.isEnding) return
    const failed = (error: unknown): void => {
      this.#service.say('error', `cluster: cannot launch clusterd again: ${messageOf(error)}`)
      setTimeout(() => this.#launchAgain(), AGAIN_MS).unref()
    }
    this.#use({ go: () => {}, failed })
  }

  #watch(handle: number): void {
    if (this.#watched === handle) return
    this.#watched = handle
    this.#node.ended(handle).then(
      ({ reason }) => {
        if (reason !== 'stop') this.#launchAgain()
      },
      // This service has ended, and tells nobody anything.
      () => {},
    )
  }
}

export const DOOR = new PartKey<ClusterDoor>()
