/** What is on the sheet, for those who come later. */
import type { Drawn, Piece } from './protocol.ts'

/** Numbers that are kept. What came before them stays on the screens that it is on. */
const NUMBERS_KEPT_MAX = 200_000
/** Of a picture, in one event: it has to fit into a message. */
const NUMBERS_IN_PART = 4000

export class Drawing {
  /** Counts what has happened on the sheet. */
  n = 0
  #pieces: Drawn[] = []
  #numbers = 0

  get pieces(): readonly Drawn[] {
    return this.#pieces
  }

  add({ id, colour, width, points }: Piece, by: string): Drawn {
    const drawn: Drawn = { id, colour, width, points, by, n: ++this.n }
    this.#pieces.push(drawn)
    this.#numbers += points.length
    while (this.#numbers > NUMBERS_KEPT_MAX) this.#numbers -= this.#pieces.shift()!.points.length
    return drawn
  }

  /** @returns The number of that. */
  clear(): number {
    this.#pieces = []
    this.#numbers = 0
    return ++this.n
  }

  /** All of it, in parts: at least one, as the first begins with an empty sheet. */
  parts(): Drawn[][] {
    const parts: Drawn[][] = [[]]
    let numbers = 0
    for (const piece of this.#pieces) {
      numbers += piece.points.length
      if (numbers > NUMBERS_IN_PART) {
        parts.push([])
        numbers = piece.points.length
      }
      parts.at(-1)!.push(piece)
    }
    return parts
  }
}
