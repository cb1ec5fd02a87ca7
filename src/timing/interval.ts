/** A task that comes again: Skynet has none, as its timers are messages. */
import { checkFunction, checkMs } from '../base/check.ts'
import { Timer } from '../kernel/timer.ts'
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import type { Wheel } from '../kernel/wheel.ts'
import { kept } from '../service/scope.ts'

/** What intervals need of their service. */
export interface IntervalHost extends TimerOwner {
  readonly hasEnded: boolean
  readonly runtime: {
    readonly now: number
    readonly wheel: Wheel
    addTimerAt(due: number, owner: TimerOwner, task: unknown): number
  }
}

/** Run `task` every `ms`, by a plan that begins now. */
export function interval(service: IntervalHost, ms: number, task: () => unknown): Timer {
  checkFunction('set an interval', 'task', task)
  checkMs('set an interval', 'ms', ms, 1)
  const { runtime } = service
  let due = runtime.now + ms
  const tick = kept((): unknown => {
    // The next time of the plan that is not past: those that were missed are left out.
    due += ms * Math.floor((runtime.now - due) / ms + 1)
    timer.renew(runtime.addTimerAt(due, service, tick))
    return task()
  })
  const index = service.hasEnded ? NO_TIMER : runtime.addTimerAt(due, service, tick)
  const timer = new Timer(runtime.wheel.timers, index)
  return timer
}
