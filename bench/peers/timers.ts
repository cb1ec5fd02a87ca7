/** Entry: `setTimeout`, many at once. */
import { serve } from '../support/serve.ts'
import { cancelAll, fireAll, holdAll, type Timers } from '../support/timers.ts'

const timers: Timers<NodeJS.Timeout> = {
  set: (ms, fire) => setTimeout(fire, ms),
  cancel: (timer) => clearTimeout(timer),
}

serve({
  fire: ({ count }: { count: number }) => fireAll(timers, count),
  cancel: ({ count }: { count: number }) => cancelAll(timers, count),
  hold: ({ count }: { count: number }) => holdAll(timers, count),
})
