/**
 * Skynet's 0-packing: most bytes of a message in sproto are 0. Eight bytes become a mask, with a
 * bit for each that is not 0, and those. Groups that have hardly a 0 are kept as they are: 0xff,
 * the number of such groups less one, and all their bytes.
 */
import { isUint8Array } from '../../base/bytes.ts'
import { checkInteger, checkOptions, refusal } from '../../base/check.ts'
import { SPROTO_BYTES_MAX } from '../../base/limits.ts'
import { codecError } from '../codec.ts'
import { memory } from './memory.ts'

const GROUP = 8
const RUN = 0xff
/** Groups in one run. */
const RUN_GROUPS_MAX = 256
/** A run goes on with groups that have at least so many bytes that are not 0. */
const RUN_GOES_ON_MIN = 6

export interface SprotoUnpackOptions {
  /** Bytes that may come out: 16 MiB less one, unless you say less. */
  maxBytes?: number
}

/**
 * Pack bytes as Skynet's `sproto.pack` does. The worst case is two bytes more for each 2 KiB.
 *
 * @returns Bytes of the caller. `bytes` are not kept.
 */
export function sprotoPack(bytes: Uint8Array): Buffer {
  checkUint8Array('pack', bytes)
  const groups = Math.ceil(bytes.length / GROUP)
  const packed = memory.take(groups * GROUP + 2 * Math.ceil(groups / RUN_GROUPS_MAX) + 2)
  const message = packed.subarray(0, packInto(packed, bytes))
  // What is left over of a large one would be kept with it.
  return message.length * 2 < packed.length ? memory.copy(message) : message
}

/** @returns How many bytes there are then in `packed`, which has room for them. */
function packInto(packed: Uint8Array, bytes: Uint8Array): number {
  let at = 0
  /** Where the run is written that goes on, and how many groups it has. */
  let runAt = 0
  let run = 0
  for (let group = 0; group < bytes.length; group += GROUP) {
    const full = countBytes(bytes, group)
    if (full === GROUP || (run > 0 && full >= RUN_GOES_ON_MIN)) {
      if (run === 0) {
        runAt = at
        packed[at] = RUN
        at += 2
      }
      for (let i = 0; i < GROUP; i++) packed[at + i] = bytes[group + i] ?? 0
      at += GROUP
      packed[runAt + 1] = run
      run = run + 1 === RUN_GROUPS_MAX ? 0 : run + 1
      continue
    }
    run = 0
    let mask = 0
    const maskAt = at++
    const end = Math.min(GROUP, bytes.length - group)
    for (let i = 0; i < end; i++) {
      const byte = bytes[group + i]!
      if (byte === 0) continue
      mask |= 1 << i
      packed[at++] = byte
    }
    packed[maskAt] = mask
  }
  return at
}

/** How many of a group are not 0; those behind the end are. */
function countBytes(bytes: Uint8Array, group: number): number {
  let count = 0
  const end = Math.min(group + GROUP, bytes.length)
  for (let i = group; i < end; i++) if (bytes[i] !== 0) count++
  return count
}

/**
 * Unpack what `sprotoPack`, or Skynet's `sproto.pack`, has made. The length comes back as the next
 * multiple of 8: what is added are zeros, which `decode` does not mind.
 *
 * @returns Bytes of the caller. `packed` are not kept.
 * @throws {SkynetError} `ERR_CODEC` when `packed` is cut, or more than `maxBytes` would come out:
 * then nothing has been allocated.
 */
export function sprotoUnpack(packed: Uint8Array, options?: SprotoUnpackOptions): Buffer {
  checkUint8Array('unpack', packed)
  checkOptions('unpack', 'options', options, ['maxBytes'])
  const { maxBytes = SPROTO_BYTES_MAX } = options ?? {}
  checkInteger('unpack', 'maxBytes', maxBytes, 0, SPROTO_BYTES_MAX)
  const bytes = memory.take(unpackedSize(packed, maxBytes))
  unpackInto(bytes, packed)
  return bytes
}

/**
 * @returns How many bytes come out.
 * @throws {SkynetError} `ERR_CODEC`
 */
export function unpackedSize(packed: Uint8Array, maxBytes: number): number {
  let size = 0
  for (let at = 0; at < packed.length; ) {
    const mask = packed[at]!
    const groups = mask === RUN ? (packed[at + 1] ?? 0) + 1 : 1
    const taken = mask === RUN ? 2 + groups * GROUP : 1 + BITS[mask]!
    if (taken > packed.length - at) throw codecError('0-pack', at, 'a group is cut')
    size += groups * GROUP
    if (size > maxBytes) {
      throw codecError('0-pack', at, `more than ${maxBytes} bytes come out, which is the limit`)
    }
    at += taken
  }
  return size
}

/** How many bits of a mask are set. */
const BITS = Uint8Array.from({ length: 256 }, (_, mask) => {
  let count = 0
  for (let rest = mask; rest !== 0; rest >>= 1) count += rest & 1
  return count
})

/** @param packed Is known to be whole: `unpackedSize` has counted what comes out. */
export function unpackInto(bytes: Uint8Array, packed: Uint8Array): void {
  let to = 0
  for (let at = 0; at < packed.length; ) {
    const mask = packed[at++]!
    if (mask === RUN) {
      const size = (packed[at++]! + 1) * GROUP
      for (let i = 0; i < size; i++) bytes[to++] = packed[at++]!
      continue
    }
    for (let i = 0; i < GROUP; i++) {
      bytes[to++] = ((mask >> i) & 1) === 1 ? packed[at++]! : 0
    }
  }
}

/** @throws {TypeError} Unless `bytes` are some. */
export function checkUint8Array(what: string, bytes: unknown): void {
  if (isUint8Array(bytes)) return
  throw refusal('type', what, 'bytes', 'a Uint8Array', bytes)
}
