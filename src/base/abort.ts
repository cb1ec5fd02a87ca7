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

/** Whoever calls `abort()` runs this, wherever its stack is. */
function aborted({ currentTarget }: Event): void {
  const signal = currentTarget as AbortSignal
  const known = waiting.get(signal) ?? new Set()
  waiting.delete(signal)
  try {
    tell(signal, known)
  } catch {
    // The stack ended in there. On a new one it does not.
    queueMicrotask(() => tell(signal, known))
  }
}

/** Those who came first are told first. Whoever was not told to the end stays in the set. */
function tell(signal: AbortSignal, known: Set<Abortable>): void {
  for (const who of known) {
    who.aborted(signal)
    known.delete(who)
  }
}
