/** A poller that reports late, together, in any order, less than there is, and for nothing. */
import assert from 'node:assert/strict'
import { type Poller, READY } from '../../os/poll/poller.ts'
import { type Pollable, SimEndpoint } from './endpoint.ts'
import type { FaultChooser } from './faults.ts'
import type { Chance } from './random.ts'

interface Watched {
  readonly fd: number
  readonly thing: Pollable
  tag: number
  interest: number
  /** What this wait reports. */
  report: number
}

/** Reported whatever the interest is. */
const ALWAYS = READY.error | READY.hangup

export class SimPoller implements Poller {
  readonly name = 'poll'
  /** The last wait would have slept this long; -1 without limit, 0: not at all. */
  sleptMs = 0
  readonly #watched = new Map<number, Watched>()
  readonly #thingOf: (fd: number) => Pollable | undefined
  readonly #faults: FaultChooser
  readonly #random: Chance

  constructor(thingOf: (fd: number) => Pollable | undefined, faults: FaultChooser, random: Chance) {
    this.#thingOf = thingOf
    this.#faults = faults
    this.#random = random
  }

  has(fd: number): boolean {
    return this.#watched.has(fd)
  }

  /** Something is ready, and no fault is in the way. */
  get isReady(): boolean {
    for (const watched of this.#watched.values()) if (readyOf(watched) !== 0) return true
    return false
  }

  add(fd: number, tag: number, interest: number): number {
    const thing = this.#thingOf(fd)
    assert.ok(thing !== undefined, `poller.add: descriptor ${fd} is closed`)
    assert.ok(!this.#watched.has(fd), `poller.add: descriptor ${fd} is watched already`)
    this.#watched.set(fd, { fd, tag, interest, thing, report: 0 })
    return 0
  }

  change(fd: number, tag: number, interest: number): number {
    const watched = this.#watched.get(fd)
    assert.ok(watched !== undefined, `poller.change: descriptor ${fd} is not watched`)
    watched.tag = tag
    watched.interest = interest
    return 0
  }

  remove(fd: number, tag: number): number {
    const watched = this.#watched.get(fd)
    assert.ok(watched !== undefined, `poller.remove: descriptor ${fd} is not watched`)
    assert.equal(watched.tag, tag, `poller.remove: the tag of descriptor ${fd}`)
    this.#watched.delete(fd)
    return 0
  }

  wait(tags: Uint32Array, ready: Uint8Array, timeoutMs: number): number {
    const faults = this.#faults
    const events: Watched[] = []
    let isAnyReady = false
    for (const watched of this.#watched.values()) {
      watched.report = readyOf(watched)
      if (watched.report !== 0) {
        isAnyReady = true
        if (!faults.hits('pollerLate')) events.push(watched)
      } else if (mayBeSpurious(watched) && faults.hits('pollerSpurious')) {
        watched.report = watched.interest
        events.push(watched)
      }
    }
    this.sleptMs = isAnyReady || events.length > 0 ? 0 : timeoutMs
    if (faults.hits('pollerInterrupted')) return 0
    this.#shuffle(events)
    let count = Math.min(tags.length, events.length)
    if (count > 1) count = faults.cut('pollerFew', count)
    for (let i = 0; i < count; i++) {
      tags[i] = events[i]!.tag
      ready[i] = events[i]!.report
    }
    return count
  }

  close(): void {
    assert.ok(this.#watched.size <= 1, 'poller.close: sockets are still watched')
    this.#watched.clear()
  }

  #shuffle(events: Watched[]): void {
    for (let i = events.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1)
      const event = events[i]!
      events[i] = events[j]!
      events[j] = event
    }
  }
}

function readyOf({ thing, interest }: Watched): number {
  return thing.ready() & (interest | ALWAYS)
}

/** No system reports a connect that is under way: that would say it has succeeded. */
function mayBeSpurious({ thing, interest }: Watched): boolean {
  return interest !== 0 && !(thing instanceof SimEndpoint && thing.state === 'connecting')
}
