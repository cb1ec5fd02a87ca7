/** Values that nobody can change, so that many may hold the same one. */
import { SkynetError } from '../base/errors.ts'
import { ServiceId } from '../wire/service-id.ts'

/** The same in all depths, read-only. */
export type Frozen<T> = T extends string | number | boolean | bigint | null | undefined
  ? T
  : { readonly [K in keyof T]: Frozen<T[K]> }

/** Where something stands that cannot be frozen; the path grows on the way out. */
interface Fault {
  path: string
  readonly type: string
}

/**
 * Freeze a value that was unpacked: primitives, plain objects and arrays. The others (`Map`,
 * `Date`, bytes) keep what they hold where freezing does not reach; a reference is of one service.
 *
 * @throws {SkynetError} `ERR_SHARE_MUTABLE` names the first of those.
 */
export function freeze<T>(value: T): Frozen<T> {
  const fault = freezeAll(value)
  if (fault === undefined) return value as Frozen<T>
  throw new SkynetError('ERR_SHARE_MUTABLE', { path: `value${fault.path}`, type: fault.type })
}

function freezeAll(value: unknown): Fault | undefined {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return undefined
  const isArray = Array.isArray(value)
  if (!isArray && Object.getPrototypeOf(value) !== Object.prototype) {
    // Of many services, and so of none: whoever reads it could not call.
    return { path: '', type: ServiceId.is(value) ? 'ServiceRef' : value.constructor.name }
  }
  // Before its parts: what refers to itself ends here.
  Object.freeze(value)
  for (const [key, part] of Object.entries(value)) {
    const fault = freezeAll(part)
    if (fault === undefined) continue
    fault.path = `${isArray ? `[${key}]` : `.${key}`}${fault.path}`
    return fault
  }
  return undefined
}
