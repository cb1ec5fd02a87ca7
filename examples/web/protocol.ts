/** What clients and the room say to each other: the server, the page and the bot import it. */
import { clientProtocol, type StandardSchema, unchecked } from 'skynet-ts/client'

/** The sheet is a square with sides of so many units, however large it is on a screen. */
export const SIDE = 2000
export const COLOURS = ['ink', 'red', 'orange', 'green', 'blue', 'violet', 'pink'] as const
export const WIDTH_MAX = 80
/** Numbers in the points of one piece. */
export const POINTS_MAX = 512
const NAME_MAX = 20
/** Nothing that could play tricks on the terminal of whoever reads it. */
export const NAME = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,20}$/u

/** Part of a line, as it is drawn: who draws sends one after the other. */
export interface Piece {
  /** Chosen by who draws. */
  readonly id: number
  /** A place in `COLOURS`. */
  readonly colour: number
  readonly width: number
  /** x, y, x, y … */
  readonly points: readonly number[]
}

export interface Drawn extends Piece {
  readonly by: string
  /** Counts what happens on the sheet: who hears of one knows that none is missing. */
  readonly n: number
}

export interface Person {
  readonly id: string
  readonly name: string
  /** The connection is cut, and the session waits for another one. */
  readonly isAway: boolean
}

export interface Pointer {
  readonly id: string
  readonly name: string
  readonly x: number
  readonly y: number
}

export const canvas = clientProtocol({
  login: checked<{ name: string }>(isName, `a name of 1 to ${NAME_MAX} characters`),
  calls: {
    draw: { request: checked<Piece>(isPiece, 'a piece of a line on the sheet') },
    point: { request: checked<{ x: number; y: number }>(isSpot, 'a spot on the sheet') },
    rename: { request: checked<{ name: string }>(isName, 'a name') },
    clear: {},
  },
  events: {
    /** What is there already, in several parts: the first one begins with an empty sheet. */
    picture: unchecked<{ n: number; isFirst: boolean; pieces: readonly Drawn[] }>(),
    drawn: unchecked<Drawn>(),
    cleared: unchecked<{ by: string; n: number }>(),
    pointer: unchecked<Pointer>(),
    people: unchecked<readonly Person[]>(),
  },
})

/** A validator by hand. Those that Zod, Valibot or ArkType make do as well. */
function checked<T>(
  isRight: (fields: Record<string, unknown>) => boolean,
  wanted: string,
): StandardSchema<T> {
  const validate = (value: unknown) =>
    typeof value === 'object' && value !== null && isRight(value as Record<string, unknown>)
      ? { value: value as T }
      : { issues: [{ message: `must be ${wanted}` }] }
  return { '~standard': { version: 1, vendor: 'examples/web', validate } }
}

function isName({ name }: Record<string, unknown>): boolean {
  return typeof name === 'string' && NAME.test(name)
}

function isPiece({ id, colour, width, points }: Record<string, unknown>): boolean {
  return (
    isWithin(id, Number.MAX_SAFE_INTEGER) &&
    isWithin(colour, COLOURS.length - 1) &&
    isWithin(width, WIDTH_MAX) &&
    Array.isArray(points) &&
    points.length > 0 &&
    points.length % 2 === 0 &&
    points.length <= POINTS_MAX &&
    points.every((each) => isWithin(each, SIDE))
  )
}

function isSpot({ x, y }: Record<string, unknown>): boolean {
  return isWithin(x, SIDE) && isWithin(y, SIDE)
}

function isWithin(value: unknown, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
}
