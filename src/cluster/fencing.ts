/**
 * What a service that is one in the cluster sends to other nodes carries its token: a node takes
 * nothing of an owner after it has seen a later one. In front of the message stand
 *
 *   u16 length of the name │ name │ f64 era │ f64 revision
 *
 * so only messages of such services are longer for it.
 */
import { SkynetError } from '../base/errors.ts'
import { STORE_KEY_BYTES_MAX } from '../base/limits.ts'
import type { Fence } from '../service/life.ts'
import { type Packed, PackedSlot } from './packed.ts'

/** Of the type of a message: what stands in front says who its owner is. */
export const FENCED = 0x200

const isRevision = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/** Who owns a name, with which token. */
export interface FencedOwner {
  readonly name: string
  readonly token: Fence
}

const NUMBERS_BYTES = 16

/** @returns A message of its own, as valid as a new one. */
export function fenced(
  { name, token }: FencedOwner,
  bytes: Buffer,
  at: number,
  length: number,
): Buffer {
  const size = Buffer.byteLength(name)
  const whole = Buffer.allocUnsafe(2 + size + NUMBERS_BYTES + length)
  whole.writeUInt16LE(size, 0)
  whole.write(name, 2)
  whole.writeDoubleLE(token[0], 2 + size)
  whole.writeDoubleLE(token[1], 2 + size + 8)
  bytes.copy(whole, 2 + size + NUMBERS_BYTES, at, at + length)
  return whole
}

/** What deciding over such messages needs. */
export interface FencingHost {
  /** Is a message of that owner to be taken? Not with a token lower than one that was seen. */
  accepts(name: string, token: Fence): boolean
  /** The highest that was seen. */
  current(name: string): Fence | undefined
}

/** Of the messages that have come, those that may be taken. */
export class Fencing {
  readonly #host: FencingHost
  readonly #slot = new PackedSlot()

  constructor(host: FencingHost) {
    this.#host = host
  }

  /**
   * The message itself.
   *
   * @throws {SkynetError} `ERR_FENCED`, `ERR_MESSAGE_MALFORMED`.
   */
  open({ type, to, source, session, ms, bytes, at, length }: Packed): Packed {
    const front = length < 2 ? length : 2 + bytes.readUInt16LE(at) + NUMBERS_BYTES
    if (front >= length) {
      const info = { at: 0, reason: 'the message of an owner, cut short' }
      throw new SkynetError('ERR_MESSAGE_MALFORMED', info)
    }
    const numbers = at + front - NUMBERS_BYTES
    const name = bytes.toString('utf8', at + 2, numbers)
    const token: Fence = [bytes.readDoubleLE(numbers), bytes.readDoubleLE(numbers + 8)]
    // Each is remembered: what no owner can have must not be, and nothing is above NaN.
    if (numbers - at - 2 > STORE_KEY_BYTES_MAX || !token.every(isRevision)) {
      const info = { at: 0, reason: 'the message of an owner that is none' }
      throw new SkynetError('ERR_MESSAGE_MALFORMED', info)
    }
    const { accepts, current } = this.#host
    if (!accepts(name, token)) {
      throw new SkynetError('ERR_FENCED', { name, token, current: current(name) })
    }
    const own = type & ~FENCED
    return this.#slot.set(own, to, source, session, ms, bytes, at + front, length - front)
  }
}
