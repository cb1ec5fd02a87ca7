/**
 * Bytes and texts where sproto runs: a `Buffer` of Node.js, which is quicker, or what pages have.
 * The type is that of Node.js: in a page all is a `Uint8Array`, and nobody here asks for more.
 */
import { bufferOf } from '../../base/bytes.ts'

interface Memory {
  /** Bytes of any value, in a piece of memory that others may use as well. */
  take(size: number): Buffer
  /** The same in memory of its own. */
  takeAlone(size: number): Buffer
  copy(bytes: Uint8Array): Buffer
  /** The same bytes, for `text`. */
  view(bytes: Uint8Array): Buffer
  /** What is no UTF-8 becomes U+FFFD. */
  text(bytes: Buffer, begin: number, end: number): string
  /** How many bytes a text has in UTF-8. */
  sizeOf(text: string): number
  /** Writes a text that fits, whose size is known. */
  write(bytes: Buffer, text: string, at: number, size: number): void
}

function nodeMemory({ allocUnsafe, allocUnsafeSlow, byteLength, from }: typeof Buffer): Memory {
  return {
    take: allocUnsafe,
    takeAlone: allocUnsafeSlow,
    copy: (bytes) => from(bytes),
    view: bufferOf,
    text: (bytes, begin, end) => bytes.toString('utf8', begin, end),
    sizeOf: (text) => byteLength(text),
    write: (bytes, text, at, size) => bytes.write(text, at, size, 'utf8'),
  }
}

function pageMemory(): Memory {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const take = (size: number): Buffer => new Uint8Array(size) as Buffer
  return {
    take,
    takeAlone: take,
    copy: (bytes) => bytes.slice() as Buffer,
    view: (bytes) => bytes as Buffer,
    text: (bytes, begin, end) => decoder.decode(bytes.subarray(begin, end)),
    sizeOf: (text) => encoder.encode(text).length,
    write: (bytes, text, at) => encoder.encodeInto(text, bytes.subarray(at)),
  }
}

const { Buffer: NodeBuffer } = globalThis as { readonly Buffer?: typeof Buffer }

export const memory: Memory = NodeBuffer === undefined ? pageMemory() : nodeMemory(NodeBuffer)

const strict = new TextDecoder('utf-8', { fatal: true })

/** For few texts: it is no quick one. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes)
    return true
  } catch {
    return false
  }
}
