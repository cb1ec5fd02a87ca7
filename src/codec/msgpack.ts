/** MessagePack, by the library msgpackr. */
import { createRequire } from 'node:module'
import { SkynetError } from '../base/errors.ts'
import { beginOf, SHOWN_CHARS_MAX } from '../base/text.ts'
import { type Codec, codecError } from './codec.ts'
import { checkMsgpack } from './msgpack-check.ts'
import { setKey } from './plain-object.ts'

/** What is used of the library. */
interface Msgpackr {
  readonly Packr: new (
    options: object,
  ) => {
    pack(value: unknown): Buffer
    unpack(bytes: Uint8Array): unknown
  }
}

const OPTIONS = {
  // What every implementation reads: no references to shapes that came before, no extensions.
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  // As everywhere here: whole numbers beyond 2^53 are bigints, others are not.
  int64AsType: 'auto',
  // The bytes are the caller's again.
  copyBuffers: true,
}

/**
 * MessagePack, made and read by the package `msgpackr`, which you install. Plain: what is written,
 * every implementation reads.
 *
 * `decode` refuses with `ERR_CODEC` what is not one whole value, arrays and maps more than 64 deep,
 * keys that are neither text nor integers, a key `__proto__`, and extensions; the one for points in
 * time it takes, as `Date`. What the values are, MessagePack does not check: `Out` is what you
 * expect of your peer.
 *
 * `encode` throws what msgpackr throws.
 *
 * @throws {SkynetError} `ERR_PACKAGE_MISSING` when msgpackr is not installed.
 */
export function msgpack<In = unknown, Out = In>(): Codec<In, Out> {
  const { Packr } = library()
  const packr = new Packr({ ...OPTIONS })
  const mapping = new Packr({ ...OPTIONS, mapsAsObjects: false })
  return {
    encode: (value) => packr.pack(value),
    decode(bytes) {
      const hasNumbers = checkMsgpack(bytes)
      try {
        return (hasNumbers ? objectsOf(mapping.unpack(bytes)) : packr.unpack(bytes)) as Out
      } catch (error) {
        throw codecError('msgpack', 'message', beginOf(String(error), SHOWN_CHARS_MAX))
      }
    },
  }
}

/** Objects in the place of maps: a key that is a number must not cost what `setKey` tells. */
function objectsOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) value[i] = objectsOf(each)
    return value
  }
  if (!(value instanceof Map)) return value
  const object: { [key: string]: unknown } = {}
  for (const [key, each] of value) setKey(object, String(key), objectsOf(each))
  return object
}

/** Loaded by who asks for a codec, not by who imports the door. */
function library(): Msgpackr {
  try {
    return createRequire(import.meta.url)('msgpackr') as Msgpackr
  } catch (cause) {
    const info = { door: 'skynet-ts/msgpack', name: 'msgpackr' }
    throw new SkynetError('ERR_PACKAGE_MISSING', info, { cause })
  }
}
