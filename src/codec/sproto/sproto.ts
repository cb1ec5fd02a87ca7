/** A schema, and what can be done with it: the facade of sproto. See docs/sproto.md. */
import { checkFlag, checkOptions, checkString } from '../../base/check.ts'
import type { Codec } from '../codec.ts'
import { loadBundle, saveBundle } from './bundle.ts'
import { readerOf, SprotoCore, setCore, write } from './core.ts'
import { defaultsOf } from './defaults.ts'
import { SprotoHost } from './host.ts'
import type {
  BodyOf,
  DefaultsOf,
  JoinTexts,
  KnownName,
  ProtocolNames,
  SchemaSource,
  TypeNames,
  ValueOf,
  Way,
} from './infer.ts'
import { Packages, type SprotoHostOptions } from './packages.ts'
import { linkSchema } from './schema-link.ts'
import { emptyDraft, readSchemaText } from './schema-text.ts'
import { checkUint8Array, sprotoPack, sprotoUnpack } from './zero-pack.ts'

export interface SprotoCodecOptions {
  /** 0-packed, as requests and responses are. */
  packed?: boolean
  /** Bytes that may come out of packed ones: 16 MiB less one, unless you say less. */
  maxBytes?: number
}

/** A request, its response, and the tag that stands for both. */
export interface SprotoProtocol<S extends string, N extends string, W extends Way> {
  readonly name: N
  readonly tag: number
  /** Undefined: there is no body. */
  readonly request: BodyCodec<S, N, 'request', W>
  readonly response: BodyCodec<S, N, 'response', W>
  /** `response nil`: there is an answer, without a body. */
  readonly isConfirmed: boolean
}

type BodyCodec<
  S extends string,
  N extends string,
  K extends 'request' | 'response',
  W extends Way,
> = string extends S
  ? Codec<Record<string, unknown>> | undefined
  : [BodyOf<S, N, K, 'in'>] extends [undefined]
    ? undefined
    : Codec<BodyOf<S, N, K, 'in'>, BodyOf<S, N, K, W>>

/** A schema. `sproto()` makes it of text, `loadSproto()` of a bundle. */
export class Sproto<S extends string, W extends Way = 'out'> implements SchemaSource<S> {
  readonly text: S
  readonly #core: SprotoCore

  /** @internal */
  constructor(text: S, core: SprotoCore) {
    this.text = text
    this.#core = core
    setCore(this, core)
  }

  /** The full names of the types: `Outer.Inner`, `login.request`. */
  get types(): readonly TypeNames<S>[] {
    return [...this.#core.schema.types.keys()] as TypeNames<S>[]
  }

  get protocols(): readonly ProtocolNames<S>[] {
    return [...this.#core.schema.protocols.keys()] as ProtocolNames<S>[]
  }

  /**
   * The bytes of a value. They are yours; other messages may lie in the same `ArrayBuffer`.
   *
   * @param value Its fields; one that is undefined is left out, as are names that the type has not.
   * @throws `TypeError` for a value of another type than its field has;
   * {@link SkynetError} `ERR_MESSAGE_TOO_DEEP` (64), `ERR_MESSAGE_TOO_LARGE` (16 MiB).
   */
  encode<N extends string>(type: KnownName<N, TypeNames<S>>, value: ValueOf<S, N, 'in'>): Buffer {
    const plan = this.#core.plan('encode', type)
    return write((writer) => writer.put(plan, value))
  }

  /**
   * The value in bytes of a peer. What stands behind it is left alone, and so are fields that this
   * schema does not know.
   *
   * @param bytes Are not kept.
   * @throws {SkynetError} `ERR_CODEC`
   */
  decode<N extends TypeNames<S>>(type: N, bytes: Uint8Array): ValueOf<S, N, W> {
    const plan = this.#core.plan('decode', type)
    checkUint8Array('decode', bytes)
    return readerOf(this.#core.isWide).read(plan, bytes, 0) as ValueOf<S, N, W>
  }

  /** `encode` and `decode` of one type: for frames, and whoever else takes a codec. */
  codec<N extends TypeNames<S>>(
    type: N,
    options?: SprotoCodecOptions,
  ): Codec<ValueOf<S, N, 'in'>, ValueOf<S, N, W>> {
    checkOptions('make a codec', 'options', options, ['packed', 'maxBytes'])
    const { packed = false, maxBytes } = options ?? {}
    checkFlag('make a codec', 'packed', packed)
    this.#core.plan('make a codec', type)
    const encode = (value: ValueOf<S, N, 'in'>) => this.encode<N>(type as never, value)
    const decode = (bytes: Uint8Array) => this.decode(type, bytes)
    if (!packed) return { encode, decode }
    const limit = maxBytes === undefined ? undefined : { maxBytes }
    return {
      encode: (value) => sprotoPack(encode(value)),
      decode: (bytes) => decode(sprotoUnpack(bytes, limit)),
    }
  }

  /** A protocol as it is in the schema, for who carries requests without a host. */
  protocol<N extends ProtocolNames<S>>(name: N): SprotoProtocol<S, N, W> {
    const { tag, request, response, isConfirmed } = this.#core.protocol('find', name)
    const codec = (type: string | undefined) =>
      type === undefined ? undefined : this.codec(type as TypeNames<S>)
    const bodies = { request: codec(request), response: codec(response) }
    return { name, tag, ...bodies, isConfirmed } as unknown as SprotoProtocol<S, N, W>
  }

  /**
   * What stands for fields that are not there, as Skynet's `default`: 0, false, '', an empty array
   * or Map. Fields that hold one struct have none.
   */
  defaults<N extends TypeNames<S>>(type: N): DefaultsOf<S, N, W> {
    return defaultsOf(this.#core.plan('find', type)) as DefaultsOf<S, N, W>
  }

  /**
   * Take requests of the protocols of this schema.
   *
   * @param packageName The type of what stands before each body: it has the integers `type` and
   * `session`, and may have user data, `ud`.
   */
  host<P extends TypeNames<S>>(packageName: P, options?: SprotoHostOptions): SprotoHost<S, P, W> {
    return new SprotoHost(new Packages(this.#core, packageName, options))
  }

  /**
   * The same schema, whose integers of all 64 bits can be decoded: beyond ±(2^53-1) they are a
   * bigint. Without it they are `ERR_CODEC`, so that an integer is a number.
   */
  withBigInts(): Sproto<S, 'wide'> {
    return new Sproto<S, 'wide'>(this.text, new SprotoCore(this.#core.schema, true))
  }

  /** The schema in the binary form that Skynet's `sproto.new` and `sprotoloader` load. */
  bundle(): Buffer {
    return saveBundle(this.#core.schema)
  }
}

/**
 * A schema in the words of sproto. Several texts are one schema. Of text that stands in the program
 * the compiler knows the types: `decode` gives them, and what is none of them does not compile.
 *
 * @throws {SkynetError} `ERR_SPROTO_SCHEMA` with the line, and what was expected there.
 */
export function sproto<const T extends readonly string[]>(...texts: T): Sproto<JoinTexts<T>> {
  const draft = emptyDraft()
  for (const [i, text] of texts.entries()) {
    checkString('read a schema', `texts[${i}]`, text)
    readSchemaText(draft, text, i + 1)
  }
  return new Sproto(texts.join('\n') as JoinTexts<T>, new SprotoCore(linkSchema(draft), false))
}

/**
 * A schema in the binary form that Skynet's `sprotoparser` makes. The compiler knows nothing of it.
 *
 * @throws {SkynetError} `ERR_SPROTO_SCHEMA`
 */
export function loadSproto(bundle: Uint8Array): Sproto<string> {
  checkUint8Array('load a schema', bundle)
  return new Sproto<string>('', new SprotoCore(loadBundle(bundle), false))
}

/** What a value of type `N` of a schema may be when it is encoded. */
export type SprotoIn<G extends SchemaSource<string>, N extends string> =
  G extends Sproto<infer S, Way> ? ValueOf<S, N, 'in'> : never

/** What `decode` gives of type `N` of a schema. */
export type SprotoOut<G extends SchemaSource<string>, N extends string> =
  G extends Sproto<infer S, infer W> ? ValueOf<S, N, W> : never
