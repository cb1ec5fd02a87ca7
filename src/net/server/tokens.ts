/**
 * The write tokens of the sockets, as the socket thread takes them: who holds that of a socket may
 * write to its descriptor (slots.ts, rules 1 to 3). A worker gives it back after its write.
 */
import { lock, tryLock, unlock } from '../../shm/lock.ts'
import { SLOT, type Slots } from '../slots.ts'
import type { Socket } from './socket.ts'

export class Tokens {
  readonly #cells: Int32Array
  readonly #self: number

  /** @param self The number of this thread among the doorbells. */
  constructor({ cells }: Slots, self: number) {
    this.#cells = cells
    this.#self = self
  }

  /** Waits for a write under way. */
  take({ at }: Socket): void {
    lock(this.#cells, at + SLOT.token, this.#self + 1)
  }

  /** False: somebody has it. */
  tryTake({ at }: Socket): boolean {
    return tryLock(this.#cells, at + SLOT.token, this.#self + 1)
  }

  release({ at }: Socket): void {
    unlock(this.#cells, at + SLOT.token)
  }

  /** A worker still owes the rest of its direct write. Asked under the token: slots.ts, rule 2. */
  isOwed({ at }: Socket): boolean {
    return Atomics.load(this.#cells, at + SLOT.remainder) !== 0
  }

  /**
   * What a worker owes whose command is on the way; 0: nothing. It waits for a write under way. One
   * that failed took the error out of the socket, which looks like one that ended well:
   * `debtErrno`.
   */
  debtOf(socket: Socket): number {
    this.take(socket)
    const owed = Atomics.load(this.#cells, socket.at + SLOT.remainder)
    this.release(socket)
    return owed
  }
}
