/** The services of one worker, by handle. */
import { formatHandle } from '../base/errors.ts'
import { remember, shortPath } from '../base/paths.ts'
import type { Service } from './service.ts'

export class Services {
  readonly #all = new Map<number, Service>()

  get(handle: number): Service | undefined {
    return this.#all.get(handle)
  }

  /** In the order of their launch. */
  values(): Iterable<Service> {
    return this.#all.values()
  }

  add(service: Service): void {
    this.#all.set(service.handle, service)
  }

  delete(service: Service): void {
    this.#all.delete(service.handle)
  }

  /** Empty: it is none of here, or has ended. */
  titleOf(handle: number): string {
    return this.#all.get(handle)?.context.title ?? ''
  }

  /** `:0000000a chat/gate` of a service here; of others the handle alone is known. */
  nameOf(handle: number): string {
    const title = this.titleOf(handle)
    return title === '' ? formatHandle(handle) : `${formatHandle(handle)} ${title}`
  }
}

const titles = new Map<string, string>()

/** `chat/agent` of `…/chat/agent.ts`: enough to know it by. */
export function titleFor(url: string): string {
  let title = titles.get(url)
  if (title === undefined) {
    const path = shortPath(url).replace(/\.[mc]?[jt]s$/, '')
    title = path.split('/').slice(-2).join('/')
    remember(titles, url, title)
  }
  return title
}
