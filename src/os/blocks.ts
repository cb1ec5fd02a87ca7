/** Blocks of malloc: any thread may free what another one filled. */
import { SkynetError } from '../base/errors.ts'
import { spareMemory } from '../base/spare-memory.ts'
import type { Blocks } from '../shm/memory.ts'
import { ERRNO, errorText } from './errno.ts'
import type { Libc } from './libc.ts'

export function createBlocks(libc: Libc): Blocks {
  // Memory of its own, not of Node's pool: the receiver may hand it on as a whole.
  const copy = (
    address: number,
    length: number,
    bytes: Buffer = Buffer.allocUnsafeSlow(length),
  ): Buffer => {
    libc.memcpy(bytes, address, length)
    return bytes
  }
  return {
    put(bytes) {
      // malloc(0) may answer NULL, which must keep meaning failure.
      const address = libc.malloc(Math.max(bytes.length, 1))
      if (address === 0) {
        const call = `allocate ${bytes.length} bytes`
        throw new SkynetError('ERR_SYSCALL', { call, reason: errorText(ERRNO.ENOMEM) })
      }
      libc.memcpy(address, bytes, bytes.length)
      return address
    },
    copy: (address, length) => copy(address, length),
    take(address, length, isPassedOn) {
      const bytes = copy(address, length, isPassedOn ? spareMemory.take(length) : undefined)
      libc.free(address)
      return bytes
    },
    view(address, length) {
      return Buffer.from(libc.view(address, length))
    },
    drop(address) {
      libc.free(address)
    },
  }
}
