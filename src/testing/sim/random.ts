/** Chance from a seed: everything random in a simulated run comes from one of these. */
/** What the simulated system decides by. */
export interface Chance {
  /** 0 … limit - 1. */
  below(limit: number): number
  /** True once in `n` times. */
  oneIn(n: number): boolean
}

export class Random implements Chance {
  #state: number

  constructor(seed: number) {
    this.#state = mixed(seed)
  }

  /** Start again, number `part` of those from `seed`: what came before does not matter. */
  restart(seed: number, part: number): void {
    this.#state = mixed(mixed(seed) ^ part)
  }

  /** A whole number of 32 bits (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }

  below(limit: number): number {
    return this.next() % limit
  }

  /** min … max. */
  between(min: number, max: number): number {
    return min + (this.next() % (max - min + 1))
  }

  oneIn(n: number): boolean {
    return this.next() % n === 0
  }

  /** Mostly small numbers, up to `max`, at least 1: each magnitude is as likely as the next. */
  size(max: number): number {
    const bits = this.below(33 - Math.clz32(max))
    return Math.min(max, 1 + this.below(1 << bits))
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.next() & 0xff))
  }

  pick<T>(list: readonly T[]): T {
    return list[this.next() % list.length]!
  }
}

/** Neighbouring numbers must not give neighbouring ones. */
const mixed = (number: number): number => Math.imul(number ^ (number >>> 15), 0x2c1b3c6d) >>> 0
