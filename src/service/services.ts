/** The services of one worker, by handle. */
import { formatHandle } from '../base/errors.ts'
import { remember, shortPath } from '../base/paths.ts'
import type { Service } from './service.ts'

export class Services {
  readonly #all = new Map<number, Service>()
  /** Launches so far, and the messages that those had handled which have ended. */
  #past = 0

  get(handle: number): Service | undefined {
    return this.#all.get(handle)
  }

  /** In the order of their launch. */
  values(): Iterable<Service> {
    return this.#all.values()
  }

  /** Of all so far, also of those that have ended: messages handled, and each launch as one. */
  get work(): number {
    let sum = this.#past
    for (const { context } of this.#all.values()) sum += context.handled
    return sum
  }

  add(service: Service): void {
    this.#all.set(service.handle, service)
    this.#past++
  }

  delete(service: Service): void {
    if (this.#all.delete(service.handle)) this.#past += service.context.handled
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
