/** A bound for who waits until services have nothing to do: by what they do, not by time. */
import { SkynetError } from '../base/errors.ts'
import type { Service } from '../service/service.ts'
import type { Services } from '../service/services.ts'

/** What services do from when it was made on: messages that they handle, and launches. */
export class Work {
  readonly what: string
  readonly #services: Services
  readonly #most: number
  readonly #before: number
  /** Once that is too much: what all had done, and what each had handled. Who goes on is named. */
  #then: { readonly work: number; readonly handled: ReadonlyMap<Service, number> } | undefined

  /** @param what Who waits is at that, for people. */
  constructor(what: string, services: Services, most: number) {
    this.what = what
    this.#services = services
    this.#most = most
    this.#before = services.work
  }

  /** @throws {SkynetError} `ERR_TEST_UNSETTLED` they have done too much, and go on. */
  look(): void {
    const { what } = this
    const { work } = this.#services
    const messages = work - this.#before
    if (messages <= this.#most) return
    const then = this.#then
    const all = [...this.#services.values()]
    this.#then = { work, handled: new Map(all.map((each) => [each, each.context.handled])) }
    if (then === undefined || work === then.work) return
    const busy = all.filter((each) => each.context.handled > (then.handled.get(each) ?? 0))
    const names = busy.map(({ handle }) => this.#services.nameOf(handle))
    const services = names.join(', ') || 'services that have ended meanwhile'
    throw new SkynetError('ERR_TEST_UNSETTLED', { what, messages, services })
  }
}
