/** Modules of services that this worker loads: to begin one here, or for who launches one. */
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import { LOAD_NOTICE_MS } from '../base/limits.ts'
import { shortPath } from '../base/paths.ts'
import { type LoadedService, loadService } from '../modules/modules.ts'
import {
  codeOf,
  type ModuleFinder,
  type ServiceModule,
  urlOf,
  type WaitingFor,
} from '../modules/service-module.ts'
import { begin } from './scope.ts'

/** What loading needs of the worker. */
export interface ModuleLoadsHost {
  /** The promise of work that goes on without a message or a timer. */
  watching<T>(work: () => Promise<T>): Promise<T>
  say(text: string): void
}

export class ModuleLoads implements ModuleFinder {
  readonly #host: ModuleLoadsHost
  /** What is being loaded, as it is named in the log. */
  readonly underWay: string[] = []

  constructor(host: ModuleLoadsHost) {
    this.#host = host
  }

  load(url: string): Promise<LoadedService> {
    return this.#load(shortPath(url), () => loadService(url))
  }

  /** An import that never ends is forgotten with the last who waits for it. */
  urlOf(load: ServiceModule, base: string, waiting: WaitingFor<string>): Promise<string> {
    return this.#load(codeOf(load), () => waiting(urlOf(load, base)))
  }

  async #load<T>(what: string, load: () => Promise<T>): Promise<T> {
    const notice = setTimeout(() => {
      const late = `${what} is not loaded after ${LOAD_NOTICE_MS} ms`
      this.#host.say(`Service ${late}: a top-level await that never ends?`)
    }, LOAD_NOTICE_MS)
    this.underWay.push(what)
    try {
      return await this.#host.watching(() => begin(load))
    } finally {
      clearTimeout(notice)
      this.underWay.splice(this.underWay.indexOf(what), 1)
    }
  }
}
