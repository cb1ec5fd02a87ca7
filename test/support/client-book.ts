/** What a client believes of its sessions. Browsers load this file as well. */
import type { SessionClient } from 'skynet-ts/client'
import type { books } from '../fixtures/books-protocol.ts'

const LOOK_MS = 5

/** All of it, to be compared with what agents have written. */
export interface BookReport {
  readonly user: string
  /** What was wrong by itself. */
  readonly faults: readonly string[]
  readonly answered: readonly number[]
  readonly failed: readonly (readonly [n: number, code: string])[]
  /** How often it had no connection. */
  readonly cuts: number
  /** Sessions that were new. */
  readonly sessions: number
}

/** One client, over all sessions that it has. */
export class ClientBook {
  cuts = 0
  readonly #user: string
  readonly #client: SessionClient<typeof books>
  readonly #faults: string[] = []
  readonly #answered: number[] = []
  readonly #failed: [n: number, code: string][] = []
  #sessions = 0
  #written = 0
  /** Of this session: the last event, and the newest that was told. */
  #seq = 0
  #newest = 0

  constructor(user: string, client: SessionClient<typeof books>) {
    this.#user = user
    this.#client = client
    client.onState((state, { isResumed }) => {
      if (state === 'waiting') this.cuts++
      if (state === 'open' && !isResumed) this.#begin()
    })
    if (client.state === 'open') this.#begin()
    client.on('wrote', ({ seq }) => {
      if (seq !== this.#seq + 1) this.#faults.push(`event ${seq} behind ${this.#seq}`)
      this.#seq = seq
    })
    client.on('newest', (seq) => {
      if (seq <= this.#newest) this.#faults.push(`newest ${seq} behind ${this.#newest}`)
      this.#newest = seq
    })
  }

  #begin(): void {
    this.#sessions++
    this.#seq = 0
    this.#newest = 0
  }

  report(): BookReport {
    return {
      user: this.#user,
      faults: this.#faults,
      answered: this.#answered,
      failed: this.#failed,
      cuts: this.cuts,
      sessions: this.#sessions,
    }
  }

  /** @param ms How long the call takes. */
  async write(ms = 0): Promise<void> {
    const n = ++this.#written
    try {
      const back = await this.#client.call.write({ n, ms })
      if (back !== n) this.#faults.push(`call ${n} was answered with ${back}`)
      this.#answered.push(n)
    } catch (error) {
      this.#failed.push([n, (error as { code?: string }).code ?? String(error)])
    }
  }

  /** Wait until all that this session was told has come; when it dies meanwhile, the next one. */
  async settle(): Promise<void> {
    while (this.#client.state !== 'closed') {
      const session = this.#sessions
      const told = await this.#client.call.told().catch(() => undefined)
      if (told === undefined) continue
      while (session === this.#sessions && this.#isBehind(told)) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
      if (session === this.#sessions) return
    }
    this.#faults.push(`closed: ${this.#client.reason?.code}: ${this.#client.reason?.text}`)
  }

  #isBehind(told: number): boolean {
    return this.#seq < told || this.#newest < told
  }
}
