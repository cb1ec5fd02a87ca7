/**
 * What the main thread tells the socket thread: through the command ring, as workers do. Runs on
 * the main thread.
 */

import { COMMAND_RING_BYTES } from '../../base/limits.ts'
import { COMMAND } from '../../net/commands.ts'
import type { Os } from '../../os/os.ts'
import { Doorbells } from '../../shm/doorbell.ts'
import { ManyRing } from '../../shm/ring.ts'
import { type NodeMemory, socketThreadOf } from '../memory.ts'
import { holdWithin } from './within.ts'

/** Longest wait for the socket thread when the process ends. */
const LEAVE_MS_MAX = 1000
const NO_BYTES = new Uint8Array(0)
const NO_MORE = new Int32Array(0)

export class SocketOrders {
  /** Signalled to wake the socket thread: all threads of the node write to it. */
  readonly wakeup: { readonly readFd: number; readonly writeFd: number }
  /** Those of all threads, as the main thread rings them. */
  readonly bells: Doorbells
  readonly #os: Os
  readonly #memory: NodeMemory
  readonly #ring: ManyRing

  /** When it throws, nothing is left. */
  constructor(os: Os, memory: NodeMemory) {
    this.#os = os
    this.#memory = memory
    this.#ring = new ManyRing(os.region(memory.commands), 0, COMMAND_RING_BYTES)
    // Last: of all this it alone has to be given back.
    this.wakeup = os.createWakeup()
    const { writeFd } = this.wakeup
    this.bells = new Doorbells(memory.bells, {
      thread: socketThreadOf(memory),
      wake: () => os.signalWakeup(writeFd),
    })
  }

  /** That worker died. False: there is no room for the order now. */
  died(worker: number): boolean {
    return this.#give(COMMAND.died, worker, 0)
  }

  /**
   * Leave the loop.
   *
   * @param flushMs How long the socket thread may go on to send what was written.
   */
  exit(flushMs: number): void {
    this.#give(COMMAND.exit, 0, flushMs)
  }

  /** The process ends: wait until the socket thread has left its loop. */
  awaitExit(): void {
    holdWithin(LEAVE_MS_MAX, new Int32Array(this.#memory.socketDone))
  }

  /** No thread is left that could be woken, or wake. */
  close(): void {
    this.#os.close(this.wakeup.readFd)
    this.#os.close(this.wakeup.writeFd)
  }

  /** False: there is no room for it now. */
  #give(command: number, a: number, b: number): boolean {
    const isGiven = this.#ring.write(command, a, b, 0, NO_BYTES, NO_MORE, 0)
    this.bells.ring(socketThreadOf(this.#memory))
    return isGiven
  }
}
