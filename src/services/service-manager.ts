/** `.service`: knows the one instance of each unique service. */
import { SkynetError } from '../base/errors.ts'
import { CIRCLE_MS } from '../base/limits.ts'
import { shortPath } from '../base/paths.ts'
import type { LaunchOptions } from '../launch/options.ts'
import { Askers, askerOf } from '../service/askers.ts'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { uniqueInstances } from '../skynet/uniques.ts'

/** Somebody waits for the instance at `url`. */
interface Asked {
  readonly url: string
  readonly source: number
  /** It did not ask for a launch: it waits for one that succeeds. */
  readonly isQuery: boolean
  /** Services whose setups wait for this, each for the next one: URLs. Mostly none. */
  readonly chain: readonly string[]
  readonly resolve: (handle: number) => void
  readonly reject: (error: unknown) => void
}

interface Entry {
  /** Of the instance that was launched last; it may have ended since. */
  handle: number
  isLaunching: boolean
  readonly waiting: Set<Asked>
}

type LaunchOf = LaunchOptions<readonly unknown[]>

class Uniques {
  readonly #skynet: Skynet
  readonly #entries = new Map<string, Entry>()
  readonly #waiting: Askers<Asked>

  constructor(skynet: Skynet) {
    this.#skynet = skynet
    this.#waiting = new Askers(skynet, ({ resolve }) => resolve(0))
  }

  entryOf(url: string): Entry {
    const known = this.#entries.get(url)
    if (known !== undefined) return known
    const entry: Entry = { handle: 0, isLaunching: false, waiting: new Set() }
    this.#entries.set(url, entry)
    return entry
  }

  /** The instance at `url`. Without `launch`: as soon as somebody else has launched it. */
  ask(url: string, chain: readonly string[], launch?: LaunchOf): number | Promise<number> {
    const { source, session } = this.#skynet.context()
    // It was sent, and nobody is there to be answered.
    if (session === 0) return 0
    const entry = this.entryOf(url)
    if (this.#skynet.isAlive(entry.handle)) return entry.handle
    const name = askerOf({ source, session })
    const handle = new Promise<number>((resolve, reject) => {
      const asked = { url, source, isQuery: launch === undefined, chain, resolve, reject }
      this.#waiting.add(name, asked)
      entry.waiting.add(asked)
      if (this.#circleOf(asked) === undefined) return
      // A setup that asks and does not wait is done soon, and then there is no circle.
      this.#skynet.timeout(CIRCLE_MS, () => this.#refuseCircle(name))
    }).finally(() => this.#over(name))
    if (launch !== undefined && !entry.isLaunching) void this.#launch(entry, url, launch)
    return handle
  }

  /** Nobody waits any more: what is answered goes nowhere. */
  giveUp(source: number, session: number): void {
    this.#waiting.giveUp(source, session)
  }

  #over(name: string): void {
    const asked = this.#waiting.get(name)!
    this.#waiting.delete(name)
    const entry = this.#entries.get(asked.url)!
    entry.waiting.delete(asked)
    this.#forget(asked.url, entry)
  }

  /** Unless there is an instance, or somebody waits for one. */
  #forget(url: string, { handle, isLaunching, waiting }: Entry): void {
    const isUsed = isLaunching || waiting.size > 0 || this.#skynet.isAlive(handle)
    if (!isUsed) this.#entries.delete(url)
  }

  async #launch(entry: Entry, url: string, launch: LaunchOf): Promise<void> {
    entry.isLaunching = true
    try {
      const { handle } = await this.#skynet.newService(url, launch)
      entry.handle = handle
      for (const { resolve } of entry.waiting) resolve(handle)
    } catch (error) {
      for (const { isQuery, reject } of entry.waiting) if (!isQuery) reject(error)
    } finally {
      entry.isLaunching = false
      this.#forget(url, entry)
    }
  }

  /** Nobody in a circle of setups that wait for each other would ever be done. */
  async #refuseCircle(name: string): Promise<void> {
    // What has come meanwhile is first: one of them may be ready.
    await this.#skynet.yield()
    const asked = this.#waiting.get(name)
    const circle = asked && this.#circleOf(asked)
    if (circle === undefined) return
    asked!.reject(new SkynetError('ERR_LAUNCH_CIRCLE', { path: shortPath(asked!.url), circle }))
  }

  /** `a → b → a`: what is asked for waits for who asks. Undefined: it does not. */
  #circleOf({ url, chain }: Asked): string | undefined {
    if (chain.length === 0) return undefined
    const way = this.#wayTo(chain, url)
    if (way === undefined) return undefined
    const rest = chain.slice(chain.indexOf(way.at(-1)!) + 1)
    return [...way, ...rest, url].map(shortPath).join(' → ')
  }

  /** From the service at `url` to one of `chain`, by what their setups wait for. */
  #wayTo(chain: readonly string[], url: string): string[] | undefined {
    const ways = [[url]]
    const seen = new Set([url])
    for (const way of ways) {
      const last = way.at(-1)!
      if (chain.includes(last)) return way
      for (const { chain: its, url: next } of this.#waiting.values()) {
        const at = its.indexOf(last)
        if (at < 0 || seen.has(next)) continue
        seen.add(next)
        ways.push([...way, ...its.slice(at + 1), next])
      }
    }
    return undefined
  }
}

export default defineService(async (skynet) => {
  const uniques = new Uniques(skynet)
  // After the death of its worker: those that another manager launched.
  for (const [url, handle] of await uniqueInstances(skynet)) uniques.entryOf(url).handle = handle
  skynet.register('.service')
  return {
    /** The instance of the service at `url`: launched now when there is none (any more). */
    launch: (url: string, launch: LaunchOf, chain: readonly string[] = []) =>
      uniques.ask(url, chain, launch),

    /** The instance, as soon as somebody has launched it. */
    query: (url: string, chain: readonly string[] = []) => uniques.ask(url, chain),

    /** Whoever asked under that session waits no more. */
    giveUp: (source: number, session: number): void => uniques.giveUp(source, session),
  }
})
