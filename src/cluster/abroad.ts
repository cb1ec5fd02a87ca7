/** What services are called in errors that leave this node. */
import { isSkynetError } from '../base/errors.ts'
import { isError } from '../base/thrown.ts'

/** A handle as its own node writes it: `:0000000a`, and not `b:0000000a`. */
const OWN_HANDLE = /(?<=^|[\s(]):[0-9a-f]{8}\b/g

/**
 * To another node such a handle would be one of its own, whoever made the error here, and through
 * how many services it has come since.
 *
 * @param error A copy, in which it is changed; of what users have written nothing is.
 */
export function nameAbroad(error: unknown, node: string): void {
  const named = (text: string): string => text.replace(OWN_HANDLE, (handle) => node + handle)
  // Causes may be a circle.
  const seen = new Set<unknown>()
  for (let each = error; isError(each) && !seen.has(each); each = each.cause) {
    seen.add(each)
    if (isSkynetError(each)) rename(each, named)
  }
}

function rename(error: Error & { info: object }, named: (text: string) => string): void {
  const { message, stack } = error
  error.message = named(message)
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
  const info = error.info as Record<string, unknown>
  for (const [key, value] of Object.entries(info)) {
    if (typeof value === 'string') info[key] = named(value)
  }
}
