/** An address in the process of a peer. */
import { refusal } from '../../base/check.ts'

/**
 * What Lua calls light userdata. It means nothing in another process: it can be compared, and sent
 * back.
 */
export class LuaPointer {
  /** 64 bits without a sign; never 0, which comes as `null`. */
  readonly address: bigint

  /** @throws `TypeError` unless it is a bigint, `RangeError` unless it has 64 bits. */
  constructor(address: bigint) {
    if (typeof address !== 'bigint') throw wrong('type', address)
    if (BigInt.asUintN(64, address) !== address) throw wrong('range', address)
    this.address = address
  }
}

const wrong = (kind: 'type' | 'range', address: unknown) =>
  refusal(kind, 'make a pointer', 'address', 'a bigint of 64 bits without a sign', address)
