/** Frames of every header, as rows of `PARSERS`. */
import { isSkynetError } from '../../src/base/errors.ts'
import { FrameFormat } from '../../src/frames/frame-format.ts'
import { FrameParser } from '../../src/frames/frame-parser.ts'
import { HEADERS, magic } from '../../src/frames/frames.kit.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const BYTES_MAX = 300
/** For one chunk after the other, however long: no frame is kept. */
const LARGE = Buffer.alloc(2 * 64 * 1024)

/** What the author of a header throws for it is no error of ours. */
const OURS = Object.entries(HEADERS).filter(([, header]) => header !== magic)

export const FRAME_PARSERS: readonly Parser[] = OURS.map(([name, header]) => {
  const format = new FrameFormat({ header, max: BYTES_MAX })
  return {
    name: `frames: ${name}`,
    isStream: true,
    bytesOf: (random) => framesOf(random, format),
    parse: (chunks) => parsed(format, chunks),
  }
})

function framesOf(random: Random, format: FrameFormat): Buffer {
  const count = below(random, 6)
  const lengths = Array.from({ length: count }, () => Math.floor(random() ** 4 * BYTES_MAX))
  return Buffer.concat(lengths.map((length) => format.encode('x'.repeat(length))))
}

/** Chunks lie in memory that is large, or not. An error does not take back the frames before it. */
function parsed(format: FrameFormat, chunks: readonly Buffer[]): unknown {
  const parser = new FrameParser(format)
  const frames: string[] = []
  try {
    for (const each of chunks) {
      const chunk = each.length % 2 === 0 ? each : LARGE.subarray(0, each.copy(LARGE))
      parser.take(chunk, (frame) => frames.push(frame.toString('latin1')))
    }
    parser.end()
    return frames
  } catch (error) {
    if (!isSkynetError(error)) throw error
    return [...frames, error.code]
  }
}
