/**
 * What clients and a gate say to each other: written once, for both ends. A browser loads this file
 * as well, so it needs nothing of Node.js, and of other rooms no more than types.
 */
import type { Codec } from '../codec/codec.ts'
import type { InputOf, OutputOf, StandardSchema } from '../codec/standard-schema.ts'
import { bodiesOf, type MessageBodies } from './bodies.ts'
import { mustBe, namesOf, optionsOf, withMethods } from './check.ts'
import { FULL } from './full.ts'

/** Validators of one call: of what is asked, of what is answered. */
export interface CallDefinition {
  /** Missing: there is nothing to give, and what is given nevertheless is not looked at. */
  readonly request?: StandardSchema
  /** Missing: the answer says that it was done, and nothing else. Types only, see below. */
  readonly response?: StandardSchema
}

/** Calls by name. */
export type CallDefinitions = Readonly<Record<string, CallDefinition>>
/** Events by name. */
export type EventDefinitions = Readonly<Record<string, StandardSchema>>

/** What a protocol is made of. */
export interface ClientProtocolOptions<
  L extends StandardSchema = StandardSchema,
  C extends CallDefinitions = CallDefinitions,
  E extends EventDefinitions = EventDefinitions,
> {
  /** What a client says of itself when it is new. Missing: nothing. */
  readonly login?: L
  /** What clients may ask for. */
  readonly calls?: C
  /** What the server says unasked. */
  readonly events?: E
  /** Makes bytes of each value: the same at both ends. Missing: JSON. */
  readonly codec?: Codec<unknown>
}

/** Made by {@link clientProtocol}. */
export interface ClientProtocol<
  L extends StandardSchema = StandardSchema,
  C extends CallDefinitions = CallDefinitions,
  E extends EventDefinitions = EventDefinitions,
> {
  readonly login: L
  /** Has no prototype: whatever a peer says, what is not a call is not found. */
  readonly calls: C
  /** The same of events. */
  readonly events: E
  /**
   * Values ⇄ bytes. Undefined: JSON, of which each end has a maker of its own.
   *
   * @internal
   */
  readonly bodies: MessageBodies | undefined
}

/** What a client logs in with. */
export type LoginOf<P extends ClientProtocol> = InputOf<P['login']>

/** The same when the server has validated it. */
export type ValidLoginOf<P extends ClientProtocol> = OutputOf<P['login']>

/** Each call's values, by its name. */
export type CallsOf<P extends ClientProtocol> = {
  readonly [Name in keyof P['calls'] & string]: {
    /** What a client gives. */
    readonly request: RequestOf<P['calls'][Name]>['input']
    /** What the server has made of it: what its validator gives. */
    readonly validRequest: RequestOf<P['calls'][Name]>['output']
    /** What the server gives. */
    readonly response: ResponseOf<P['calls'][Name]>['input']
    /** What the client gets: the same, unless the codec makes something else of it. */
    readonly answer: ResponseOf<P['calls'][Name]>['output']
  }
}

/** Each event's value as the server gives it, by its name. */
export type EventsOf<P extends ClientProtocol> = {
  readonly [Name in keyof P['events'] & string]: InputOf<P['events'][Name]>
}

/** The same as clients get it. */
export type HeardOf<P extends ClientProtocol> = {
  readonly [Name in keyof P['events'] & string]: ArrivedOf<P['events'][Name]>
}

/** A schema whose codec gives something else than it takes: what arrives is of that type. */
export interface DecodedSchema<Input = unknown, Output = Input>
  extends StandardSchema<Input, Output> {
  readonly isDecoded: true
}

/** Nobody validates what comes from the server. */
type ArrivedOf<S> = S extends DecodedSchema<unknown, infer Output> ? Output : InputOf<S>

type RequestOf<D> = D extends { readonly request: infer S }
  ? { readonly input: InputOf<S>; readonly output: OutputOf<S> }
  : { readonly input: undefined; readonly output: undefined }

type ResponseOf<D> = D extends { readonly response: infer S }
  ? { readonly input: InputOf<S>; readonly output: ArrivedOf<S> }
  : { readonly input: undefined; readonly output: undefined }

const aSchema = mustBe(
  'a validator (Standard Schema)',
  // It may be a function as well: arktype's are.
  (value) => typeof Object(Object(value)['~standard']).validate === 'function',
)
const checkOptions = optionsOf({
  login: aSchema,
  calls: namesOf(optionsOf({ request: aSchema, response: aSchema })),
  events: namesOf(aSchema),
  codec: withMethods('encode', 'decode'),
})

/**
 * A protocol of clients: its login, the calls they make, the events they hear of. Server and client
 * import the same one, so what does not fit does not compile, at either end.
 *
 * The server validates login and requests. A response and an event go out as the server gives them:
 * their validators are there for their types.
 *
 * @throws {TypeError} It names the field that is wrong.
 */
export function clientProtocol<
  const L extends StandardSchema = StandardSchema<undefined>,
  const C extends CallDefinitions = Record<never, never>,
  const E extends EventDefinitions = Record<never, never>,
>(options: ClientProtocolOptions<L, C, E>): ClientProtocol<L, C, E> {
  if (FULL) checkOptions('define a protocol of clients', 'options', options)
  const { login = unchecked<undefined>() as StandardSchema as L, codec } = options
  const { calls = {} as C, events = {} as E } = options
  return Object.freeze({
    login,
    calls: bare(calls),
    events: bare(events),
    bodies: codec && bodiesOf(codec),
  })
}

const UNCHECKED: StandardSchema = {
  '~standard': { version: 1, vendor: 'skynet-ts', validate: (value) => ({ value }) },
}

/**
 * Stands where a validator is wanted, and takes every value for a `T`: for a beginning, and for
 * what only the server says. What *clients* say should have one: they may say anything.
 */
export function unchecked<T = unknown>(): StandardSchema<T> {
  return UNCHECKED as StandardSchema as StandardSchema<T>
}

/** Names as a peer has sent them must not find what every object has. */
function bare<T extends object>(values: T): T {
  return Object.freeze(Object.assign(Object.create(null) as T, values))
}
