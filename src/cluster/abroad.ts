/** What services are called in errors that leave this node. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { isError } from '../base/thrown.ts'

/** A handle as its own node writes it: `:0000000a`, and not `b:0000000a`. */
const OWN_HANDLE = /(?<=^|[\s(]):[0-9a-f]{8}\b/g
/** Behind a name that a user has chosen: `add of :0000000a`. */
const LAST_HANDLE = /(?<= of ):[0-9a-f]{8}$/
/** Facts that say which service is meant, and where in them. All others may be of users. */
const FACTS: Readonly<Record<string, RegExp>> = {
  to: OWN_HANDLE,
  service: OWN_HANDLE,
  services: OWN_HANDLE,
  handle: OWN_HANDLE,
  circle: OWN_HANDLE,
  name: /^:[0-9a-f]{8}$/,
  what: LAST_HANDLE,
  task: LAST_HANDLE,
}

/**
 * To another node such a handle would be one of its own, whoever made the error here, and through
 * how many services it has come since.
 *
 * @param error A copy, in which it is changed; of what users have written nothing is.
 */
export function nameAbroad(error: unknown, node: string): void {
  const chain: Error[] = []
  // Causes may be a circle.
  for (let each = error; isError(each) && !chain.includes(each); each = each.cause) {
    chain.push(each)
  }
  let cause: Retold | undefined
  // The innermost first: what gives it as its reason says what it says then.
  for (const each of chain.reverse()) {
    const { message } = each
    if (isSkynetError(each)) rename(each, node, cause)
    cause = { before: message, now: each.message }
  }
}

interface Retold {
  readonly before: string
  readonly now: string
}

function rename(error: SkynetError, node: string, cause: Retold | undefined): void {
  const { message, stack } = error
  const isOurs = message === textOf(error)
  const info = error.info as Record<string, unknown>
  for (const [key, value] of Object.entries(info)) {
    if (typeof value !== 'string') continue
    const pattern = FACTS[key]
    if (pattern !== undefined) info[key] = value.replace(pattern, (handle) => node + handle)
    if (key === 'reason' && cause) info[key] = value.replace(cause.before, () => cause.now)
  }
  if (!isOurs) return
  const text = textOf(error) ?? message
  // The handle is a number there.
  const isPlain = error.code === 'ERR_SERVICE_EXITED'
  error.message = isPlain ? text.replace(OWN_HANDLE, (handle) => node + handle) : text
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
}

/** What the code and the facts make; undefined: its node knows more of them than this one. */
function textOf({ code, info }: SkynetError): string | undefined {
  try {
    return new SkynetError(code, info).message
  } catch {
    return undefined
  }
}
