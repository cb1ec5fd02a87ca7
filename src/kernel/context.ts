/** One service as its worker's kernel sees it: a handle, a mailbox, and who handles a message. */
import type { Queue } from '../base/queue.ts'
import type { Binder } from '../wire/service-id.ts'
import type { Mailbox } from './mailbox.ts'
import type { Message } from './message.ts'

/** What stands behind a context: the service floor. */
export interface Receiver extends Binder {
  /** Handle one message. It must not throw: a fault of the service is its own to report. */
  receive(message: Message): void
}

/** Takes messages as they are packed, to pass them on. */
export interface Forwarder {
  /**
   * The message lies in `bytes[at .. at + length)`, during the call only. It must not throw.
   *
   * @param timeoutMs How long its sender waits for the answer; 0: it has not said.
   * @param isGiven The bytes are the forwarder's: it may keep them.
   */
  forward(
    to: number,
    type: number,
    source: number,
    session: number,
    timeoutMs: number,
    bytes: Buffer,
    at: number,
    length: number,
    isGiven: boolean,
  ): void
}

export class Context {
  readonly handle: number
  /** For logs and lists: the path the service was launched by. */
  readonly title: string
  readonly receiver: Receiver
  /** In the place of the receiver: it has no mailbox then. */
  readonly forwarder: Forwarder | undefined
  mailbox: Mailbox | undefined
  /** Messages beyond which requests go to `onFull` instead of into the mailbox. */
  limit = Number.POSITIVE_INFINITY
  onFull: ((message: Message) => void) | undefined
  /** Told once, after a batch, that the mailbox is half empty; unset then. */
  onRoom: (() => void) | undefined
  /** What is to be done when so many messages have been handled; see `Scheduler.afterMail`. */
  behind: Queue<{ readonly at: number; readonly then: () => void }> | undefined
  /** It is in the run queue, or being run right now. */
  isQueued = false
  isAlive = true
  /** What comes waits, until the scheduler is told otherwise. */
  isHeld = false
  /** Messages handled so far. */
  handled = 0

  constructor(handle: number, title: string, receiver: Receiver, forwarder?: Forwarder) {
    this.handle = handle
    this.title = title
    this.receiver = receiver
    this.forwarder = forwarder
  }
}
