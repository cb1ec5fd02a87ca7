/** Waiting for what must happen, however slow the machine is. */
import type { EventEmitter } from 'node:events'

/** Nothing that works takes so long: who waits in vain is told before the runner gives up. */
const WAIT_MS_MAX = 60_000
const LOOK_MS_MAX = 20

export interface UntilOptions {
  readonly withinMs?: number
  /** Each an emitter and the events of it after which to look again at once. */
  readonly on?: readonly (readonly [EventEmitter, ...string[]])[]
}

type Nothing = undefined | null | false | 0 | ''

/**
 * Wait until `look` finds something: anything that is true.
 *
 * @param what Named when it does not come.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinMs = WAIT_MS_MAX, on = [] }: UntilOptions = {},
): Promise<Exclude<T, Nothing>> {
  const endsAt = performance.now() + withinMs
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LOOK_MS_MAX)) {
    const found = await look()
    if (found) return found as Exclude<T, Nothing>
    if (performance.now() > endsAt) throw new Error(`Waited ${withinMs} ms in vain: ${what}`)
    await pause(pauseMs, on)
  }
}

/**
 * Wait until so many have come. Many take as long as the machine needs for them: who waits in vain
 * is who sees no more of them come.
 */
export async function untilCounted(
  what: string,
  count: () => number,
  wanted: number,
): Promise<void> {
  for (let last = count(); last < wanted; last = count()) {
    await until(`${what}: more than ${last} of ${wanted}`, () => count() > last)
  }
}

/** Wait for one of the events, but no longer than that. */
function pause(ms: number, on: NonNullable<UntilOptions['on']>): Promise<void> {
  return new Promise((resolve) => {
    const each = (act: (emitter: EventEmitter, name: string) => void): void => {
      for (const [emitter, ...names] of on) for (const name of names) act(emitter, name)
    }
    const wake = (): void => {
      clearTimeout(timer)
      each((emitter, name) => emitter.off(name, wake))
      resolve()
    }
    const timer = setTimeout(wake, ms)
    each((emitter, name) => emitter.on(name, wake))
  })
}
