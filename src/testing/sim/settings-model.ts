/** The settings that one socket may have: an order to change them takes effect some time later. */
import { SEND_QUEUE_BYTES_MAX } from '../../base/limits.ts'
import type { SocketSettings } from '../../net/settings.ts'

/** Since when nothing came and nothing left, until when. */
interface Activity {
  readonly activeAt: number
  readonly closedAt: number
}

export class SettingsModel {
  /** All that may hold. */
  #possible: SocketSettings[]
  /** What was ordered last. */
  #wanted: SocketSettings
  /** A slot that was just reserved has a limit of its own. */
  #isFresh: boolean

  constructor(settings: SocketSettings, isFresh: boolean) {
    this.#possible = [settings]
    this.#wanted = settings
    this.#isFresh = isFresh
  }

  configure(changes: Partial<SocketSettings>): void {
    this.#wanted = { ...this.#wanted, ...changes }
    this.#possible.push(this.#wanted)
  }

  /** The server knows the socket. */
  opened(): void {
    this.#isFresh = false
  }

  /** May a write find that too much waits, when this much does? */
  mayRefuseAt(bytes: number): boolean {
    return this.#possible.some(({ sendLimitBytes }) => bytes >= sendLimitBytes)
  }

  /** May a write be taken, when this much waits? */
  mayTakeAt(bytes: number): boolean {
    if (this.#isFresh && bytes < SEND_QUEUE_BYTES_MAX) return true
    return this.#possible.some(({ sendLimitBytes }) => bytes < sendLimitBytes)
  }

  get mayRefuse(): boolean {
    return this.mayRefuseAt(SEND_QUEUE_BYTES_MAX - 1)
  }

  /** A write that is refused may end the socket. */
  get mayOverflow(): boolean {
    return this.#possible.some(({ sendPolicy }) => sendPolicy === 'close')
  }

  /** A write that is refused ends the socket. */
  get mustOverflow(): boolean {
    return this.#possible.every(({ sendPolicy }) => sendPolicy === 'close')
  }

  get lingerMsMin(): number {
    return Math.min(...this.#possible.map(({ lingerMs }) => lingerMs))
  }

  get lingerMsMax(): number {
    return Math.max(...this.#possible.map(({ lingerMs }) => lingerMs))
  }

  /** Of a socket that nobody has configured: how long it may be idle; 0: for ever. */
  get idleTimeoutMs(): number {
    return this.#possible.length > 1 ? 0 : this.#wanted.idleTimeoutMs
  }

  /** May the idle timeout have ended it? */
  mayExpire({ activeAt, closedAt }: Activity): boolean {
    const idleMs = closedAt - activeAt
    return this.#possible.some(({ idleTimeoutMs }) => idleTimeoutMs > 0 && idleMs >= idleTimeoutMs)
  }

  /** Is `reason` that of an idle timeout, and a true one? */
  isExpiry(reason: string, activity: Activity): boolean {
    const ms = /^idle for (\d+) ms$/.exec(reason)?.[1]
    if (ms === undefined || !this.mayExpire(activity)) return false
    return this.#possible.some(({ idleTimeoutMs }) => idleTimeoutMs === Number(ms))
  }
}
