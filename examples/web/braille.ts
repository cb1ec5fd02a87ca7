/** The sheet as text: each letter of braille is two dots wide and four high. */
import { type Piece, SIDE } from './protocol.ts'

const COLUMNS = 64
const ROWS = 32
const ACROSS = COLUMNS * 2
const DOWN = ROWS * 4
/** Bits of the dots of a letter, row by row. */
const DOTS = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80] as const
const FIRST = 0x2800

export function brailleOf(pieces: readonly Piece[]): string {
  const letters = new Uint8Array(COLUMNS * ROWS)
  for (const { points } of pieces) {
    for (let at = 0; at < points.length; at += 2) {
      const [x = 0, y = 0, toX = x, toY = y] = points.slice(at, at + 4)
      const steps = Math.ceil((Math.hypot(toX - x, toY - y) / SIDE) * DOWN) || 1
      for (let step = 0; step <= steps; step++) {
        const part = step / steps
        dot(letters, (x + (toX - x) * part) / SIDE, (y + (toY - y) * part) / SIDE)
      }
    }
  }
  return Array.from({ length: ROWS }, (_, row) => text(letters, row)).join('\n')
}

/** @param x 0..1, as `y`. */
function dot(letters: Uint8Array, x: number, y: number): void {
  const across = Math.min(Math.floor(x * ACROSS), ACROSS - 1)
  const down = Math.min(Math.floor(y * DOWN), DOWN - 1)
  const letter = (down >> 2) * COLUMNS + (across >> 1)
  letters[letter]! |= DOTS[(down & 3) * 2 + (across & 1)]!
}

const text = (letters: Uint8Array, row: number): string =>
  Array.from(letters.subarray(row * COLUMNS, (row + 1) * COLUMNS), (bits) =>
    String.fromCodePoint(FIRST + bits),
  ).join('')
