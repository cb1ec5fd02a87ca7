/** Inputs of one parser: what is wrong with how they are taken; the least bytes that show it. */
import { isDeepStrictEqual } from 'node:util'
import { getHeapStatistics } from 'node:v8'
import { collector } from '../../src/base/collector.ts'
import type { Parser } from './parsers.ts'
import { seeded } from './seed.ts'
import { chunked, spoiled, stretched } from './spoil.ts'

/** Memory that an input may take: so much whatever it is, and so much for each of its bytes. */
const FIXED_BYTES = 2 * 1024 * 1024
const BYTES_PER_BYTE = 128
/** Lets go of what is garbage: else that of an input could hide in what goes meanwhile. */
const collect = gcOf()
/** How often an input that took too much is tried again. */
const AGAIN = 3
/**
 * Lengths of inputs of which each is compared with the one before, as to what a byte costs. Two
 * steps: one may be where a length within is no longer too long, and there is more to do.
 */
const LENGTHS = [4 * 1024, 16 * 1024, 64 * 1024] as const
/**
 * A byte of an input may cost so many times what one of the input before does. Where each byte
 * costs as much as there are bytes, it is four times. Nothing is compared with a clock.
 */
const DEARER_MAX = 2.5
/** The least of so many times counts: in some of them V8 compiles, or collects garbage. */
const TIMES = 5
/** What takes so long is not done again: what V8 does besides is little beside it. */
const LONG_NS = 300_000_000
/** A longest one that takes less is not looked at again: the others take next to nothing. */
const CHEAP_NS = 3_000_000
/** Long inputs are made of one in so many seeds: they take as long as a hundred others. */
const LONG_EVERY = 256

/** What streams of Node.js do at the end of a turn is kept until then, one for each failure. */
const TURN_EVERY = 1024

/** Attempts to leave something out of the bytes of a fault. */
const ATTEMPTS_MAX = 500

function gcOf(): () => void {
  const gc = collector()
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
function faultOf(parser: Parser, bytes: Buffer, seed: number): string | undefined {
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

/** What is wrong with long inputs that are made of these bytes; `onAttempt` as of `shrunk`. */
function longFaultOf(
  parser: Parser,
  bytes: Buffer,
  seed: number,
  onAttempt: () => void,
): string | undefined {
  const ofLength = (length: number) => stretched(bytes, length, seeded(seed ^ 0x5eed))
  const [short, middle, long] = LENGTHS.map(ofLength) as [Buffer, Buffer, Buffer]
  const fault = faultOf(parser, long, seed)
  if (fault !== undefined) return fault
  if (nsOf(parser, long) < CHEAP_NS) return undefined
  for (let again = 0; again < AGAIN; again++) {
    onAttempt()
    const costs = [short, middle, long].map((each) => leastNsOf(parser, each) / each.length)
    if (costs[1]! < costs[0]! * DEARER_MAX || costs[2]! < costs[1]! * DEARER_MAX) return undefined
  }
  return 'takes longer for each byte the more there are'
}

function leastNsOf(parser: Parser, bytes: Buffer): number {
  let least = nsOf(parser, bytes)
  for (let times = 1; times < TIMES && least < LONG_NS; times++) {
    least = Math.min(least, nsOf(parser, bytes))
  }
  return least
}

/** Of a processor, which other programs may have meanwhile. No other thread of ours is at work. */
function nsOf(parser: Parser, bytes: Buffer): number {
  const chunk = Buffer.from(bytes)
  const before = process.cpuUsage()
  outcomeOf(parser, [chunk])
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000
}

/** A stack takes longer than most inputs. */
const STACK = Error.stackTraceLimit

export interface Seeds {
  readonly first: number
  readonly count: number
}

/**
 * Feed a parser with the inputs of these seeds, and with long ones that are made of some.
 *
 * @param onSeed Is told at which it is.
 * @param onAttempt Called again and again where one takes long.
 * @returns What is wrong, with how to repeat it, or undefined.
 */
export async function feed(
  parser: Parser,
  { first, count }: Seeds,
  onSeed: (seed: number) => void,
  onAttempt: () => void,
): Promise<string | undefined> {
  Error.stackTraceLimit = 0
  try {
    for (let i = 0; i < count; i++) {
      if (i % TURN_EVERY === 0) await new Promise((resolve) => setImmediate(resolve))
      const seed = (first + i) >>> 0
      onSeed(seed)
      const bytes = inputOf(parser, seed)
      const found = faultOf(parser, bytes, seed)
      if (found !== undefined) return told(parser, bytes, seed, found, onAttempt)
      if (seed % LONG_EVERY > 0) continue
      const long = longFaultOf(parser, bytes, seed, onAttempt)
      if (long === undefined) continue
      return `${parser.name} ${long}\n  SKYNET_SEED=${seed}, made long of: ${bytes.toString('hex')}`
    }
    return undefined
  } finally {
    Error.stackTraceLimit = STACK
  }
}

function told(
  parser: Parser,
  bytes: Buffer,
  seed: number,
  found: string,
  onAttempt: () => void,
): string {
  Error.stackTraceLimit = STACK
  const fault = found.startsWith('throws') ? (faultOf(parser, bytes, seed) ?? found) : found
  const least = shrunk(parser, bytes, seed, fault, onAttempt).toString('hex')
  return `${parser.name} ${fault}\n  SKYNET_SEED=${seed}, the least bytes: ${least}`
}

/**
 * The same fault, of as few bytes as can be found.
 *
 * @param onAttempt Called again and again: it takes long.
 */
function shrunk(
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
