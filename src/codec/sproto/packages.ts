/**
 * Requests and responses as bytes: a package, which says the protocol of a request or the session
 * of a response, the body behind it, and all of it packed.
 */
import { checkInteger, checkOptions, refusal } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { SPROTO_BYTES_MAX } from '../../base/limits.ts'
import { codecError } from '../codec.ts'
import { readerOf, type SprotoCore, write } from './core.ts'
import { memory } from './memory.ts'
import type { TypePlan } from './plan.ts'
import type { SchemaProtocol } from './schema.ts'
import { checkUint8Array, sprotoPack, unpackedSize, unpackInto } from './zero-pack.ts'

/**
 * Tells requests apart; an answer has the one of its request. Any integer of 64 bits, as in Skynet;
 * beyond 2^53 it is a bigint.
 */
export type SprotoSession = number | bigint

export interface SprotoHostOptions {
  /** Bytes of one message when it is unpacked: 16 MiB less one, unless you say less. */
  maxBytes?: number
}

/** A package, and where its body begins. Good until the next one is opened. */
export interface Package {
  readonly protocol: SchemaProtocol | undefined
  readonly session: SprotoSession | undefined
  readonly ud: unknown
  readonly bytes: Uint8Array
  readonly at: number
}

interface Head {
  type?: number | bigint | undefined
  session?: SprotoSession | undefined
  ud?: unknown
}

/** Messages up to this size are unpacked into the same bytes: decoding keeps none of them. */
const SCRATCH_BYTES = 64 * 1024
let scratch: Buffer | undefined

export class Packages {
  readonly core: SprotoCore
  readonly #plan: TypePlan
  readonly #hasUserData: boolean
  readonly #byTag: ReadonlyMap<number | bigint, SchemaProtocol>
  readonly #maxBytes: number

  constructor(core: SprotoCore, packageName: string, options: SprotoHostOptions | undefined) {
    const what = 'make a host'
    checkOptions(what, 'options', options, ['maxBytes'])
    const { maxBytes = SPROTO_BYTES_MAX } = options ?? {}
    checkInteger(what, 'maxBytes', maxBytes, 1, SPROTO_BYTES_MAX)
    this.#maxBytes = maxBytes
    this.core = core
    this.#plan = core.plan(what, packageName)
    this.#hasUserData = checkPackage(core, packageName)
    const protocols = [...core.schema.protocols.values()]
    this.#byTag = new Map(protocols.map((protocol) => [protocol.tag, protocol]))
  }

  /** @param plan What `body` is; without one there is none. */
  seal(what: string, head: Head, plan: TypePlan | undefined, body: unknown): Buffer {
    if (head.ud !== undefined && !this.#hasUserData) {
      throw refusal(
        'value',
        what,
        'ud',
        `nothing, as ${this.#plan.name} has no such field`,
        head.ud,
      )
    }
    if (plan === undefined && body !== undefined) {
      throw refusal('value', what, 'body', 'nothing, as the protocol has none here', body)
    }
    const bytes = write((writer) => {
      writer.put(this.#plan, head)
      if (plan !== undefined) writer.put(plan, body)
    })
    return sprotoPack(bytes)
  }

  /** @throws {SkynetError} `ERR_CODEC` */
  open(packed: Uint8Array): Package {
    checkUint8Array('dispatch', packed)
    const bytes = unpacked(packed, this.#maxBytes)
    // A session goes back as it came, whatever it is.
    const reader = readerOf(true)
    const { type, session, ud } = reader.read(this.#plan, bytes, 0) as Head
    const protocol = type === undefined ? undefined : this.#byTag.get(type)
    if (type !== undefined && protocol === undefined) {
      throw codecError('sproto', 'type', `there is no protocol ${type}`)
    }
    if (type === undefined && session === undefined) {
      throw codecError('sproto', 'session', 'there is neither a type nor a session')
    }
    return { protocol, session, ud, bytes, at: reader.end }
  }

  /** The body of what was opened last. */
  body({ bytes, at }: Package, plan: TypePlan | undefined): unknown {
    return plan === undefined ? undefined : readerOf(this.core.isWide).read(plan, bytes, at)
  }
}

/** @returns Whether there may be user data. */
function checkPackage(core: SprotoCore, name: string): boolean {
  const { fields } = core.schema.types.get(name)!
  const isNumber = (wanted: string): boolean =>
    fields.some(
      (it) =>
        it.name === wanted && it.type === 'integer' && !it.isArray && it.decimals === undefined,
    )
  if (isNumber('type') && isNumber('session')) return fields.some((it) => it.name === 'ud')
  const expected = 'a type whose fields type and session are integers'
  throw refusal('value', 'make a host', 'package', expected, name)
}

function unpacked(packed: Uint8Array, maxBytes: number): Buffer {
  const size = unpackedSize(packed, maxBytes)
  scratch ??= memory.takeAlone(SCRATCH_BYTES)
  const bytes = size > SCRATCH_BYTES ? memory.take(size) : scratch.subarray(0, size)
  unpackInto(bytes, packed)
  return bytes
}

export const sessionError = (session: SprotoSession, reason: string) =>
  new SkynetError('ERR_SPROTO_SESSION', { session: String(session), reason })
