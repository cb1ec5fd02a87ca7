/**
 * Many datagrams in one system call: recvmmsg(2) and sendmmsg(2) of Linux, over message vectors
 * made once. Elsewhere the same slots are filled and sent one by one.
 */
import { endianness } from 'node:os'
import type { Region } from '../shm/memory.ts'
import { COMPACT_BYTES_MAX, readCompact, writeCompact } from './compact.ts'
import { receiveFrom, sendTo } from './datagram.ts'
import { ERRNO } from './errno.ts'
import { C, type Libc } from './libc.ts'
import type { DatagramBatch } from './os.ts'
import type { Scratch } from './scratch.ts'

const SIZE_MAX = 1024
const ALIGNMENT = 8

/** Cells of 4 bytes in what 64-bit Linux has, and where in `struct mmsghdr` its fields start. */
export const MMSGHDR = {
  CELLS: 16,
  name: 0,
  nameLength: 2,
  vectors: 4,
  vectorCount: 6,
  length: 14,
} as const
const IOVEC = { CELLS: 4, base: 0, length: 2 } as const
const NAME_CELLS = 8
const NAME_BYTES = NAME_CELLS * 4
/** The cell of a 64-bit field that has the low 32 bits. */
const LOW = endianness() === 'BE' ? 1 : 0
const IS_64_BIT = !['ia32', 'arm', 'mips', 'mipsel', 'ppc', 's390'].includes(process.arch)

export class Batch implements DatagramBatch {
  readonly region: Region
  readonly size: number
  readonly bytesMax: number
  readonly stride: number
  readonly lengths: Int32Array
  /** Undefined where each datagram is a call of its own. */
  readonly vectors: Vectors | undefined

  /** @throws {RangeError} `size` or `bytesMax` is out of range. */
  constructor(libc: Libc, size: number, bytesMax: number) {
    checkInteger('size', size, 1, SIZE_MAX)
    checkInteger('bytesMax', bytesMax, 1, 65_535)
    this.size = size
    this.bytesMax = bytesMax
    // One byte more than asked for shows that a datagram was longer.
    const slotBytes = bytesMax + 1 + COMPACT_BYTES_MAX
    this.stride = Math.ceil(slotBytes / ALIGNMENT) * ALIGNMENT
    this.lengths = new Int32Array(size)
    const buffer = new SharedArrayBuffer(this.stride * size)
    const bytes = Buffer.from(buffer)
    this.region = { buffer, bytes, address: libc.addressOf(bytes) }
    const isVectored = libc.linux !== undefined && IS_64_BIT
    this.vectors = isVectored ? new Vectors(libc, this) : undefined
  }
}

/** The arrays of structs for one batch. Between two calls they are ready to receive. */
class Vectors {
  readonly address: number
  readonly #cells: Uint32Array
  readonly #bytes: Uint8Array
  readonly #vectorsAt: number
  readonly #namesAt: number
  readonly #receiveBytes: number

  constructor(libc: Libc, { size, region, stride, bytesMax }: Batch) {
    this.#vectorsAt = size * MMSGHDR.CELLS
    this.#namesAt = this.#vectorsAt + size * IOVEC.CELLS
    const buffer = new SharedArrayBuffer((this.#namesAt + size * NAME_CELLS) * 4)
    this.#cells = new Uint32Array(buffer)
    this.#bytes = new Uint8Array(buffer)
    this.address = libc.addressOf(this.#bytes)
    this.#receiveBytes = bytesMax + 1
    for (let i = 0; i < size; i++) {
      const header = i * MMSGHDR.CELLS
      const vector = this.#vectorsAt + i * IOVEC.CELLS
      this.#writeLong(header + MMSGHDR.name, this.address + this.#nameAt(i))
      this.#writeLong(header + MMSGHDR.vectors, this.address + vector * 4)
      this.#writeLong(header + MMSGHDR.vectorCount, 1)
      this.#writeLong(vector + IOVEC.base, region.address + i * stride)
      this.#readyToReceive(i)
    }
  }

  /** After recvmmsg: lengths and compact addresses of the first `count`. */
  received(batch: Batch, count: number): void {
    const { lengths, region, stride } = batch
    for (let i = 0; i < count; i++) {
      const length = this.#cells[i * MMSGHDR.CELLS + MMSGHDR.length]!
      lengths[i] = length
      writeCompact(this.#bytes, this.#nameAt(i), region.bytes, i * stride + length)
      this.#readyToReceive(i)
    }
  }

  /** Before sendmmsg. Returns how many are ready: it stops before what has no valid address. */
  prepare(batch: Batch, first: number, count: number): number {
    const { lengths, region, stride } = batch
    for (let i = first; i < first + count; i++) {
      const length = lengths[i]!
      const name = this.#nameAt(i)
      const nameLength = readCompact(region.bytes, i * stride + length, this.#bytes, name)
      if (nameLength < 0) return i - first
      // Of length 0 a name is none.
      this.#cells[i * MMSGHDR.CELLS + MMSGHDR.nameLength] = nameLength
      this.#cells[this.#vectorsAt + i * IOVEC.CELLS + IOVEC.length + LOW] = length
    }
    return count
  }

  /** After sendmmsg. */
  restore(first: number, count: number): void {
    for (let i = first; i < first + count; i++) this.#readyToReceive(i)
  }

  headerAddress(i: number): number {
    return this.address + i * MMSGHDR.CELLS * 4
  }

  #nameAt(i: number): number {
    return (this.#namesAt + i * NAME_CELLS) * 4
  }

  #readyToReceive(i: number): void {
    // The family only: a datagram without a sender must not keep that of the one before.
    this.#cells[this.#namesAt + i * NAME_CELLS] = 0
    this.#cells[i * MMSGHDR.CELLS + MMSGHDR.nameLength] = NAME_BYTES
    this.#cells[this.#vectorsAt + i * IOVEC.CELLS + IOVEC.length + LOW] = this.#receiveBytes
  }

  #writeLong(cell: number, value: number): void {
    this.#cells[cell + LOW] = value
    this.#cells[cell + 1 - LOW] = Math.floor(value / 2 ** 32)
  }
}

export function receiveBatch(libc: Libc, scratch: Scratch, fd: number, batch: Batch): number {
  const { vectors } = batch
  if (vectors === undefined) return receiveEach(libc, scratch, fd, batch)
  for (;;) {
    libc.tally.calls++
    const count = libc.linux!.recvmmsg(fd, vectors.address, batch.size, 0, 0)
    if (count >= 0) {
      vectors.received(batch, count)
      return count
    }
    const errno = libc.errno()
    if (errno !== ERRNO.EINTR) return -errno
  }
}

export function sendBatch(
  libc: Libc,
  scratch: Scratch,
  fd: number,
  batch: Batch,
  first: number,
  count: number,
): number {
  checkSlots(batch, first, count)
  const { vectors } = batch
  if (vectors === undefined) return sendEach(libc, scratch, fd, batch, first, count)
  const ready = vectors.prepare(batch, first, count)
  const result = ready === 0 ? -ERRNO.EINVAL : sendReady(libc, fd, vectors, first, ready)
  vectors.restore(first, ready)
  return result
}

function sendReady(libc: Libc, fd: number, vectors: Vectors, first: number, count: number): number {
  for (;;) {
    libc.tally.calls++
    const sent = libc.linux!.sendmmsg(fd, vectors.headerAddress(first), count, C.MSG_NOSIGNAL)
    if (sent >= 0) return sent
    const errno = libc.errno()
    if (errno !== ERRNO.EINTR) return -errno
  }
}

function receiveEach(libc: Libc, scratch: Scratch, fd: number, batch: Batch): number {
  const { region, stride, size, bytesMax, lengths } = batch
  for (let i = 0; i < size; i++) {
    const length = receiveFrom(libc, scratch, fd, region, i * stride, bytesMax + 1)
    if (length < 0) return i === 0 ? length : i
    lengths[i] = length
  }
  return size
}

function sendEach(
  libc: Libc,
  scratch: Scratch,
  fd: number,
  { region, stride, lengths }: Batch,
  first: number,
  count: number,
): number {
  for (let sent = 0; sent < count; sent++) {
    const at = (first + sent) * stride
    const length = lengths[first + sent]!
    const address = region.bytes.subarray(at + length, at + stride)
    const result = sendTo(libc, scratch, fd, region.bytes, at, length, address)
    if (result < 0) return sent === 0 ? result : sent
  }
  return count
}

/** The kernel would follow a length that is too long into the slots behind. */
function checkSlots({ lengths, size, bytesMax }: Batch, first: number, count: number): void {
  if (!(first >= 0 && count >= 1 && first + count <= size)) {
    throw new RangeError(`Cannot send ${count} slots from ${first} as the batch has ${size}`)
  }
  for (let i = first; i < first + count; i++) {
    // What receiveBatch cut is one byte longer: sent back, it is what was received.
    if (lengths[i]! < 0 || lengths[i]! > bytesMax + 1) {
      throw new RangeError(`Cannot send slot ${i} as its length is ${lengths[i]}`)
    }
  }
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new RangeError(
    `Cannot make a batch as ${name} must be in ${min}..${max}: current value is ${value}`,
  )
}
