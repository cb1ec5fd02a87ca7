/**
 * The inbox of one service: a FIFO without bound that says when it grows too long, at 1,024
 * messages and each doubling, as Skynet does. Made when the first message comes: an idle service
 * costs nothing here.
 */
import type { Clock } from '../base/clock.ts'
import { MAILBOX_WARNING } from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import type { Message } from './message.ts'

/** How long after a warning a mailbox that was empty may warn again: a burst a turn is no news. */
const QUIET_MS = 1000

export class Mailbox extends Queue<Message> {
  #warnAt = MAILBOX_WARNING
  #quietUntil = 0

  constructor() {
    super(4)
  }

  /** Asked before each message: the length, when it is time to warn; else 0. */
  overload(clock: Clock): number {
    const { length } = this
    if (length <= MAILBOX_WARNING) {
      // With the last one it will be empty.
      const isReset = this.#warnAt === MAILBOX_WARNING
      if (length <= 1 && !isReset && clock.now() >= this.#quietUntil) {
        this.#warnAt = MAILBOX_WARNING
      }
      return 0
    }
    if (length <= this.#warnAt) return 0
    while (length > this.#warnAt) this.#warnAt *= 2
    this.#quietUntil = clock.now() + QUIET_MS
    return length
  }
}
