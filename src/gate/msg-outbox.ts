/**
 * Answers on their way to one connection of a message server. Where its policy refuses more they
 * wait until what was sent before has left.
 */
import { isSkynetError } from '../base/errors.ts'

/** What an outbox needs of the gate that its connection is of. */
export interface OutboxGate {
  /** False: it is gone. */
  send(fd: number, message: Uint8Array): boolean
  /** Rejects when it is gone. */
  drain(fd: number): Promise<void>
}

export class MsgOutbox {
  readonly #gate: OutboxGate
  readonly #fd: number
  readonly #fewer: () => void
  readonly #failed: (error: unknown) => void
  /** Behind the first of them all others wait, too. */
  #waiting: Buffer[] = []

  /**
   * @param fewer Some do not wait any more.
   * @param failed An answer cannot be sent, ever, and is gone.
   */
  constructor(gate: OutboxGate, fd: number, fewer: () => void, failed: (error: unknown) => void) {
    this.#gate = gate
    this.#fd = fd
    this.#fewer = fewer
    this.#failed = failed
  }

  /** Answers that wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Never throws. Who is gone gets nothing. */
  send(frame: Buffer): void {
    if (this.#waiting.length === 0 && this.#isTaken(frame)) return
    this.#waiting.push(frame)
    if (this.#waiting.length === 1) void this.#sendLater()
  }

  async #sendLater(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await this.#gate.drain(this.#fd)
        const rest = this.#waiting.findIndex((frame) => !this.#isTaken(frame))
        this.#waiting.splice(0, rest < 0 ? this.#waiting.length : rest)
        this.#fewer()
      }
    } catch {
      // It is gone. Its answers are kept elsewhere, for who comes back.
      this.#waiting = []
      this.#fewer()
    }
  }

  /** False: not now. */
  #isTaken(frame: Buffer): boolean {
    try {
      this.#gate.send(this.#fd, frame)
    } catch (error) {
      if (isSkynetError(error, 'ERR_SOCKET_FULL')) return false
      this.#failed(error)
    }
    return true
  }
}
