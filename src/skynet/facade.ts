/**
 * What stands between the author of a service and the service. Apart from all that an author can
 * do: who only has to tell a facade when it sees one, a config say, does not load that.
 */
import type { Service } from '../service/service.ts'
import type { Site } from './site.ts'

/** Said when a method was taken off: `defineService(({ log }) => …)`. */
const UNBOUND =
  'Cannot use a method of skynet by itself: call it as skynet.log(…), and do not take it off'

export class Facade {
  readonly #service: Service
  readonly #site: Site

  constructor(service: Service, site: Site) {
    this.#service = service
    this.#site = site
  }

  /** @internal For the parts of this floor. */
  static serviceOf(facade: Facade): Service {
    try {
      return facade.#service
    } catch {
      // `this` of a method that was taken off: nothing, or another object.
      throw new TypeError(UNBOUND)
    }
  }

  /** @internal The same. */
  static siteOf(facade: Facade): Site {
    Facade.serviceOf(facade)
    return facade.#site
  }
}
