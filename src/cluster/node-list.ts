/** The nodes that are there, for who wants to be told when that changes. */
import { CLUSTER_CHANGES_MS } from '../base/limits.ts'
import type { ClusterMember, ClusterNodeList } from '../skynet/cluster-api.ts'

export interface NodeListHost {
  nodes(): readonly ClusterMember[]
  timeout(ms: number, task: () => void): { cancel(): unknown }
}

export class NodeList {
  readonly #host: NodeListHost
  /** Of this service: another one begins anew, and must not seem to be at a version of this. */
  readonly #stream: string
  #version = 0
  #waiting: (() => void)[] = []

  constructor(host: NodeListHost, stream: string) {
    this.#host = host
    this.#stream = stream
  }

  get list(): ClusterNodeList {
    return { version: `${this.#stream}-${this.#version}`, nodes: this.#host.nodes() }
  }

  changed(): void {
    this.#version++
    const waiting = this.#waiting
    this.#waiting = []
    for (const tell of waiting) tell()
  }

  /** The list once it is another one; the same after a while, so that who has gone is not kept. */
  async changes(version: string): Promise<ClusterNodeList> {
    if (version === this.list.version) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          limit.cancel()
          resolve()
        }
        const limit = this.#host.timeout(CLUSTER_CHANGES_MS, () => {
          this.#waiting = this.#waiting.filter((each) => each !== end)
          resolve()
        })
        this.#waiting.push(end)
      })
    }
    return this.list
  }
}
