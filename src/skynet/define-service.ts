/** `defineService`, as authors of services call it: with the facade that their setups are given. */
import {
  type Methods,
  makeDefinition,
  type NoMethods,
  type ServiceDefinition,
} from '../modules/definition.ts'
import type { Skynet } from './skynet.ts'

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
): ServiceDefinition<Args, M extends Methods ? M : NoMethods, Skynet> {
  if (typeof setup !== 'function') {
    throw new TypeError(`Cannot define a service as 'setup' must be a function: ${typeof setup}`)
  }
  return makeDefinition(setup, defineService) as never
}
