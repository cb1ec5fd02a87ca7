/** Calls, forks and timers of one worker, with or without a store of `AsyncLocalStorage`. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { defineService } from 'skynet-ts'
import { type Pace, paceCalls } from '../support/pace.ts'
import { serveFromService } from '../support/serve.ts'

type Paced = Pace & { readonly concurrent: number }

export default defineService((skynet) => {
  const als = new AsyncLocalStorage<string>()
  let run = <T>(task: () => T): T => task()
  const pace = (call: (value: number) => Promise<unknown>, given: Paced) =>
    run(() => paceCalls(call, given))
  const forked = (value: number): Promise<number> =>
    new Promise((resolve) => skynet.fork(() => resolve(value)))
  serveFromService({
    use: (): void => {
      run = (task) => als.run('store', task)
      run(() => {})
    },
    call: (given: Paced) => pace((value) => skynet.call(skynet.self, 'echo', value), given),
    fork: (given: Paced) => pace(forked, given),
  })
  return { echo: (value: number) => value }
})
