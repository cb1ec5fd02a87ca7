/** Calls of the protocol, as functions. */
import type { MessageBodies } from './bodies.ts'
import { type CallOptions, checkCallOptions } from './call-options.ts'
import { ClientError } from './client-error.ts'
import type { ClientCore, CoreCall } from './core.ts'
import { FULL } from './full.ts'
import { Listeners } from './listeners.ts'
import type { Surroundings } from './surroundings.ts'

export interface ClientCalls {
  /** Those that are answered. */
  readonly call: Readonly<
    Record<string, (value?: unknown, options?: CallOptions) => Promise<unknown>>
  >
  /** Those that nobody waits for. */
  readonly send: Readonly<Record<string, (value?: unknown) => void>>
  /** Hear of what nobody waits for, and may not have run. */
  onLost(listener: (call: string, error: ClientError) => void): () => void
}

export function clientCalls(
  names: readonly string[],
  bodies: MessageBodies,
  core: ClientCore,
  around: Surroundings,
): ClientCalls {
  const lost = new Listeners<[string, ClientError]>(around.uncaught)
  const failure = (what: string, code: string, text?: string): ClientError => {
    const isOver = code === 'ERR_CLIENT_LOST' || code === 'ERR_CLIENT_CLOSED'
    return new ClientError(code, what, text, isOver ? core.reason?.code : undefined)
  }

  /** @throws {ClientError} It was not taken. */
  const ask = (
    what: string,
    name: string,
    value: unknown,
    isQuiet: boolean,
    end: (error: ClientError | undefined, answer: Uint8Array) => void,
  ): CoreCall => {
    const call: CoreCall = {
      name,
      body: bodies.encode('request', name, value),
      isQuiet,
      end: (reason, answer) => end(reason && failure(what, reason.code, reason.text), answer),
    }
    const refusal = core.call(call)
    if (refusal !== undefined) throw failure(what, refusal)
    return call
  }
  return {
    onLost: (listener) => lost.add(listener),
    // What is wrong at once rejects as well: there is one way for a call to fail.
    call: byName(names, (name) => (value, options = {}) => {
      const what = `call ${name}`
      return new Promise((resolve, reject) => {
        if (FULL) checkCallOptions(what, 'options', options)
        const { timeoutMs, signal } = options
        if (signal?.aborted) throw givenUp(what, options, NOT_SENT)
        let isOver = false
        let stop = (): void => {}
        const release = (): void => {
          isOver = true
          stop()
          signal?.removeEventListener('abort', leave)
        }
        const leave = (): void => {
          release()
          reject(givenUp(what, options, core.giveUp(call) ? NOT_SENT : 'it may run nevertheless'))
        }
        const call = ask(what, name, value, false, (error, answer) => {
          release()
          if (error !== undefined) return reject(error)
          try {
            resolve(bodies.decode('response', name, answer))
          } catch (cause) {
            reject(new ClientError('ERR_CLIENT_UNREADABLE', what, '', undefined, cause))
          }
        })
        // While it is asked others may hear that they are lost, and close the client.
        if (isOver) return
        if (timeoutMs) stop = around.after(timeoutMs, leave)
        signal?.addEventListener('abort', leave)
      })
    }),
    send: byName(names, (name) => (value) => {
      ask(`send ${name}`, name, value, true, (error) => error && lost.tell(name, error))
    }),
  }
}

const byName = <F>(names: readonly string[], make: (name: string) => F) =>
  Object.freeze(Object.fromEntries(names.map((name) => [name, make(name)])))

const NOT_SENT = 'it was not sent'

/** @param fate What becomes of it, as nobody waits any more. */
function givenUp(what: string, { timeoutMs, signal }: CallOptions, fate: string): ClientError {
  return signal?.aborted
    ? new ClientError('ABORT_ERR', what, FULL ? `aborted, ${fate}` : fate, undefined, signal.reason)
    : new ClientError(
        'ERR_CLIENT_TIMEOUT',
        what,
        FULL ? `no answer in ${timeoutMs} ms, ${fate}` : fate,
      )
}
