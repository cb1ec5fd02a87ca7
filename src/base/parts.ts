/**
 * Limits of waiting are counted in parts, each of which begins when the one before is over. A
 * process that was stopped finds one part over when it goes on, and not all: who is to answer was
 * stopped as well, and has the others.
 */
import { STOP_MS_MIN } from './limits.ts'

/** The part that begins is so much of what is left. */
const PART = 8

/** How long the next part lasts, of `leftMs`: no shorter than a stop that counts as one. */
export function partMs(leftMs: number): number {
  return Math.min(leftMs, Math.max(STOP_MS_MIN, Math.ceil(leftMs / PART)))
}
