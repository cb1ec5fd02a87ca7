/** `skynet.timeout`, many at once. */
import { defineService, type Timer } from 'skynet-ts'
import { serveFromService } from '../support/serve.ts'
import { cancelAll, fireAll, holdAll, type Timers } from '../support/timers.ts'

export default defineService((skynet) => {
  const timers: Timers<Timer> = {
    set: (ms, fire) => skynet.timeout(ms, fire),
    cancel: (timer) => timer.cancel(),
  }
  serveFromService({
    fire: ({ count }: { count: number }) => fireAll(timers, count),
    cancel: ({ count }: { count: number }) => cancelAll(timers, count),
    hold: ({ count }: { count: number }) => holdAll(timers, count),
  })
})
