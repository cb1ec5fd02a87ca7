/**
 * What a slave and its master say to each other, Skynet's `cslave` and `cmaster`. Each message is a
 * byte of length, 1 to 255, and a list of values in lua-seri, the first of which is its letter.
 */
import { SkynetError } from '../base/errors.ts'
import { HARBOR_CONTROL_BYTES_MAX, HARBOR_MAX } from '../base/limits.ts'
import type { LuaValue } from '../codec/seri/reader.ts'
import { unpackValues } from '../codec/seri/reader.ts'
import { packValues } from '../codec/seri/writer.ts'
import { FrameFormat } from '../frames/frame-format.ts'
import { fixedHeader } from '../frames/framing.ts'

/** A slave says who it is, and where others may connect to it. It is what it says first. */
type Hello = readonly ['H', harbor: number, address: string]
/** The handle of a global name: a slave registers it; the master tells it. */
type Register = readonly ['R', name: string, handle: number]
type Named = readonly ['N', name: string, handle: number]
/** Which handle has that name? There is no answer until one has. */
type Query = readonly ['Q', name: string]
/** So many slaves are there already, and connect to the new one. */
type Await = readonly ['W', slaves: number]
/** A new slave is there: connect to it. */
type Connect = readonly ['C', harbor: number, address: string]
/** The connection of that slave to the master has ended. */
type Down = readonly ['D', harbor: number]

export type ToMaster = Hello | Register | Query
export type ToSlave = Await | Connect | Named | Down

type Check = (value: LuaValue) => boolean
const isNumber =
  (min: number, max: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max

const harbor = isNumber(1, HARBOR_MAX)
const count = isNumber(0, HARBOR_MAX)
const handle = isNumber(1, 0xffffffff)
/** Bytes that are no text come as a Buffer. */
const text: Check = (value) => typeof value === 'string' || Buffer.isBuffer(value)

type Table = Readonly<Record<string, readonly Check[]>>
/** What is behind each letter. What comes behind that is left out, as Skynet leaves it out. */
const TO_MASTER = { H: [harbor, text], R: [text, handle], Q: [text] } as const satisfies Table
const TO_SLAVE = {
  W: [count],
  C: [harbor, text],
  N: [text, handle],
  D: [harbor],
} as const satisfies Table

export const CONTROL_HEADER = fixedHeader({
  bytes: 1,
  bodyBytesMax: HARBOR_CONTROL_BYTES_MAX,
  read: (from, at) => from[at]!,
  write: (into, at, bodyBytes) => {
    into[at] = bodyBytes
  },
})
export const CONTROL_FORMAT = new FrameFormat({ header: CONTROL_HEADER })

/** The message without the byte in front. @throws {SkynetError} `ERR_FRAME_TOO_LARGE`. */
export function encodeControl(message: ToMaster | ToSlave): Buffer {
  const body = packValues(message)
  CONTROL_FORMAT.lengthOf(body)
  return body
}

/**
 * Of a slave. Undefined: its name, or address, is no text, so that nobody here could say it.
 *
 * @throws {SkynetError} `ERR_HARBOR_PROTOCOL`, and nothing else.
 */
export const readToMaster = (body: Buffer): ToMaster | undefined =>
  decode(body, TO_MASTER) as ToMaster | undefined
/** Of the master. Returns and throws the same. */
export const readToSlave = (body: Buffer): ToSlave | undefined =>
  decode(body, TO_SLAVE) as ToSlave | undefined

function decode(body: Buffer, table: Table): readonly LuaValue[] | undefined {
  const [letter, ...rest] = valuesOf(body)
  if (typeof letter !== 'string' || !Object.hasOwn(table, letter)) {
    throw harborProtocol('it has sent a message of no known kind')
  }
  const checks = table[letter]!
  const wrong = checks.findIndex((check, i) => !check(rest[i]))
  if (wrong >= 0) throw harborProtocol(`value ${wrong + 1} of its message ${letter} is none`)
  const fields = rest.slice(0, checks.length)
  return fields.some((field) => Buffer.isBuffer(field)) ? undefined : [letter, ...fields]
}

function valuesOf(body: Buffer): LuaValue[] {
  try {
    return unpackValues(body)
  } catch (error) {
    throw harborProtocol(`it has sent no values: ${(error as Error).message}`, error)
  }
}

/** What a master or a slave has sent is none of what it may. */
export const harborProtocol = (reason: string, cause?: unknown): SkynetError =>
  new SkynetError('ERR_HARBOR_PROTOCOL', { reason }, { cause })
