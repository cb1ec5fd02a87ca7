/**
 * The types of a schema, read from the literal of its text by the compiler.
 *
 * Two steps, so that only what is used is worked out. First the text is cut at its braces: what
 * stands between those of each type and protocol, under its full name. The fields of a type are
 * read when somebody asks for one of its values.
 *
 * A type that calls itself may do so a thousand times. So the text is first split where a brace has
 * a line of its own, as nearly all types end; a step between is a brace, a comment or a field.
 */

type Blank = ' ' | '\n' | '\t' | '\r'
type Trim<S extends string> = S extends `${Blank}${infer R}` ? Trim<R> : S
/** What stands before the first blank. */
type Word<S extends string> = S extends `${infer A} ${string}` ? WordOfLine<A> : WordOfLine<S>
type WordOfLine<S extends string> = S extends `${infer A}\n${string}` ? WordOfTab<A> : WordOfTab<S>
type WordOfTab<S extends string> = S extends `${infer A}\t${string}` ? WordOfEnd<A> : WordOfEnd<S>
type WordOfEnd<S extends string> = S extends `${infer A}\r${string}` ? A : S
type Behind<S extends string, Begin extends string> = S extends `${Begin}${infer R}` ? R : ''

// ---- the text, cut at its braces

/** `t`: text between the braces of a type. `p`: of a protocol, `{}` for a type that is there. */
type Part = readonly [kind: 't' | 'p', name: string, text: string]
/** The braces that are open, the innermost first. */
type Open = readonly (readonly [kind: 't' | 'p', name: string])[]

/** All parts of a text. */
type PartsOf<
  S extends string,
  O extends Open = [],
  P extends Part = never,
> = S extends `${infer A}\n}\n${infer R}`
  ? PiecesOf<`${A}\n}`, O, P> extends CutInto<infer O2, infer P2, infer L>
    ? PartsOf<`${L}\n${R}`, O2, P2>
    : never
  : PiecesOf<S, O, P>[1]

/** What is between, line by line: many a protocol, and many a small type, has but one. */
type PiecesOf<
  S extends string,
  O extends Open,
  P extends Part,
> = S extends `${infer A}}\n${infer R}`
  ? Cut<WithoutComments<`${A}}`>, O, P> extends CutInto<infer O2, infer P2, infer L>
    ? PiecesOf<`${L}\n${R}`, O2, P2>
    : never
  : Cut<WithoutComments<S>, O, P>

type WithoutComments<S extends string> = S extends `${infer A}#${infer C}`
  ? C extends `${string}\n${infer R}`
    ? WithoutComments<`${A}\n${R}`>
    : A
  : S

/** What is open then, all parts, and what stands behind the last brace: that one was a comment. */
type CutInto<O extends Open, P extends Part, L extends string> = [open: O, parts: P, left: L]

type Cut<S extends string, O extends Open, P extends Part> = S extends `${infer A}{${infer B}`
  ? A extends `${infer C}}${infer D}`
    ? Cut<`${D}{${B}`, Outer<O>, P | Closed<O, C>>
    : Cut<B, [Opened<O, A>, ...O], P | Before<O, A>>
  : S extends `${infer C}}${infer D}`
    ? Cut<D, Outer<O>, P | Closed<O, C>>
    : CutInto<O, P, S>

type Outer<O extends Open> = O extends readonly [unknown, ...infer R extends Open] ? R : []

/** The part that ends with a brace. */
type Closed<O extends Open, S extends string> = O extends readonly [
  readonly [infer K extends 't' | 'p', infer N extends string],
  ...Open,
]
  ? [K, N, S]
  : never

/** What `S`, which stands before a brace, opens. */
type Opened<O extends Open, S extends string> = O extends readonly [
  readonly [infer K, infer N extends string],
  ...Open,
]
  ? K extends 't'
    ? ['t', `${N}.${Word<BehindPoint<S>>}`]
    : ['t', `${N}.${LastWord<S>}`]
  : Trim<S> extends `.${infer N}`
    ? ['t', Word<N>]
    : ['p', Word<Trim<S>>]

/** The part that `S` is of what is open around it. */
type Before<O extends Open, S extends string> = O extends readonly [
  readonly [infer K, infer N extends string],
  ...Open,
]
  ? K extends 't'
    ? ['t', N, S]
    : ['p', N, `${S}{}`]
  : never

type BehindPoint<S extends string> = S extends `${string}.${infer R}` ? BehindPoint<R> : S
type LastWord<S extends string, L extends string = ''> =
  Trim<S> extends ''
    ? L
    : Word<Trim<S>> extends infer W extends string
      ? LastWord<Behind<Trim<S>, W>, W>
      : never

// ---- fields and protocols

/** `head` is what stands before the colon: name and tag. */
type Field = readonly [name: string, type: string, head: string]

/** The fields in a text: `name tag : type`, as often as there is a colon. */
type FieldsOf<S extends string> = S extends `${infer A}:${infer R}` ? FieldsFrom<R, Trim<A>> : never

/** @param S What stands behind the colon of the field with the head `H`. */
type FieldsFrom<
  S extends string,
  H extends string,
  F extends Field = never,
> = S extends `${infer A}:${infer R}`
  ? Trim<A> extends infer B extends string
    ? TypeWord<B> extends infer W extends string
      ? FieldsFrom<R, Trim<Behind<B, W>>, F | [Word<H>, W, H]>
      : never
    : never
  : F | [Word<H>, TypeWord<Trim<S>>, H]

type TagOf<H extends string> = Word<Trim<Behind<H, Word<H>>>>

/** `*Item( id )` is one word. */
type TypeWord<S extends string> =
  Word<S> extends infer W extends string
    ? W extends `${infer A}(${infer K}`
      ? K extends `${string})${string}`
        ? W extends `${infer B})${string}`
          ? `${B})`
          : W
        : S extends `${string}(${infer M})${string}`
          ? `${A}(${M})`
          : W
      : W
    : never

/** Pairs of `request` or `response` and a type, `{}` for one that stands there. */
type BodiesOf<S extends string> =
  Trim<S> extends infer A extends string
    ? A extends ''
      ? never
      : Word<A> extends infer K extends string
        ? Trim<Behind<A, K>> extends infer B extends string
          ? [K, Word<B>] | BodiesOf<Behind<B, Word<B>>>
          : never
        : never
    : never

// ---- the schema

/** What `SprotoSchema` has of a text that only the running program knows. */
type AnySchema = { readonly types: Record<string, string>; readonly protocols: AnyProtocols }
type AnyProtocols = Record<string, string>

/** Texts of types and of protocols by their names. */
export type SchemaOf<S extends string> = string extends S
  ? AnySchema
  : PartsOf<`\n${S}`> extends infer P extends Part
    ? {
        readonly types: { [E in P as E[0] extends 't' ? E[1] : never]: E[2] }
        readonly protocols: { [E in P as E[0] extends 'p' ? E[1] : never]: E[2] }
      }
    : never

/** False: what the text is, only the running program knows, or what a part of it is. */
type IsKnown<S extends string> = Record<never, never> extends Record<S, 0> ? false : true

/** Several texts are one. */
export type JoinTexts<T extends readonly string[]> =
  IsKnown<T[number]> extends false ? string : Joined<T>

type Joined<T extends readonly string[]> = T extends readonly [
  infer A extends string,
  ...infer R extends readonly string[],
]
  ? R extends readonly []
    ? A
    : `${A}\n${Joined<R>}`
  : ''

/** By way of a condition: so that people are shown the names, and not the text of the schema. */
export type TypeNames<S extends string> = [keyof SchemaOf<S>['types'] & string] extends [
  infer N extends string,
]
  ? N
  : never
export type ProtocolNames<S extends string> = [keyof SchemaOf<S>['protocols'] & string] extends [
  infer N extends string,
]
  ? N
  : never

/**
 * A name that is one of `M`. Were `M` what `N` extends, a name that is none would stand for all:
 * the compiler would compare what stands beside it with the values of all types.
 */
export type KnownName<N extends string, M extends string> = N extends M ? N : M

/** Where a value goes: into `encode`, or out of `decode`, there perhaps with bigints. */
export type Way = 'in' | 'out' | 'wide'

interface Same {
  string: string
  boolean: boolean
  double: number
}
interface Scalars {
  in: Same & { integer: number | bigint; binary: Uint8Array }
  out: Same & { integer: number; binary: Buffer }
  wide: Same & { integer: number | bigint; binary: Buffer }
}

type Texts = Record<string, string>

/**
 * The value of a type of the schema. `M` is `N`, and keeps the compiler from asking, while `N` is
 * not known yet, what it might be: each call of `encode` would take the values of all types.
 */
export type ValueOf<S extends string, N extends string, W extends Way> = string extends S
  ? Record<string, unknown>
  : [N] extends [infer M extends string]
    ? Struct<SchemaOf<S>['types'], M, W>
    : never

/** By way of a condition: so that people are shown the fields, and not the text of the schema. */
type Struct<T extends Texts, N extends string, W extends Way> = N extends keyof T
  ? W extends 'in'
    ? { readonly [F in FieldsOf<T[N]> as F[0]]?: Value<T, N, F[1], W> | undefined }
    : { [F in FieldsOf<T[N]> as F[0]]?: Value<T, N, F[1], W> }
  : never

/** @param N The type that the field is in. */
type Value<
  T extends Texts,
  N extends string,
  F extends string,
  W extends Way,
> = F extends keyof Scalars[W]
  ? Scalars[W][F]
  : F extends `${infer A}(${infer K})`
    ? InParentheses<T, N, A, Word<Trim<K>>, W>
    : F extends `*${infer A}`
      ? List<One<T, N, A, W>, W>
      : Struct<T, Resolve<T, N, F>, W>

type One<
  T extends Texts,
  N extends string,
  F extends string,
  W extends Way,
> = F extends keyof Scalars[W] ? Scalars[W][F] : Struct<T, Resolve<T, N, F>, W>

/** `integer(2)`, `*Item(id)`. Behind what is no array a word has no meaning. */
type InParentheses<
  T extends Texts,
  N extends string,
  F extends string,
  K extends string,
  W extends Way,
> = F extends '*integer'
  ? List<number, W>
  : F extends `*${infer A}`
    ? MapOf<T, Resolve<T, N, A>, K, W>
    : F extends 'integer'
      ? K extends `${number}`
        ? number
        : Scalars[W]['integer']
      : One<T, N, F, W>

type List<V, W extends Way> = W extends 'in' ? readonly V[] : V[]

/** @param K The name of the key; '' of a dictionary. */
type MapOf<T extends Texts, N extends string, K extends string, W extends Way> = N extends keyof T
  ? K extends ''
    ? Dictionary<FieldsOf<T[N]>, T, N, W>
    : Keyed<FieldValue<FieldsOf<T[N]>, K, T, N, W>, Struct<T, N, W>, W>
  : never

type Keyed<K, V, W extends Way> = W extends 'in' ? ReadonlyMap<K, V> | readonly V[] : Map<K, V>

type Dictionary<F extends Field, T extends Texts, N extends string, W extends Way> =
  KeyName<F> extends infer K extends string
    ? Pairs<FieldValue<F, K, T, N, W>, FieldValue<F, Exclude<F[0], K>, T, N, W>, W>
    : never

type Pairs<K, V, W extends Way> = W extends 'in' ? ReadonlyMap<K, V> : Map<K, V>

type FieldValue<
  F extends Field,
  K extends string,
  T extends Texts,
  N extends string,
  W extends Way,
> = F extends readonly [K, infer V extends string, string] ? Value<T, N, V, W> : never

/** Of two fields the name of the one that has the smaller tag. */
type KeyName<F extends Field, All extends Field = F> = F extends Field
  ? Exclude<All, F> extends infer O extends Field
    ? IsLess<TagOf<F[2]>, TagOf<O[2]>> extends true
      ? F[0]
      : never
    : never
  : never

/** Of two numbers in digits. */
type IsLess<A extends string, B extends string> =
  Longer<A, B> extends infer L
    ? L extends 'same'
      ? IsBefore<A, B>
      : L extends B
        ? true
        : false
    : never

type Longer<A extends string, B extends string, A1 = A, B1 = B> = A extends `${infer _}${infer R}`
  ? B extends `${infer _}${infer Q}`
    ? Longer<R, Q, A1, B1>
    : A1
  : B extends ''
    ? 'same'
    : B1

type IsBefore<A extends string, B extends string> = A extends `${infer D}${infer R}`
  ? B extends `${D}${infer Q}`
    ? IsBefore<R, Q>
    : B extends `${infer E}${string}`
      ? '0123456789' extends `${string}${D}${string}${E}${string}`
        ? true
        : false
      : false
  : false

/** Types within the one that asks come first, then those around it. */
type Resolve<T extends Texts, N extends string, F extends string> = `${N}.${F}` extends keyof T
  ? `${N}.${F}`
  : Around<N> extends infer A extends string
    ? A extends ''
      ? F
      : Resolve<T, A, F>
    : never

/** `A.B` of `A.B.C`. */
type Around<N extends string, A extends string = ''> = N extends `${infer B}.${infer R}`
  ? Around<R, A extends '' ? B : `${A}.${B}`>
  : A

// ---- protocols

type BodyName<
  S extends string,
  N extends string,
  K extends 'request' | 'response',
> = string extends S
  ? string
  : N extends keyof SchemaOf<S>['protocols']
    ? BodiesOf<SchemaOf<S>['protocols'][N] & string> extends infer B
      ? B extends readonly [K, infer T extends string]
        ? T extends '{}'
          ? `${N}.${K}`
          : T extends 'nil'
            ? never
            : T
        : never
      : never
    : never

/**
 * What a request or a response of a protocol holds; undefined when it has no body. `B` keeps the
 * compiler from asking what it might be, as above.
 */
export type BodyOf<
  S extends string,
  N extends string,
  K extends 'request' | 'response',
  W extends Way,
> = string extends S
  ? Record<string, unknown> | undefined
  : BodyName<S, N, K> extends infer B
    ? [B] extends [never]
      ? undefined
      : B extends string
        ? ValueOf<S, B, W>
        : never
    : never

/** What stands for fields that are not there. For a struct, which may hold one like it, nothing. */
export type DefaultsOf<S extends string, N extends string, W extends Way> = string extends S
  ? Record<string, unknown>
  : Defaults<SchemaOf<S>['types'], N, W>

type Defaults<T extends Texts, N extends string, W extends Way> = N extends keyof T
  ? FieldsOf<T[N]> extends infer F extends Field
    ? { [E in F as IsStruct<E[1]> extends true ? never : E[0]]: Value<T, N, E[1], W> }
    : never
  : never

type ScalarWord = 'integer' | 'string' | 'boolean' | 'double' | 'binary'
type IsStruct<F extends string> = F extends `*${string}` | ScalarWord | `${ScalarWord}(${string}`
  ? false
  : true

/** A schema of which the compiler knows the text. */
export interface SchemaSource<S extends string> {
  /** The schema as it was written; empty when it was loaded from a bundle. */
  readonly text: S
}
