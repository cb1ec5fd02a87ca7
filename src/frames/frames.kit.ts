/** What the tests of frames share. */
import type { FrameOptions } from './frame-format.ts'
import { FrameParser } from './frame-parser.ts'
import { type FrameHeader, type Framing, fixedHeader } from './framing.ts'

/** Four letters, then the length in 3 bytes. */
export const magic = fixedHeader({
  bytes: 7,
  bodyBytesMax: 0xffffff,
  read(from, at) {
    if (from.toString('latin1', at, at + 4) !== 'GAME') throw new Error('this is no game')
    return from.readUIntBE(at + 4, 3)
  },
  write(into, at, bodyBytes) {
    into.write('GAME', at, 'latin1')
    into.writeUIntBE(bodyBytes, at + 4, 3)
  },
})

/** A length up to 125 in one byte; behind 126 one of two bytes, as WebSocket has it. */
export const wide: Framing = {
  headerBytesMax: 3,
  bodyBytesMax: 0xffff,
  headerBytes: (bytes, at) => (bytes[at] === 126 ? 3 : 1),
  bodyBytes: (bytes, at) => (bytes[at] === 126 ? bytes.readUInt16BE(at + 1) : bytes[at]!),
  headerFor: (bodyBytes) => (bodyBytes < 126 ? 1 : 3),
  writeHeader(into, at, bodyBytes) {
    if (bodyBytes < 126) into[at] = bodyBytes
    else {
      into[at] = 126
      into.writeUInt16BE(bodyBytes, at + 1)
    }
  },
}

export const HEADERS: Readonly<Record<string, FrameHeader>> = {
  u16be: 'u16be',
  u16le: 'u16le',
  u32be: 'u32be',
  u32le: 'u32le',
  varint: 'varint',
  line: 'line',
  'a fixed header of one’s own': magic,
  'a header of one’s own': wide,
}

export interface Parsed {
  /** As latin1. */
  readonly frames: readonly string[]
  /** Code of what was thrown, or its text; undefined: all was frames. */
  readonly error: string | undefined
}

/** All that a stream of `chunks` gives, its end too. */
export function parse(options: FrameOptions, chunks: Iterable<Buffer>): Parsed {
  const parser = new FrameParser(options)
  const frames: string[] = []
  try {
    for (const chunk of chunks) {
      parser.take(chunk, (frame) => frames.push(frame.toString('latin1')))
    }
    parser.end()
    return { frames, error: undefined }
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string }
    return { frames, error: code ?? message }
  }
}

const LARGE = 2 * Buffer.poolSize

/** The same bytes, of which a small frame must not hold the memory back. */
export function inLarge(chunk: Buffer): Buffer {
  const memory = Buffer.allocUnsafeSlow(Math.max(LARGE, chunk.length))
  return memory.subarray(0, chunk.copy(memory))
}

export const oneByOne = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.of(byte))

/** `bytes`, cut at the places that are named. */
export function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
  places.sort((a, b) => a - b)
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end))
}
