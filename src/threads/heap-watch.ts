/**
 * Lets workers look at their heap that do not come back to do so by themselves: one turn is enough
 * to fill a table. Runs on the main thread, and only while a worker has a `memoryLimitMb`. A worker
 * that comes back is never interrupted.
 */
import { clearInterval, setInterval } from '../base/event-loop.ts'
import { LOOK_EXPRESSION, LOOK_MS } from './heap-guard.ts'
import { evaluateOn } from './stack.ts'
import type { Thread } from './thread.ts'

/** A worker whose own look is late by less has other things to do, and comes back. */
const LOOKS_MISSED = 2

interface Watched {
  /** How often it has looked by itself; 0: it has not begun. */
  readonly beats: Int32Array
  readonly onOutgrown: (usedMb: number) => void
  seen: number
  isAsked: boolean
  missed: number
}

export class HeapWatch {
  readonly #watched = new Map<Thread, Watched>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param beats The cell that `guardHeap` counts in.
   * @param onOutgrown Told how much is in use.
   */
  add(thread: Thread, beats: SharedArrayBuffer, onOutgrown: (usedMb: number) => void): void {
    const cell = new Int32Array(beats)
    this.#watched.set(thread, { beats: cell, onOutgrown, seen: 0, missed: 0, isAsked: false })
    this.#timer ??= setInterval(() => this.#check(), LOOK_MS).unref()
    void thread.ended.then(() => this.#drop(thread))
  }

  #check(): void {
    for (const [thread, each] of this.#watched) {
      const beats = Atomics.load(each.beats, 0)
      each.missed = beats === each.seen ? each.missed + 1 : 0
      each.seen = beats
      // What ends is not told anything: see asking.ts.
      const isHeld = beats > 0 && each.missed >= LOOKS_MISSED && !thread.isLeaving
      if (isHeld && !each.isAsked) void this.#ask(thread, each)
    }
  }

  async #ask(thread: Thread, each: Watched): Promise<void> {
    each.isAsked = true
    const usedMb = await evaluateOn(thread.worker, LOOK_EXPRESSION)
    each.isAsked = false
    if (typeof usedMb === 'number' && usedMb > 0) each.onOutgrown(usedMb)
  }

  #drop(thread: Thread): void {
    this.#watched.delete(thread)
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
