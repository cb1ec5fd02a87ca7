/** What every kind of channel offers, whatever its requests look like. */
import { checkFlag } from '../base/check.ts'
import { checkWait, WAIT_NAMES, type WaitOptions } from '../service/wait-options.ts'
import type { ChannelCore } from './core.ts'
import type { Backup } from './hosts.ts'
import type { ChannelLink } from './link.ts'
import type { Data } from './request.ts'

export interface ConnectChannelOptions extends WaitOptions {
  /** Try each address once. Default false: again and again, with pauses up to `retryMsMax`. */
  readonly once?: boolean
}

const CONNECT_NAMES = [...WAIT_NAMES, 'once']

/**
 * A connection to one server that comes back: the first request makes it, and so does the first one
 * after it was lost. Made by `socketChannel`. It ends with its service.
 */
export class SocketChannel implements AsyncDisposable {
  /** @internal */
  protected readonly core: ChannelCore
  /** @internal Of `auth`: what is asked is asked there. */
  protected readonly bound: ChannelLink | undefined

  /** @internal Made by make.ts. */
  constructor(core: ChannelCore, bound?: ChannelLink) {
    this.core = core
    this.bound = bound
  }

  /** Of the server, for people: that which was used last, or will be tried next. */
  get address(): string {
    return this.core.address
  }

  /** Is there a connection that was let in? */
  get isOpen(): boolean {
    return this.core.isOpen
  }

  /** Requests under way, also those that were given up and whose answer the server owes. */
  get pending(): number {
    return this.core.size
  }

  /** Bytes that wait to be sent, those of requests that wait for a connection included. */
  get bufferedAmount(): number {
    return this.core.bufferedAmount
  }

  /**
   * Be connected, and open again after `close`. Requests connect by themselves; this is for who
   * wants to know, or wants to try until it works.
   *
   * @throws {SkynetError} `ERR_SOCKETCHANNEL_CLOSED` it was closed meanwhile;
   * `ERR_SOCKETCHANNEL_TIMEOUT`, `ABORT_ERR` as asked for; with `once` `ERR_CONNECT`,
   * `ERR_SOCKETCHANNEL_AUTH` of the last address.
   */
  async connect(options?: ConnectChannelOptions): Promise<void> {
    checkWait('connect', options, CONNECT_NAMES)
    const { once = false, timeoutMs, signal } = options ?? {}
    checkFlag('connect', 'once', once)
    await this.core.connect(once, { timeoutMs, signal })
  }

  /**
   * Write what has no answer. Resolves when it was written, which is at once when there is a
   * connection. Errors as `request`.
   */
  async send(data: Data, options?: WaitOptions): Promise<void> {
    await this.core.ask({ kind: 'send', data }, options, this.bound)
  }

  /**
   * Close the connection. Who waits gets `ERR_SOCKETCHANNEL_CLOSED`, and so does every request from
   * now on, until `connect` is called. Again: harmless.
   */
  close(options?: WaitOptions): Promise<void> {
    return this.core.close(options)
  }

  /**
   * Go to another server. Who waits for an answer gets `ERR_SOCKETCHANNEL_LOST`; who waits for a
   * connection gets the answer of the new one, which the next request connects to.
   *
   * @param port Default: as before.
   * @throws `TypeError`, `RangeError`.
   */
  changeHost(host: string, port?: number): void {
    this.core.changeHost(host, port)
  }

  /** Other stand-ins from the next connection on. @throws `TypeError`, `RangeError`. */
  changeBackup(backup: readonly Backup[]): void {
    this.core.options.hosts.setBackups('change the backup', backup)
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
