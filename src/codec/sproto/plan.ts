/**
 * A schema made ready for encoding and decoding: what is asked for each field of each message is
 * answered once, here.
 */
import { isScalar, type Schema, type SchemaField, type SchemaType } from './schema.ts'

/** What one value is. */
export const VALUE_KIND = {
  integer: 0,
  boolean: 1,
  string: 2,
  binary: 3,
  double: 4,
  /** An integer that stands for one with a point. */
  decimal: 5,
  struct: 6,
} as const

/** How many there are of it. */
export const FORM = {
  one: 0,
  array: 1,
  /** An array whose items have a key of their own: `*T(key)`. */
  keyed: 2,
  /** An array of pairs: `*T()`. */
  dictionary: 3,
} as const

export interface FieldPlan {
  readonly name: string
  readonly tag: number
  readonly kind: number
  readonly form: number
  /** Of a decimal: 1 behind the point becomes so much. */
  readonly factor: number
  /** Of a struct: what it is made of. */
  readonly type: TypePlan | undefined
  /** Of a map: the fields of `type` that are key and value. */
  key: FieldPlan | undefined
  value: FieldPlan | undefined
  /** Every object has something of this name, which is not meant: `constructor`. */
  readonly isInherited: boolean
  /** An assignment would change the prototype. */
  readonly isPrototype: boolean
}

export interface TypePlan {
  readonly name: string
  /** By tag. */
  readonly fields: FieldPlan[]
}

export type Plans = ReadonlyMap<string, TypePlan>

export function plansOf({ types }: Schema): Plans {
  const plans = new Map<string, TypePlan>()
  for (const { name } of types.values()) plans.set(name, { name, fields: [] })
  for (const type of types.values()) {
    plans.get(type.name)!.fields.push(...type.fields.map((field) => planOf(field, plans)))
  }
  for (const type of types.values()) setKeys(type, plans)
  return plans
}

function planOf(field: SchemaField, plans: Plans): FieldPlan {
  const { name, tag, decimals } = field
  return {
    name,
    tag,
    kind: kindOf(field),
    form: formOf(field),
    factor: 10 ** (decimals ?? 0),
    type: plans.get(field.type),
    key: undefined,
    value: undefined,
    isInherited: name in Object.prototype,
    isPrototype: name === '__proto__',
  }
}

/** When all fields are there. */
function setKeys(type: SchemaType, plans: Plans): void {
  const { fields } = plans.get(type.name)!
  for (const [i, { key }] of type.fields.entries()) {
    if (key === undefined) continue
    const field = fields[i]!
    const items = field.type!.fields
    field.key = items.find(({ name }) => name === key)
    field.value = items.find(({ name }) => name !== key)
  }
}

function kindOf({ type, decimals }: SchemaField): number {
  if (decimals !== undefined) return VALUE_KIND.decimal
  return isScalar(type) ? VALUE_KIND[type] : VALUE_KIND.struct
}

function formOf({ isArray, key, isDictionary }: SchemaField): number {
  if (isDictionary) return FORM.dictionary
  if (key !== undefined) return FORM.keyed
  return isArray ? FORM.array : FORM.one
}
