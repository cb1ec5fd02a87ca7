/** The end of a gate that nobody shall feel: sessions are let go in batches. */
import { isSkynetError } from '../base/errors.ts'
import type { AgentLine } from './agent-lines.ts'
import type { DrainOptions } from './gate-options.ts'
import type { GateSession } from './gate-session.ts'

type Line = AgentLine<GateSession>

/** What draining needs of its gate. */
export interface DrainHost {
  sleep(ms: number): Promise<unknown>
  /** Nobody gets a new session any more. */
  refuseNew(retryMs: number): void
  sessions(): readonly GateSession[]
  /** Resolves when there is no session. */
  empty(): Promise<void>
}

export class Draining {
  readonly #host: DrainHost
  readonly #options: Required<DrainOptions>
  /** None at once: all would come at the same moment, and 0 says not to come at all. */
  readonly #retryMs: number
  readonly #done: Promise<void>
  #isHurried = false
  #wake = (): void => {}

  constructor(host: DrainHost, options: Required<DrainOptions>) {
    this.#host = host
    this.#options = options
    this.#retryMs = Math.max(1, options.jitterMs)
    host.refuseNew(this.#retryMs)
    this.#done = this.#drain()
  }

  /** Resolves when the last session is over. */
  get done(): Promise<void> {
    return this.#done
  }

  /** No time is left: all that are there end now. */
  hurry(): void {
    this.#isHurried = true
    this.#wake()
    for (const session of this.#host.sessions()) this.#end(session)
  }

  async #drain(): Promise<void> {
    const { batch, everyMs } = this.#options
    const all = this.#host.sessions()
    const empty = this.#host.empty()
    const over = Promise.race([empty, new Promise<void>((resolve) => (this.#wake = resolve))])
    for (let at = 0; at < all.length && !this.#isHurried; at += batch) {
      if (at > 0) await Promise.race([this.#host.sleep(everyMs), over])
      if (this.#isHurried || all.every(({ isOver }) => isOver)) break
      for (const session of all.slice(at, at + batch)) void this.#letGo(session)
    }
    await empty
  }

  /** Ends it when whoever has it lets it go. Who gets it meanwhile is asked, too, at once. */
  async #letGo(client: GateSession): Promise<void> {
    let asked: Line | undefined
    let answer: Promise<unknown> | undefined
    let isFree = false
    while (!client.isOver && !(isFree && client.line === asked)) {
      if (client.line !== asked) {
        const { line } = client
        asked = line
        isFree = false
        answer = this.#held(client, line).then(() => {
          if (asked === line) isFree = true
        })
      }
      await Promise.race([answer, client.handedOver()])
      // Nobody knows so far whose it will be.
      if (client.state === 'moving') await client.handedOver()
    }
    this.#end(client)
  }

  /** Over when that agent lets it go, or is not there to hold it. */
  async #held(client: GateSession, line: Line): Promise<void> {
    while (!client.isOver) {
      try {
        await line.ask('drain', client.key)
        return
      } catch (error) {
        // A call to another node has a deadline, a hook has none.
        if (!isSkynetError(error, 'ERR_CALL_TIMEOUT')) return
      }
    }
  }

  #end({ session }: GateSession): void {
    session.end({ code: 'drain', retryMs: this.#retryMs })
  }
}
