/**
 * What may be part of a message, for the compiler: docs/messages.md. In the place of what cannot be
 * sent stands a text that says so, which nothing else fits. What no type shows is refused when it
 * is sent: that an object is of a class, if that has no methods.
 */
import type { ServiceId } from '../wire/service-id.ts'

type AnyFunction = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)
type Primitive = string | number | bigint | boolean | null | undefined
/** They arrive as they are, whatever their types show. */
type Whole = Primitive | Date | RegExp | Error | ServiceId
type Bytes = ArrayBuffer | ArrayBufferView

/** What it is that cannot be sent; never: its parts decide. */
type Unsendable<T> = T extends symbol
  ? 'A symbol'
  : T extends AnyFunction
    ? 'A function'
    : T extends PromiseLike<unknown>
      ? 'A promise'
      : T extends AsyncIterable<unknown>
        ? 'A stream'
        : T extends SharedArrayBuffer
          ? 'Shared memory'
          : T extends WeakMap<WeakKey, unknown> | WeakSet<WeakKey>
            ? 'A weak collection'
            : never

/**
 * `T`, where each part that cannot be a part of a message is replaced by a text that says why:
 * `"A function cannot be sent: field 'onDone'"`. A type that can be sent fits its `Sendable`.
 *
 * @typeParam Where Where `T` was found.
 */
export type Sendable<T, Where extends string = ''> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? T
    : T extends Whole
      ? T
      : T extends ReadonlyMap<infer K, infer V>
        ? T extends Map<K, V>
          ? SendableMap<K, V>
          : SendableReadonlyMap<K, V>
        : T extends ReadonlySet<infer V>
          ? T extends Set<V>
            ? SendableSet<V>
            : SendableReadonlySet<V>
          : T extends readonly (infer V)[]
            ? T extends unknown[]
              ? SendableArray<V>
              : SendableReadonlyArray<V>
            : SendableObject<T, Where>

type SendableObject<T, Where extends string> = [Unsendable<T>] extends [never]
  ? T extends Bytes
    ? T
    : { [K in keyof T]: K extends symbol ? T[K] : Sendable<T[K], Place<K>> }
  : `${Unsendable<T>} cannot be sent${Where}`

type Place<K> = K extends string ? `: field '${K}'` : ': an element'

// Interfaces, as types may hold themselves: their members are looked at when somebody needs them.
interface SendableMap<K, V> extends Map<Sendable<K, ': a key'>, Sendable<V, ': a value'>> {}
interface SendableReadonlyMap<K, V>
  extends ReadonlyMap<Sendable<K, ': a key'>, Sendable<V, ': a value'>> {}
interface SendableSet<V> extends Set<Sendable<V, ': a value'>> {}
interface SendableReadonlySet<V> extends ReadonlySet<Sendable<V, ': a value'>> {}
interface SendableArray<V> extends Array<Sendable<V, ': an element'>> {}
interface SendableReadonlyArray<V> extends ReadonlyArray<Sendable<V, ': an element'>> {}

/** Wrapped, so that a union is judged as a whole, and a type parameter later. */
type Verdict<T> = { readonly value: T } extends { readonly value: Sendable<T> } ? 'good' : 'bad'

/** `T` as it is, unless some of it cannot be sent. A type parameter fits: nobody knows it yet. */
export type Checked<T> = Verdict<T> extends 'bad' ? Sendable<T> : T
export type CheckedArgs<A> = { [I in keyof A]: Checked<A[I]> }

/** The texts in a `Sendable`, so many levels deep. */
type Texts<T, Depth extends 0[] = []> = Depth['length'] extends 6
  ? never
  : T extends `${string} cannot be sent${string}`
    ? T
    : T extends Whole | Bytes
      ? never
      : T extends ReadonlyMap<infer K, infer V>
        ? Texts<K | V, [...Depth, 0]>
        : T extends ReadonlySet<infer V> | readonly (infer V)[]
          ? Texts<V, [...Depth, 0]>
          : { [K in keyof T & string]: Texts<T[K], [...Depth, 0]> }[keyof T & string]

/** A function that may be called unless its answer cannot be sent. */
export type Call<A extends readonly unknown[], R> = Refusal<R> &
  ((...args: ArgsFor<A, R>) => Promise<R>)

type Refusal<R> = Verdict<R> extends 'bad' ? (this: WhyNot<R>) => never : unknown
type ArgsFor<A, R> = Verdict<R> extends 'bad' ? [WhyNot<R>, ...WhyNot<R>[]] : CheckedArgs<A>
type WhyNot<R> = `The answer: ${Texts<Sendable<R>>}`

/** What a protocol has to have for values that cannot be sent as they are. */
export interface PacksWhatCannotBeSent<T> {
  readonly pack: (value: T) => unknown
}
export type Packing<T> = Verdict<T> extends 'bad' ? PacksWhatCannotBeSent<T> : unknown
