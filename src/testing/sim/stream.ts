/** Bytes that can be checked: what a peer sends by its place, what we send by lane and count. */
import assert from 'node:assert/strict'

const PERIOD = 251
const PATTERN_BYTES = PERIOD * 2048
/** Byte i is i % 251: a shift of it by less than 251 is another stream. */
const PATTERN = Buffer.from(Array.from({ length: PATTERN_BYTES }, (_, i) => i % PERIOD))
const COUNT_BITS = 6
const COUNT_MASK = (1 << COUNT_BITS) - 1

/** The bytes from `position` on of the stream number `shift`. A view: not to be written to. */
export function patternAt(shift: number, position: number, length: number): Buffer {
  const from = (shift + position) % PERIOD
  assert.ok(from + length <= PATTERN_BYTES, 'a piece is shorter than the pattern')
  return PATTERN.subarray(from, from + length)
}

/** One send. It begins with a byte that tells lane and count; the rest is a pattern. */
export interface Piece {
  readonly first: number
  readonly shift: number
  readonly length: number
}

/** The piece number `count` of `lane`. */
const pieceOf = (lane: number, count: number, length: number, salt: number): Piece => ({
  first: (lane << COUNT_BITS) | (count & COUNT_MASK),
  shift: (count * 37 + lane * 101 + salt) % PERIOD,
  length,
})

/** The same for all who get it: a broadcast of `worker`. */
export const broadcastPiece = (worker: number, count: number, length: number): Piece =>
  pieceOf(laneOf(worker, false), count, length, 0)

export function bytesOfPiece({ first, shift, length }: Piece): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  bytes[0] = first
  bytes.set(patternAt(shift, 1, length - 1), 1)
  return bytes
}

/** What one worker sent to one socket in one priority: it arrives in order. */
interface Lane {
  readonly pieces: Piece[]
  /** For each piece: how many of each lane come before it. */
  readonly after: (readonly number[])[]
  /** Pieces that arrived whole. */
  arrived: number
}

/** High and low of worker 0, then of worker 1. */
const LANES = [0, 1, 2, 3] as const
const laneOf = (worker: number, isLow: boolean): number => worker * 2 + (isLow ? 1 : 0)
const isLow = (lane: number): boolean => lane % 2 === 1
const isOf = (worker: number, lane: number): boolean => lane >> 1 === worker

/**
 * What a user may rely on: pieces arrive whole; those of one worker and priority in order; a low
 * one behind the high ones of its worker that were sent before it; those of an owner before those
 * of the next, unless a high one overtakes a low one.
 */
export class SentStream {
  readonly #id: number
  readonly #lanes: readonly Lane[] = LANES.map(() => ({ pieces: [], after: [], arrived: 0 }))
  /** Pieces of each lane that an owner on that worker took over. */
  readonly #inherited = [0, 1].map(() => LANES.map(() => 0))
  /** Pieces of each lane that were sent before its worker gave the socket away. */
  readonly #givenAway = LANES.map(() => 0)
  readonly #bytesOf = [0, 0]
  /** The piece that is arriving. */
  #lane = -1
  #offset = 0

  constructor(id: number) {
    this.#id = id
  }

  /** Make the next piece of `worker`, and remember it as sent. */
  make(worker: number, length: number, low = false): Buffer {
    const lane = laneOf(worker, low)
    const count = this.#lanes[lane]!.pieces.length
    const piece = pieceOf(lane, count, length, this.#id % PERIOD)
    this.#add(worker, lane, piece)
    return bytesOfPiece(piece)
  }

  /** A broadcast of `worker` goes to this socket too. */
  expect(worker: number, piece: Piece): void {
    this.#add(worker, laneOf(worker, false), piece)
  }

  #add(worker: number, lane: number, piece: Piece): void {
    const after = this.#inherited[worker]!.map((count, other) => {
      if (other === lane - 1 && isLow(lane)) return this.#lanes[other]!.pieces.length
      return isLow(other) && !isLow(lane) ? 0 : count
    })
    this.#lanes[lane]!.pieces.push(piece)
    this.#lanes[lane]!.after.push(after)
    this.#bytesOf[worker]! += piece.length
  }

  /** The last piece of `worker` was refused: nobody will get it. */
  unmake(worker: number, low = false): void {
    const { pieces, after } = this.#lanes[laneOf(worker, low)]!
    this.#bytesOf[worker]! -= pieces.pop()!.length
    after.pop()
  }

  /** An owner on `worker` gave the socket away; the next one writes behind it. */
  gaveAway(worker: number): void {
    for (const lane of LANES) {
      if (isOf(worker, lane)) this.#givenAway[lane] = this.#lanes[lane]!.pieces.length
    }
  }

  /** An owner on `worker` got the socket from another. */
  tookOver(worker: number): void {
    for (const lane of LANES) {
      if (!isOf(worker, lane)) this.#inherited[worker]![lane] = this.#givenAway[lane]!
    }
  }

  /** Pieces of each lane that must arrive when `worker` closes now. */
  owedTo(worker: number): readonly number[] {
    return LANES.map((lane) =>
      isOf(worker, lane) ? this.#lanes[lane]!.pieces.length : this.#inherited[worker]![lane]!,
    )
  }

  /** Nobody has sent anything. */
  get isEmpty(): boolean {
    return this.bytes === 0
  }

  /** Bytes that were sent so far. */
  get bytes(): number {
    return this.#bytesOf[0]! + this.#bytesOf[1]!
  }

  bytesOf(worker: number): number {
    return this.#bytesOf[worker]!
  }

  /** The peer got these. */
  arrived(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#lane < 0) this.#begin(bytes[at]!)
      const lane = this.#lanes[this.#lane]!
      const piece = lane.pieces[lane.arrived]!
      const count = Math.min(piece.length - this.#offset, bytes.length - at)
      this.#check(bytes.subarray(at, at + count), piece)
      at += count
      this.#offset += count
      if (this.#offset < piece.length) return
      lane.arrived++
      this.#lane = -1
    }
  }

  /** FIN came: what looks whole is not cut in the middle of a piece. */
  checkWhole(): void {
    assert.equal(this.#lane, -1, `socket ${this.#id}: the peer got a part of a piece, and then FIN`)
  }

  /** Nothing more will arrive, and all that is owed should have. */
  checkComplete(owed: readonly number[]): void {
    const told = `socket ${this.#id}: the peer got`
    this.checkWhole()
    this.#lanes.forEach(({ arrived }, lane) => {
      const text = `${told} ${arrived} of ${owed[lane]} pieces of lane ${lane}`
      assert.ok(arrived >= owed[lane]!, text)
    })
  }

  /** All that was sent has arrived. */
  checkAll(): void {
    this.checkComplete(this.#lanes.map(({ pieces }) => pieces.length))
  }

  #begin(first: number): void {
    const lane = first >> COUNT_BITS
    const { arrived, pieces, after } = this.#lanes[lane]!
    const told = `socket ${this.#id}: piece ${arrived} of lane ${lane}`
    assert.ok(arrived < pieces.length, `${told} arrived, and was never sent`)
    assert.equal(first, pieces[arrived]!.first, `${told} is next, and another one arrived`)
    after[arrived]!.forEach((count, other) => {
      const text = `${told} overtook what was sent before it in lane ${other}`
      assert.ok(this.#lanes[other]!.arrived >= count, text)
    })
    this.#lane = lane
    this.#offset = 0
  }

  #check(bytes: Uint8Array, { shift }: Piece): void {
    const skip = this.#offset === 0 ? 1 : 0
    const rest = bytes.subarray(skip)
    if (patternAt(shift, this.#offset + skip, rest.length).equals(rest)) return
    assert.fail(`socket ${this.#id}: wrong bytes in a piece of lane ${this.#lane}`)
  }
}
