/**
 * A mutex on one Int32 cell of shared memory, which says who holds it.
 *
 *   0                      free
 *   holder                 held, nobody sleeps
 *   holder | SLEEPING      held, and somebody may sleep on the cell: unlock must notify
 *
 * A holder number is the thread number + 1, below 2^20. Hold it for microseconds, never across an
 * `await`. It is not reentrant: locking twice from one thread asserts. A thread that is terminated
 * while it holds the lock never gives it back; the cell says which one that was, and `inherit`
 * takes it from there.
 */
import assert from 'node:assert/strict'

const SLEEPING = 1 << 30
const HOLDER_MASK = (1 << 20) - 1
/** A sleeper looks again this often, so a lost wake-up could cost a moment, never the thread. */
const SLICE_MS = 1000

/** Take the lock if it is free. Never sleeps. */
export function tryLock(cells: Int32Array, at: number, holder: number): boolean {
  assert.ok(holder > 0 && holder <= HOLDER_MASK, 'a holder is a thread number + 1, below 2^20')
  return Atomics.compareExchange(cells, at, 0, holder) === 0
}

/** Take the lock, asleep in `Atomics.wait` while another thread has it. */
export function lock(cells: Int32Array, at: number, holder: number): void {
  if (!tryLock(cells, at, holder)) lockSlowly(cells, at, holder)
}

function lockSlowly(cells: Int32Array, at: number, holder: number): void {
  for (;;) {
    const seen = Atomics.load(cells, at)
    if (seen === 0) {
      // With the bit: unlock wakes one sleeper and forgets the others, so whoever came this way
      // must assume there are more. The price is at most one idle notify.
      if (Atomics.compareExchange(cells, at, 0, holder | SLEEPING) === 0) return
      continue
    }
    assert.notEqual(seen & HOLDER_MASK, holder, 'this thread holds the lock already')
    const asleep = seen | SLEEPING
    // The bit is set before sleeping; wait() checks the cell again, so an unlock between is seen.
    if (seen === asleep || Atomics.compareExchange(cells, at, seen, asleep) === seen) {
      Atomics.wait(cells, at, asleep, SLICE_MS)
    }
  }
}

/** Give the lock back. Only its holder may. */
export function unlock(cells: Int32Array, at: number): void {
  const was = Atomics.exchange(cells, at, 0)
  assert.notEqual(was, 0, 'the lock was free')
  if ((was & SLEEPING) !== 0) Atomics.notify(cells, at, 1)
}

/**
 * Take the lock of a thread that has ended, and is not there again yet. What it guards may be half
 * changed: mend it, then unlock.
 *
 * @returns False when `dead` does not hold it.
 */
export function inherit(cells: Int32Array, at: number, dead: number, holder: number): boolean {
  const seen = Atomics.load(cells, at)
  if ((seen & HOLDER_MASK) !== dead) return false
  // Who came after it may sleep: the bit stays, so unlock wakes one.
  const heir = holder | SLEEPING
  return Atomics.compareExchange(cells, at, seen, heir) === seen || inherit(cells, at, dead, holder)
}
