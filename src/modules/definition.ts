/** What a service module exports, and the types that callers infer from it. */
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isObject } from '../base/check.ts'
import { stackAbove } from '../base/thrown.ts'

/**
 * The methods of a service, as its setup returned them: an object, or a class instance. None is
 * called `then`: what has one is a promise to JavaScript.
 */
export type Methods = object & { readonly then?: never }

const KIND: unique symbol = Symbol.for('skynet-ts.service')

/**
 * A service that can be launched. Made by `defineService`, exported as a module's default. `Facade`
 * is what its setup is given first: nothing here depends on what that is.
 */
export interface ServiceDefinition<
  Args extends readonly unknown[],
  M extends Methods,
  Facade = never,
> {
  readonly [KIND]: true
  readonly setup: (skynet: Facade, ...args: Args) => M | undefined | Promise<M | undefined>
}

/** Of a service whose setup returns nothing: it cannot be called. */
export type NoMethods = Record<never, never>

/** Any service, where its arguments and methods do not matter. */
export type AnyService = ServiceDefinition<never, Methods>

/** What the setup of `S` takes after `skynet`; anything, when `S` is not known. */
export type ArgsOf<S> =
  S extends ServiceDefinition<infer Args, Methods>
    ? [Args] extends [never]
      ? readonly unknown[]
      : Args
    : readonly unknown[]
export type MethodsOf<S> = S extends ServiceDefinition<never, infer M> ? M : Methods

/** Of each definition the stack that made it: text only once somebody looks at it. */
const origins = new WeakMap<object, { readonly stack?: unknown }>()

/**
 * Of a setup.
 *
 * @param definer Who was called for it: the frame above is noted. One, which takes a microsecond:
 * every module of a service comes by.
 */
export function makeDefinition(setup: unknown, definer: (...args: never) => unknown): object {
  const definition = { [KIND]: true, setup }
  origins.set(definition, stackAbove(definer, 1))
  return definition
}

/**
 * URL of the file that called `defineService`, as it runs: not what a source map leads to.
 * Undefined when that is no file, or another copy of this package was called.
 */
export function fileOf(definition: object): string | undefined {
  const { prepareStackTrace } = Error
  Error.prepareStackTrace = (_error, [caller]) => caller?.getFileName()
  let file: unknown
  try {
    file = origins.get(definition)?.stack
  } finally {
    Error.prepareStackTrace = prepareStackTrace
  }
  if (typeof file !== 'string') return undefined
  if (file.startsWith('file:')) return file
  return isAbsolute(file) ? pathToFileURL(file).href : undefined
}

export function isServiceDefinition(
  value: unknown,
): value is ServiceDefinition<unknown[], Methods, unknown> {
  return isObject(value) && KIND in value
}
