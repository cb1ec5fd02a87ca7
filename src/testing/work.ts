/** A bound for who waits until services have nothing to do: by what they do, not by time. */
import { SkynetError } from '../base/errors.ts'
import type { Service } from '../service/service.ts'
import type { Services } from '../service/services.ts'

/** What services do from when it was made on, in messages that they handle. */
export class Work {
  readonly #services: Services
  readonly #most: number
  #done = 0
  /** What all have handled since they began, as of the last look. */
  #last: number
  /** Once that is too much: what each had handled. Those that go on are named. */
  #then: Map<Service, number> | undefined

  constructor(services: Services, most: number) {
    this.#services = services
    this.#most = most
    this.#last = this.#handled()
  }

  /** @throws {SkynetError} `ERR_TEST_UNSETTLED` they have done too much, and go on. */
  look(): void {
    const handled = this.#handled()
    // A service that has ended takes its count with it.
    this.#done += Math.max(0, handled - this.#last)
    this.#last = handled
    if (this.#done <= this.#most) return
    const then = this.#then
    this.#then = new Map(this.#all.map((each) => [each, each.context.handled]))
    if (then === undefined) return
    const busy = this.#all.filter((each) => each.context.handled > (then.get(each) ?? 0))
    if (busy.length === 0) return
    const services = busy.map(({ handle }) => this.#services.nameOf(handle)).join(', ')
    throw new SkynetError('ERR_TEST_UNSETTLED', { messages: this.#done, services })
  }

  get #all(): Service[] {
    return [...this.#services.values()]
  }

  #handled(): number {
    let sum = 0
    for (const { context } of this.#services.values()) sum += context.handled
    return sum
  }
}
