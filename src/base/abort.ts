/**
 * Who waits for an AbortSignal, on this thread. Node.js looks through all listeners of a signal for
 * each that comes or goes. Many thousand waits share one signal, so a signal has one listener of
 * ours, and a set of those who wait; both are gone when nobody waits any more.
 */
import { queueMicrotask } from './event-loop.ts'

/** Told once, when its signal aborts. */
export interface Abortable {
  aborted(signal: AbortSignal): void
}

const waiting = new WeakMap<AbortSignal, Set<Abortable>>()

/** From now on `who` is told. Only for a signal that has not aborted. */
export function watchAbort(signal: AbortSignal, who: Abortable): void {
  const known = waiting.get(signal)
  if (known !== undefined) {
    known.add(who)
    return
  }
  waiting.set(signal, new Set([who]))
  signal.addEventListener('abort', aborted, { once: true })
}

/** `who` is not told any more. Harmless when it was told, or never asked. */
export function leaveAbort(signal: AbortSignal, who: Abortable): void {
  const known = waiting.get(signal)
  if (known === undefined || !known.delete(who) || known.size > 0) return
  waiting.delete(signal)
  signal.removeEventListener('abort', aborted)
}

/** Whoever calls `abort()` runs this, wherever its stack is. The first are told first. */
function aborted({ currentTarget }: Event): void {
  const signal = currentTarget as AbortSignal
  const known = waiting.get(signal) ?? new Set()
  waiting.delete(signal)
  try {
    for (const who of known) {
      who.aborted(signal)
      known.delete(who)
    }
  } catch {
    // The stack may have ended in there. Whoever was not told to the end is told on a new one.
    queueMicrotask(() => tellOthers(signal, known))
  }
}

/** Who throws here does so for a reason of its own. It is told no more, and holds up nobody. */
function tellOthers(signal: AbortSignal, known: ReadonlySet<Abortable>): void {
  for (const who of known) {
    try {
      who.aborted(signal)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
