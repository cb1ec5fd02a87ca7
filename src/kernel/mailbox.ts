/**
 * The inbox of one service: a FIFO without bound that says when it grows too long, at 1,024
 * messages and each doubling, as Skynet does. Made when the first message comes: an idle service
 * costs nothing here.
 */
import { MAILBOX_WARNING } from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import type { Message } from './message.ts'

export class Mailbox extends Queue<Message> {
  #warnAt = MAILBOX_WARNING

  constructor() {
    super(4)
  }

  /** Asked before each message: the length, when it is time to warn; else 0. */
  overload(): number {
    const { length } = this
    if (length <= MAILBOX_WARNING) {
      // The last one: the mailbox is empty after it.
      if (length <= 1) this.#warnAt = MAILBOX_WARNING
      return 0
    }
    if (length <= this.#warnAt) return 0
    while (length > this.#warnAt) this.#warnAt *= 2
    return length
  }
}
