/** A file with every message that a service gets, for debugging: Skynet's LOGON. */
import { closeSync, constants, writeSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { formatHandle, SkynetError } from '../base/errors.ts'
import { isoTime } from '../base/event-loop.ts'
import { openOwn } from '../base/own-file.ts'
import { messageOf } from '../base/thrown.ts'
import type { Message } from '../kernel/message.ts'
import { escapedLine } from '../service/log.ts'
import type { OrderAbout, Orders } from '../service/orders.ts'
import { type Part, type PartHost, PartKey } from '../service/part.ts'
import type { MessageTap } from '../service/service.ts'

/** A payload is one line, as `console.log` shows it, and of bounded length. */
const SHOWN = { breakLength: Number.POSITIVE_INFINITY, depth: 8, maxStringLength: 1000 }

export class MessageLog implements Part, MessageTap {
  readonly #fd: number
  readonly #now: () => number

  /**
   * Append to `<folder>/<handle>.log`.
   *
   * @throws {SkynetError} `ERR_MESSAGE_LOG`.
   */
  constructor(folder: unknown, handle: number, now: () => number) {
    const name = `${formatHandle(handle).slice(1)}.log`
    try {
      if (typeof folder !== 'string') throw new Error(`env 'logpath' names no folder`)
      this.#fd = openOwn(join(folder, name), constants.O_WRONLY | constants.O_APPEND)
    } catch (error) {
      throw new SkynetError('ERR_MESSAGE_LOG', { file: name, reason: messageOf(error) })
    }
    this.#now = now
    this.#line(`open time: ${this.#at} ${isoTime()}`)
  }

  /** Before it is handled, and at once: of a crash, this is the last that is known. */
  write({ source, type, session, value }: Message): void {
    let shown: string
    try {
      shown = inspect(value, SHOWN)
    } catch {
      shown = 'a value that cannot be printed'
    }
    this.#line(`${formatHandle(source)} ${type} ${session} ${this.#at} ${escapedLine(shown)}`)
  }

  closing(): void {
    this.#line(`close time: ${this.#at}`)
    closeSync(this.#fd)
  }

  get #at(): string {
    return this.#now().toFixed(3)
  }

  #line(text: string): void {
    try {
      writeSync(this.#fd, `${text}\n`)
    } catch {
      // A full disk ends no service.
    }
  }
}

const KEY = new PartKey<Part>()
const NO_LOG: Part = {}

/** What logging its messages needs of a service. */
export interface LoggedHost extends PartHost {
  readonly handle: number
  readonly runtime: { readonly now: number }
  tap: MessageTap | undefined
}

/** What the orders need of the worker that takes them. */
export interface MessageLogHost {
  find(handle: number): LoggedHost | undefined
  /** The folder, as the variable `logpath` of the node says. */
  folder(): unknown
}

/** Begin to log all messages that a service gets to a file, or no longer. */
interface LogOrder extends OrderAbout {
  readonly order: 'logOn' | 'logOff'
}

export function addMessageLogOrders(orders: Orders, host: MessageLogHost): void {
  for (const name of ['logOn', 'logOff'] as const) {
    orders.add<LogOrder>(name, (_message, { handle }) => {
      const service = host.find(handle)
      if (service !== undefined) logMessages(service, name === 'logOn', host.folder())
      return service !== undefined
    })
  }
}

/** @throws {SkynetError} `ERR_MESSAGE_LOG`. */
function logMessages(service: LoggedHost, isOn: boolean, folder: unknown): void {
  if (isOn === (service.tap !== undefined)) return
  service.tap?.closing()
  service.tap = isOn ? new MessageLog(folder, service.handle, () => service.runtime.now) : undefined
  service.addPart(KEY, service.tap ?? NO_LOG)
}
