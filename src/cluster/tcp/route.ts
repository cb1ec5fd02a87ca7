/** The way to one place of another node: made, made again when it was cut, with pauses between. */
import {
  CLUSTER_REFUSED_MS,
  CLUSTER_RETRY_MS,
  CLUSTER_RETRY_MS_MAX,
  CLUSTER_STEADY_MS,
} from '../../base/limits.ts'
import { isRefusal } from './handshake.ts'

/** What a route needs of whom it is for. */
export interface RouteHost {
  now(): number
  timeout(ms: number, task: () => void): { cancel(): unknown }
  /** 0 … 1. */
  random(): number
  /**
   * One try, and all that comes of it: it resolves when the connection is over. It rejects when
   * there is none.
   */
  try(count: number): Promise<void>
  /** A try has failed. */
  failed(error: unknown): void
}

export class Route {
  readonly #host: RouteHost
  /** Tries that came to nothing, one after the other. */
  #failures = 0
  #isStopped = false
  /** Ends the pause that there is. */
  #goOn: (() => void) | undefined

  constructor(host: RouteHost) {
    this.#host = host
  }

  /** Goes on until it is stopped. The first try comes after so many milliseconds. */
  async run(firstMs = 0): Promise<void> {
    if (firstMs > 0) await this.#rest(firstMs)
    for (let count = 0; !this.#isStopped; count++) {
      const began = this.#host.now()
      try {
        await this.#host.try(count)
        // A way that is cut as soon as it is there is none.
        const isSteady = this.#host.now() - began >= CLUSTER_STEADY_MS
        this.#failures = isSteady ? 0 : this.#failures + 1
        if (!this.#isStopped) await this.#rest(this.#backOff())
      } catch (error) {
        this.#failures++
        if (this.#isStopped) return
        this.#host.failed(error)
        await this.#rest(isRefusal(error) ? this.#longPause() : this.#backOff())
      }
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#goOn?.()
  }

  /** Full jitter: of many nodes that lost the same one each comes back at another time. */
  #backOff(): number {
    const most = Math.min(CLUSTER_RETRY_MS_MAX, CLUSTER_RETRY_MS * 2 ** (this.#failures - 1))
    return this.#host.random() * most
  }

  /** Somebody has to change a config first. */
  #longPause(): number {
    return (CLUSTER_REFUSED_MS * (1 + this.#host.random())) / 2
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.#goOn = undefined
        resolve()
      }
      const timer = this.#host.timeout(ms, end)
      this.#goOn = end
    })
  }
}
