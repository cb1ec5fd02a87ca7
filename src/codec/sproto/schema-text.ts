/** The text of a schema → what it says, names unresolved. What it means is of `schema-link.ts`. */
import { CODEC_DEPTH_MAX, SPROTO_TAG_MAX } from '../../base/limits.ts'
import { beginOf } from '../../base/text.ts'
import { type SchemaPlace, schemaError } from './schema.ts'

/** A field as it is written. `argument` is what stands in its parentheses. */
export interface DraftField extends SchemaPlace {
  readonly name: string
  readonly tag: number
  readonly type: string
  readonly isArray: boolean
  readonly argument: string | undefined
}

export interface DraftType {
  readonly name: string
  readonly fields: DraftField[]
}

export interface DraftProtocol extends SchemaPlace {
  readonly name: string
  readonly tag: number
  request: string | undefined
  response: string | undefined
  isConfirmed: boolean
}

export interface Draft {
  readonly types: Map<string, DraftType>
  readonly protocols: Map<string, DraftProtocol>
}

const BLANK = /[ \t\r\n]+|#[^\n]*/y
const WORD = /[A-Za-z_][A-Za-z_0-9]*/y
const TYPE_NAME = /[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*/y
const DIGITS = /[0-9]+/y
/** What an error shows of what stands in the wrong place. */
const FOUND = /[A-Za-z_0-9.]+|[\s\S]/y
const FOUND_CHARS_MAX = 40

export const emptyDraft = (): Draft => ({ types: new Map(), protocols: new Map() })

/** Adds what a text says to `draft`: several texts are one schema. */
export function readSchemaText(draft: Draft, text: string, number: number): void {
  new SchemaText(draft, text, number).read()
}

class SchemaText {
  readonly #draft: Draft
  readonly #text: string
  readonly #number: number
  #at = 0
  /** Lines are counted as far as something was asked about. */
  #counted = 0
  #line = 1

  constructor(draft: Draft, text: string, number: number) {
    this.#draft = draft
    this.#text = text
    this.#number = number
  }

  read(): void {
    for (;;) {
      this.#blanks()
      if (this.#at >= this.#text.length) return
      if (this.#takes('.')) this.#type('', 1)
      else this.#protocol()
    }
  }

  /** Behind the point of `.Name {`. */
  #type(outer: string, depth: number): void {
    const name = outer + this.#expect(WORD, 'the name of a type')
    this.#blanks()
    this.#punctuation('{')
    this.#struct(name, depth)
  }

  /** Behind the brace of a type, or of a request or response. */
  #struct(name: string, depth: number): void {
    if (depth > CODEC_DEPTH_MAX) throw this.#error(`types are nested deeper than ${depth - 1}`)
    if (this.#draft.types.has(name)) throw this.#error(`type ${name} is there already`)
    const fields: DraftField[] = []
    this.#draft.types.set(name, { name, fields })
    for (;;) {
      this.#blanks()
      if (this.#takes('}')) return
      if (this.#takes('.')) this.#type(`${name}.`, depth + 1)
      else fields.push(this.#field())
    }
  }

  /** `name tag : *Type(key)` */
  #field(): DraftField {
    const name = this.#expect(WORD, "a field, a type that begins with '.', or '}'")
    const place = this.#place()
    this.#blank()
    const tag = this.#tag()
    this.#blanks()
    this.#punctuation(':')
    this.#blanks()
    const isArray = this.#takes('*')
    const type = this.#expect(TYPE_NAME, isArray ? "a type right behind '*'" : 'a type')
    const argument = this.#takes('(') ? this.#argument() : undefined
    return { ...place, name, tag, type, isArray, argument }
  }

  /** Behind the parenthesis: a word, digits, or nothing. */
  #argument(): string {
    this.#blanks()
    const argument = this.#match(WORD) ?? this.#match(DIGITS) ?? ''
    this.#blanks()
    this.#punctuation(')')
    return argument
  }

  /** `name tag { request Type response { … } }` */
  #protocol(): void {
    const name = this.#expect(WORD, "a protocol, or a type that begins with '.'")
    const place = this.#place()
    if (this.#draft.protocols.has(name)) throw this.#error(`protocol ${name} is there already`)
    this.#blank()
    const tag = this.#tag()
    this.#blanks()
    this.#punctuation('{')
    const bodies = { request: undefined, response: undefined, isConfirmed: false }
    const protocol: DraftProtocol = { ...place, name, tag, ...bodies }
    this.#draft.protocols.set(name, protocol)
    const seen = new Set<string>()
    for (;;) {
      this.#blanks()
      if (this.#takes('}')) return
      const part = this.#expect(WORD, "'request', 'response' or '}'")
      if (part !== 'request' && part !== 'response') {
        throw this.#error(`expected 'request', 'response' or '}', current value is '${part}'`)
      }
      if (seen.has(part)) throw this.#error(`${part} of ${name} is there already`)
      seen.add(part)
      this.#blank()
      this.#body(protocol, part)
    }
  }

  #body(protocol: DraftProtocol, part: 'request' | 'response'): void {
    if (this.#takes('{')) {
      protocol[part] = `${protocol.name}.${part}`
      this.#struct(protocol[part], 1)
      return
    }
    const type = this.#expect(TYPE_NAME, "a type or '{'")
    if (type !== 'nil') protocol[part] = type
    else if (part === 'response') protocol.isConfirmed = true
  }

  #tag(): number {
    return Number(this.#expect(DIGITS, `a tag in 0..${SPROTO_TAG_MAX}`))
  }

  /** At least one. */
  #blank(): void {
    if (this.#match(BLANK) === undefined) throw this.#unexpected('a blank')
    this.#blanks()
  }

  #blanks(): void {
    while (this.#match(BLANK) !== undefined);
  }

  #takes(letter: string): boolean {
    const isThere = this.#text[this.#at] === letter
    if (isThere) this.#at++
    return isThere
  }

  #punctuation(letter: string): void {
    if (!this.#takes(letter)) throw this.#unexpected(`'${letter}'`)
  }

  #expect(pattern: RegExp, what: string): string {
    const found = this.#match(pattern)
    if (found === undefined) throw this.#unexpected(what)
    return found
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #place(): SchemaPlace {
    for (; this.#counted < this.#at; this.#counted++) {
      if (this.#text[this.#counted] === '\n') this.#line++
    }
    return { text: this.#number, line: this.#line }
  }

  #error(reason: string) {
    return schemaError(this.#place(), reason)
  }

  #unexpected(what: string) {
    const place = this.#place()
    const found = this.#match(FOUND)
    const current = found === undefined ? 'the end of the text' : `'${shortly(found)}'`
    return schemaError(place, `expected ${what}, current value is ${current}`)
  }
}

const shortly = (text: string): string => beginOf(text, FOUND_CHARS_MAX, 'a word')
