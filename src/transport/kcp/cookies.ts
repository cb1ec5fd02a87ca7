/**
 * Proof that somebody receives at his address, kept by him and not by us: a time, and what only we
 * can have made of it and his address. Secrets change, and the one before is good a while longer.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { KCP_COOKIE_MS, KCP_SECRET_MS } from '../../base/limits.ts'
import { COOKIE_BYTES } from './packets.ts'
import { distance, read32, write32 } from './segment.ts'

const TIME_BYTES = 4
const SECRET_BYTES = 32

/** What a cookie is for: one of a handshake moves nobody. */
export const PURPOSE = { open: 1, move: 2 } as const

export interface Secrets {
  randomBytes(count: number): Buffer
}

export class Cookies {
  readonly #random: Secrets
  #secret: Buffer
  #before: Buffer | undefined
  #changedAt: number

  constructor(now: number, random: Secrets = { randomBytes }) {
    this.#random = random
    this.#secret = random.randomBytes(SECRET_BYTES)
    this.#changedAt = now
  }

  /** @param about What else it has to be about: a nonce, a conversation. */
  make(purpose: number, address: Uint8Array, about: Uint8Array, now: number): Buffer {
    this.#change(now)
    const cookie = Buffer.alloc(COOKIE_BYTES)
    write32(cookie, 0, now)
    cookie.set(mac(this.#secret, cookie, purpose, address, about), TIME_BYTES)
    return cookie
  }

  isGood(
    purpose: number,
    address: Uint8Array,
    about: Uint8Array,
    now: number,
    cookie: Buffer,
  ): boolean {
    this.#change(now)
    const age = distance(now, read32(cookie, 0))
    if (cookie.length !== COOKIE_BYTES || age < 0 || age > KCP_COOKIE_MS) return false
    const given = cookie.subarray(TIME_BYTES)
    const isOf = (secret: Buffer): boolean =>
      timingSafeEqual(given, mac(secret, cookie, purpose, address, about))
    return isOf(this.#secret) || (this.#before !== undefined && isOf(this.#before))
  }

  #change(now: number): void {
    const age = now - this.#changedAt
    if (age < KCP_SECRET_MS) return
    this.#before = age < 2 * KCP_SECRET_MS ? this.#secret : undefined
    this.#secret = this.#random.randomBytes(SECRET_BYTES)
    this.#changedAt = now
  }
}

function mac(
  secret: Buffer,
  cookie: Buffer,
  purpose: number,
  address: Uint8Array,
  about: Uint8Array,
): Buffer {
  // The length in front: an address is 7 to 23 bytes, and what follows must not be part of it.
  return createHmac('sha256', secret)
    .update(Uint8Array.of(purpose, address.length))
    .update(address)
    .update(about)
    .update(cookie.subarray(0, TIME_BYTES))
    .digest()
    .subarray(0, COOKIE_BYTES - TIME_BYTES)
}
