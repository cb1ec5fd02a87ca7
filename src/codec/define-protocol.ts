/** Messages by name, each with a validator: on top of any codec. */
import { checkFunction, checkOptions, checkPlain, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { beginOf, SHOWN_CHARS_MAX } from '../base/text.ts'
import type { Codec } from './codec.ts'
import {
  type InputOf,
  type Issue,
  type OutputOf,
  pathOf,
  type StandardSchema,
  type Validated,
} from './standard-schema.ts'

/** Validators of messages, by the names of the messages. */
export type Messages = Readonly<Record<string, StandardSchema>>

/** A message that is sent: its value is what the validator of the other side takes. */
export type SentOf<M extends Messages> = {
  readonly [Type in keyof M & string]: undefined extends InputOf<M[Type]>
    ? { readonly type: Type; readonly value?: InputOf<M[Type]> }
    : { readonly type: Type; readonly value: InputOf<M[Type]> }
}[keyof M & string]

/** A message that came: its value is what the validator has made of it. */
export type ReceivedOf<M extends Messages> = {
  readonly [Type in keyof M & string]: {
    readonly type: Type
    readonly value: OutputOf<M[Type]>
  }
}[keyof M & string]

/** What goes through the codec below. */
interface Envelope {
  readonly type: string
  readonly value?: unknown
}

type BaseCodec = Codec<Envelope, unknown>

/** One set of messages for both directions. */
export interface ProtocolOptions<M extends Messages> {
  /** Makes bytes of `{ type, value }`: `json()`, `msgpack()` … */
  readonly codec: Codec<{ readonly type: string; readonly value?: unknown }, unknown>
  readonly messages: M
}

/** A set for each direction. The other side has them the other way round. */
export interface TwoWayProtocolOptions<S extends Messages, R extends Messages> {
  readonly codec: Codec<{ readonly type: string; readonly value?: unknown }, unknown>
  /** What this side sends. */
  readonly sends: S
  /** What this side receives. */
  readonly receives: R
}

const WHAT = 'define a protocol'
const OPTIONS = ['codec', 'messages', 'sends', 'receives']

/**
 * A codec of messages that have names, and validators of any vendor: what came has the type that it
 * seems to have. A message is `{ type, value }`, also in the bytes.
 *
 * `decode` gives what the validator has made of the value. It throws `ERR_MESSAGE_INVALID`, which
 * names message, field and issue, for a value that is refused and for a message that there is not;
 * and `ERR_CODEC` when the bytes are none of `codec`.
 *
 * `encode` does not validate: what does not fit does not compile, and the other side checks it.
 *
 * A validator must answer at once. One that is asynchronous is refused here with a `TypeError`, if
 * it shows with a few values that are tried, so validators are called here; else its messages are
 * `ERR_MESSAGE_INVALID` when they come.
 */
export function defineProtocol<const M extends Messages>(
  options: ProtocolOptions<M>,
): Codec<SentOf<M>, ReceivedOf<M>>
export function defineProtocol<const S extends Messages, const R extends Messages>(
  options: TwoWayProtocolOptions<S, R>,
): Codec<SentOf<S>, ReceivedOf<R>>
export function defineProtocol(
  options: Partial<ProtocolOptions<Messages> & TwoWayProtocolOptions<Messages, Messages>>,
): Codec<Envelope, Envelope> {
  checkOptions(WHAT, 'options', options, OPTIONS)
  const { codec, messages, sends = messages, receives = messages } = options ?? {}
  checkCodec(codec)
  const sets = messages === undefined ? { sends, receives } : { messages }
  for (const [name, set] of Object.entries(sets)) checkMessages(name, set)
  return new ValidatedCodec(codec, sends!, receives!)
}

class ValidatedCodec implements Codec<Envelope, Envelope> {
  readonly #codec: BaseCodec
  readonly #sends: ReadonlySet<string>
  readonly #receives: ReadonlyMap<string, StandardSchema>

  constructor(codec: BaseCodec, sends: Messages, receives: Messages) {
    this.#codec = codec
    this.#sends = new Set(Object.keys(sends))
    this.#receives = new Map(Object.entries(receives))
  }

  encode(message: Envelope): Uint8Array {
    const { type, value } = message
    if (!this.#sends.has(type)) {
      throw refusal(
        'value',
        'send a message',
        'type',
        `one of ${[...this.#sends].join(', ')}`,
        type,
      )
    }
    return this.#codec.encode(value === undefined ? { type } : { type, value })
  }

  decode(bytes: Uint8Array): Envelope {
    const { type, value } = Object(this.#codec.decode(bytes)) as Partial<Envelope>
    if (typeof type !== 'string') throw invalid('', 'type', 'it is no string')
    const schema = this.#receives.get(type)
    if (schema === undefined) throw invalid(type, 'type', 'there is no such message')
    return { type, value: validated(type, schema, value) }
  }
}

/**
 * What the validator has made of a value.
 *
 * @param type Names the message, in errors.
 * @throws {SkynetError} `ERR_MESSAGE_INVALID`: it is refused, or its validator is asynchronous.
 */
export function validated(type: string, schema: StandardSchema, value: unknown): unknown {
  const result = resultOf(type, schema, value)
  if ('path' in result) throw invalid(type, result.path, result.issue)
  return result.value
}

type Result = { readonly value: unknown } | { readonly path: string; readonly issue: string }

/** What a validator throws is about the value, too, and so is a result that is none. */
function resultOf(type: string, schema: StandardSchema, value: unknown): Result {
  try {
    const result = schema['~standard'].validate(value)
    if (isPromise(result)) return { path: 'value', issue: 'its validator is asynchronous' }
    if (result.issues === undefined) return { value: result.value }
    const issue: Issue | undefined = result.issues[0]
    return { path: pathOf('value', issue?.path), issue: issue?.message ?? 'it is refused' }
  } catch (error) {
    throw invalid(type, 'value', 'its validator has thrown', error)
  }
}

/** Names may be of the peer, and so may be what is in a path or an issue: all are cut. */
function invalid(
  type: string,
  path: string,
  issue: string,
  cause?: unknown,
): SkynetError<'ERR_MESSAGE_INVALID'> {
  const short = (text: string): string => beginOf(text, SHOWN_CHARS_MAX)
  const info = { message: short(type), path: short(path), issue: short(issue) }
  return new SkynetError('ERR_MESSAGE_INVALID', info, cause === undefined ? {} : { cause })
}

function checkCodec(codec: unknown): asserts codec is BaseCodec {
  const { encode, decode } = Object(codec) as Partial<BaseCodec>
  checkFunction(WHAT, 'codec.encode', encode)
  checkFunction(WHAT, 'codec.decode', decode)
}

function checkMessages(name: string, messages: unknown): asserts messages is Messages {
  checkPlain(WHAT, name, messages)
  for (const [type, schema] of Object.entries(messages as Messages)) {
    const { validate } = Object(Object(schema)['~standard']) as Partial<StandardSchema['~standard']>
    if (typeof validate !== 'function') {
      throw refusal('type', WHAT, `${name}.${type}`, 'a validator (Standard Schema)', schema)
    }
    if (!isAsync(schema)) continue
    throw refusal('value', WHAT, `${name}.${type}`, 'a validator that answers at once', schema)
  }
}

/** What a validator is asked about when it is defined. */
const PROBES = [undefined, null, {}, [], '', 0, true]

/**
 * No schema says that it is asynchronous, and one may become so inside, for values that are good so
 * far. So it is asked about a few, and about objects that have all the fields that it misses.
 */
function isAsync(schema: StandardSchema): boolean {
  const missed: Issue[] = []
  const isLate = (value: unknown): boolean => {
    const result = probe(schema, value)
    if (isPromise(result)) return true
    missed.push(...(result?.issues ?? []))
    return false
  }
  return PROBES.some(isLate) || PROBES.map((value) => objectOf(missed, value)).some(isLate)
}

function objectOf(issues: readonly Issue[], value: unknown): object {
  const fields = issues.flatMap(({ path: [step] = [] }) => {
    const key = typeof step === 'object' ? step?.key : step
    return key === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(fields)
}

/** A validator may be made for good values only, and throw for others. */
function probe(schema: StandardSchema, value: unknown) {
  try {
    return schema['~standard'].validate(value)
  } catch {
    return undefined
  }
}

function isPromise(
  result: Validated<unknown> | Promise<Validated<unknown>> | undefined,
): result is Promise<Validated<unknown>> {
  const { then } = Object(result) as Partial<Promise<unknown>>
  if (typeof then !== 'function') return false
  // Nobody waits for it, and it may reject.
  Promise.resolve(result).catch(() => {})
  return true
}
