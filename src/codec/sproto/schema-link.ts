/**
 * Resolves the names of a schema: what each field is made of, and the keys of maps. Text and bundle
 * both pass here: what a schema must keep to is looked at here, once.
 */
import { SPROTO_DECIMALS_MAX, SPROTO_TAG_MAX } from '../../base/limits.ts'
import {
  isScalar,
  type Schema,
  type SchemaField,
  type SchemaPlace,
  type SchemaProtocol,
  type SchemaType,
  schemaError,
} from './schema.ts'
import type { Draft, DraftField, DraftProtocol, DraftType } from './schema-text.ts'

/** @returns The full name of a type that is called so in the type `owner`. */
type NameOf = (name: string, owner: string) => string | undefined

/**
 * @param nameOf Of names that are full already: whether there is such a type.
 * @throws {SkynetError} `ERR_SPROTO_SCHEMA`: a name that is nowhere, a key that cannot be one,
 * a tag or a name that is taken, a tag that the wire has no room for.
 */
export function linkSchema(
  draft: Draft,
  nameOf: NameOf = (name, owner) => nearest(draft, owner, name),
): Schema {
  const types = new Map<string, SchemaType>()
  for (const type of draft.types.values()) {
    checkFields(type)
    const fields = type.fields.map((field) => linkField(draft, type, field, nameOf))
    types.set(type.name, { name: type.name, fields: fields.sort((a, b) => a.tag - b.tag) })
  }
  const protocols = new Map<string, SchemaProtocol>()
  const tags = new Map<number, string>()
  for (const protocol of draft.protocols.values()) {
    checkProtocol(draft, protocol, tags)
    const { name, tag, request, response, isConfirmed } = protocol
    protocols.set(name, { name, tag, request, response, isConfirmed })
  }
  return { types, protocols }
}

function checkFields({ name: type, fields }: DraftType): void {
  const names = new Set<string>()
  const tags = new Set<number>()
  for (const field of fields) {
    const { name, tag } = field
    checkTag(field, tag)
    if (names.has(name)) throw schemaError(field, `field ${name} of ${type} is there already`)
    if (tags.has(tag)) throw schemaError(field, `tag ${tag} of ${type} is taken`)
    names.add(name)
    tags.add(tag)
  }
}

/** What is behind a larger one could not be skipped: it would be lost. */
function checkTag(place: SchemaPlace, tag: number): void {
  if (tag >= 0 && tag <= SPROTO_TAG_MAX) return
  throw schemaError(place, `a tag must be in 0..${SPROTO_TAG_MAX}, current value is ${tag}`)
}

function checkProtocol(draft: Draft, protocol: DraftProtocol, tags: Map<number, string>): void {
  const { name, tag } = protocol
  checkTag(protocol, tag)
  const other = tags.get(tag)
  if (other !== undefined) {
    throw schemaError(protocol, `tag ${tag} of protocol ${name} is the one of ${other}`)
  }
  tags.set(tag, name)
  for (const part of ['request', 'response'] as const) {
    const type = protocol[part]
    if (type === undefined || draft.types.has(type)) continue
    throw schemaError(protocol, `the ${part} of ${name} is ${type}, and there is no such type`)
  }
}

function linkField(draft: Draft, owner: DraftType, field: DraftField, nameOf: NameOf): SchemaField {
  const { name, tag, isArray } = field
  const type = isScalar(field.type) ? field.type : nameOf(field.type, owner.name)
  if (type === undefined) {
    throw schemaError(field, `${owner.name}.${name} is a ${field.type}, and there is no such type`)
  }
  const shape = { name, tag, type, isArray, decimals: undefined, key: undefined }
  const plain = { ...shape, isDictionary: false }
  const { argument } = field
  if (argument === undefined) return plain
  const hasDigits = /^[0-9]/.test(argument)
  if (type === 'integer' && hasDigits) return { ...plain, decimals: decimals(owner, field) }
  // The original reads a word behind what is no array, and makes nothing of it.
  if (!isArray && !hasDigits) return plain
  const items = isArray ? draft.types.get(type) : undefined
  if (items === undefined) {
    throw schemaError(field, `${owner.name}.${name} is a ${field.type}, which takes no '(…)'`)
  }
  if (argument === '') return { ...plain, isDictionary: true, key: pairKey(owner, field, items) }
  const key = items.fields.find((each) => each.name === argument)
  if (key === undefined) {
    throw schemaError(field, `${type} has no field ${argument} to be the key of ${name}`)
  }
  checkKey(field, key, type)
  return { ...plain, key: key.name }
}

/** Types within the owner come first, then those around it. */
function nearest(draft: Draft, owner: string, name: string): string | undefined {
  for (let around = owner; around !== ''; ) {
    if (draft.types.has(`${around}.${name}`)) return `${around}.${name}`
    around = around.slice(0, Math.max(0, around.lastIndexOf('.')))
  }
  return draft.types.has(name) ? name : undefined
}

/**
 * The original takes more digits, and then a factor that has run over 32 bits: what it sends would
 * be another number here.
 */
function decimals(owner: DraftType, field: DraftField): number {
  const digits = Number(field.argument)
  if (digits <= SPROTO_DECIMALS_MAX) return digits
  const most = `at most ${SPROTO_DECIMALS_MAX} digits`
  throw schemaError(field, `${owner.name}.${field.name} may have ${most} behind the point`)
}

/** The one of two fields that has the smaller tag. */
function pairKey(owner: DraftType, field: DraftField, items: DraftType): string {
  const [first, second, ...others] = items.fields
  if (first === undefined || second === undefined || others.length > 0) {
    const where = `${owner.name}.${field.name}`
    throw schemaError(field, `${where} is a dictionary: ${items.name} must have two fields for it`)
  }
  const key = first.tag < second.tag ? first : second
  checkKey(field, key, items.name)
  return key.name
}

function checkKey(place: DraftField, key: DraftField, type: string): void {
  if (isScalar(key.type) && key.type !== 'binary' && !key.isArray) return
  const what = `${key.isArray ? '*' : ''}${key.type}`
  const reason = 'a key is one integer, string, boolean or double'
  throw schemaError(place, `${type}.${key.name} is no key of a map, as it is ${what}: ${reason}`)
}
