/** The checksum of Castagnoli, bit by bit: it is made of some hundred bytes, now and then. */

const POLYNOMIAL = 0x82f63b78

/** @returns 32 bits, unsigned. */
export function crc32c(bytes: Uint8Array): number {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (POLYNOMIAL & -(sum & 1))
  }
  return ~sum >>> 0
}
