/** Memory for the arguments of one system call, which the kernel reads and fills. */
import { SOCKADDR_BYTES_MAX } from './address.ts'
import type { Libc } from './libc.ts'

// A sockaddr first, then a value of up to 8 bytes, then a length of 4.
const VALUE_AT = SOCKADDR_BYTES_MAX
const LENGTH_AT = VALUE_AT + 8
const SCRATCH_BYTES = 128

export class Scratch {
  readonly bytes: Uint8Array
  /** Where the sockaddr is, and `bytes` start. */
  readonly address: number
  readonly valueAddress: number
  readonly lengthAddress: number
  /** The value as the kernel has it: one int, or two. */
  readonly value: Int32Array
  readonly #length: Uint32Array

  constructor(libc: Libc) {
    const buffer = new SharedArrayBuffer(SCRATCH_BYTES)
    this.bytes = new Uint8Array(buffer)
    this.address = libc.addressOf(this.bytes)
    this.valueAddress = this.address + VALUE_AT
    this.lengthAddress = this.address + LENGTH_AT
    this.value = new Int32Array(buffer, VALUE_AT, 2)
    this.#length = new Uint32Array(buffer, LENGTH_AT, 1)
  }

  get length(): number {
    return this.#length[0]!
  }

  set length(bytes: number) {
    this.#length[0] = bytes
  }
}
