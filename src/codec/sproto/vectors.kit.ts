/** Messages that Skynet itself has encoded (test/vectors), as values of ours. */
import { readFileSync } from 'node:fs'
import type { Schema, SchemaField } from './schema.ts'
import { linkSchema } from './schema-link.ts'
import { emptyDraft, readSchemaText } from './schema-text.ts'

/** A value of Lua in JSON. Objects with a `$` stand for what JSON has not. */
export type LuaJson = unknown

export interface EncodeCase {
  readonly type: string
  readonly note?: string
  readonly obj?: LuaJson
  readonly hex?: string
  readonly pack?: string
  /** When it is not `obj`. */
  readonly decoded?: LuaJson
  readonly encodeError?: string
  readonly decodeHex?: string
  readonly decodeError?: string
  readonly decodedBytes?: number
}

interface Dispatched {
  readonly args?: LuaJson
  readonly hasResponse: boolean
  readonly name: string
}

export interface RpcCase {
  readonly side: 'c2s' | 's2c'
  readonly name: string
  readonly args?: LuaJson
  readonly session?: number
  readonly request?: string
  readonly requestUnpacked?: string
  readonly requestError?: string
  readonly dispatch?: Dispatched
  readonly responseArgs?: LuaJson
  readonly response?: string
  readonly responseError?: string
  readonly clientSees?: { readonly result?: LuaJson; readonly session: number }
}

export interface Vectors {
  readonly schemas: readonly {
    readonly id: string
    readonly text: string
    readonly spb: string
    readonly cases: readonly EncodeCase[]
  }[]
  readonly rpcSchemas: Record<'c2s' | 'c2sSpb' | 's2c' | 's2cSpb', string>
  readonly rpc: readonly RpcCase[]
  readonly schemaErrors: readonly { readonly text: string; readonly error: string }[]
  readonly packVectors: readonly { readonly raw: string; readonly pack: string }[]
  readonly unpackEdge: readonly {
    readonly pack: string
    readonly ok: boolean
    readonly raw?: string
  }[]
  readonly decimalOverflow: readonly {
    readonly decimals: number
    readonly value: number
    readonly hex: string
  }[]
  readonly encodeLimit: readonly { readonly dataLength: number; readonly ok: boolean }[]
  readonly depth: Readonly<Record<string, string>>
  readonly emptySchema: { readonly text: string; readonly spb: string }
  readonly protocolWithoutTypes: { readonly text: string }
}

const FILE = new URL('../../../../test/vectors/sproto.json', import.meta.url)
export const VECTORS = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors

export const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')

export function schemaOf(text: string): Schema {
  const draft = emptyDraft()
  readSchemaText(draft, text, 1)
  return linkSchema(draft)
}

/** The value of a type, as `encode` takes it and `decode` gives it. What is wrong stays wrong. */
export function luaValue(schema: Schema, type: string, json: LuaJson): unknown {
  const fields = new Map(schema.types.get(type)!.fields.map((field) => [field.name, field]))
  if (!isTable(json)) return plain(json)
  const entries = Object.entries(json).map(([name, value]) => {
    const field = fields.get(name)
    return [name, field === undefined ? value : fieldValue(schema, field, value)] as const
  })
  return Object.fromEntries(entries)
}

function fieldValue(schema: Schema, field: SchemaField, json: LuaJson): unknown {
  const one = (value: LuaJson): unknown =>
    schema.types.has(field.type) ? luaValue(schema, field.type, value) : scalar(field.type, value)
  if (field.key !== undefined) return mapValue(schema, field, json)
  if (!field.isArray) return one(json)
  if (!isTable(json)) return Array.isArray(json) ? json.map(one) : plain(json)
  if (Array.isArray(json.$seq)) return sequence(json.$seq as [number, number])
  // Lua has one kind of empty table.
  return Object.keys(json).length === 0 ? [] : json
}

function mapValue(schema: Schema, field: SchemaField, json: LuaJson): unknown {
  if (!isTable(json) || !Array.isArray(json.$map)) return json
  const pairs = json.$map as [LuaJson, LuaJson][]
  const { fields } = schema.types.get(field.type)!
  const key = fields.find(({ name }) => name === field.key)!
  const value = fields.find(({ name }) => name !== field.key)!
  return new Map(
    pairs.map(([k, v]) => [
      fieldValue(schema, key, k),
      field.isDictionary ? fieldValue(schema, value, v) : luaValue(schema, field.type, v),
    ]),
  )
}

function scalar(type: string, json: LuaJson): unknown {
  const value = plain(json)
  if (type === 'binary' && typeof value === 'string') return Buffer.from(value)
  if (type === 'string' && Buffer.isBuffer(value)) return value.toString()
  if (type === 'integer' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return BigInt(value as number)
  }
  return value
}

function plain(json: LuaJson): unknown {
  if (!isTable(json)) return json
  if (typeof json.$int === 'string') return BigInt(json.$int)
  if (typeof json.$f64 === 'string') return Number(json.$f64.replace('inf', 'Infinity'))
  if (typeof json.$hex === 'string') return bytesOf(json.$hex)
  if (Array.isArray(json.$rep)) return String(json.$rep[0]).repeat(json.$rep[1] as number)
  return json
}

const sequence = ([first, count]: [number, number]): number[] =>
  Array.from({ length: count }, (_, i) => first + i)

const isTable = (json: LuaJson): json is Record<string, LuaJson> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
