/** What the setup of a service returned: its methods, or what is none of these. */
import { types } from 'node:util'
import { guess, shown } from '../base/check.ts'

/** How much is looked at for a guess: names may come from clients, and must cost little. */
const NAMES_MAX = 64
const LETTERS_MAX = 32

/**
 * Undefined: these are the methods of a service, or none at all, as nothing and `{}` say. Methods
 * may stand on an object or a class, among values of any kind.
 *
 * @returns Else what is wrong with them.
 */
export function wrongMethods(given: unknown): string | undefined {
  if (given === undefined || given === null || types.isProxy(given)) return undefined
  const isReference = typeof given === 'object' || typeof given === 'function'
  if (isReference && hasMethod(given)) return undefined
  const isEmpty = isOwnKind(given) && Object.keys(given).length === 0
  if (isEmpty) return undefined
  const [field] = isOwnKind(given) ? Object.entries(Object.getOwnPropertyDescriptors(given)) : []
  const of = field === undefined ? '' : ` whose '${field[0]}' is ${shown(field[1].value)}`
  return `setup must return an object of methods, or nothing: current value is ${shown(given)}${of}`
}

/** Each launch asks. Its first property says so of nearly all, in a third of the time. */
function hasMethod(given: object): boolean {
  for (const name in given) {
    const value: unknown = Object.getOwnPropertyDescriptor(given, name)?.value
    if (typeof value === 'function' && !(name in Object.prototype)) return true
    break
  }
  return methodNames(given).next().done === false
}

/** ` (did you mean 'take'?)`, or nothing. */
export function guessMethod(methods: object, name: string): string {
  if (name.length > LETTERS_MAX) return ''
  const names: string[] = []
  for (const each of methodNames(methods)) {
    if (names.length === NAMES_MAX) break
    if (each.length <= LETTERS_MAX) names.push(each)
  }
  return guess(name, names)
}

/** A plain object, or one of a class of its author; none that JavaScript has made. */
function isOwnKind(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null || !isNative(prototype)
}

/** Nobody's code runs: no getter is asked, what may be one is a method; nor is a proxy. */
function* methodNames(methods: object): Generator<string> {
  for (
    let at: unknown = methods;
    at !== null && !types.isProxy(at) && !isNative(at);
    at = Object.getPrototypeOf(at)
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const { get, value } = Object.getOwnPropertyDescriptor(at, name)!
      const isMethod = get !== undefined || typeof value === 'function'
      if (isMethod && !(name in Object.prototype)) yield name
    }
  }
}

/** Is it the prototype of a class of JavaScript itself: `Map.prototype`? */
function isNative(value: unknown): boolean {
  const kind: unknown = Object.getOwnPropertyDescriptor(value, 'constructor')?.value
  if (typeof kind !== 'function' || kind.prototype !== value) return false
  return /\{ \[native code\] \}$/.test(Function.prototype.toString.call(kind))
}
