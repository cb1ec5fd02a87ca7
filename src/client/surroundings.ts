/** What a client has around it: time, chance, the page. Tests give others. */
import type { PageScope } from './page.ts'
import { after, steadyNow, throwLater } from './timers.ts'

export interface Surroundings {
  /** Milliseconds since 1970, of a clock that never goes back. */
  now(): number
  /** 0 ≤ x < 1. */
  random(): number
  /** @returns What takes it back. */
  after(ms: number, act: () => void): () => void
  /** What nobody can catch, as a listener has thrown it. */
  uncaught(error: unknown): void
  readonly page: PageScope
}

export const REAL_SURROUNDINGS: Surroundings = {
  now: steadyNow,
  random: Math.random,
  after,
  uncaught: throwLater,
  page: globalThis as PageScope,
}
