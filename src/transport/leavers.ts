/** Streams on streams of one service: they say goodbye before its sockets close. */
import { setImmediate } from '../base/event-loop.ts'
import { type Part, type PartHost, PartKey } from '../service/part.ts'

/** What is told that its service ends. */
export interface Parting {
  readonly isOpen: boolean
  /**
   * Say to the peer that nobody is here any more.
   *
   * @returns True: that is not out yet. It is asked again.
   */
  leave(): boolean
}

/** Those who were never closed are looked for when there are so many more. */
const LOOK_AFTER = 1024
/** Encrypting takes a turn or two. Whoever is not done then has a peer that takes nothing. */
const TURNS_MAX = 10

export class Leavers implements Part {
  readonly #all = new Set<Parting>()
  #lookAt = LOOK_AFTER

  add(each: Parting): void {
    if (this.#all.size >= this.#lookAt) this.#look()
    this.#all.add(each)
  }

  remove(each: Parting): void {
    this.#all.delete(each)
  }

  #look(): void {
    for (const each of this.#all) if (!each.isOpen) this.#all.delete(each)
    this.#lookAt = this.#all.size * 2 + LOOK_AFTER
  }

  /** Who stands on another one came later, and speaks first. */
  parting(): void | Promise<void> {
    const rest = [...this.#all].reverse().filter((each) => each.leave())
    return rest.length === 0 ? undefined : left(rest)
  }
}

async function left(rest: readonly Parting[]): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX && rest.length > 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    rest = rest.filter((each) => each.leave())
  }
}

const KEY = new PartKey<Leavers>()

/** Those of a service. */
export function leaversOf(service: PartHost): Leavers {
  return service.part(KEY) ?? service.addPart(KEY, new Leavers())
}
