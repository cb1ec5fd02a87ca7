/**
 * The event loop and the clock of Node.js, as they were when this file was loaded. A test that
 * mocks timers (`mock.timers.enable()`, `vi.useFakeTimers()`) replaces the globals, and parts of
 * modules: a runtime that went by those would stand still. So all of `src` takes them from here,
 * and the linter refuses the globals.
 */
import * as promises from 'node:timers/promises'

export const {
  clearInterval,
  clearTimeout,
  queueMicrotask,
  setImmediate,
  setInterval,
  setTimeout,
} = globalThis
export const { nextTick } = process

/** Resolves after so many milliseconds. */
export const delay = promises.setTimeout

// The global is a getter: asked once, each reading costs a sixth less.
const clock = performance
/** When this thread began: milliseconds since 1970, with fractions. */
export const { timeOrigin } = clock
/** Milliseconds since then. */
export const monotonicNow = clock.now.bind(clock)
/** Milliseconds since 1970 by the clock on the wall, which may be set: for people to read. */
export const { now: wallNow } = Date
const { Date: RealDate } = globalThis
/** That time, or another, as `2025-01-31T12:00:00.000Z`. */
export const isoTime = (at = wallNow()): string => new RealDate(at).toISOString()
/** Milliseconds since 1970; unlike `wallNow` it never goes back, and has fractions. */
export const epochNow = (): number => timeOrigin + monotonicNow()
