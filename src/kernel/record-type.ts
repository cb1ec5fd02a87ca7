/**
 * The type of a record between workers, an int32:
 *
 *   unused (1) │ seconds (1) │ deadline (21) │ block (1) │ type of the message (8)
 *
 * The deadline is how long its sender waits for the answer, for whoever passes a request on to
 * another node. 0: it names none. It counts milliseconds, or units of 1,024 of them.
 */
import assert from 'node:assert/strict'

/** The type of the message. */
export const MESSAGE_TYPE_MASK = 0xff
/** The payload is a block: its address and length follow, as float64. */
export const BLOCK_FLAG = 0x100
const DEADLINE_SHIFT = 9
const DEADLINE_MAX = (1 << 21) - 1
const SECONDS_FLAG = 1 << 30
const SECOND_MS = 1024
assert.ok(DEADLINE_MAX << DEADLINE_SHIFT < SECONDS_FLAG)

/** The bits of a deadline, rounded up; beyond 24 days as long as there is room for. */
export function deadlineBits(timeoutMs: number): number {
  if (timeoutMs <= DEADLINE_MAX) return Math.ceil(timeoutMs) << DEADLINE_SHIFT
  const seconds = Math.min(Math.ceil(timeoutMs / SECOND_MS), DEADLINE_MAX)
  return (seconds << DEADLINE_SHIFT) | SECONDS_FLAG
}

/** Milliseconds; 0: none. */
export function deadlineOf(recordType: number): number {
  const units = (recordType >>> DEADLINE_SHIFT) & DEADLINE_MAX
  return (recordType & SECONDS_FLAG) === 0 ? units : units * SECOND_MS
}
