/** The threads of a node: the workers by number, and the socket thread. Of the main thread. */
import type { Control, Report } from '../protocol.ts'
import type { Thread } from './thread.ts'

export class ThreadTable {
  /** Undefined: it has not been started. */
  socket: Thread | undefined
  /** How many workers are for anybody: the first ones. Behind them are places of dedicated ones. */
  readonly shared: number
  readonly #workers: (Thread | undefined)[]

  constructor(shared: number, dedicated: number) {
    this.shared = shared
    this.#workers = new Array(shared + dedicated).fill(undefined)
  }

  /** Undefined: nobody has started it, or it is the empty place of a dedicated one. */
  at(worker: number): Thread | undefined {
    return this.#workers[worker]
  }

  /** Also in the place of another that has ended. Undefined: the place is empty again. */
  put(worker: number, thread: Thread | undefined): void {
    this.#workers[worker] = thread
  }

  /** All places for dedicated workers, taken or not. */
  places(): number[] {
    return [...this.#workers.keys()].slice(this.shared)
  }

  workers(): Thread[] {
    return this.#workers.filter((thread) => thread !== undefined)
  }

  tellOthers(worker: number, control: Control): void {
    for (const [other, thread] of this.#workers.entries()) {
      if (other !== worker) thread?.tell(control)
    }
  }

  /** Tell all workers, and wait for the answer of each, or its end. */
  async tellAll(control: Control, answer: Report['kind']): Promise<void> {
    // One that has not begun to work, in the place of one that died, has nothing to end.
    const ready = this.workers().filter(({ isReady }) => isReady)
    const answers = ready.map((worker) => {
      const answered = worker.next(answer).catch(() => undefined)
      worker.tell(control)
      return answered
    })
    await Promise.all(answers)
  }
}
