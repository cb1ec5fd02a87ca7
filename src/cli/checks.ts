/** Checks as values: what a config key accepts, and what becomes of it. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isArray, isObject } from '../base/check.ts'
import { isPem } from '../base/pem.ts'
import type { TlsFiles } from '../threads/options.ts'

/** What the mask of an affinity call holds. */
const CPUS_MAX = 1024

/** `I` is what the user writes, `T` what the node gets. */
export interface Check<I, T = I> {
  /** Completes "it must be …". */
  readonly expected: string
  accepts(value: unknown): value is I
  /** @param folder The folder of the config file: relative paths start there. */
  resolve(value: I, folder: string): T
  /** The part of a resolved value that cannot be used, though it is of the right kind. */
  unusable?(resolved: T): unknown
  /** A value from the command line. What makes no sense stays text, for `accepts` to refuse. */
  parse(text: string): unknown
}

export function integer(min: number, max: number): Check<number> {
  return {
    expected: `an integer in ${min}..${max}`,
    accepts: (value): value is number =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    resolve: (value) => value,
    parse: (text) => (text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)),
  }
}

/** 0, which stands for none, or what `check` accepts. */
export function zeroOr(check: Check<number>): Check<number> {
  return {
    ...check,
    expected: `0 or ${check.expected}`,
    accepts: (value): value is number => value === 0 || check.accepts(value),
  }
}

export function boolean(): Check<boolean> {
  return {
    expected: 'true or false',
    accepts: (value): value is boolean => typeof value === 'boolean',
    resolve: (value) => value,
    parse: parseJson,
  }
}

/** Numbers of processor cores, 0 the first; empty: any. */
export function cpus(): Check<readonly number[]> {
  const isCpu = integer(0, CPUS_MAX - 1).accepts
  return {
    expected: `an array of core numbers in 0..${CPUS_MAX - 1}`,
    accepts: (value): value is readonly number[] => isArray(value) && value.every(isCpu),
    resolve: (value) => value,
    parse: parseJson,
  }
}

/**
 * An object of which every key has a check: what is not given is filled in.
 *
 * @param needed Keys that must be given.
 */
export function record<T extends object>(
  keys: { readonly [K in keyof T]-?: Check<NonNullable<T[K]>> },
  fallback: T,
  needed: readonly (keyof T)[] = [],
): Check<Partial<T>, T> {
  const parts = Object.entries<Check<unknown>>(keys)
  const shown = parts.map(([name, { expected }]) => `${name} (${expected})`)
  return {
    expected: `an object of ${shown.join(', ')}`,
    accepts: (value): value is Partial<T> =>
      isRecord(value) &&
      needed.every((key) => value[key as string] !== undefined) &&
      Object.entries(value).every(
        ([name, part]) =>
          part === undefined || (Object.hasOwn(keys, name) && keys[name as keyof T].accepts(part)),
      ),
    resolve: (value, folder) => {
      const resolved = Object.entries(value).map(([name, part]) => [
        name,
        part === undefined ? part : keys[name as keyof T].resolve(part as never, folder),
      ])
      return { ...fallback, ...Object.fromEntries(resolved) }
    },
    parse: parseJson,
  }
}

export function oneOf<T extends string>(...words: readonly T[]): Check<T> {
  return {
    expected: words.map((word) => `'${word}'`).join(' or '),
    accepts: (value): value is T => words.includes(value as T),
    resolve: (value) => value,
    parse: (text) => text,
  }
}

/** A path, or a `file:` URL as `import.meta.resolve` gives it. Becomes an absolute path. */
export function path(): Check<string> {
  return {
    expected: 'a path, not empty',
    accepts: isText,
    resolve: absolute,
    parse: (text) => text,
  }
}

export function text(): Check<string> {
  return {
    expected: 'text, not empty',
    accepts: isText,
    resolve: (value) => value,
    parse: (given) => given,
  }
}

export function texts(): Check<Readonly<Record<string, string>>> {
  return {
    expected: 'an object whose values are text, not empty',
    accepts: (value): value is Readonly<Record<string, string>> =>
      isRecord(value) && Object.values(value).every(isText),
    resolve: (value) => value,
    parse: parseJson,
  }
}

/** Files of certificates and keys, or what is in them in PEM. */
export function certificates(): Check<TlsFiles> {
  const needed = ['ca', 'cert', 'key']
  const isRight = ([name, each]: [string, unknown]): boolean =>
    needed.includes(name) ? isText(each) : name === 'crl' && (each === undefined || isText(each))
  return {
    expected: 'an object of ca, cert and key, and maybe crl: paths, or texts in PEM',
    accepts: (value): value is TlsFiles =>
      isRecord(value) &&
      needed.every((name) => isText(value[name])) &&
      Object.entries(value).every(isRight),
    resolve: (value, folder) => {
      const placed = (given: string) => (isPem(given) ? given : absolute(given, folder))
      const { ca, cert, key, crl } = value
      const needed = { ca: placed(ca), cert: placed(cert), key: placed(key) }
      return crl === undefined ? needed : { ...needed, crl: placed(crl) }
    },
    parse: parseJson,
  }
}

/** What is in it is checked by who takes it. */
export function object(): Check<Readonly<Record<string, unknown>>> {
  return {
    expected: 'an object',
    accepts: isRecord,
    resolve: (value) => value,
    parse: parseJson,
  }
}

export function folders(): Check<readonly string[]> {
  return {
    expected: 'an array of paths of folders that are there',
    accepts: (value): value is readonly string[] => isArray(value) && value.every(isText),
    resolve: (value, folder) => value.map((each) => absolute(each, folder)),
    unusable: (resolved) => resolved.find((each) => !isFolder(each)),
    parse: parseJson,
  }
}

/** Whether each value can be a message is found when it is sent, with the path to what cannot. */
export function values(): Check<readonly unknown[]> {
  return {
    expected: 'an array of message values',
    accepts: (value): value is readonly unknown[] => isArray(value),
    resolve: (value) => value,
    parse: parseJson,
  }
}

export type Scalar = string | number | boolean

export function scalars(): Check<Readonly<Record<string, Scalar>>> {
  return {
    expected: 'an object whose values are strings, finite numbers or booleans',
    accepts: (value): value is Readonly<Record<string, Scalar>> =>
      isRecord(value) && Object.values(value).every(isScalar),
    resolve: (value) => value,
    parse: parseJson,
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function absolute(given: string, folder: string): string {
  return given.startsWith('file:') ? fileURLToPath(given) : resolve(folder, given)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
