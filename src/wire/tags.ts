/**
 * What may be part of a message, and the byte that announces it. `pack.ts`, `unpack.ts` and
 * `copy.ts` share these tables, so that all three agree on every value.
 */
import { types } from 'node:util'
import { ERROR_CODES, SkynetError } from '../base/errors.ts'
import { ServiceId } from './service-id.ts'

/**
 * First byte of a value; all numbers little-endian. 0x00..0x7f is the integer itself,
 * 0x80..0x9f a string of 0..31 latin1 bytes, 0xa0..0xaf an array of 0..15 elements, then:
 */
export const TAG = {
  SHORT_STRING: 0x80,
  SHORT_ARRAY: 0xa0,
  OBJECT: 0xb0, // key, value, key, value ... END
  END: 0xb1,
  UNDEFINED: 0xb2,
  NULL: 0xb3,
  TRUE: 0xb4,
  FALSE: 0xb5,
  INT8: 0xb6,
  INT16: 0xb7,
  INT32: 0xb8,
  DOUBLE: 0xb9,
  LATIN8: 0xba, // u8 length, one byte per character
  LATIN32: 0xbb, // u32 length
  WIDE8: 0xbc, // u8 length, two bytes per character (UTF-16: lone surrogates survive)
  WIDE32: 0xbd, // u32 length in characters
  ARRAY: 0xbe, // u32 length, elements; HOLES stands for a run of absent ones
  HOLES: 0xbf, // u32 count
  REF: 0xc0, // u32: the object met as number n, in the order of first bytes
  BIGINT64: 0xc1, // i64
  BIGINT: 0xc2, // string: hexadecimal, with '-' when negative
  DATE: 0xc3, // double: ms, NaN when invalid
  REGEXP: 0xc4, // string source, string flags
  MAP: 0xc5, // u32 size, key, value, ...
  SET: 0xc6, // u32 size, values
  BUFFER: 0xc7, // u32 length, bytes (ArrayBuffer)
  VIEW: 0xc8, // u8 index in VIEWS, u32 length in bytes, bytes
  ERROR: 0xc9, // u8 index in ERRORS, u8 PART bits, the parts in the order of PART
  SHAPED: 0xca, // an object: u8 bytes of the keys, the keys, then as many values
  SERVICE: 0xcb, // u32: its handle
  NAMED: 0xcc, // string: the local name of a service
} as const

/**
 * Byte 0 of a message, bits. Without references, the reader needs no table of the objects it met;
 * without services, it may go to another node as it is.
 */
export const HEAD = { PLAIN: 0, REFERENCES: 1, SERVICES: 2 } as const
export const HEAD_MAX = HEAD.REFERENCES | HEAD.SERVICES

export type View = Buffer | NodeJS.TypedArray | DataView
type ViewClass = {
  new (buffer: ArrayBuffer, offset: number, length: number): View
  readonly prototype: View
  readonly BYTES_PER_ELEMENT?: number
}

/** Append only: the index is on the wire. Float16Array is absent before Node 24. */
export const VIEWS: readonly ViewClass[] = [
  Buffer as unknown as ViewClass,
  Uint8Array,
  DataView,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ...('Float16Array' in globalThis ? [globalThis.Float16Array as ViewClass] : []),
]

/** Append only: the index is on the wire. */
const SKYNET = 9
const ERRORS: readonly { readonly prototype: Error }[] = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
  DOMException,
  SkynetError,
]

export const KIND = {
  NONE: 0,
  DATE: 1,
  REGEXP: 2,
  MAP: 3,
  SET: 4,
  BUFFER: 5,
  ERROR: 6,
  /** These two only of another context: those of ours are known without asking. */
  PLAIN: 7,
  ARRAY: 8,
  SERVICE: 9,
  VIEW: 16,
} as const

const KINDS = new Map<object, number>([
  [Date.prototype, KIND.DATE],
  [RegExp.prototype, KIND.REGEXP],
  [Map.prototype, KIND.MAP],
  [Set.prototype, KIND.SET],
  [ArrayBuffer.prototype, KIND.BUFFER],
])
for (const [index, view] of VIEWS.entries()) KINDS.set(view.prototype, KIND.VIEW + index)

const BRANDS: readonly ((value: object) => boolean)[] = [
  () => false,
  types.isDate,
  types.isRegExp,
  types.isMap,
  types.isSet,
  types.isArrayBuffer,
  () => false,
  () => true,
  Array.isArray,
]

/** The same by name, for other contexts of `node:vm`, where test runners like to put tests. */
const KIND_NAMES = new Map<string, number>([
  ['Object', KIND.PLAIN],
  ['Array', KIND.ARRAY],
  ['Date', KIND.DATE],
  ['RegExp', KIND.REGEXP],
  ['Map', KIND.MAP],
  ['Set', KIND.SET],
  ['ArrayBuffer', KIND.BUFFER],
])
for (const [index, { name }] of VIEWS.entries()) {
  // A Buffer is of no other context.
  if (index > 0) KIND_NAMES.set(name, KIND.VIEW + index)
}

const sourceOf = Function.prototype.toString
/** The source of a class of the engine, whatever was done to its `name`. */
const NATIVE = /^function (\w+)\(\) \{ \[native code\] \}$/
/** What was found out of prototypes of other contexts, which never change. */
const foreign = new WeakMap<object, string>()

/**
 * Of which built-in class of any context `prototype` is, or ''. A constructor of the engine cannot
 * be made up, nor be given another prototype.
 */
function builtInOf(prototype: object): string {
  const known = foreign.get(prototype)
  if (known !== undefined) return known
  const type: unknown = ownValue(prototype, 'constructor')
  if (typeof type !== 'function' || ownValue(type, 'prototype') !== prototype) return ''
  // The class that mocks of timers put in the place of `Date` says what it is.
  const isMock = ownValue(type, 'isFake') === true
  const name = isMock ? 'Date' : NATIVE.exec(sourceOf.call(type))?.[1]
  if (name === undefined) return ''
  foreign.set(prototype, name)
  return name
}

/** No getter is called, and no trap of a proxy. */
function ownValue(object: object, key: string): unknown {
  return types.isProxy(object) ? undefined : Object.getOwnPropertyDescriptor(object, key)?.value
}

const domName = Object.getOwnPropertyDescriptor(DOMException.prototype, 'name')!.get!

/** Node 20 does not count a DOMException among the native errors, newer ones do. */
function isError(object: object): boolean {
  if (!(object instanceof DOMException)) return types.isNativeError(object)
  try {
    return typeof domName.call(object) === 'string'
  } catch {
    return false
  }
}

/** Does it hold other values? Those are one level deeper. */
export const isContainer = (kind: number): boolean =>
  kind === KIND.MAP ||
  kind === KIND.SET ||
  kind === KIND.ERROR ||
  kind === KIND.PLAIN ||
  kind === KIND.ARRAY

/**
 * Which built-in `object` is; neither its prototype alone nor its inside alone is believed.
 * A view is `KIND.VIEW` plus its index in VIEWS. `NONE` is refused.
 */
export function kindOf(object: object, prototype: object): number {
  const own = KINDS.get(prototype)
  if (own === undefined && ServiceId.is(object)) return KIND.SERVICE
  const kind = own ?? KIND_NAMES.get(builtInOf(prototype))
  if (kind === undefined) return isError(object) ? KIND.ERROR : KIND.NONE
  if (kind < KIND.VIEW) return BRANDS[kind]!(object) ? kind : KIND.NONE
  if (!ArrayBuffer.isView(object)) return KIND.NONE
  return types.isDataView(object) === (VIEWS[kind - KIND.VIEW] === DataView) ? kind : KIND.NONE
}

// What a value is inside is asked of the engine: a property of its own may say anything, and so
// may one that a Proxy makes up.
const getterOf = <T>(prototype: object, key: string): ((this: object) => T) =>
  Object.getOwnPropertyDescriptor(prototype, key)!.get as (this: object) => T

const gettersIn = (prototype: object) => ({
  buffer: getterOf<ArrayBufferLike>(prototype, 'buffer'),
  byteOffset: getterOf<number>(prototype, 'byteOffset'),
  byteLength: getterOf<number>(prototype, 'byteLength'),
})
const TYPED = gettersIn(Object.getPrototypeOf(Uint8Array.prototype))
const DATA_VIEW = gettersIn(DataView.prototype)

/** The bytes of a buffer or view; undefined when the memory is shared, detached or misaligned. */
export function bytesOf(source: ArrayBuffer | View, kind: number): Uint8Array | undefined {
  let bytes: Uint8Array
  try {
    if (kind === KIND.BUFFER) bytes = new Uint8Array(source as ArrayBuffer)
    else {
      const { buffer, byteOffset, byteLength } = types.isDataView(source) ? DATA_VIEW : TYPED
      const memory = buffer.call(source)
      if (types.isSharedArrayBuffer(memory)) return undefined
      bytes = new Uint8Array(memory, byteOffset.call(source), byteLength.call(source))
    }
  } catch {
    return undefined
  }
  const cell = kind === KIND.BUFFER ? 1 : (VIEWS[kind - KIND.VIEW]!.BYTES_PER_ELEMENT ?? 1)
  return bytes.byteLength % cell === 0 ? bytes : undefined
}

const sourceOfPattern = getterOf<string>(RegExp.prototype, 'source')
/** In the order in which `flags` has them. */
const FLAGS = (
  [
    ['hasIndices', 'd'],
    ['global', 'g'],
    ['ignoreCase', 'i'],
    ['multiline', 'm'],
    ['dotAll', 's'],
    ['unicode', 'u'],
    ['unicodeSets', 'v'],
    ['sticky', 'y'],
  ] as const
).map(([key, flag]) => ({ isSet: getterOf<boolean>(RegExp.prototype, key), flag }))

/** Handle or name; undefined when somebody has changed that to what no service has. */
export function targetOf(id: object): number | string | undefined {
  const { target } = id as ServiceId
  return typeof target === 'string' || target >>> 0 === target ? target : undefined
}

/** The pattern and the flags that a regular expression was made of. */
export function patternOf(pattern: object): { readonly source: string; readonly flags: string } {
  let flags = ''
  for (const { isSet, flag } of FLAGS) if (isSet.call(pattern)) flags += flag
  return { source: sourceOfPattern.call(pattern), flags }
}

/** The length of an array, or -1 when a Proxy makes up one that no array has. */
export function lengthOf(array: readonly unknown[]): number {
  const { length } = array
  return length >>> 0 === length ? length : -1
}

/** A view of kind VIEWS[index] on memory of its own with the content of `bytes`. */
export function makeView(index: number, bytes: Uint8Array): View {
  const type = VIEWS[index]!
  // Buffers come from Node's pool as any small Buffer does; it belongs to this thread.
  if (index === 0) return Buffer.from(bytes)
  const memory = new ArrayBuffer(bytes.byteLength)
  new Uint8Array(memory).set(bytes)
  return new type(memory, 0, bytes.byteLength / (type.BYTES_PER_ELEMENT ?? 1))
}

/** Own elements of `array` at `from`..`end`, ascending: a sparse array costs what it holds. */
export function indexesFrom(array: readonly unknown[], from: number, end: number): number[] {
  const indexes: number[] = []
  for (const key of Object.keys(array)) {
    const index = Number(key)
    if (!(index < 0xffffffff) || String(index) !== key) break // named properties come last
    if (index >= from && index < end) indexes.push(index)
  }
  return indexes
}

/** Extend `array` with holes. Far jumps go through the length that makes V8 use a dictionary. */
export function stretch(array: unknown[], length: number): void {
  if (length - array.length > 32) array.length = 0xffffffff
  array.length = length
}

/** Sets what plain assignment would take as the prototype. */
export function setProto(object: object, value: unknown): void {
  Object.defineProperty(object, '__proto__', {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

/** Parts of an error that are present, as bits; the first three are strings. */
export const PART = {
  name: 1,
  message: 2,
  stack: 4,
  code: 8,
  info: 16,
  cause: 32,
  errors: 64,
} as const
/** Parts that may be any value, walked after the error itself is known. */
export const VALUE_PARTS = ['code', 'info', 'cause', 'errors'] as const

export interface ErrorParts {
  index: number
  parts: number
  name: string
  message: string
  stack: string
  code: unknown
  info: unknown
  cause: unknown
  errors: unknown
}

/** What each class calls itself; an error of that name needs none of its own. */
const NAMES = ERRORS.map((type) =>
  type.prototype === DOMException.prototype ? 'Error' : type.prototype.name,
)
/** Of other contexts; these two have one class for all. */
const ERROR_NAMES = ERRORS.map((type) =>
  type.prototype === DOMException.prototype || type.prototype === SkynetError.prototype
    ? undefined
    : type.prototype.name,
) as readonly (string | undefined)[]
const hasOwn = Object.hasOwn
const enumerable = Object.prototype.propertyIsEnumerable
const CODES = new Set<unknown>(ERROR_CODES)

/** Is `code` one a SkynetError may have? */
export const isCode = (code: unknown): boolean => CODES.has(code)

/** What of `error` travels. A class of the user's arrives as its nearest standard ancestor. */
export function errorParts(error: Error): ErrorParts {
  let index = 0
  for (let p = Object.getPrototypeOf(error); p !== null; p = Object.getPrototypeOf(p)) {
    index = ERRORS.findIndex((type) => type.prototype === p)
    if (index < 0) index = ERROR_NAMES.indexOf(builtInOf(p))
    if (index >= 0) break
  }
  if (index < 0) index = 0
  const given = error as Error & { code?: unknown; info?: unknown; errors?: unknown }
  const code = enumerable.call(error, 'code') ? given.code : undefined
  const info = index === SKYNET ? given.info : undefined
  if (index === SKYNET && (!isCode(code) || typeof info !== 'object' || info === null)) index = 0
  const { name, message, stack } = given
  let parts = 0
  if (typeof name === 'string' && (hasOwn(error, 'name') || name !== NAMES[index]))
    parts |= PART.name
  if (typeof message === 'string' && (hasOwn(error, 'message') || message !== ''))
    parts |= PART.message
  if (typeof stack === 'string') parts |= PART.stack
  if (enumerable.call(error, 'code')) parts |= PART.code
  if (index === SKYNET) parts |= PART.info
  if (hasOwn(error, 'cause')) parts |= PART.cause
  if (hasOwn(error, 'errors') && Array.isArray(given.errors)) parts |= PART.errors
  const cause = parts & PART.cause ? given.cause : undefined
  const errors = parts & PART.errors ? given.errors : undefined
  return { index, parts, name, message, stack: stack as string, code, info, cause, errors }
}

/** True when PART bits and kind fit together; for readers of bytes. */
export function isErrorShape(index: number, parts: number): boolean {
  if (index >= ERRORS.length || parts >= 128) return false
  const wants = index === SKYNET ? PART.code | PART.info : 0
  return (parts & wants) === wants && (index === SKYNET || (parts & PART.info) === 0)
}

export const isSkynetIndex = (index: number): boolean => index === SKYNET

/** An error of kind ERRORS[index] without its value parts; `setErrorPart` adds those. */
export function makeError(
  given: Pick<ErrorParts, 'index' | 'parts' | 'name' | 'message' | 'stack'>,
) {
  const { index, parts, name, message, stack } = given
  const own = (key: string, value: unknown, enumerable: boolean) =>
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
  // Constructors of ours and AggregateError want arguments that are not read yet.
  const error: Error =
    ERRORS[index]!.prototype === DOMException.prototype
      ? new DOMException(message, parts & PART.name ? name : 'Error')
      : Reflect.construct(Error, [], ERRORS[index] as unknown as new () => Error)
  if (error instanceof DOMException) own('stack', stack, false)
  else {
    own('stack', parts & PART.stack ? stack : undefined, false)
    if (parts & PART.message) own('message', message, false)
    if (parts & PART.name) own('name', name, true)
  }
  return error
}

/** `code` and `info` are enumerable, as where they were set; `cause` and `errors` are hidden. */
export function setErrorPart(error: Error, part: (typeof VALUE_PARTS)[number], value: unknown) {
  const shown = part === 'code' || part === 'info'
  Object.defineProperty(error, part, {
    value,
    enumerable: shown,
    writable: true,
    configurable: true,
  })
}
