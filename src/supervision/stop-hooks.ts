/**
 * What the services of one worker want to finish before their node stops. While these hooks run,
 * every service goes on as ever, but for listeners, which are closed.
 */
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import { type Part, type PartHost, PartKey } from '../service/part.ts'
import { kept } from '../service/scope.ts'
import type { WorkerTimers } from '../service/worker-timers.ts'

/** @param signal Aborts when the time is up: what goes on after that is cut off. */
export type StopHook = (signal: AbortSignal) => void | Promise<void>

/** What a stop hook needs of its service. */
export interface StopHookService extends PartHost {
  run(what: string, task: () => unknown): void
  say(level: 'error', text: string): void
}

const KEY = new PartKey<Part>()

export class StopHooks implements TimerOwner {
  firstTimer = NO_TIMER
  readonly #timers: WorkerTimers
  readonly #hooks = new Map<StopHookService, StopHook[]>()
  /** Hooks that are not done, by service. */
  readonly #running = new Map<StopHookService, number>()
  readonly #deadline = new AbortController()
  #isStopping = false
  #graceMs = 0
  #onDone: (() => void) | undefined

  constructor(timers: WorkerTimers) {
    this.#timers = timers
  }

  add(service: StopHookService, given: StopHook): void {
    const hook = kept(given)
    if (service.part(KEY) === undefined) {
      service.addPart(KEY, { ended: () => this.#remove(service) })
    }
    const hooks = this.#hooks.get(service)
    if (hooks === undefined) this.#hooks.set(service, [hook])
    else hooks.push(hook)
    if (this.#isStopping) this.#run(service, hook)
  }

  /** The service has ended: nobody waits for it. */
  #remove(service: StopHookService): void {
    this.#hooks.delete(service)
    if (this.#running.delete(service)) this.#look()
  }

  /** Run all hooks. Resolves when they are done, or after `graceMs`: each that is late is named. */
  async run(graceMs: number): Promise<void> {
    this.#isStopping = true
    for (const [service, hooks] of [...this.#hooks]) {
      for (const hook of hooks) this.#run(service, hook)
    }
    if (this.#running.size === 0) return
    this.#graceMs = graceMs
    this.#timers.addTimer(graceMs, this)
    await new Promise<void>((resolve) => {
      this.#onDone = resolve
    })
    this.#timers.wheel.cancelAll(this)
  }

  /** The time is up. */
  timerFired(): void {
    for (const service of this.#running.keys()) {
      service.say('error', `stop hook: not done within ${this.#graceMs} ms`)
    }
    this.#deadline.abort()
    this.#onDone?.()
  }

  #run(service: StopHookService, hook: StopHook): void {
    service.run('stop hook', async () => {
      this.#running.set(service, (this.#running.get(service) ?? 0) + 1)
      try {
        await hook(this.#deadline.signal)
      } finally {
        this.#done(service)
      }
    })
  }

  #done(service: StopHookService): void {
    const count = this.#running.get(service)
    // Ended meanwhile: it was taken out then.
    if (count === undefined) return
    if (count > 1) this.#running.set(service, count - 1)
    else this.#running.delete(service)
    this.#look()
  }

  #look(): void {
    if (this.#running.size === 0) this.#onDone?.()
  }
}
