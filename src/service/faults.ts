/**
 * Faults that come again and again, as those of a timer do: the first ones stand in the log as they
 * are, of the others how many there were, ever more seldom as long as they go on.
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

interface Kind {
  readonly about: string
  count: number
  /** Of `count`, those that no line has told yet. */
  untold: number
  /** The next look at it. */
  timer: { cancel(): void }
}

export class Faults {
  readonly #host: FaultHost
  /** By their text, the one that began last at the end. */
  readonly #kinds = new Map<string, Kind>()

  constructor(host: FaultHost) {
    this.#host = host
  }

  /** There is a fault. True: it is to be told as it is. False: it was, and is counted. */
  isNews(text: string): boolean {
    const key = text.slice(0, TEXT_MAX)
    const kind = this.#kinds.get(key) ?? this.#begin(key)
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

  #begin(key: string): Kind {
    const [oldest] = this.#kinds
    if (oldest !== undefined && this.#kinds.size >= FAULT_KINDS_MAX) {
      this.#tell(oldest[1])
      oldest[1].timer.cancel()
      this.#kinds.delete(oldest[0])
    }
    const timer = this.#host.after(PERIOD_MS, () => this.#look(key, kind, PERIOD_MS))
    const kind: Kind = { about: key.split('\n', 1)[0]!, count: 0, untold: 0, timer }
    this.#kinds.set(key, kind)
    return kind
  }

  /** A period is over. */
  #look(key: string, kind: Kind, ms: number): void {
    // It has ended, or is as seldom that it may be told as it is.
    if (kind.untold === 0) this.#kinds.delete(key)
    else {
      const next = Math.min(ms * 2, PERIOD_MS_MAX)
      kind.timer = this.#host.after(next, () => this.#look(key, kind, next))
    }
    this.#tell(kind)
  }

  #tell(kind: Kind): void {
    if (kind.untold > 0) this.#host.say(`${kind.untold} times more: ${kind.about}`)
    kind.untold = 0
  }
}
