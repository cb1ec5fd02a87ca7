/** Entry: `setTimeout`, many at once. */
import { serve } from '../support/serve.ts'
import { cancelAll, fireAll, type Timers } from '../support/timers.ts'

const timers: Timers<NodeJS.Timeout> = {
  set: (ms, fire) => setTimeout(fire, ms),
  cancel: (timer) => clearTimeout(timer),
}

serve({
  fire: ({ count }: { count: number }) => fireAll(timers, count),
  cancel: ({ count }: { count: number }) => cancelAll(timers, count),
})
