/** Connections of a bot that fail on purpose: which and where follows from its seed. */
import { monotonicNow, setImmediate, setTimeout } from '../../base/event-loop.ts'
import type { ClientLink, ClientLinkEvents, ClientLinkMaker } from '../../client/client-link.ts'

/** What goes wrong. Missing: nothing does. */
export interface LoadFaults {
  /**
   * 0..1: how likely each message, either way, is lost with its connection. Every other such cut is
   * not told to the server, as when a phone leaves its network: there the connection seems to be
   * open until the session comes back over another one, or is silent for too long.
   */
  readonly cuts?: number
  /** How long there is no network after a cut, in ms, at most; by chance. Default 0. */
  readonly awayMs?: number
  /** 0..1: how many of the bots read slowly. */
  readonly slowReaders?: number
  /** How long such a bot takes for each message, in ms. Default 100. */
  readonly slowMs?: number
  /** All bots begin their rounds together, each so many ms, in place of each when it is ready. */
  readonly burstMs?: number
}

export const SLOW_MS_DEFAULT = 100

/** What a whole run counts. */
export interface ConnectionCounts {
  made: number
  cut: number
}

/** @param random 0 ≤ x < 1: the bot's own. */
export class FaultyLinks implements ClientLinkMaker {
  readonly #maker: ClientLinkMaker
  readonly #faults: LoadFaults
  readonly #random: () => number
  readonly #counts: ConnectionCounts
  readonly #isSlow: boolean
  /** Those that were cut, of which the server was not told. */
  readonly #unseen = new Set<ClientLink>()
  #awayUntil = 0

  constructor(
    maker: ClientLinkMaker,
    faults: LoadFaults,
    random: () => number,
    counts: ConnectionCounts,
  ) {
    this.#maker = maker
    this.#faults = faults
    this.#random = random
    this.#counts = counts
    this.#isSlow = random() < (faults.slowReaders ?? 0)
  }

  open(events: ClientLinkEvents): ClientLink {
    if (monotonicNow() < this.#awayUntil) return noNetwork(events)
    let isOver = false
    /** What was sent is lost, and so is all behind it. */
    let isLost = false
    let link: ClientLink | undefined
    const cut = (): void => {
      if (isOver) return
      isOver = true
      this.#counts.cut++
      this.#awayUntil = monotonicNow() + this.#random() * (this.#faults.awayMs ?? 0)
      if (link !== undefined && this.#random() < 0.5) this.#unseen.add(link)
      else link?.close()
      events.closed('cut on purpose')
    }
    const take = (message: Uint8Array): void => {
      if (isOver) return
      if (this.#random() < (this.#faults.cuts ?? 0)) cut()
      else events.heard(message)
    }
    const slowly = this.#isSlow ? new SlowReader(take, this.#faults.slowMs ?? SLOW_MS_DEFAULT) : 0
    link = this.#maker.open({
      opened: () => {
        this.#counts.made++
        if (!isOver) events.opened()
      },
      heard: slowly === 0 ? take : (message) => slowly.take(message),
      closed: (reason) => {
        if (link !== undefined) this.#unseen.delete(link)
        if (isOver) return
        isOver = true
        events.closed(reason)
      },
    })
    return {
      send: (message) => {
        if (isOver || isLost) return
        isLost = this.#random() < (this.#faults.cuts ?? 0)
        if (!isLost) link?.send(message)
        // Not at once: who sends does not expect to be told meanwhile.
        else setImmediate(cut)
      },
      close: () => {
        isOver = true
        link?.close()
      },
    }
  }

  /** Close what the server believes to be open. */
  close(): void {
    for (const link of this.#unseen) link.close()
    this.#unseen.clear()
  }
}

function noNetwork(events: ClientLinkEvents): ClientLink {
  let isOver = false
  setImmediate(() => {
    if (!isOver) events.closed('no network on purpose')
  })
  const close = (): void => {
    isOver = true
  }
  return { send: () => {}, close }
}

/** Hands messages on one by one, with a pause before each. */
class SlowReader {
  readonly #hand: (message: Uint8Array) => void
  readonly #ms: number
  readonly #waiting: Uint8Array[] = []

  constructor(hand: (message: Uint8Array) => void, ms: number) {
    this.#hand = hand
    this.#ms = ms
  }

  take(message: Uint8Array): void {
    if (this.#waiting.push(message) === 1) this.#next()
  }

  #next(): void {
    setTimeout(() => {
      this.#hand(this.#waiting.shift()!)
      if (this.#waiting.length > 0) this.#next()
    }, this.#ms)
  }
}
