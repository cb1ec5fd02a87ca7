/** Values → values of their own: what `unpack(pack(value))` gives, without bytes between. */
import { MESSAGE_BYTES_MAX, MESSAGE_DEPTH_MAX } from '../base/limits.ts'
import { expectNumber, isNumeric, NO_NUMBERS } from './numbers.ts'
import { Packer } from './pack.ts'
import {
  indexStep,
  keyStep,
  mapStep,
  passing,
  Refusal,
  refuse,
  tooDeep,
  tooLarge,
} from './refusal.ts'
import type { Binder } from './service-id.ts'
import { areSimple, isSimple } from './simple.ts'
import {
  bytesOf,
  errorParts,
  indexesFrom,
  isContainer,
  KIND,
  kindOf,
  lengthOf,
  makeError,
  makeView,
  PART,
  patternOf,
  setErrorPart,
  setProto,
  stretch,
  targetOf,
  VALUE_PARTS,
  type View,
} from './tags.ts'

/** So many objects are looked up in lists, more in a Map. */
const LIST_MAX = 32
/** Arrays up to this length are made at once; a longer one may be mostly holes. */
const PREALLOCATED_MAX = 1024
/** The most bytes a number or another small primitive takes when packed, and any header. */
const SMALL_BYTES = 9

const { getPrototypeOf } = Object
const owns = Object.prototype.hasOwnProperty
const forEachInMap = Map.prototype.forEach
const forEachInSet = Set.prototype.forEach
const arrayPrototype = Array.prototype
const objectPrototype = Object.prototype

class Copier {
  /** Originals and their copies, while they are few. */
  readonly #originals: (object | undefined)[] = new Array<undefined>(LIST_MAX).fill(undefined)
  readonly #copies: (object | undefined)[] = new Array<undefined>(LIST_MAX).fill(undefined)
  readonly #map = new Map<object, object>()
  #count = 0
  /** At least the bytes of the message when packed: only a heavy one is measured exactly. */
  #weight = 0
  #binder: Binder | undefined

  copy(value: unknown, root: string, binder: Binder | undefined): unknown {
    this.#weight = 1
    this.#binder = binder
    let result: unknown
    try {
      result = this.#value(value, 0)
    } catch (error) {
      throw error instanceof Refusal ? error.toError(root) : error
    } finally {
      this.#forget()
    }
    if (this.#weight > MESSAGE_BYTES_MAX) new Packer().pack(result, root)
    return result
  }

  #value(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? this.#small(value) : this.#object(value, depth)
      case 'string':
        this.#weight += value.length * 2 + SMALL_BYTES
        return value
      case 'function':
      case 'symbol':
        throw refuse(value)
      case 'bigint':
        if (BigInt.asIntN(64, value) !== value) this.#weight += value.toString(16).length
        return this.#small(value)
      default:
        return this.#small(value)
    }
  }

  #small<T>(value: T): T {
    this.#weight += SMALL_BYTES
    return value
  }

  #object(object: object, depth: number): object {
    this.#weight += SMALL_BYTES
    const known = this.#find(object)
    if (known !== undefined) return known
    const prototype = getPrototypeOf(object)
    if (prototype === objectPrototype || prototype === null) {
      if (depth === MESSAGE_DEPTH_MAX) throw tooDeep()
      return this.#plain(object as Record<string, unknown>, depth + 1)
    }
    if (prototype === arrayPrototype && Array.isArray(object)) {
      if (depth === MESSAGE_DEPTH_MAX) throw tooDeep()
      return this.#array(object, depth + 1)
    }
    return this.#builtIn(object, kindOf(object, prototype), depth)
  }

  #plain(object: Record<string, unknown>, depth: number): object {
    const result: Record<string, unknown> = {}
    this.#remember(object, result)
    let key = ''
    let numbers = 0
    let weight = 0
    try {
      for (key in object) {
        if (!owns.call(object, key)) continue
        if (numbers !== NO_NUMBERS)
          numbers = isNumeric(key) ? expectNumber(result, key, numbers) : NO_NUMBERS
        weight += key.length * 2 + SMALL_BYTES
        let value = object[key]
        // As `#value` does; what most values are is not worth a call.
        if (typeof value === 'number' || typeof value === 'boolean') weight += SMALL_BYTES
        else if (typeof value === 'string') weight += value.length * 2 + SMALL_BYTES
        else if (typeof value === 'object' && value !== null) value = this.#object(value, depth)
        else value = this.#value(value, depth)
        if (key === '__proto__') setProto(result, value)
        else result[key] = value
      }
    } catch (error) {
      throw passing(error, keyStep(key))
    }
    this.#weight += weight
    return result
  }

  #array(array: readonly unknown[], depth: number): unknown[] {
    const length = lengthOf(array)
    if (length < 0) throw refuse(array)
    const result: unknown[] = length <= PREALLOCATED_MAX ? new Array(length) : []
    this.#remember(array, result)
    let i = 0
    try {
      for (; i < length; i++) {
        const value = array[i]
        if (value === undefined && !owns.call(array, i)) break
        result[i] = this.#value(value, depth)
      }
    } catch (error) {
      throw passing(error, indexStep(i))
    }
    if (i < length) this.#sparse(array, result, i, length, depth)
    return result
  }

  /** The rest of an array from its first hole on. */
  #sparse(
    array: readonly unknown[],
    result: unknown[],
    from: number,
    length: number,
    depth: number,
  ): void {
    for (const index of indexesFrom(array, from, length)) {
      if (!owns.call(array, index)) continue
      this.#weight += SMALL_BYTES
      try {
        result[index] = this.#value(array[index], depth)
      } catch (error) {
        throw passing(error, indexStep(index))
      }
    }
    this.#weight += SMALL_BYTES
    if (result.length < length) stretch(result, length)
  }

  #builtIn(object: object, kind: number, depth: number): object {
    if (isContainer(kind) && depth === MESSAGE_DEPTH_MAX) throw tooDeep()
    if (kind === KIND.NONE) throw refuse(object)
    if (kind === KIND.PLAIN) return this.#plain(object as Record<string, unknown>, depth + 1)
    if (kind === KIND.ARRAY) return this.#array(object as unknown[], depth + 1)
    if (kind === KIND.DATE)
      return this.#remember(object, new Date(Date.prototype.getTime.call(object)))
    if (kind === KIND.REGEXP) {
      const { source, flags } = patternOf(object)
      this.#weight += (source.length + flags.length) * 2 + SMALL_BYTES
      return this.#remember(object, new RegExp(source, flags))
    }
    if (kind === KIND.MAP) return this.#mapEntries(object as Map<unknown, unknown>, depth + 1)
    if (kind === KIND.SET) return this.#setValues(object as Set<unknown>, depth + 1)
    if (kind === KIND.ERROR) return this.#error(object as Error, depth + 1)
    if (kind === KIND.SERVICE) return this.#service(object)
    return this.#memory(object as ArrayBuffer | View, kind)
  }

  #mapEntries(map: Map<unknown, unknown>, depth: number): object {
    // A snapshot, as structured clone takes: a getter inside may change the map.
    const entries: unknown[] = []
    forEachInMap.call(map, (value, key) => entries.push(key, value))
    const result = this.#remember(map, new Map<unknown, unknown>())
    let i = 0
    try {
      for (let key: unknown; i < entries.length; i++) {
        const item = this.#value(entries[i], depth)
        if (i & 1) result.set(key, item)
        else key = item
      }
    } catch (error) {
      const step = i & 1 ? mapStep(entries[i - 1], i >> 1) : `.keys()[${i >> 1}]`
      throw passing(error, step)
    }
    return result
  }

  #setValues(set: Set<unknown>, depth: number): object {
    const values: unknown[] = []
    forEachInSet.call(set, (value) => values.push(value))
    const result = this.#remember(set, new Set<unknown>())
    let i = 0
    try {
      for (; i < values.length; i++) result.add(this.#value(values[i], depth))
    } catch (error) {
      throw passing(error, `.values()[${i}]`)
    }
    return result
  }

  #error(error: Error, depth: number): object {
    const given = errorParts(error)
    for (const part of ['name', 'message', 'stack'] as const)
      if (given.parts & PART[part]) this.#weight += given[part].length * 2 + SMALL_BYTES
    const result = this.#remember(error, makeError(given))
    for (const part of VALUE_PARTS) {
      if ((given.parts & PART[part]) === 0) continue
      try {
        setErrorPart(result, part, this.#value(given[part], depth))
      } catch (error) {
        throw passing(error, `.${part}`)
      }
    }
    return result
  }

  #service(id: object): object {
    const target = targetOf(id)
    if (target === undefined) throw refuse(id)
    if (typeof target === 'string') this.#weight += target.length * 2
    return this.#remember(id, this.#binder?.bind(target) ?? id)
  }

  #memory(source: ArrayBuffer | View, kind: number): object {
    const bytes = bytesOf(source, kind)
    if (bytes === undefined) throw refuse(source)
    this.#weight += bytes.byteLength
    if (bytes.byteLength > MESSAGE_BYTES_MAX) throw tooLarge(this.#weight)
    return this.#remember(
      source,
      kind === KIND.BUFFER ? bytes.slice().buffer : makeView(kind - KIND.VIEW, bytes),
    )
  }

  #find(object: object): object | undefined {
    const count = this.#count
    if (count > LIST_MAX) return this.#map.get(object)
    for (let i = 0; i < count; i++) if (this.#originals[i] === object) return this.#copies[i]
    return undefined
  }

  #remember<T extends object>(object: object, result: T): T {
    const count = this.#count
    if (count < LIST_MAX) {
      this.#originals[count] = object
      this.#copies[count] = result
    } else {
      if (count === LIST_MAX)
        for (let i = 0; i < LIST_MAX; i++) this.#map.set(this.#originals[i]!, this.#copies[i]!)
      this.#map.set(object, result)
    }
    this.#count = count + 1
    return result
  }

  #forget(): void {
    const few = Math.min(this.#count, LIST_MAX)
    for (let i = 0; i < few; i++) {
      this.#originals[i] = undefined
      this.#copies[i] = undefined
    }
    if (this.#count > LIST_MAX) this.#map.clear()
    this.#count = 0
    this.#binder = undefined
  }
}

let idle: Copier | undefined = new Copier()

/**
 * Copy `value` with the meaning of `unpack(pack(value))`; primitives return as they are.
 *
 * @param root Names the value in the paths of errors.
 * @param binder Whom it is for. None: what names a service stays what it is.
 * @throws {SkynetError} `ERR_MESSAGE_UNSUPPORTED`, `ERR_MESSAGE_TOO_DEEP`,
 * `ERR_MESSAGE_TOO_LARGE`; what a getter of the value throws.
 */
export function copy(value: unknown, root = 'message', binder?: Binder): unknown {
  return isSimple(value) ? value : copyWith(value, root, binder)
}

/** As `copy`, of an array that was made for it: when all in it is simple it is the copy. */
export function copyMade(array: readonly unknown[], root: string, binder: Binder): unknown {
  return areSimple(array) ? array : copyWith(array, root, binder)
}

function copyWith(value: unknown, root: string, binder: Binder | undefined): unknown {
  // A getter that sends comes here again: then the copier is in use, and another one is made.
  const copier = idle ?? new Copier()
  idle = undefined
  try {
    return copier.copy(value, root, binder)
  } finally {
    idle = copier
  }
}
