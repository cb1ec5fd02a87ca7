/** What tests read of a packer. Its memory may be another one behind each packing. */
import type { Packer } from './pack.ts'
import { unpack } from './unpack.ts'

export function packedBy(packer: Packer, value: unknown): Buffer {
  const length = packer.pack(value)
  return Buffer.from(packer.bytes.subarray(0, length))
}

export function throughBytes(packer: Packer, value: unknown): unknown {
  const bytes = packedBy(packer, value)
  return unpack(bytes, 0, bytes.length)
}
