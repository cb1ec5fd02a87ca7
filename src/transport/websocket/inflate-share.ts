/**
 * How much is inflated of what one peer sends: so much a second, and at once one message more. What
 * comes as it is costs the peer as many bytes as us; of compressed ones a thousandth may do.
 */
import { SkynetError } from '../../base/errors.ts'
import { monotonicNow } from '../../base/event-loop.ts'
import { inflated } from './deflate.ts'
import type { Inflate } from './frame-reader.ts'

const SECOND_MS = 1000

/**
 * @param now Milliseconds of a clock that never goes back.
 * @returns Throws `ERR_INFLATE_RATE` once it is too much.
 */
export function inflateShare(
  bytesPerSecond: number,
  messageBytesMax: number,
  now: () => number = monotonicNow,
): Inflate {
  const most = bytesPerSecond + messageBytesMax
  let left = most
  let at = now()
  return (bytes, bytesMax) => {
    const out = inflated(bytes, bytesMax)
    const time = now()
    left = Math.min(most, left + ((time - at) * bytesPerSecond) / SECOND_MS) - out.length
    at = time
    if (left >= 0) return out
    throw new SkynetError('ERR_INFLATE_RATE', { limit: bytesPerSecond })
  }
}
