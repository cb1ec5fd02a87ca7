/** The services of one worker, by handle. */
import { formatHandle } from '../base/errors.ts'
import { remember, shortPath } from '../base/paths.ts'
import type { Context } from '../kernel/context.ts'
import { Service } from './service.ts'

export class Services {
  /** Of the router: those of services, and of what only passes messages on. */
  readonly #contexts: ReadonlyMap<number, Context>
  /** Launches so far, and the messages that those had handled which have ended. */
  #past = 0

  constructor(contexts: ReadonlyMap<number, Context>) {
    this.#contexts = contexts
  }

  get(handle: number): Service | undefined {
    return serviceOf(this.#contexts.get(handle))
  }

  /** In the order of their launch. */
  *values(): Iterable<Service> {
    for (const context of this.#contexts.values()) {
      const service = serviceOf(context)
      if (service !== undefined) yield service
    }
  }

  /** Of all so far, also of those that have ended: messages handled, and each launch as one. */
  get work(): number {
    let sum = this.#past
    for (const { context } of this.values()) sum += context.handled
    return sum
  }

  launched(): void {
    this.#past++
  }

  ended({ context }: Service): void {
    this.#past += context.handled
  }

  /** Empty: it is none of here, or has ended. */
  titleOf(handle: number): string {
    return this.get(handle)?.context.title ?? ''
  }

  /** `:0000000a chat/gate` of a service here; of others the handle alone is known. */
  nameOf(handle: number): string {
    const title = this.titleOf(handle)
    return title === '' ? formatHandle(handle) : `${formatHandle(handle)} ${title}`
  }
}

function serviceOf(context: Context | undefined): Service | undefined {
  const receiver = context?.receiver
  return receiver instanceof Service ? receiver : undefined
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
