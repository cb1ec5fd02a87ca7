/**
 * The binary form of a schema, which Skynet's `sprotoparser` makes and its `sproto.new` loads. It
 * is itself in sproto, but for one thing: see `protocolBytes`.
 */
import { isSkynetError } from '../../base/errors.ts'
import { write } from './core.ts'
import { memory } from './memory.ts'
import { plansOf } from './plan.ts'
import { SprotoReader } from './reader.ts'
import { type Schema, type SchemaField, type SchemaProtocol, schemaError } from './schema.ts'
import { linkSchema } from './schema-link.ts'
import { type DraftField, emptyDraft, readSchemaText } from './schema-text.ts'

const BUNDLE = `
.group { types 0 : *type protocols 1 : *protocol }
.type {
  .field {
    name 0 : string
    scalar 1 : integer   # 0 integer, 1 boolean, 2 string, 3 double
    type 2 : integer     # of no scalar: which type; of an integer: decimals; of a string: 1, binary
    tag 3 : integer
    array 4 : boolean
    key 5 : integer      # a tag
    map 6 : boolean
  }
  name 0 : string
  fields 1 : *field
}
.protocol {
  name 0 : string tag 1 : integer request 2 : integer response 3 : integer confirm 4 : boolean
}`

interface BundledField {
  name?: string
  scalar?: number
  type?: number
  tag?: number
  array?: boolean
  key?: number
  map?: boolean
}
interface BundledProtocol {
  name?: string
  tag?: number
  request?: number
  response?: number
  confirm?: boolean
}
interface Bundled {
  types?: { name?: string; fields?: BundledField[] }[]
  protocols?: BundledProtocol[]
}

/** Numbers of scalars. A binary is a string, and more. */
const NUMBERS = ['integer', 'boolean', 'string', 'double']
const PLACE = { text: 0, line: 0 }

const plans = (() => {
  const draft = emptyDraft()
  readSchemaText(draft, BUNDLE, 1)
  return plansOf(linkSchema(draft))
})()

export function saveBundle(schema: Schema): Buffer {
  const names = [...schema.types.keys()].sort(byBytes)
  const types = names.map((name) => {
    const { fields } = schema.types.get(name)!
    const bundled = fields.map((field) => bundledField(schema, field, names))
    const value = bundled.length === 0 ? { name } : { name, fields: bundled }
    return write((writer) => writer.put(plans.get('type')!, value))
  })
  const protocols = [...schema.protocols.values()]
    .sort((a, b) => a.tag - b.tag)
    .map((protocol) => protocolBytes(protocol, names))
  if (protocols.length > 0) return struct([0, 0], [blocks(types), blocks(protocols)])
  return types.length > 0 ? struct([0], [blocks(types)]) : struct([], [])
}

/** In the order of their bytes in UTF-8, which is that of code points. */
function byBytes(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  const at = left.findIndex((letter, i) => letter !== right[i])
  if (at < 0) return left.length - right.length
  return left[at]!.codePointAt(0)! - (right[at]?.codePointAt(0) ?? -1)
}

function bundledField(schema: Schema, field: SchemaField, names: readonly string[]): BundledField {
  const { name, tag, type } = field
  const scalar = NUMBERS.indexOf(type === 'binary' ? 'string' : type)
  const bundled: BundledField = { name, tag }
  if (scalar >= 0) bundled.scalar = scalar
  else bundled.type = names.indexOf(type)
  if (type === 'binary') bundled.type = 1
  if (field.decimals !== undefined) bundled.type = field.decimals
  if (field.isArray) bundled.array = true
  if (field.key !== undefined) {
    bundled.key = schema.types.get(type)!.fields.find((each) => each.name === field.key)!.tag
  }
  if (field.isDictionary) bundled.map = true
  return bundled
}

/** Each field has a word of its own, as who loads it counts words, not tags: no gap is joined. */
function protocolBytes(protocol: SchemaProtocol, names: readonly string[]): Buffer {
  const { name, tag, request, response, isConfirmed } = protocol
  const type = (of: string | undefined) => (of === undefined ? GAP : inWord(names.indexOf(of)))
  const confirm = response === undefined && isConfirmed ? inWord(1) : GAP
  const words = [0, inWord(tag), type(request), type(response), confirm]
  while (words.at(-1) === GAP) words.pop()
  return struct(words, [utf8(name)])
}

/** The word of one tag without a field. */
const GAP = 1
const inWord = (value: number): number => (value + 1) * 2

function struct(words: readonly number[], data: readonly Buffer[]): Buffer {
  const head = [words.length, ...words].flatMap((word) => littleEndian(word, 2))
  return joined([Uint8Array.from(head), blocks(data)])
}

function blocks(data: readonly Buffer[]): Buffer {
  return joined(data.flatMap((each) => [Uint8Array.from(littleEndian(each.length, 4)), each]))
}

const littleEndian = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, i) => (value >> (8 * i)) & 0xff)

function utf8(text: string): Buffer {
  const size = memory.sizeOf(text)
  const bytes = memory.takeAlone(size)
  memory.write(bytes, text, 0, size)
  return bytes
}

function joined(parts: readonly Uint8Array[]): Buffer {
  const bytes = memory.takeAlone(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** @throws {SkynetError} `ERR_SPROTO_SCHEMA` */
export function loadBundle(bytes: Uint8Array): Schema {
  const { types = [], protocols = [] } = bundled(bytes)
  const draft = emptyDraft()
  for (const { name, fields = [] } of types) {
    if (name === undefined || draft.types.has(name)) throw wrong(`type ${name} is there twice`)
    draft.types.set(name, { name, fields: fields.map((field) => draftField(field, types)) })
  }
  const typeName = (index: number | undefined): string | undefined =>
    index === undefined ? undefined : (types[index]?.name ?? `type ${index}`)
  for (const { name, tag, request, response, confirm = false } of protocols) {
    if (name === undefined || tag === undefined || draft.protocols.has(name)) {
      throw wrong(`protocol ${name} has no name, no tag, or is there twice`)
    }
    draft.protocols.set(name, {
      ...PLACE,
      name,
      tag,
      request: typeName(request),
      response: typeName(response),
      isConfirmed: confirm,
    })
  }
  return linkSchema(draft, (name) => (draft.types.has(name) ? name : undefined))
}

function bundled(bytes: Uint8Array): Bundled {
  try {
    return new SprotoReader(false).read(plans.get('group')!, bytes, 0)
  } catch (error) {
    if (!isSkynetError(error, 'ERR_CODEC')) throw error
    throw wrong(`${error.info.at}: ${error.info.reason}`)
  }
}

function draftField(field: BundledField, types: NonNullable<Bundled['types']>): DraftField {
  const { name, tag, scalar, type, array: isArray = false } = field
  if (name === undefined || tag === undefined) throw wrong('a field has no name, or no tag')
  const plain = { ...PLACE, name, tag, isArray, argument: undefined }
  if (scalar === undefined) {
    const target = type === undefined ? undefined : types[type]
    if (target?.name === undefined) throw wrong(`field ${name} is of a type that is not there`)
    return { ...plain, type: target.name, argument: argumentOf(field, target.fields) }
  }
  const known = NUMBERS[scalar]
  if (known === undefined) throw wrong(`field ${name} is of scalar ${scalar}`)
  if (known === 'string' && type === 1) return { ...plain, type: 'binary' }
  if (known === 'integer' && type !== undefined && type < 0) {
    throw wrong(`field ${name} has ${type} digits behind the point`)
  }
  const argument = known === 'integer' && type !== undefined ? String(type) : undefined
  return { ...plain, type: known, argument }
}

/** What stood in the parentheses. */
function argumentOf(field: BundledField, items: readonly BundledField[] = []): string | undefined {
  if (field.map === true) return ''
  if (field.key === undefined) return undefined
  const key = items.find(({ tag }) => tag === field.key)?.name
  if (key !== undefined) return key
  throw wrong(`field ${field.name} has the key ${field.key}, and there is no such tag`)
}

const wrong = (reason: string) => schemaError(PLACE, reason)
