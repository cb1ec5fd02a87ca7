/**
 * A child of a supervisor that is on another node, one after the other: before the next one is
 * launched the one before is over. Its node has said so, or is down by a decision of all.
 */
import { isSkynetError } from '../base/errors.ts'
import { CLUSTER_CHILD_MS } from '../base/limits.ts'
import type { Ending, EndReason } from '../service/life.ts'
import { type Caller, ServiceRef } from '../service/ref.ts'
import { WaitLimits } from '../service/wait-options.ts'
import type { ServiceId } from '../wire/service-id.ts'
import type { NodePlacement } from './placement.ts'
import { askCluster, type ChildPlace, type ClusterAsker, type RemoteLaunch } from './remote.ts'

export interface RemoteChildHost {
  readonly service: ClusterAsker & Caller & { readonly handle: number; readonly hasEnded: boolean }
  /** Nobody wants it any more. */
  isOver(): boolean
  /** @throws When the limits are met. */
  rest(ms: number, limits: WaitLimits): Promise<unknown>
}

/** Its own node alone says so. Others are told here, too, when this node knows no more of it. */
const OVER: ReadonlySet<EndReason> = new Set<EndReason>(['exit', 'kill', 'stop', 'crash', 'linked'])

/** The node is not there, or the service of the cluster is launched again: that passes. */
const mayPass = (error: unknown): boolean =>
  isSkynetError(error, 'ERR_NODE_UNKNOWN') ||
  isSkynetError(error, 'ERR_NAME_UNKNOWN') ||
  isSkynetError(error, 'ERR_CALL_DEAD')

/** Nothing of a launch has begun: its node is not heard just now, or does not hear the cluster. */
const isUnheard = (error: unknown): boolean =>
  isSkynetError(error, 'ERR_NODE_LOST') && error.info.sent === 'no'

export class RemoteChild {
  readonly #host: RemoteChildHost
  /** Where it is, or may be. */
  #place: ChildPlace | undefined
  /** 0: it has not begun there. */
  #handle = 0
  /** Ends the question whether it is over; made with the first. */
  #asking: AbortController | undefined
  #hasBegun = false

  constructor(host: RemoteChildHost) {
    this.#host = host
  }

  /** It may be there. */
  get isPlaced(): boolean {
    return this.#place !== undefined
  }

  /** What its monitor tells: of a node that has said so, and has left since, nobody asks it. */
  ended({ handle, reason }: Ending): void {
    if (handle !== this.#handle || !OVER.has(reason)) return
    this.#place = undefined
    this.#asking?.abort()
    this.#asking = undefined
  }

  /**
   * Launch the next one where it is to be, once the one before is over. While its node is not heard
   * that waits, and when it was there once also until its node is.
   *
   * @param own The node of the supervisor: what is to be there the caller launches.
   * @param left Limits of the whole.
   * @returns Its handle, once its setup is done; 0: it is to be on `own`. If it throws, `end` it.
   */
  async launch(
    where: NodePlacement,
    own: string,
    url: string,
    options: RemoteLaunch,
    left: () => WaitLimits,
  ): Promise<number> {
    await this.end()
    for (;;) {
      const place = await this.#placeFor(where, left)
      if (place.node === own) return 0
      try {
        return await this.#launchAt(place, url, options, left())
      } catch (error) {
        await this.#pass(error, isUnheard(error), left)
      }
    }
  }

  async #placeFor(where: NodePlacement, left: () => WaitLimits): Promise<ChildPlace> {
    const { service } = this.#host
    for (;;) {
      try {
        return (await askCluster(service, ['placeChild', where], left())) as ChildPlace
      } catch (error) {
        await this.#pass(error, isUnheard(error) || (this.#hasBegun && mayPass(error)), left)
      }
    }
  }

  /** Resolves when it may be tried again. */
  async #pass(error: unknown, passes: boolean, left: () => WaitLimits): Promise<void> {
    const host = this.#host
    if (!passes || host.isOver()) throw error
    await host.rest(CLUSTER_CHILD_MS, left())
    if (host.isOver()) throw error
  }

  async #launchAt(
    place: ChildPlace,
    url: string,
    options: RemoteLaunch,
    limits: WaitLimits,
  ): Promise<number> {
    const { service } = this.#host
    this.#place = place
    this.#handle = 0
    const supervisor = new ServiceRef(service, service.handle)
    const message = ['launchChild', place, supervisor, url, options, limits.timeoutMs ?? 0]
    try {
      const { target } = (await askCluster(service, message, limits)) as ServiceId
      this.#hasBegun = true
      this.#handle = target as number
      return this.#handle
    } catch (error) {
      // It is nowhere: nobody has to wait for a node that may not be heard for long.
      if (isUnheard(error) && this.#place === place) this.#place = undefined
      throw error
    }
  }

  /** Resolves when it is over, also when nobody knows whether it had begun. */
  async end(): Promise<void> {
    const place = this.#place
    while (place !== undefined && this.#place === place) {
      this.#asking ??= new AbortController()
      const { signal } = this.#asking
      try {
        await this.#askForEnd(place, new WaitLimits({ timeoutMs: 0, signal }))
      } catch (error) {
        if (!signal.aborted) throw error
      }
    }
  }

  async #askForEnd(place: ChildPlace, limits: WaitLimits): Promise<void> {
    const { service, rest } = this.#host
    try {
      await askCluster(service, ['endChild', place], limits)
      if (this.#place === place) this.#place = undefined
    } catch (error) {
      // The service of the cluster is launched again, or ends with its node: it is asked again.
      if (service.hasEnded || !mayPass(error)) throw error
      await rest(CLUSTER_CHILD_MS, limits)
    }
  }
}
