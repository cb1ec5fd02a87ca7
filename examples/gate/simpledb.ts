/** What all clients share: values by name. */
import { defineService } from 'skynet-ts'

export default defineService(() => {
  const values = new Map<string, string>()
  return {
    get: (key: string): string | undefined => values.get(key),
    /** Returns what was there before. */
    set(key: string, value: string): string | undefined {
      const before = values.get(key)
      values.set(key, value)
      return before
    },
  }
})
