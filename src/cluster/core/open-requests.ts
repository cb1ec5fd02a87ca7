/** Requests that wait for their answers over one link. */

/** Places at the start: a power of two. */
const PLACES_MIN = 64

/**
 * Where a request is on its way: the number of the batch it stands in, or this. A batch with a
 * number up to the last that has left has left as well; so a long one has that of the last one
 * that had left before it.
 */
export const IN_LANE = Infinity

/**
 * A table with open addressing, of numbers alone: a call makes no object here, and leaves nothing
 * behind when it is answered. The key is who has asked, and under which session.
 *
 *     place = hash of the key … the next one while it is taken; 0 in `sessions`: it is free
 */
export class OpenRequests {
  #sources = new Int32Array(PLACES_MIN)
  #sessions = new Float64Array(PLACES_MIN)
  /** Of the clock of the link. */
  #deadlines = new Float64Array(PLACES_MIN)
  #batches = new Float64Array(PLACES_MIN)
  #mask = PLACES_MIN - 1
  #size = 0
  /** No deadline is earlier. */
  #earliest = Infinity

  get size(): number {
    return this.#size
  }

  /**
   * One that is open under that key already is this one now.
   *
   * @param source An id: it has 24 bits.
   * @param session Not 0.
   */
  add(source: number, session: number, deadline: number, batch: number): void {
    if (this.#size * 2 > this.#mask) this.#resize((this.#mask + 1) * 2)
    const sessions = this.#sessions
    let place = this.#hash(source, session)
    while (sessions[place] !== 0) {
      if (sessions[place] === session && this.#sources[place] === source) break
      place = (place + 1) & this.#mask
    }
    if (sessions[place] === 0) this.#size++
    sessions[place] = session
    this.#sources[place] = source
    this.#deadlines[place] = deadline
    this.#batches[place] = batch
    if (deadline < this.#earliest) this.#earliest = deadline
  }

  /** It has its answer, or nobody waits any more. False: none is open under that key. */
  take(source: number, session: number): boolean {
    const place = this.#find(source, session)
    if (place < 0) return false
    this.#free(place)
    return true
  }

  /** A request is now in another batch, or has left. */
  move(source: number, session: number, batch: number): void {
    const place = this.#find(source, session)
    if (place >= 0) this.#batches[place] = batch
  }

  /**
   * Take all whose deadline is up to `now`. They are gone before the first is told: whoever is told
   * may add others.
   */
  expire(now: number, each: EachRequest): void {
    if (now < this.#earliest) return
    this.#takeUntil(now, each)
  }

  /** Take all. */
  clear(each: EachRequest): void {
    if (this.#size > 0) this.#takeUntil(Infinity, each)
  }

  #takeUntil(now: number, each: EachRequest): void {
    const gone: number[] = []
    let earliest = Infinity
    for (let place = 0; place <= this.#mask; place++) {
      if (this.#sessions[place] === 0) continue
      const deadline = this.#deadlines[place]!
      if (deadline <= now) {
        gone.push(this.#sources[place]!, this.#sessions[place]!, this.#batches[place]!)
      } else if (deadline < earliest) earliest = deadline
    }
    for (let i = 0; i < gone.length; i += 3) this.take(gone[i]!, gone[i + 1]!)
    this.#earliest = earliest
    for (let i = 0; i < gone.length; i += 3) each(gone[i]!, gone[i + 1]!, gone[i + 2]!)
  }

  #find(source: number, session: number): number {
    const sessions = this.#sessions
    let place = this.#hash(source, session)
    for (;;) {
      const found = sessions[place]
      if (found === 0) return -1
      if (found === session && this.#sources[place] === source) return place
      place = (place + 1) & this.#mask
    }
  }

  #hash(source: number, session: number): number {
    return (Math.imul(source, 0x9e3779b1) + session) & this.#mask
  }

  /** No place is just emptied: whoever stands behind, not where its hash is, moves up. */
  #free(place: number): void {
    const sessions = this.#sessions
    const mask = this.#mask
    let hole = place
    for (let next = (hole + 1) & mask; sessions[next] !== 0; next = (next + 1) & mask) {
      const home = this.#hash(this.#sources[next]!, sessions[next]!)
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      this.#copy(next, hole)
      hole = next
    }
    sessions[hole] = 0
    this.#size--
    if (this.#size === 0) this.#empty()
  }

  /** What a burst has needed is not kept for ever. */
  #empty(): void {
    this.#earliest = Infinity
    if (this.#mask + 1 > PLACES_MIN * 64) this.#resize(PLACES_MIN)
  }

  #copy(from: number, to: number): void {
    this.#sources[to] = this.#sources[from]!
    this.#sessions[to] = this.#sessions[from]!
    this.#deadlines[to] = this.#deadlines[from]!
    this.#batches[to] = this.#batches[from]!
  }

  #resize(places: number): void {
    const sources = this.#sources
    const sessions = this.#sessions
    const deadlines = this.#deadlines
    const batches = this.#batches
    const earliest = this.#earliest
    this.#sources = new Int32Array(places)
    this.#sessions = new Float64Array(places)
    this.#deadlines = new Float64Array(places)
    this.#batches = new Float64Array(places)
    this.#mask = places - 1
    this.#size = 0
    for (let i = 0; i < sessions.length; i++) {
      if (sessions[i] === 0) continue
      this.add(sources[i]!, sessions[i]!, deadlines[i]!, batches[i]!)
    }
    this.#earliest = earliest
  }
}

/** @param batch As it was given. */
export type EachRequest = (source: number, session: number, batch: number) => void
