/** A task that comes again: Skynet has none, as its timers are messages. */
import { checkFunction, checkMs } from '../base/check.ts'
import { Timer } from '../kernel/timer.ts'
import { NO_TIMER } from '../kernel/timers.ts'
import { kept } from './scope.ts'
import type { Service } from './service.ts'

/** Run `task` every `ms`, by a plan that begins now. */
export function interval(service: Service, ms: number, task: () => unknown): Timer {
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
  const timer = new Timer(runtime.options.wheel.timers, index)
  return timer
}
