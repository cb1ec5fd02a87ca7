/** Protocols of clients, from schemas of sproto. */
import { checkOptions, isA, refusal } from '../../base/check.ts'
import type { Codec } from '../../codec/codec.ts'
import type { BodyOf, ProtocolNames, TypeNames, ValueOf, Way } from '../../codec/sproto/infer.ts'
import { Sproto } from '../../codec/sproto/sproto.ts'
import type { BodyPart, MessageBodies } from '../bodies.ts'
import type { ClientProtocol, DecodedSchema } from '../client-protocol.ts'
import { NOTHING } from '../wire.ts'

/** What a protocol is made of. */
export interface SprotoProtocolOptions<
  C extends string,
  E extends string,
  W extends Way,
  L extends string,
> {
  /** Its protocols are the calls. */
  readonly calls: Sproto<C, W>
  /** Its protocols are the events: their requests are what the server says. */
  readonly events?: Sproto<E, W>
  /** The type of `calls` that a client logs in with. Missing: nothing. */
  readonly login?: L
}

/** Calls by the names of the protocols of a schema. */
export type SprotoCalls<S extends string, W extends Way> = {
  readonly [N in ProtocolNames<S>]: {
    readonly request: DecodedSchema<BodyOf<S, N, 'request', 'in'>, BodyOf<S, N, 'request', W>>
    readonly response: DecodedSchema<BodyOf<S, N, 'response', 'in'>, BodyOf<S, N, 'response', W>>
  }
}

/** Events by the names of the protocols of a schema. */
export type SprotoEvents<S extends string, W extends Way> = {
  readonly [N in ProtocolNames<S>]: DecodedSchema<
    BodyOf<S, N, 'request', 'in'>,
    BodyOf<S, N, 'request', W>
  >
}

/** Of a type of a schema; of no type nothing. */
export type SprotoLogin<S extends string, N extends string, W extends Way> = [N] extends [never]
  ? DecodedSchema<undefined>
  : DecodedSchema<ValueOf<S, N, 'in'>, ValueOf<S, N, W>>

const WHAT = 'define a protocol of clients'

type AnyCodec = Codec<unknown>
/** By part and name. Undefined: there is no body. */
type Codecs = Map<string, AnyCodec | undefined>

/**
 * A protocol of clients whose values are those of sproto, typed by the text of its schemas, and
 * whose bytes are: smaller than JSON, and checked as they are read.
 *
 *     export const game = sprotoProtocol({ calls: c2s, events: s2c, login: 'Login' })
 *
 * In a page bytes of a field are a `Uint8Array`, where Node.js has a `Buffer`.
 *
 * @throws {TypeError} It names the field that is wrong.
 */
export function sprotoProtocol<
  C extends string,
  W extends Way = 'out',
  E extends string = '',
  L extends TypeNames<C> = never,
>(
  options: SprotoProtocolOptions<C, E, W, L>,
): ClientProtocol<SprotoLogin<C, L, W>, SprotoCalls<C, W>, SprotoEvents<E, W>> {
  checkOptions(WHAT, 'options', options, ['calls', 'events', 'login'])
  const { calls, events, login } = options ?? {}
  checkSchema('calls', calls)
  if (events !== undefined) checkSchema('events', events)
  const codecs: Codecs = new Map()
  const schemaOf = (part: BodyPart, name: string, codec: unknown): DecodedSchema => {
    codecs.set(`${part} ${name}`, codec as AnyCodec | undefined)
    return codec === undefined ? BODILESS : WITH_BODY
  }
  const callsOf = (name: ProtocolNames<C>) => {
    const { request, response } = calls.protocol(name)
    return {
      request: schemaOf('request', name, request),
      response: schemaOf('response', name, response),
    }
  }
  const eventOf = (name: ProtocolNames<E>) =>
    schemaOf('event', name, events?.protocol(name).request)
  return Object.freeze({
    login: schemaOf('login', '', login && calls.codec(login)),
    calls: byName(calls.protocols, callsOf),
    events: byName(events?.protocols ?? [], eventOf),
    bodies: bodiesOf(codecs),
    // The schemas are of all types, and those of the text are what they stand for.
  } satisfies ClientProtocol) as never
}

/** Whatever a peer says: what is no name is not found. */
function byName<N extends string, T>(names: readonly N[], make: (name: N) => T): Record<N, T> {
  const values = names.map((name) => [name, make(name)] as const)
  return Object.freeze(Object.assign(Object.create(null), Object.fromEntries(values)))
}

function bodiesOf(codecs: Codecs): MessageBodies {
  return {
    encode(part, name, value) {
      const codec = codecs.get(`${part} ${name}`)
      return value === undefined || codec === undefined ? NOTHING : codec.encode(value)
    },
    decode(part, name, bytes) {
      return bytes.length === 0 ? undefined : codecs.get(`${part} ${name}`)?.decode(bytes)
    },
  }
}

/** The codec has looked at each field already. */
const WITH_BODY = schema((value) =>
  value === undefined ? { issues: [{ message: 'it has no body' }] } : { value },
)
const BODILESS = schema((value) => ({ value }))

function schema(validate: DecodedSchema['~standard']['validate']): DecodedSchema {
  return { '~standard': { version: 1, vendor: 'skynet-ts', validate }, isDecoded: true }
}

function checkSchema(name: string, value: unknown): void {
  if (isA(value, Sproto)) return
  throw refusal('type', WHAT, name, 'a schema that sproto() or loadSproto() has made', value)
}
