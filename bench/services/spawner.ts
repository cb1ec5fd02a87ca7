/** Launches many services, on its own worker or wherever there is room. */
import { defineService, type Placement } from 'skynet-ts'
import type { Measure } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { serveFromService } from '../support/serve.ts'
import { settledMemory } from '../support/settled.ts'
import type idleService from './idle.ts'

const CONCURRENT = 100

export default defineService((skynet) => {
  const url = new URL('./idle.js', import.meta.url)
  const launch = (on: Placement) => skynet.newService<typeof idleService>(url, { on })

  const launchSome = async (on: Placement, count: number, handles: number[]): Promise<void> => {
    const refs = await Promise.all(Array.from({ length: count }, () => launch(on)))
    for (const { handle } of refs) handles.push(handle)
  }

  const launchFor = async (on: Placement, seconds: number): Promise<Measure> => {
    const handles: number[] = []
    const startedAt = performance.now()
    const endsAt = startedAt + seconds * 1000
    while (performance.now() < endsAt) await launchSome(on, CONCURRENT, handles)
    const value = (handles.length * 1000) / (performance.now() - startedAt)
    let answered = 0
    for (const handle of handles) if (skynet.isAlive(handle)) answered++
    const last = await skynet.call(handles.at(-1)!, 'ping')
    if (last !== 'pong') throw new Error(`ping was answered by ${String(last)}`)
    await Promise.all(handles.map((handle) => skynet.kill(handle)))
    return { completed: answered, value }
  }

  serveFromService({
    spawn: async ({ on, seconds, warmSeconds }: Pace & { on: Placement }) => {
      await launchFor(on, warmSeconds)
      return launchFor(on, seconds)
    },
    idle: async ({ count }: { count: number }) => {
      // What the first service of a module costs is not what the next one does.
      await launchSome('same', CONCURRENT, [])
      const before = await settledMemory()
      for (let left = count; left > 0; left -= CONCURRENT) {
        await launchSome('same', Math.min(left, CONCURRENT), [])
      }
      const after = await settledMemory()
      return { heap: after.heap - before.heap, rss: after.rss - before.rss }
    },
  })
})
