/**
 * Faults that come again and again, as those of a timer do: the first ones stand in the log as they
 * are, of the others how many there were, ever more seldom as long as they go on. So many kinds are
 * told apart; what more there are at the same time, made by the bytes of a peer perhaps, are one.
 */
import { FAULT_KINDS_MAX } from '../base/limits.ts'

/** Faults that are alike and stand in the log as they are. */
const WHOLE_MAX = 3
/** Of the text of a fault so much tells it from others. */
const TEXT_MAX = 2000
/** Between two lines with a count: at first, then each time twice as long, up to a limit. */
const PERIOD_MS = 1000
const PERIOD_MS_MAX = 60_000

/** What a `Faults` needs of whose faults they are. */
export interface FaultHost {
  say(text: string): void
  after(ms: number, task: () => void): { cancel(): void }
}

/** All kinds that found no room among those told apart: a peer that makes them anew is one, too. */
const OTHERS = Symbol('others')

interface Kind {
  /** First line of the last one. */
  about: string
  count: number
  /** Of `count`, those that no line has told yet. */
  untold: number
  /** The next look at it. */
  timer: { cancel(): void }
}

export class Faults {
  readonly #host: FaultHost
  /** By their text, and those that are told together. */
  readonly #kinds = new Map<string | typeof OTHERS, Kind>()

  constructor(host: FaultHost) {
    this.#host = host
  }

  /** There is a fault. True: it is to be told as it is. False: it was, and is counted. */
  isNews(text: string): boolean {
    const own = text.slice(0, TEXT_MAX)
    // Others have a place of their own: they take none of the sixteen.
    const isFull = this.#kinds.size - Number(this.#kinds.has(OTHERS)) >= FAULT_KINDS_MAX
    const key = isFull && !this.#kinds.has(own) ? OTHERS : own
    const kind = this.#kinds.get(key) ?? this.#begin(key)
    kind.about = own.split('\n', 1)[0]!
    kind.count++
    if (kind.count <= WHOLE_MAX) return true
    kind.untold++
    return false
  }

  /** Nobody waits any more: tell what is untold. */
  end(): void {
    for (const kind of this.#kinds.values()) {
      this.#tell(kind)
      kind.timer.cancel()
    }
    this.#kinds.clear()
  }

  #begin(key: string | typeof OTHERS): Kind {
    const timer = this.#host.after(PERIOD_MS, () => this.#look(key, kind, PERIOD_MS))
    const kind: Kind = { about: '', count: 0, untold: 0, timer }
    this.#kinds.set(key, kind)
    return kind
  }

  /** A period is over. */
  #look(key: string | typeof OTHERS, kind: Kind, ms: number): void {
    // It has ended, or is as seldom that it may be told as it is.
    if (kind.untold === 0) this.#kinds.delete(key)
    else {
      const next = Math.min(ms * 2, PERIOD_MS_MAX)
      kind.timer = this.#host.after(next, () => this.#look(key, kind, next))
    }
    this.#tell(kind)
  }

  #tell(kind: Kind): void {
    const { untold, about } = kind
    if (untold === 0) return
    const isOthers = kind === this.#kinds.get(OTHERS)
    this.#host.say(`${untold} ${isOthers ? 'others more, as' : 'times more'}: ${about}`)
    kind.untold = 0
  }
}
