/** How many segments may be under way, by what was lost: as KCP reckons it. */

const THRESHOLD = 2

export class Congestion {
  /** Segments. */
  window = 0
  readonly #mss: number
  #threshold = THRESHOLD
  /** The window in bytes: it grows by less than a segment. */
  #bytes = 0

  constructor(segmentBytes: number) {
    this.#mss = segmentBytes
  }

  /** Something was acknowledged. @param room Segments that the peer has room for. */
  acknowledged(room: number): void {
    if (this.window >= room) return
    const mss = this.#mss
    if (this.window < this.#threshold) {
      this.window++
      this.#bytes += mss
    } else {
      const bytes = Math.max(this.#bytes, mss)
      this.#bytes = bytes + Math.trunc((mss * mss) / bytes) + Math.trunc(mss / 16)
      if ((this.window + 1) * mss <= this.#bytes) {
        this.window = Math.trunc((this.#bytes + mss - 1) / mss)
      }
    }
    if (this.window <= room) return
    this.window = room
    this.#bytes = room * mss
  }

  /** Segments were sent again because later ones had come. */
  passedOver(underWay: number, fastResend: number): void {
    this.#threshold = Math.max(THRESHOLD, Math.trunc(underWay / 2))
    this.window = this.#threshold + fastResend
    this.#bytes = this.window * this.#mss
  }

  /** Segments were sent again because nothing was heard. @param before The window at that time. */
  timedOut(before: number): void {
    this.#threshold = Math.max(THRESHOLD, Math.trunc(before / 2))
    this.#one()
  }

  /** Behind each flush. */
  atLeastOne(): void {
    if (this.window < 1) this.#one()
  }

  #one(): void {
    this.window = 1
    this.#bytes = this.#mss
  }
}
