/** Another worker in the place of one that died. Runs on the main thread. */

import { SkynetError } from '../../base/errors.ts'
import { withHint } from '../../base/thrown.ts'
import { isShortage } from './reserve.ts'
import type { Thread } from './thread.ts'

/** Between two tries to start a worker again: longer with each. */
const RETRY_MS_MIN = 20
const RETRY_MS_MAX = 1000

/** The thread that comes in the place of another, as far as it is seen here. */
export type Replacement = Pick<Thread, 'tell' | 'next'>

/** What replacing a worker needs of its node. */
export interface ReplacingHost {
  isEnding(): boolean
  /** No service is left but those of the node's own making. */
  isEmpty(): boolean
  nameOf(worker: number): string
  /** Mend what the dead thread left, and tell who waits for its services. */
  bury(worker: number, cause: unknown): Promise<unknown>
  /** Resolves when the new thread is ready, or with why it is not. */
  start(worker: number): Promise<Replacement | SkynetError<'ERR_THREAD_DIED'>>
  /** Until `open`, others choose other workers, and what they order of this one is refused. */
  close(worker: number, cause: unknown): void
  open(worker: number): void
  /** Hold descriptors back for the next start. */
  holdBack(): void
  pause(ms: number): Promise<unknown>
  print(text: string): void
  /** There is none that could come in its place. */
  failed(name: string, cause: unknown): void
  /** Every worker that died is replaced. */
  done(): void
}

export class Replacing {
  readonly #node: ReplacingHost
  /** Workers that died and are not replaced yet. */
  #gaps = 0

  constructor(node: ReplacingHost) {
    this.#node = node
  }

  /** Every worker for anybody is there. */
  get isDone(): boolean {
    return this.#gaps === 0
  }

  /** A worker ended unasked: another one takes its place. */
  async replace(worker: number, cause: unknown): Promise<void> {
    const node = this.#node
    if (node.isEnding()) return
    this.#gaps++
    await node.bury(worker, cause)
    const thread = await this.#startAgain(worker)
    if (thread === undefined) return
    // Two at once may both launch the logger: the second finds its name taken.
    await this.restore(thread)
    this.#gaps--
    if (this.#gaps === 0) node.done()
  }

  /**
   * For want of descriptors, memory or threads it is tried again, as long as the node has services
   * left. Undefined: the node ends, or was told to stop meanwhile.
   */
  async #startAgain(worker: number): Promise<Replacement | undefined> {
    const node = this.#node
    const name = node.nameOf(worker)
    for (let tries = 1; !node.isEnding(); tries++) {
      const found = await node.start(worker)
      // A node that stops needs no word of a failure, and nothing restored.
      if (node.isEnding()) return undefined
      if (!(found instanceof SkynetError)) {
        node.open(worker)
        if (tries > 1) node.print(`${name} runs again, after ${tries} tries`)
        return found
      }
      if (!isShortage(found.cause) || node.isEmpty()) {
        node.failed(name, found.cause)
        return undefined
      }
      // Once: a thread that did not get so far as to be ready has read no order and left nothing.
      if (tries === 1) {
        node.print(withHint(`Cannot start ${name} again, which goes on: ${found.info.reason}`))
        node.close(worker, found.cause)
      }
      node.holdBack()
      const waitMs = Math.min(RETRY_MS_MIN * 2 ** (tries - 1), RETRY_MS_MAX)
      await node.pause(waitMs)
    }
    return undefined
  }

  /**
   * Resolves when the worker has begun to launch what the node has lost of its own services: after
   * the end of a worker that was not replaced, too.
   */
  async restore(thread: Replacement): Promise<void> {
    if (this.#node.isEnding()) return
    try {
      thread.tell({ kind: 'restore' })
      const { kind } = await thread.next('bootstrapped', 'failed')
      if (kind !== 'failed' || this.#node.isEnding()) return
      this.#node.print('Cannot launch what launches the logger again')
    } catch {
      // It died too: that is told, and dealt with, by itself.
    }
  }
}
