/** Faults that no task of a service caught: a promise nobody awaits, an event of a library. */
import { isSkynetError } from '../base/errors.ts'
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import { shortPath } from '../base/paths.ts'
import { describe, stackOf } from '../base/thrown.ts'
import { modulesIn } from '../modules/places.ts'
import type { FailedCall } from './calls.ts'
import { Faults } from './faults.ts'
import type { Service } from './service.ts'

export interface StrayOptions {
  readonly services: {
    get(handle: number): Service | undefined
    values(): Iterable<Service>
  }
  readonly say: (handle: number, text: string) => void
  /** Each call notes where it begins, and says so in the stack of the error it fails with. */
  readonly notesCalls: boolean
  /**
   * Is told of each error that is known to be of that service: with which one of its waits is told
   * of its end, or its call failed. For where not all that nobody catches is of services.
   */
  readonly onKnown?: ((error: Error, handle: number) => void) | undefined
}

/** Of one worker. */
export class Stray {
  readonly #options: StrayOptions
  readonly #failedCalls = new WeakMap<Error, FailedCall>()
  /** Of nobody in particular. */
  readonly #faults = new Faults({
    say: (text) => this.#options.say(0, text),
    after: (ms, task) => {
      const timer = setTimeout(task, ms).unref()
      return { cancel: () => clearTimeout(timer) }
    },
  })

  constructor(options: StrayOptions) {
    this.#options = options
  }

  /** `error` is what a call was rejected with. */
  failed(error: Error, call: FailedCall): void {
    this.#failedCalls.set(error, call)
    this.#options.onKnown?.(error, call.service.handle)
    if (!this.#options.notesCalls || call.place === '') return
    error.stack = `${stackOf(error)}\n    at call ${call.what} (${call.place})`
  }

  /** `error` tells a wait of that service that the service has ended. */
  ended(error: Error, handle: number): void {
    this.#options.onKnown?.(error, handle)
  }

  /** @param what It was: `uncaught exception`. */
  fault(what: string, error: unknown): void {
    if (isSkynetError(error, 'ERR_SERVICE_EXITED')) return
    const { services, say } = this.#options
    const call = this.#failedCalls.get(error as Error)
    const suspects = call === undefined ? this.#suspects(error) : [call.service]
    const handle = suspects.length === 1 ? suspects[0]!.handle : 0
    const titles = [...new Set(suspects.map(({ context }) => context.title))].join(', ')
    const about = suspects.length > 1 ? ` (one of ${suspects.length} ${titles})` : forgotten(call)
    const service = services.get(handle)
    const text = `${what}${about}: ${describe(error)}`
    const isNew = service === undefined ? this.#faults.isNews(text) : service.isNewFault(text)
    if (isNew) say(handle, text)
    if (service?.origin.onFault === 'end') service.crash(error)
  }

  /** Whose fault it is, is told by the stack: that of the only service of the only module in it. */
  #suspects(error: unknown): Service[] {
    const services = [...this.#options.services.values()]
    const urls = services.map(({ url }) => url)
    const modules = modulesIn(stackOf(error), urls)
    return services.filter(({ url }) => modules.has(url))
  }
}

/** Which call it was that nobody awaited, and where; that is known of the second one. */
function forgotten(call: FailedCall | undefined): string {
  if (call === undefined) return ''
  const { service, what, place } = call
  service.forgot(call)
  return ` (call ${what}${place === '' ? '' : ` at ${shortPath(place)}`})`
}
