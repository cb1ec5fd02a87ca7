/** What a schema says, once all names in it are resolved. */
import { SkynetError } from '../../base/errors.ts'

/** What a field may hold besides a struct. Skynet's words. */
export const SCALARS = ['integer', 'boolean', 'string', 'binary', 'double'] as const
export type ScalarName = (typeof SCALARS)[number]

export interface SchemaField {
  readonly name: string
  readonly tag: number
  /** A scalar, or the full name of a type of the schema. */
  readonly type: string
  readonly isArray: boolean
  /** Of an `integer(n)`: digits behind the point. */
  readonly decimals: number | undefined
  /** Of an array that is a map: the name of the field of its items that is the key. */
  readonly key: string | undefined
  /** Of `*T()`: the items are pairs of key and value. */
  readonly isDictionary: boolean
}

export interface SchemaType {
  /** Full: `Outer.Inner`, `login.request`. */
  readonly name: string
  /** By tag. */
  readonly fields: readonly SchemaField[]
}

export interface SchemaProtocol {
  readonly name: string
  readonly tag: number
  /** The full name of a type. Without: the request has no body. */
  readonly request: string | undefined
  readonly response: string | undefined
  /** `response nil`: is answered, without a body. */
  readonly isConfirmed: boolean
}

export interface Schema {
  readonly types: ReadonlyMap<string, SchemaType>
  readonly protocols: ReadonlyMap<string, SchemaProtocol>
}

/** Where something stands: the text, from 1, and the line in it. Both 0 in a bundle. */
export interface SchemaPlace {
  readonly text: number
  readonly line: number
}

export function schemaError(place: SchemaPlace, reason: string): SkynetError {
  return new SkynetError('ERR_SPROTO_SCHEMA', { text: place.text, line: place.line, reason })
}

export const isScalar = (name: string): name is ScalarName => SCALARS.includes(name as ScalarName)
