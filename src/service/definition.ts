/** What a service module exports, and the types that callers infer from it. */
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isObject } from '../base/check.ts'
import { stackAbove } from '../base/thrown.ts'
import type { Skynet } from './skynet.ts'

/**
 * The methods of a service, as its setup returned them: an object, or a class instance. None is
 * called `then`: what has one is a promise to JavaScript.
 */
export type Methods = object & { readonly then?: never }

const KIND: unique symbol = Symbol.for('skynet-ts.service')

/** A service that can be launched. Made by `defineService`, exported as a module's default. */
export interface ServiceDefinition<Args extends readonly unknown[], M extends Methods> {
  readonly [KIND]: true
  readonly setup: (skynet: Skynet, ...args: Args) => M | undefined | Promise<M | undefined>
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

/**
 * Define a service: the default export of its module.
 *
 * `setup` runs once for each instance, on the worker where the instance lives. What it declares is
 * the state of that instance. It returns the methods that others may call; requests wait until it
 * is done. When it throws, the launch fails with that error as its cause. No method may be called
 * `then`: what has one is a promise to JavaScript. TypeScript refuses it, and so does a launch; an
 * `async` setup of such methods is never done, and the log says so.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a setup that returns nothing is one of void
export function defineService<Args extends readonly unknown[], M extends Methods | void>(
  setup: (skynet: Skynet, ...args: Args) => M | Promise<M>,
): ServiceDefinition<Args, M extends Methods ? M : NoMethods> {
  if (typeof setup !== 'function') {
    throw new TypeError(`Cannot define a service as 'setup' must be a function: ${typeof setup}`)
  }
  const definition = { [KIND]: true, setup }
  noteOrigin(definition)
  return definition as never
}

/** Of each definition the stack that made it: text only once somebody looks at it. */
const origins = new WeakMap<object, { readonly stack?: unknown }>()

/** One frame, which takes a microsecond: every module of a service comes by. */
function noteOrigin(definition: object): void {
  origins.set(definition, stackAbove(defineService, 1))
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
): value is ServiceDefinition<unknown[], Methods> {
  return isObject(value) && KIND in value
}
