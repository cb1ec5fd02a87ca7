/** What a node hears. nats.js forgets a subscription that the server refuses: this does not. */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node'
import { queueMicrotask } from '../../base/event-loop.ts'

interface Wanted {
  readonly take: (msg: Msg) => void
  subscription: Subscription | undefined
}

export class Hearing {
  readonly #wanted = new Map<string, Wanted>()
  #connection: NatsConnection | undefined
  #refused: unknown

  /** For a connection that is new, or there again: ask for what it has not. */
  renew(connection: NatsConnection): void {
    const isNew = this.#connection !== connection
    this.#connection = connection
    for (const [subject, wanted] of this.#wanted) {
      if (isNew) wanted.subscription = undefined
      wanted.subscription ??= this.#subscribe(subject, wanted)
    }
  }

  /** @param take Called with each message. What it throws is thrown on, and ends no connection. */
  add(subject: string, take: (msg: Msg) => void): void {
    this.remove(subject)
    const wanted: Wanted = { take, subscription: undefined }
    this.#wanted.set(subject, wanted)
    wanted.subscription = this.#subscribe(subject, wanted)
  }

  remove(subject: string): void {
    this.#wanted.get(subject)?.subscription?.unsubscribe()
    this.#wanted.delete(subject)
  }

  /** Resolves when the server has agreed to all of them. */
  async agreed(): Promise<void> {
    this.#refused = undefined
    // It says no before it answers a ping that comes behind.
    await this.#connection?.flush()
    if (this.#refused !== undefined) throw this.#refused
  }

  clear(): void {
    for (const subject of [...this.#wanted.keys()]) this.remove(subject)
  }

  #subscribe(subject: string, wanted: Wanted): Subscription | undefined {
    return this.#connection?.subscribe(subject, {
      callback: (error, msg) => {
        if (error !== null) {
          this.#refused = error
          wanted.subscription = undefined
          return
        }
        try {
          wanted.take(msg)
        } catch (thrown) {
          // nats.js would stop to read from the connection, and go on as if it had one.
          queueMicrotask(() => {
            throw thrown
          })
        }
      },
    })
  }
}
