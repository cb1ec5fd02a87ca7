/** Writing to a connection: what is refused, when it is too much, who waits until all has left. */
import { checkFunction } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { SEND_WARNING_BYTES } from '../base/limits.ts'
import type { Framed, WriteOptions, Writer } from '../net/client/writer.ts'
import { SEND_POLICY } from '../net/settings.ts'
import { PROTOCOL } from '../net/slots.ts'
import { begin, kept } from '../service/scope.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import { Drains } from './drains.ts'
import type { SocketLife } from './socket-life.ts'

type Warn = (kib: number) => void

/** Made with the first write, or whatever else needs it. */
export class StreamWriter {
  readonly #life: SocketLife
  readonly #out: Writer
  #drains: Drains | undefined
  /** `end` was called. */
  #isEnding = false
  /** Writes that were dropped as too much waited. */
  dropped = 0
  /** `run` is the one that was given, with the stores of who has set it. */
  #onWarning: { readonly given: Warn; readonly run: Warn } | undefined

  constructor(life: SocketLife) {
    this.#life = life
    this.#out = life.pool.client.ownWriter(life.id)
  }

  get onWarning(): Warn | undefined {
    return this.#onWarning?.given
  }

  set onWarning(warn: Warn | undefined) {
    if (warn !== undefined) checkFunction('warn', 'onWarning', warn)
    this.#onWarning = warn && { given: warn, run: kept(warn) }
  }

  /** The socket was gone when something was written. */
  get isGone(): boolean {
    return this.#out.isGone
  }

  /** Bytes of this turn, which no other thread knows of. */
  get gathered(): number {
    return this.#out.length
  }

  get #waiting(): number {
    return this.#out.length + this.#life.pool.client.slots.queuedOf(this.#life.id)
  }

  write(data: string | Uint8Array, options: WriteOptions | undefined): boolean {
    this.#checkOpen()
    return this.#out.write(data, options) ? this.#hasRoom : this.#refused()
  }

  /** A message in its frame. */
  writeFrame(format: Framed, body: string | Uint8Array): boolean {
    this.#checkOpen()
    return this.#out.writeFrame(format, body) ? this.#hasRoom : this.#refused()
  }

  /** More may be written without a drain. */
  get #hasRoom(): boolean {
    return this.#waiting < SEND_WARNING_BYTES
  }

  #checkOpen(): void {
    if (!this.#life.isOpen || this.#out.isGone || this.#isEnding) {
      throw this.#life.closed()
    }
    this.#life.start()
  }

  #refused(): boolean {
    const { id, pool } = this.#life
    const { slots } = pool.client
    if (slots.policyOf(id) !== SEND_POLICY['pause-producer']) {
      this.dropped++
      return false
    }
    const info = { id, queued: this.#waiting, limit: slots.limitOf(id) }
    throw new SkynetError('ERR_SOCKET_FULL', info)
  }

  /** Hand on what was written in this turn. */
  flush(): void {
    this.#out.flush()
  }

  async drain(options: WaitOptions | undefined): Promise<void> {
    checkWait('drain', options)
    this.#checkOpen()
    this.#out.flush()
    if (this.#waiting === 0) return
    this.#drains ??= new Drains(this.#life)
    await this.#drains.wait(options)
  }

  /** The end is sent behind what was written; nothing is taken any more. */
  end(): void {
    if (this.#isEnding) return
    const { id, pool } = this.#life
    if (pool.client.slots.protocolOf(id) === PROTOCOL.file) {
      const reason = 'a bound descriptor has no half to end: close it'
      throw new SkynetError('ERR_SOCKET_STATE', { id, reason })
    }
    this.#checkOpen()
    this.#out.flush()
    this.#isEnding = true
    this.#life.order('end')
  }

  /**
   * Policy `pause-producer`: does more than half of the limit wait to be sent? Then DRAIN will come
   * once everything has left.
   */
  mustWait(): boolean {
    const { slots } = this.#life.pool.client
    if (this.#waiting * 2 <= slots.limitOf(this.#life.id)) return false
    this.#out.flush()
    this.#drains ??= new Drains(this.#life)
    this.#drains.ask()
    return true
  }

  /** @param sign Of a DRAIN event. */
  drained(sign: number): void {
    this.#drains?.answered(sign)
  }

  /** @param kib Of a WARNING event. */
  warned(kib: number): void {
    const warn = this.#onWarning?.run
    if (warn !== undefined) begin(() => warn(kib))
    else if (kib > 0) this.#life.pool.warned(kib, this.#life.id)
  }

  /** Nothing more will leave: who waits for it is told why. */
  fail(): void {
    this.#drains?.reject(this.#life.failure)
  }
}
