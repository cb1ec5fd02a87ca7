/** Keep a side busy for a given time, and count what came back. The same code for every side. */
import type { Measure } from './bench.ts'

export interface Pace {
  readonly seconds: number
  readonly warmSeconds: number
}

/** Completions between two looks at the clock: a power of two. */
const COMPLETIONS_PER_LOOK = 32

/**
 * Keep `concurrent` calls under way.
 *
 * @param call Answers its argument; anything else is an error.
 */
export async function paceCalls(
  call: (value: number) => Promise<unknown>,
  { concurrent, seconds, warmSeconds }: Pace & { readonly concurrent: number },
): Promise<Measure> {
  const run = async (forSeconds: number): Promise<Measure> => {
    const startedAt = performance.now()
    const endsAt = startedAt + forSeconds * 1000
    let completed = 0
    let isOver = false
    const caller = async (): Promise<void> => {
      while (!isOver) {
        const value = completed
        const answer = await call(value)
        if (answer !== value) throw new Error(`${value} was answered by ${String(answer)}`)
        completed++
        if (completed % COMPLETIONS_PER_LOOK === 0 && performance.now() >= endsAt) isOver = true
      }
    }
    await Promise.all(Array.from({ length: concurrent }, caller))
    return { completed, value: (completed * 1000) / (performance.now() - startedAt) }
  }
  await run(warmSeconds)
  return run(seconds)
}

/** What a chat sends. `at` counts up, which the receiver checks. */
export interface ChatMessage {
  readonly room: string
  readonly nick: string
  readonly text: string
  readonly at: number
}

export const chatMessage = (at: number): ChatMessage => ({
  room: 'lobby',
  nick: 'guest-17',
  text: 'has anybody seen my keys?',
  at,
})

/** The receiver tells the sender after every so many messages how many it has. */
const MESSAGES_PER_ACK = 500
/** Messages that may be under way. */
const WINDOW = 4 * MESSAGES_PER_ACK

/** Counts at the receiver. */
export class Receiver {
  #count = 0
  readonly #ack: (count: number) => void

  constructor(ack: (count: number) => void) {
    this.#ack = ack
  }

  receive({ at, text }: Pick<ChatMessage, 'at' | 'text'>): void {
    const isGood = at === this.#count && text.length > 0
    if (!isGood) this.#ack(-1)
    this.#count++
    if (this.#count % MESSAGES_PER_ACK === 0) this.#ack(this.#count)
  }
}

/** Sends as fast as the receiver counts. One object for the life of a receiver. */
export class Sender {
  readonly #send: (at: number) => void
  #sent = 0
  #acked = 0
  #wanted = 0
  #go: (() => void) | undefined
  #fail: ((error: Error) => void) | undefined

  /** @param send Sends the message that counts up to `at`. */
  constructor(send: (at: number) => void) {
    this.#send = send
  }

  /** The receiver has `count` messages. */
  acked(count: number): void {
    if (count < 0) this.#fail?.(new Error('a message was lost, or came out of order'))
    this.#acked = count
    if (count >= this.#wanted) this.#go?.()
  }

  async pace({ seconds, warmSeconds }: Pace): Promise<Measure> {
    await this.#run(warmSeconds)
    return this.#run(seconds)
  }

  async #run(seconds: number): Promise<Measure> {
    const before = this.#acked
    const startedAt = performance.now()
    const endsAt = startedAt + seconds * 1000
    while (performance.now() < endsAt) {
      for (let i = 0; i < MESSAGES_PER_ACK; i++) this.#send(this.#sent++)
      await this.#until(this.#sent - WINDOW + MESSAGES_PER_ACK)
    }
    await this.#until(this.#sent)
    const completed = this.#acked - before
    return { completed, value: (completed * 1000) / (performance.now() - startedAt) }
  }

  #until(count: number): Promise<void> | undefined {
    if (this.#acked >= count) return undefined
    this.#wanted = count
    return new Promise((resolve, reject) => {
      this.#go = resolve
      this.#fail = reject
    })
  }
}
