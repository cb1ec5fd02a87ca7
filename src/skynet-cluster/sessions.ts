/** The numbers of requests to one node, which count up, over all connections to it. */

const SESSION_MAX = 0x7fffffff

export class SessionNumbers {
  #next: number

  /** @param next The first one. */
  constructor(next = 1) {
    this.#next = next
  }

  /** One that `isUsed` does not say to be in use. */
  take(isUsed: (session: number) => boolean): number {
    for (;;) {
      const session = this.#next
      this.#next = session === SESSION_MAX ? 1 : session + 1
      if (!isUsed(session)) return session
    }
  }

  /** What the next request will have: Skynet names traces by it. */
  get next(): number {
    return this.#next
  }
}
