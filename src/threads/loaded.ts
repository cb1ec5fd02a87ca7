/** What a thread that loads its modules says of that. See main/loading.ts for why. */

/** Called by the thread: its native library is there. */
export function hasLoaded(memory: SharedArrayBuffer): void {
  const cell = new Int32Array(memory)
  Atomics.store(cell, 0, 1)
  Atomics.notify(cell, 0)
}
