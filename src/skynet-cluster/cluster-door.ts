/**
 * The way from a service to `clusterd`, which the first who needs it launches. What is asked before
 * it is known where that is keeps its order.
 */
import { isSkynetError } from '../base/errors.ts'
import type { Handles } from '../kernel/handles.ts'
import type { Router } from '../kernel/router.ts'
import type { RequestTraits } from '../service/calls.ts'
import { kept } from '../service/scope.ts'
import type { WaitLimits, WaitOptions } from '../service/wait-options.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { ClusterdMethods } from './clusterd.ts'

/** What the door needs of its service. */
export interface DoorService {
  readonly handle: number
  readonly runtime: { readonly router: Router; readonly handles: Handles }
  callMethod(
    to: number,
    message: unknown[],
    options?: WaitOptions,
    more?: RequestTraits,
  ): Promise<unknown>
  sendMethod(to: number, message: unknown[]): boolean
}

/** Who waits until it is known where `clusterd` is. */
interface Guest {
  readonly go: (handle: number) => void
  readonly failed: (error: unknown) => void
}

export class ClusterDoor {
  readonly #service: DoorService
  readonly #launch: () => Promise<number>
  readonly #first: (handle: number) => void
  #handle = 0
  #guests: Guest[] | undefined

  /**
   * @param launch Gives the handle of the one instance.
   * @param first Called with each new instance, before all others use it.
   */
  constructor(
    service: DoorService,
    launch: () => Promise<number>,
    first: (handle: number) => void,
  ) {
    this.#service = service
    this.#launch = launch
    this.#first = first
  }

  /** @param title What the call is called in errors and lists. */
  ask<M extends keyof ClusterdMethods>(
    method: M,
    args: Parameters<ClusterdMethods[M]>,
    left: () => WaitLimits,
    title?: string,
  ): Promise<Awaited<ReturnType<ClusterdMethods[M]>>> {
    return new Promise((resolve, reject) => {
      const go = (handle: number): void => {
        this.#call(handle, [method, ...args], left(), title).then(resolve as never, reject)
      }
      this.#use({ go, failed: reject })
    })
  }

  /** @param failed `clusterd` could not be launched. */
  tell(method: 'push', args: unknown[], failed: (error: unknown) => void): void {
    const go = (handle: number): void => void this.#service.sendMethod(handle, [method, ...args])
    this.#use({ go, failed })
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
      this.#launch().then(
        (handle) => {
          this.#handle = handle
          this.#guests = undefined
          this.#first(handle)
          for (const { go } of guests) go(handle)
        },
        (error: unknown) => {
          this.#guests = undefined
          for (const { failed } of guests) failed(error)
        },
      )
    }
  }
}

/** `clusterd` has ended: nobody knows what became of the call. */
export const isGone = (error: unknown): boolean => isSkynetError(error, 'ERR_CALL_DEAD')
