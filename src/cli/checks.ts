/** Checks as values: what a config key accepts, and what becomes of it. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `I` is what the user writes, `T` what the node gets. */
export interface Check<I, T = I> {
  /** Completes "it must be …". */
  readonly expected: string
  accepts(value: unknown): value is I
  /** @param folder The folder of the config file: relative paths start there. */
  resolve(value: I, folder: string): T
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

/** A path, or a `file:` URL as `import.meta.resolve` gives it. Becomes an absolute path. */
export function path(): Check<string> {
  return {
    expected: 'a path, not empty',
    accepts: isText,
    resolve: absolute,
    parse: (text) => text,
  }
}

export function paths(): Check<readonly string[]> {
  return {
    expected: 'an array of paths, none of them empty',
    accepts: (value): value is readonly string[] => Array.isArray(value) && value.every(isText),
    resolve: (value, folder) => value.map((each) => absolute(each, folder)),
    parse: parseJson,
  }
}

/** Whether each value can be a message is found when it is sent, with the path to what cannot. */
export function values(): Check<readonly unknown[]> {
  return {
    expected: 'an array of message values',
    accepts: (value): value is readonly unknown[] => Array.isArray(value),
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
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
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
