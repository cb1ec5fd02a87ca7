/** One client of a gate: its connection, its messages, and how far it has come. */
import assert from 'node:assert/strict'
import { checkFunction, isObject, refusal } from '../base/check.ts'
import type { Timer } from '../kernel/timer.ts'
import type { Connection } from '../sockets/connection.ts'
import type { MessageStream } from '../sockets/message-stream.ts'

/** Row: a state. Cell: those that may follow. What is not there is a bug of ours. */
const NEXT = {
  /** Accepted. Nothing is read. */
  waiting: ['open', 'closing'],
  /** Its messages are handled. */
  open: ['ended', 'closing'],
  /** Closed here. Its end is still to be told. */
  closing: ['gone'],
  /** Its end was told. What is written to it may still arrive. */
  ended: ['gone'],
  gone: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type ClientState = keyof typeof NEXT

export class GateClient<In, Out> {
  readonly fd: number
  readonly connection: Connection
  #state: ClientState = 'waiting'
  #stream: MessageStream<In, Out> | undefined
  readonly #streamOf: (connection: Connection) => MessageStream<In, Out>
  /** When it came, or its last message: milliseconds since the node started. */
  heardAt: number
  /** Begin of the second of which `messages` were handled. */
  secondAt = 0
  messages = 0
  /** A message of it is handled, and the next one waits for that. */
  isHandling = false
  /** Of one that has ended: when it is closed at the latest. */
  closesAt: Timer | undefined

  constructor(
    connection: Connection,
    now: number,
    streamOf: (connection: Connection) => MessageStream<In, Out>,
  ) {
    this.fd = connection.id
    this.connection = connection
    this.heardAt = now
    this.#streamOf = streamOf
  }

  get state(): ClientState {
    return this.#state
  }

  /** One of those that `maxClient` counts: its end was not told. */
  get isCounted(): boolean {
    return this.#state !== 'ended' && this.#state !== 'gone'
  }

  move(to: ClientState): void {
    const next: readonly ClientState[] = NEXT[this.#state]
    assert(next.includes(to), `no move from ${this.#state} to ${to}`)
    this.#state = to
  }

  /** Made with the first use. @throws What who made the gate throws; `TypeError` for no stream. */
  get stream(): MessageStream<In, Out> {
    this.#stream ??= checkStream(this.#streamOf(this.connection))
    return this.#stream
  }

  /** What was written still leaves. Resolves when it is closed for this service. */
  async close(): Promise<void> {
    this.closesAt?.cancel()
    try {
      await (this.#stream ?? this.connection).close()
    } catch {
      // Whatever became of it, it is nobody's any more.
      this.connection.shutdown()
    }
  }
}

const WHAT = 'carry the messages of a client'
const NEEDED = ['each', 'send', 'close'] as const

function checkStream<In, Out>(stream: MessageStream<In, Out>): MessageStream<In, Out> {
  if (!isObject(stream)) throw refusal('type', WHAT, 'stream', 'a MessageStream', stream)
  for (const name of NEEDED) checkFunction(WHAT, `stream.${name}`, stream[name])
  return stream
}
