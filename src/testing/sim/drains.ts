/** The drains that one owner ordered, and how they may be answered: each once, in order. */
import assert from 'node:assert/strict'

/** What is drained. */
interface Drained {
  readonly id: number
  /** Bytes that its system has taken; undefined: that tells nothing about what was sent. */
  readonly bytesTaken: number | undefined
}

export class SimDrains {
  readonly #socket: Drained
  /** For each that has no answer: bytes that its worker had sent before. */
  #wanted: number[] = []
  /** Ordered before YIELD came: answered when it came too late, forgotten when not. */
  #uncertain = 0

  constructor(socket: Drained) {
    this.#socket = socket
  }

  /** @param sent Bytes that its worker has sent so far. */
  ordered(sent: number): void {
    this.#wanted.push(sent)
  }

  /** @param count So many at once; negative: the socket is gone, or somebody else's. */
  answered(count: number): void {
    const { id } = this.#socket
    const open = this.#wanted.length + this.#uncertain
    assert.ok(count !== 0 && Math.abs(count) <= open, `socket ${id}: DRAIN ${count} of ${open}`)
    for (let left = Math.abs(count); left > 0; left--) {
      if (this.#uncertain > 0) this.#uncertain--
      else this.#answer(this.#wanted.shift()!, count > 0)
    }
  }

  gaveAway(): void {
    this.#uncertain += this.#wanted.length
    this.#wanted = []
  }

  /** What the same owner ordered before it asked for the socket again. */
  inherit(former: SimDrains): void {
    former.gaveAway()
    this.#uncertain = former.#uncertain
  }

  /**
   * The socket came back from another owner: what was ordered before it went there is answered by
   * now, or forgotten.
   */
  tookOver(): void {
    this.#uncertain = 0
  }

  /** All is over. */
  checkAnswered(): void {
    const { id } = this.#socket
    if (this.#uncertain > 0) return
    assert.equal(this.#wanted.length, 0, `socket ${id}: a drain has no answer`)
  }

  #answer(wanted: number, hasLeft: boolean): void {
    const { id, bytesTaken } = this.#socket
    if (!hasLeft || bytesTaken === undefined) return
    assert.ok(bytesTaken >= wanted, `socket ${id}: DRAIN at ${bytesTaken} bytes of ${wanted}`)
  }
}
