/** A schema with its plans, and the writers and readers that all schemas of a thread share. */
import { guess, isObject, refusal } from '../../base/check.ts'
import { type Plans, plansOf, type TypePlan } from './plan.ts'
import { SprotoReader } from './reader.ts'
import type { Schema, SchemaProtocol } from './schema.ts'
import { SprotoWriter } from './writer.ts'

/** Taken while it writes: what a getter encodes meanwhile is written by another one. */
let spare: SprotoWriter | undefined = new SprotoWriter()
const exact = new SprotoReader(false)
const wide = new SprotoReader(true)

/** Write a message: `put` is called once, with what it may put structs into. */
export function write(put: (writer: SprotoWriter) => void): Buffer {
  const writer = spare ?? new SprotoWriter()
  spare = undefined
  try {
    writer.begin()
    put(writer)
    return writer.end()
  } finally {
    spare = writer
  }
}

/** @param isWide See `SprotoReader`. */
export const readerOf = (isWide: boolean): SprotoReader => (isWide ? wide : exact)

export class SprotoCore {
  readonly schema: Schema
  readonly isWide: boolean
  readonly #plans: Plans

  constructor(schema: Schema, isWide: boolean) {
    this.schema = schema
    this.isWide = isWide
    this.#plans = plansOf(schema)
  }

  /** @throws {TypeError} There is no such type. */
  plan(what: string, name: string): TypePlan {
    const plan = this.#plans.get(name)
    if (plan !== undefined) return plan
    throw unknown(what, 'type', name, [...this.#plans.keys()])
  }

  /** @throws {TypeError} There is no such protocol. */
  protocol(what: string, name: string): SchemaProtocol {
    const { protocols } = this.schema
    const protocol = protocols.get(name)
    if (protocol !== undefined) return protocol
    throw unknown(what, 'protocol', name, [...protocols.keys()])
  }
}

function unknown(what: string, kind: string, name: unknown, known: readonly string[]): TypeError {
  const hint = typeof name === 'string' && known.length > 0 ? guess(name, known) : ''
  return refusal('value', what, kind, `one of the schema${hint}`, name)
}

/** What schemas that users hold have inside. */
const cores = new WeakMap<object, SprotoCore>()

export function setCore(owner: object, core: SprotoCore): void {
  cores.set(owner, core)
}

/** @throws {TypeError} It is no schema. */
export function coreOf(what: string, owner: object): SprotoCore {
  const core = isObject(owner) ? cores.get(owner) : undefined
  if (core !== undefined) return core
  throw refusal('type', what, 'schema', 'what sproto() or loadSproto() has made', owner)
}
