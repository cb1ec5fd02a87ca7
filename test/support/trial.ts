/** One input of one parser: what is wrong with how it is taken; the least bytes that show it. */
import { isDeepStrictEqual } from 'node:util'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Parser } from './parsers.ts'
import { seeded } from './seed.ts'
import { chunked, spoiled } from './spoil.ts'

/** Memory that an input may take: so much whatever it is, and so much for each of its bytes. */
const FIXED_BYTES = 2 * 1024 * 1024
const BYTES_PER_BYTE = 128
/** Lets go of what is garbage: else that of an input could hide in what goes meanwhile. */
const collect = gcOf()
/** How often an input that took too much is tried again. */
const AGAIN = 3
/** Attempts to leave something out of the bytes of a fault. */
const ATTEMPTS_MAX = 500

function gcOf(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  return () => {
    gc()
    // Memory beside the heap is let go of later, by another thread: the next one waits for it.
    gc()
  }
}

/** What a peer sends, by its seed. */
export const inputOf = (parser: Parser, seed: number): Buffer =>
  spoiled(parser.bytesOf, seeded(seed))

/** What came of an input: `fault` when it is none that may. */
interface Outcome {
  readonly value?: unknown
  readonly code?: string
  readonly fault?: string
}

function outcomeOf(parser: Parser, chunks: readonly Buffer[]): Outcome {
  try {
    return { value: parser.parse(chunks) }
  } catch (error) {
    const { name, code, stack } = error as Partial<NodeJS.ErrnoException>
    if (name === 'SkynetError' && typeof code === 'string') return { code }
    return { fault: `throws ${stack ?? error}` }
  }
}

/** Bytes of the heap and beside it. A collection in between makes a difference less, never more. */
function taken(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

const mostOf = (parser: Parser, bytes: Buffer): number =>
  (parser.fixedBytes ?? FIXED_BYTES) + BYTES_PER_BYTE * bytes.length

/** V8 takes memory of its own now and then, for code: an input takes it each time. */
function takesTooMuch(parser: Parser, bytes: Buffer): boolean {
  for (let again = 0; again < AGAIN; again++) {
    collect()
    const before = taken()
    outcomeOf(parser, [Buffer.from(bytes)])
    if (taken() - before <= mostOf(parser, bytes)) return false
  }
  return true
}

/** @returns What is wrong, or undefined. The bytes stay as they are. */
export function faultOf(parser: Parser, bytes: Buffer, seed: number): string | undefined {
  const before = taken()
  const whole = outcomeOf(parser, [Buffer.from(bytes)])
  const grown = taken() - before
  if (whole.fault !== undefined) return whole.fault
  if (grown > mostOf(parser, bytes) && takesTooMuch(parser, bytes)) {
    return `takes ${grown} bytes of memory for ${bytes.length} bytes`
  }
  if (parser.isStream === undefined) return undefined
  const pieces = outcomeOf(parser, chunked(bytes, seeded(~seed)))
  if (isDeepStrictEqual(pieces, whole)) return undefined
  return pieces.fault ?? 'gives something else when the bytes come in other pieces'
}

/**
 * The same fault, of as few bytes as can be found.
 *
 * @param onAttempt Called again and again: it takes long.
 */
export function shrunk(
  parser: Parser,
  bytes: Buffer,
  seed: number,
  fault: string,
  onAttempt: () => void,
): Buffer {
  const kind = kindOf(fault)
  const isSame = (fewer: Buffer): boolean => {
    onAttempt()
    collect()
    const found = faultOf(parser, fewer, seed)
    return found !== undefined && kindOf(found) === kind
  }
  let least = bytes
  let attempts = 0
  for (let size = bytes.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= least.length && attempts < ATTEMPTS_MAX; attempts++) {
      const fewer = Buffer.concat([least.subarray(0, at), least.subarray(at + size)])
      if (isSame(fewer)) least = fewer
      else at += size
    }
  }
  return least
}

/** What stays the same while bytes are left out: the words, and not the numbers. */
const kindOf = (fault: string): string => fault.replace(/\n[\s\S]*/, '').replace(/\d+/g, '#')
