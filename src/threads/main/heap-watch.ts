/**
 * Lets workers look at their heap that do not come back to do so by themselves: one turn is enough
 * to fill a table. Runs on the main thread, and only while a worker has a `memoryLimitMb`. A worker
 * that comes back is never interrupted.
 */
import { clearInterval, setInterval } from '../../base/event-loop.ts'
import { LOOK_EXPRESSION, LOOK_MS } from '../heap-guard.ts'
import { isAnyEnding } from './ends.ts'
import { evaluateOn } from './stack.ts'
import type { Thread } from './thread.ts'

/** A worker whose own look is late by less has other things to do, and comes back. */
const LOOKS_MISSED = 2
/**
 * A worker is asked when the process has grown by this share of its limit since it looked: one that
 * is held and takes no memory is not interrupted.
 */
const GROWTH_SHARE = 1 / 4
const MB = 1024 * 1024

interface Watched {
  /** How often it has looked by itself; 0: it has not begun. */
  readonly beats: Int32Array
  readonly onOutgrown: (usedMb: number) => void
  readonly growth: Growth
  isAsked: boolean
}

/** Says at each check whether a worker that does not come back may have outgrown its limit. */
export class Growth {
  readonly #bytes: number
  #seen = 0
  #missed = 0
  /** What the process had in memory when the worker last looked or was asked, or less since. */
  #from = 0

  constructor(memoryLimitMb: number) {
    this.#bytes = memoryLimitMb * MB * GROWTH_SHARE
  }

  /**
   * @param beats How often the worker has looked by itself.
   * @param size Bytes that the process has in memory now.
   */
  isDue(beats: number, size: number): boolean {
    const isBack = beats !== this.#seen
    this.#seen = beats
    this.#missed = isBack ? 0 : this.#missed + 1
    this.#from = isBack ? size : Math.min(this.#from, size)
    const isHeld = beats > 0 && this.#missed >= LOOKS_MISSED
    return isHeld && size - this.#from >= this.#bytes
  }

  /** The worker is asked: it is due again when the process has grown further. */
  asked(size: number): void {
    this.#from = size
  }
}

export class HeapWatch {
  readonly #watched = new Map<Thread, Watched>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param beats The cell that `guardHeap` counts in.
   * @param onOutgrown Told how much is in use.
   */
  add(
    thread: Thread,
    memoryLimitMb: number,
    beats: SharedArrayBuffer,
    onOutgrown: (usedMb: number) => void,
  ): void {
    const growth = new Growth(memoryLimitMb)
    this.#watched.set(thread, { beats: new Int32Array(beats), onOutgrown, growth, isAsked: false })
    this.#timer ??= setInterval(() => this.#check(), LOOK_MS).unref()
    void thread.ended.then(() => this.#drop(thread))
  }

  #check(): void {
    const size = processSize()
    for (const [thread, each] of this.#watched) {
      const isDue = each.growth.isDue(Atomics.load(each.beats, 0), size)
      // Where one is at its very end, another is asked at the next look: see ends.ts.
      if (!isDue || each.isAsked || thread.isLeaving || isAnyEnding()) continue
      each.growth.asked(size)
      void this.#ask(thread, each)
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

/** Bytes of the process in memory. Without a descriptor nobody can tell: then each look counts. */
function processSize(): number {
  try {
    return process.memoryUsage.rss()
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
