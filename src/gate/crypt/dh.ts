/** Two sides come to one secret in public (Diffie-Hellman), with numbers of 64 bits. */
import { randomFillSync } from 'node:crypto'
import { type Bytes, KEY_BYTES, keyOf, refused } from './bytes.ts'

/** The largest prime below 2^64, and what both sides raise. */
const PRIME = 2n ** 64n - 59n
const GENERATOR = 5n

/** Eight bytes from the secure generator of the system, never all zero: a private key. */
export function randomKey(): Buffer {
  const key = randomFillSync(Buffer.allocUnsafe(KEY_BYTES))
  // As Skynet has it: the bytes, xored with each other, are not zero.
  if (key.reduce((all, byte) => all ^ byte) === 0) key[0] = key[0]! ^ 1
  return key
}

/**
 * The public key that belongs to a private one: 5^key mod (2^64 - 59).
 *
 * @throws {SkynetError} `ERR_CRYPT` not eight bytes, or zero.
 */
export function dhExchange(key: Bytes): Buffer {
  return power('exchange keys', GENERATOR, numberOf('exchange keys', 'key', key))
}

/**
 * The secret of both sides: the public key of the peer, raised by the private key of this side.
 *
 * @throws {SkynetError} `ERR_CRYPT` not eight bytes, zero, or what is zero modulo the prime.
 */
export function dhSecret(peerKey: Bytes, key: Bytes): Buffer {
  const what = 'make a secret'
  return power(what, numberOf(what, 'peerKey', peerKey), numberOf(what, 'key', key))
}

function numberOf(what: string, name: string, value: Bytes): bigint {
  const number = keyOf(what, name, value).readBigUInt64LE()
  if (number === 0n) throw refused(what, `${name} is 0`)
  return number
}

function power(what: string, base: bigint, exponent: bigint): Buffer {
  let square = base % PRIME
  // All its powers are zero: a secret that everybody knows.
  if (square === 0n) throw refused(what, 'the key of the peer is 0 modulo the prime')
  let result = 1n
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if ((bits & 1n) === 1n) result = (result * square) % PRIME
    square = (square * square) % PRIME
  }
  const bytes = Buffer.allocUnsafe(KEY_BYTES)
  bytes.writeBigUInt64LE(result)
  return bytes
}
