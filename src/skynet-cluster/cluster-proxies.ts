/** Services of this node that pass everything on: one for each service of another node. */
import type { Target } from './request-frames.ts'

/** What proxies need of their node. */
export interface ClusterProxiesHost {
  isAlive(handle: number): boolean
  /** The handle of a new one. */
  launch(node: string, target: Target): Promise<number>
}

interface Proxy {
  readonly launched: Promise<number>
  /** 0: it is being launched. */
  handle: number
}

/** Proxies before the first look for some that have ended; then after each doubling. */
const BEFORE_LOOK = 64

export class ClusterProxies {
  readonly #host: ClusterProxiesHost
  readonly #all = new Map<string, Proxy>()
  #lookAt = BEFORE_LOOK

  constructor(host: ClusterProxiesHost) {
    this.#host = host
  }

  get size(): number {
    return this.#all.size
  }

  /** The one that there is; else, as when it has ended, another one. */
  get(node: string, target: Target): Promise<number> {
    const key = JSON.stringify([node, target])
    const known = this.#all.get(key)
    return known !== undefined && this.#isOf(known)
      ? known.launched
      : this.#launch(key, node, target)
  }

  #launch(key: string, node: string, target: Target): Promise<number> {
    if (this.#all.size >= this.#lookAt) this.#dropDead()
    const launched = this.#host.launch(node, target)
    const proxy: Proxy = { launched, handle: 0 }
    this.#all.set(key, proxy)
    launched.then(
      (handle) => {
        proxy.handle = handle
      },
      () => void this.#all.delete(key),
    )
    return launched
  }

  #isOf({ handle }: Proxy): boolean {
    return handle === 0 || this.#host.isAlive(handle)
  }

  #dropDead(): void {
    for (const [key, proxy] of this.#all) if (!this.#isOf(proxy)) this.#all.delete(key)
    this.#lookAt = Math.max(BEFORE_LOOK, this.#all.size * 2)
  }
}
