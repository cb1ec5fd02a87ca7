/** Datagrams one at a time: recvfrom(2) and sendto(2) with compact addresses. */
import type { Region } from '../shm/memory.ts'
import { SOCKADDR_BYTES_MAX } from './address.ts'
import { COMPACT_BYTES_MAX, readCompact, writeCompact } from './compact.ts'
import { ERRNO } from './errno.ts'
import { C, type Libc } from './libc.ts'
import { checkRange } from './range.ts'
import type { Scratch } from './scratch.ts'

export function receiveFrom(
  libc: Libc,
  scratch: Scratch,
  fd: number,
  region: Region,
  offset: number,
  length: number,
): number {
  checkRange(region.bytes, offset, length + COMPACT_BYTES_MAX)
  const { address, lengthAddress } = scratch
  for (;;) {
    // A sender without a name leaves the length 0 and the bytes as they are.
    scratch.length = SOCKADDR_BYTES_MAX
    scratch.bytes.fill(0, 0, 2)
    libc.tally.calls++
    const count = libc.recvfrom(fd, region.address + offset, length, 0, address, lengthAddress)
    if (count >= 0) {
      writeCompact(scratch.bytes, 0, region.bytes, offset + count)
      return count
    }
    const errno = libc.errno()
    if (errno !== ERRNO.EINTR) return -errno
  }
}

export function sendTo(
  libc: Libc,
  scratch: Scratch,
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  address: Uint8Array,
): number {
  checkRange(bytes, offset, length)
  const nameLength = address.length === 0 ? 0 : readCompact(address, 0, scratch.bytes, 0)
  if (nameLength < 0) return -ERRNO.EINVAL
  const name = nameLength === 0 ? 0 : scratch.address
  const from = offset === 0 ? bytes : bytes.subarray(offset)
  for (;;) {
    libc.tally.calls++
    const count = libc.sendto(fd, from, length, C.MSG_NOSIGNAL, name, nameLength)
    if (count >= 0) return count
    const errno = libc.errno()
    if (errno !== ERRNO.EINTR) return -errno
  }
}
