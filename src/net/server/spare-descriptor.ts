/**
 * A descriptor that is given up when there is no other: then somebody can be accepted, and refused
 * at once, instead of waiting in the backlog. Lives on the socket thread.
 */
import type { Os } from '../../os/os.ts'

export class SpareDescriptor {
  /** Negative: it is given up. */
  fd: number
  readonly #os: Os

  constructor(os: Os) {
    this.#os = os
    this.fd = os.reserveFd()
  }

  /** False: it was given up before, so there is nothing to win. */
  giveUp(): boolean {
    if (this.fd < 0) return false
    this.#os.close(this.fd)
    this.fd = -1
    return true
  }

  /** Have one again, where there is one. False: there is not. */
  takeBack(): boolean {
    if (this.fd < 0) this.fd = this.#os.reserveFd()
    return this.fd >= 0
  }
}
