/** The end of a node: it comes once, for the first reason that there is. Of the main thread. */
import { SkynetError } from '../../base/errors.ts'
import { messageOf, withHint } from '../../base/thrown.ts'
import type { NodeState } from './node-state.ts'

/** What the end needs of its node. */
export interface NodeEndHost {
  readonly state: NodeState
  /** How long stop hooks may take where nobody says it. */
  readonly graceMs: number
  /** End everything. Resolves when it is over, with whether all ended in good order. */
  shutDown(graceMs: number): Promise<boolean>
  /** Begin a crash report. */
  report(thread: string, reason: unknown): void
  print(text: string): void
}

export class NodeEnd {
  /** Resolves with the exit code once it is over. */
  readonly exited: Promise<number>
  readonly #node: NodeEndHost
  #fault: SkynetError | undefined
  #over: Promise<void> | undefined
  #setExited!: (code: number) => void

  constructor(node: NodeEndHost) {
    this.#node = node
    this.exited = new Promise((resolve) => {
      this.#setExited = resolve
    })
  }

  /** The death of a thread that ended the node. */
  get fault(): SkynetError | undefined {
    return this.#fault
  }

  /** Somebody wants it. Resolves when it is over. */
  stop(graceMs = this.#node.graceMs): Promise<void> {
    return this.#end('stop', graceMs)
  }

  /** A service wants it. */
  abort(): void {
    void this.#end('abort', this.#node.graceMs)
  }

  /** All services went with a worker that died. */
  lostAll(): void {
    void this.#end('fail', 0)
  }

  /** A thread ended that should not have: nothing can be trusted to go on without it. */
  died(thread: string, reason: unknown): void {
    const node = this.#node
    if (node.state.isEnding) return
    const full = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)
    node.print(withHint(new SkynetError('ERR_THREAD_DIED', { thread, reason: full }).message))
    const info = { thread, reason: messageOf(reason) }
    this.#fault = new SkynetError('ERR_THREAD_DIED', info, { cause: reason })
    node.report(thread, reason)
    void this.#end('fail', 0)
  }

  #end(input: 'stop' | 'abort' | 'fail', graceMs: number): Promise<void> {
    // First: whoever is told of the end, while it begins, finds it so.
    this.#node.state.move(input)
    this.#over ??= this.#run(graceMs)
    return this.#over
  }

  async #run(graceMs: number): Promise<void> {
    const code = this.#node.state.name === 'failing' ? 1 : 0
    const isInOrder = await this.#node.shutDown(graceMs)
    this.#setExited(isInOrder ? code : 1)
  }
}
