/** Message types of a service beside method calls: Skynet's `register_protocol`. */
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkText,
  isArray,
  isObject,
  refusal,
} from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Address } from './addresses.ts'
import { RESERVED_TYPES } from './message-types.ts'
import type { WaitOptions } from './wait-options.ts'

/** Who asked. */
export interface RequestContext {
  /** Handle of the service that sent the message. */
  readonly source: number
  /** 0: it was sent, and no answer is wanted. */
  readonly session: number
}

export interface ProtocolDefinition<T> {
  readonly name: string
  /** Message type, 0..255: one of Skynet's PTYPE_* numbers, or one of your own from 16 on. */
  readonly id: number
  /** Value → what travels: any message value. Default: as it is. Answers are packed too. */
  readonly pack?: (value: T) => unknown
  /** What travelled → value. Default: as it is. */
  readonly unpack?: (packed: unknown) => T
  /** Handles a message. What it returns, or what that resolves to, is the answer of a call. */
  readonly dispatch?: (value: T, context: RequestContext) => unknown
}

const PROTOCOL_NAMES = ['name', 'id', 'pack', 'unpack', 'dispatch']

const BUILT_IN = new Map(Object.entries(PTYPE).map(([name, id]) => [name.toLowerCase(), id]))

/** @throws {TypeError} When a method call has not the shape of one. */
function checkRaw(type: number, value: unknown): void {
  if (type !== PTYPE.LUA || (isArray(value) && typeof value[0] === 'string')) return
  throw refusal('type', 'send', 'value', `an array, a method name its first, for 'lua'`, value)
}

/** A request as its receiver was told of it. @throws `TypeError`, `RangeError` for what is none. */
export function checkContext(what: string, context: unknown): RequestContext {
  if (!isObject(context)) {
    throw refusal('type', what, 'context', 'an object with a source and a session', context)
  }
  const { source, session } = context as RequestContext
  checkInteger(what, 'source', source, 0, 0xffffffff)
  checkInteger(what, 'session', session, 0, Number.MAX_SAFE_INTEGER)
  return { source, session }
}

/** The protocols of one service, by number and by name. */
export class Protocols {
  readonly #byId = new Map<number, ProtocolDefinition<unknown>>()
  readonly #byName = new Map<string, number>()

  /** @throws {SkynetError} `ERR_PROTOCOL_TAKEN` when the name or the number is in use. */
  add(given: ProtocolDefinition<unknown>): void {
    if (!isObject(given)) {
      throw refusal('type', 'register a protocol', 'definition', 'an object', given)
    }
    checkOptions('register a protocol', 'definition', { ...given }, PROTOCOL_NAMES)
    const { name, id, pack, unpack, dispatch } = given
    checkText('register a protocol', 'name', name)
    checkInteger('register a protocol', 'id', id, 0, 255)
    for (const [key, value] of Object.entries({ pack, unpack, dispatch })) {
      if (value !== undefined) checkFunction('register a protocol', key, value)
    }
    const isBuiltIn = (BUILT_IN.get(name) ?? id) !== id
    const isOurs = id === PTYPE.LUA || RESERVED_TYPES.has(id)
    if (isBuiltIn || isOurs || this.#byId.has(id) || this.#byName.has(name)) {
      throw new SkynetError('ERR_PROTOCOL_TAKEN', { name, id })
    }
    this.#byId.set(id, given)
    this.#byName.set(name, id)
  }

  get(id: number): ProtocolDefinition<unknown> | undefined {
    return this.#byId.get(id)
  }

  /**
   * The number of a type that may be sent, with that value.
   *
   * @throws {SkynetError} `ERR_PROTOCOL_UNKNOWN`.
   */
  typeOf(type: string | number, value: unknown): number {
    const id = this.idOf(type)
    checkRaw(id, value)
    return id
  }

  idOf(type: string | number): number {
    if (typeof type !== 'number' && typeof type !== 'string') {
      throw refusal('type', 'use a message type', 'type', 'a name or a number in 0..255', type)
    }
    const id = typeof type === 'number' ? type : (this.#byName.get(type) ?? BUILT_IN.get(type))
    if (id === undefined || !Number.isInteger(id) || id < 0 || id > 255 || RESERVED_TYPES.has(id)) {
      throw new SkynetError('ERR_PROTOCOL_UNKNOWN', { type: String(type) })
    }
    return id
  }
}

/** What a protocol needs of its service. */
export interface RawCaller {
  rawSend(address: Address, type: number, value: unknown): boolean
  rawCall(address: Address, type: number, value: unknown, options?: WaitOptions): Promise<unknown>
}

/** A protocol that was registered: how to speak it to others. */
export class Protocol<T> {
  readonly #caller: RawCaller
  readonly #definition: ProtocolDefinition<T>

  constructor(caller: RawCaller, definition: ProtocolDefinition<T>) {
    this.#caller = caller
    this.#definition = definition
  }

  get id(): number {
    return this.#definition.id
  }

  /** False: there is no such service. */
  send(address: Address, value: T): boolean {
    const { id, pack } = this.#definition
    return this.#caller.rawSend(address, id, pack === undefined ? value : pack(value))
  }

  /** Rejects as `ref.call` does, and with `ERR_PROTOCOL_UNKNOWN` when the callee has none such. */
  async call(address: Address, value: T, options?: WaitOptions): Promise<T> {
    const { id, pack, unpack } = this.#definition
    const packed = pack === undefined ? value : pack(value)
    const answer = await this.#caller.rawCall(address, id, packed, options)
    return unpack === undefined ? (answer as T) : unpack(answer)
  }
}
