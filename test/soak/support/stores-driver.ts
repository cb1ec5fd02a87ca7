/** First service of the stores soak: lets many tenants log in, and looks at what they have seen. */
import { BroadcastChannel } from 'node:worker_threads'
import { defineService } from 'skynet-ts'
import type tenant from '../../fixtures/tenant.ts'
import { ENTRIES, type Way, wrongOf } from '../../fixtures/tenant.ts'

export interface Order {
  readonly channel: string
  readonly requests: number
  readonly atOnce: number
}
export interface Outcome {
  readonly looks: number
  readonly wrong: readonly string[]
}

const TENANT = new URL('../../fixtures/tenant.ts', import.meta.url)
const WAYS: readonly Way[] = ['run', 'enterWith', 'both']
/** These launch a service each time, or hold a name of the node. */
const SLOW = ['monitor', 'shared', 'datacenter']
const WRONG_SHOWN = 20

export default defineService((skynet, order: Order) => {
  const entries = Object.keys(ENTRIES).filter((entry) => !SLOW.includes(entry))
  skynet.fork(async () => {
    const places = ['same', 1 - skynet.worker] as const
    const peers = await Promise.all(
      places.map((on) => skynet.newService<typeof tenant>(TENANT, { on })),
    )
    const wrong: string[] = []
    let begun = 0
    let looks = 0
    const guests = Array.from({ length: order.atOnce }, async () => {
      while (begun < order.requests) {
        const number = ++begun
        const name = `tenant-${number}`
        const way = WAYS[number % 3]!
        const seen = await peers[(number >> 2) % 2]!.call.login(name, way, entries)
        looks += seen.length
        wrong.push(...wrongOf(name, seen))
      }
    })
    await Promise.all(guests)
    const outcome: Outcome = { looks, wrong: wrong.slice(0, WRONG_SHOWN) }
    const channel = new BroadcastChannel(order.channel)
    channel.postMessage(outcome)
    channel.close()
  })
})
