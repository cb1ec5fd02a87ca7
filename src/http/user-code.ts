/** Code of users on a server: what it throws, in whatever turn, costs its request alone. */
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { beginOf, printable } from '../base/text.ts'
import { isThenable } from '../service/sendable.ts'
import { answerFailure, hasLeft } from './answers.ts'
import { urlPath } from './url-path.ts'

/** What it needs of its service. */
export interface UserCodeHost {
  run(what: string, task: () => unknown): void
  fault(what: string, error: unknown): void
}

const NAME_CHARS_MAX = 100
const FAILED = Symbol('failed')

interface Guarded {
  [FAILED]: (error: unknown) => void
}

/** As `emit` of every emitter, but that it does not throw. */
function guardedEmit(this: Guarded, ...args: unknown[]): boolean {
  try {
    return Reflect.apply(EventEmitter.prototype.emit, this, args)
  } catch (error) {
    this[FAILED](error)
    return true
  }
}

/** By own properties: frameworks give both another prototype. */
function guard(emitter: EventEmitter, failed: Guarded[typeof FAILED]): void {
  ;(emitter as EventEmitter & Guarded)[FAILED] = failed
  emitter.emit = guardedEmit as typeof emitter.emit
}

export class UserCode {
  readonly #host: UserCodeHost

  constructor(host: UserCodeHost) {
    this.#host = host
  }

  /** @param fail Told of what it throws. */
  #run(what: string, task: () => unknown, fail: (error: unknown) => void): void {
    this.#host.run(what, () => {
      try {
        const result = task()
        return isThenable(result) ? Promise.resolve(result).catch(fail) : result
      } catch (error) {
        return fail(error)
      }
    })
  }

  /** A connection that somebody takes: what that throws is logged. @param failed Told of it. */
  connection(what: string, task: () => unknown, failed: () => void): void {
    this.#run(what, task, (error) => {
      failed()
      this.#host.fault(what, error)
    })
  }

  /** The handler of a request, and whatever listens to its events: the client is answered. */
  request(request: IncomingMessage, response: ServerResponse, handler: () => unknown): void {
    let isOver = false
    const fail = (error: unknown): void => {
      answerFailure(response)
      // What is thrown once may be thrown for each chunk that comes.
      if (isOver || hasLeft(request, error)) return
      isOver = true
      this.#host.fault(`http request ${requestName(request)}`, error)
    }
    guard(request, fail)
    guard(response, fail)
    this.#run('http request', handler, fail)
  }
}

/** Without its query, in which there may be secrets. It goes to logs and terminals. */
export function requestName({ method, url = '' }: IncomingMessage): string {
  return `${method} ${printable(beginOf(urlPath(url), NAME_CHARS_MAX))}`
}
