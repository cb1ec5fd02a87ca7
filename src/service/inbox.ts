/** The bound of a mailbox: what happens beyond it, and how others see it. */
import { checkInteger } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import type { Context } from '../kernel/context.ts'
import type { Message } from '../kernel/message.ts'
import type { Router } from '../kernel/router.ts'
import { hasRoom } from '../kernel/scheduler.ts'
import { PTYPE } from '../wire/ptype.ts'
import { askerOf } from './askers.ts'
import { askHome, type OrderingHost } from './ordering.ts'
import { LATER, NOBODY, type OrderAbout, type Orders } from './orders.ts'
import { type Part, type PartHost, PartKey } from './part.ts'
import { checkWait, WaitLimits, type WaitOptions } from './wait-options.ts'

/** The mailbox of a service at one moment. */
export interface MailboxState {
  /** Messages that wait. */
  readonly length: number
  /** Bound that the service gave itself; undefined: none. */
  readonly limit: number | undefined
  /** Sends that found it full, since the service began. */
  readonly deadLetters: number
}

/** What an Inbox needs of its worker. */
export interface InboxHost {
  readonly router: Router
  log(level: 'error', handle: number, text: string): void
}

/** Responses, errors and what sockets bring are never refused: others wait for their effect. */
export class Inbox implements Part {
  readonly #service: InboxService
  /** Orders of `room`, by who gave them, answered when there is some. */
  readonly #waiting = new Map<string, Message>()
  /** Orders of `taking`, by who gave them, answered when the mail before them is handled. */
  readonly #taking = new Map<string, Message>()
  #deadLetters = 0
  #logAt = 1

  constructor(service: InboxService) {
    this.#service = service
  }

  get #context(): Context {
    return this.#service.context
  }

  get #host(): InboxHost {
    return this.#service.runtime
  }

  bound(limit: number): void {
    checkInteger('bound the mailbox', 'limit', limit, 1, Number.MAX_SAFE_INTEGER)
    this.#context.limit = limit
    this.#context.onFull = this.#refuse
  }

  get info(): MailboxState {
    const { mailbox, limit } = this.#context
    return {
      length: mailbox?.length ?? 0,
      limit: Number.isFinite(limit) ? limit : undefined,
      deadLetters: this.#deadLetters,
    }
  }

  /** Answer `order` as soon as the mailbox is half empty. */
  waitForRoom(order: Message): void {
    if (hasRoom(this.#context)) {
      this.#answer(order)
      return
    }
    this.#waiting.set(askerOf(order), order)
    this.#context.onRoom = () => {
      for (const waiting of this.#takeWaiting()) this.#answer(waiting)
    }
  }

  /**
   * Answer `order` when all has been handled that waits in the mailbox now, with the number of
   * handlers of the same source that are not done then.
   */
  waitForTaking(order: Message): void {
    const asker = askerOf(order)
    this.#taking.set(asker, order)
    this.#service.afterMail(() => {
      // Else it was given up, or refused at the end.
      if (this.#taking.delete(asker))
        this.#answer(order, this.#service.requests.unfinishedOf(order.source))
    })
  }

  givenUp(asker: string): void {
    this.#waiting.delete(asker)
    this.#taking.delete(asker)
  }

  workerDied(dead: ReadonlySet<number>): void {
    for (const [asker, { source }] of [...this.#waiting, ...this.#taking]) {
      if (dead.has(source)) this.givenUp(asker)
    }
  }

  #takeWaiting(): Message[] {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    return all
  }

  /** Nobody will make room. */
  ended(): void {
    for (const waiting of [...this.#takeWaiting(), ...this.#taking.values()]) {
      this.#host.router.refuse(waiting, this.#context.handle)
    }
    this.#taking.clear()
  }

  #answer({ source, session }: Message, value?: number): void {
    this.#host.router.send(PTYPE.RESPONSE, source, this.#context.handle, session, value)
  }

  readonly #refuse = (message: Message): void => {
    const { title, limit, handle } = this.#context
    if (message.session !== 0) {
      const error = new SkynetError('ERR_MAILBOX_FULL', { service: title, limit, sent: 'no' })
      this.#host.router.refuse(message, handle, error)
      return
    }
    this.#deadLetters++
    if (this.#deadLetters < this.#logAt) return
    this.#logAt *= 2
    const text = `Mailbox of ${limit} messages is full: ${this.#deadLetters} dead letters so far`
    this.#host.log('error', handle, text)
  }
}

const KEY = new PartKey<Inbox>()

/** What an inbox needs of its service. */
export interface InboxService extends PartHost {
  readonly context: Context
  readonly runtime: InboxHost
  readonly requests: { unfinishedOf(source: number): number }
  /** Run `then` behind all mail that has come by now. */
  afterMail(then: () => void): void
}

/** Made with the first use. */
export const inboxOf = (service: InboxService): Inbox =>
  service.part(KEY) ?? service.addPart(KEY, new Inbox(service))

/** Answered with a MailboxState; when that mailbox has room; when what is in it is handled. */
interface MailboxOrder extends OrderAbout {
  readonly order: 'mailbox' | 'room' | 'taking'
}

/** Ask for something of the mailbox of a service, wherever it lives. */
export function askMailbox(
  service: OrderingHost,
  what: MailboxOrder['order'],
  handle: number,
  options: WaitOptions | undefined,
): Promise<unknown> {
  checkWait(what, options)
  const order: MailboxOrder = { order: what, handle }
  return askHome(service, order, options)
}

/**
 * Wait until a service has handled all that is in its mailbox now, whether that is bounded or not.
 *
 * @returns How many requests of who asks, and packets of clients, are begun and not done then.
 * @throws {SkynetError} `ERR_CALL_DEAD`; `ERR_SERVICE_EXITED` when who asks ends.
 */
export async function askTaking(service: OrderingHost, handle: number): Promise<number> {
  const unlimited = new WaitLimits({ timeoutMs: 0 })
  return (await askMailbox(service, 'taking', handle, unlimited)) as number
}

/** What the orders need of the worker that takes them. */
export interface InboxOrdersHost {
  find(handle: number): InboxService | undefined
  /** Who gave the order went with its worker, and the news of that has come. */
  isLost(order: Message): boolean
}

export function addMailboxOrders(orders: Orders, host: InboxOrdersHost): void {
  orders.add<MailboxOrder>('mailbox', (_message, { handle }) => {
    const service = host.find(handle)
    return service === undefined ? NOBODY : inboxOf(service).info
  })
  orders.add<MailboxOrder>('room', (message, { handle }) => {
    const service = host.find(handle)
    if (service === undefined) return NOBODY
    if (!host.isLost(message)) inboxOf(service).waitForRoom(message)
    return LATER
  })
  orders.add<MailboxOrder>('taking', (message, { handle }) => {
    const service = host.find(handle)
    if (service === undefined) return NOBODY
    if (!host.isLost(message)) inboxOf(service).waitForTaking(message)
    return LATER
  })
}
