/** How long an acknowledgement takes, and so how long to wait for one: as KCP reckons it. */

export const RTO_MS_DEFAULT = 200
const RTO_MS_MAX = 60_000
/** Of KCP: the least, and the least without delays. */
const RTO_MS_MIN = 100
const RTO_MS_MIN_NO_DELAY = 30

export class RoundTrip {
  rto = RTO_MS_DEFAULT
  /** Smoothed; 0: nothing was measured. */
  ms = 0
  #deviation = 0
  readonly #intervalMs: number
  readonly #least: number

  constructor(intervalMs: number, isNoDelay: boolean) {
    this.#intervalMs = intervalMs
    this.#least = isNoDelay ? RTO_MS_MIN_NO_DELAY : RTO_MS_MIN
  }

  measured(rtt: number): void {
    if (this.ms === 0) {
      this.ms = rtt
      this.#deviation = Math.trunc(rtt / 2)
    } else {
      const delta = Math.abs(rtt - this.ms)
      this.#deviation = Math.trunc((3 * this.#deviation + delta) / 4)
      this.ms = Math.max(1, Math.trunc((7 * this.ms + rtt) / 8))
    }
    const rto = this.ms + Math.max(this.#intervalMs, 4 * this.#deviation)
    this.rto = Math.min(RTO_MS_MAX, Math.max(this.#least, rto))
  }
}
