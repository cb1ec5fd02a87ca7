/** `.service`: knows the one instance of each unique service. */
import { defineService } from '../service/definition.ts'
import type { Placement } from '../service/placement.ts'
import { uniqueInstances } from '../service/uniques.ts'

interface Entry {
  /** Of the instance that was launched last; it may have ended since. */
  handle: number
  launching: Promise<number> | undefined
  /** Queries that came before the first launch succeeded. */
  readonly waiting: ((handle: number) => void)[]
}

export default defineService(async (skynet) => {
  const entries = new Map<string, Entry>()

  const entryOf = (url: string): Entry => {
    const known = entries.get(url)
    if (known !== undefined) return known
    const entry: Entry = { handle: 0, launching: undefined, waiting: [] }
    entries.set(url, entry)
    return entry
  }

  const launch = async (
    entry: Entry,
    url: string,
    args: readonly unknown[],
    on: Placement,
  ): Promise<number> => {
    try {
      const { handle } = await skynet.newService(url, { args: [...args], on })
      entry.handle = handle
      for (const resolve of entry.waiting.splice(0)) resolve(handle)
      return handle
    } finally {
      entry.launching = undefined
    }
  }

  // After the death of its worker: those that another manager launched.
  for (const [url, handle] of await uniqueInstances(skynet)) entryOf(url).handle = handle
  skynet.register('.service')
  return {
    /** The instance of the service at `url`: launched now when there is none (any more). */
    launch(url: string, args: readonly unknown[], on: Placement): number | Promise<number> {
      const entry = entryOf(url)
      if (skynet.isAlive(entry.handle)) return entry.handle
      entry.launching ??= launch(entry, url, args, on)
      return entry.launching
    },

    /** The instance, as soon as somebody has launched it. */
    query(url: string): number | Promise<number> {
      const entry = entryOf(url)
      if (skynet.isAlive(entry.handle)) return entry.handle
      return new Promise((resolve) => entry.waiting.push(resolve))
    },
  }
})
