/** Events as they come, to whoever listens. */
import type { MessageBodies } from './bodies.ts'
import { BAD_VALUE, numberIn, optionsOf, wrongArgument } from './check.ts'
import { EventStream } from './event-stream.ts'
import { FULL } from './full.ts'
import { Listeners } from './listeners.ts'
import type { Surroundings } from './surroundings.ts'

const LIMIT = 1000
const checkOptions = optionsOf({ limit: numberIn(1, Number.MAX_SAFE_INTEGER) })

export interface ClientEvents {
  on(event: string, listener: (value: unknown) => void): () => void
  events(event: string, options?: { readonly limit?: number }): EventStream<unknown>
  /**
   * Events that nobody listens to are not read; those that this protocol does not have are of a
   * newer server.
   *
   * @throws What the codec throws.
   */
  push(name: string, body: Uint8Array): void
  /** No event comes any more. @param error Undefined: as was asked for. */
  end(error: unknown): void
}

export function clientEvents(
  names: readonly string[],
  bodies: MessageBodies,
  around: Surroundings,
): ClientEvents {
  const all = new Map(names.map((name) => [name, new Listeners<[unknown]>(around.uncaught)]))
  const streams = new Set<EventStream<unknown>>()
  let over: { readonly error: unknown } | undefined

  const on: ClientEvents['on'] = (event, listener) => {
    const listeners = all.get(event)
    if (FULL && listeners === undefined) {
      throw wrongArgument('listen', 'event', `one of ${names.join(', ')}`, event, BAD_VALUE)
    }
    return listeners!.add(listener)
  }

  return {
    on,
    events(event, options = {}) {
      if (FULL) checkOptions('listen', 'options', options)
      const { limit = LIMIT } = options
      const stream: EventStream<unknown> = new EventStream(limit, () => {
        off()
        streams.delete(stream)
      })
      const off = on(event, (value) => stream.add(value))
      streams.add(stream)
      if (over !== undefined) stream.end(over.error)
      return stream
    },
    push(name, body) {
      const listeners = all.get(name)
      if (listeners?.isEmpty === false) listeners.tell(bodies.decode('event', name, body))
    },
    end(error) {
      over = { error }
      for (const stream of [...streams]) stream.end(error)
    },
  }
}
