/** First service of the node that the flood soak starts. */
import { BroadcastChannel } from 'node:worker_threads'
import { defineService } from 'skynet-ts'
import { type FloodResult, flood } from '../../support/flood.ts'

export type Order = {
  readonly channel: string
  readonly seconds: number
  readonly services: number
  readonly workers: number
  readonly seed: number
}
export type Outcome = FloodResult | { readonly error: string }

const BURSTS = 20
const REPORT_MS = 10_000

export default defineService((skynet, order: Order) => {
  const channel = new BroadcastChannel(order.channel)
  const endsAt = skynet.now() + order.seconds * 1000
  let reportedAt = skynet.now()
  const goOn = (received: number): boolean => {
    if (skynet.now() - reportedAt > REPORT_MS) {
      reportedAt = skynet.now()
      skynet.log(`${received} messages so far`)
    }
    return skynet.now() < endsAt
  }
  skynet.fork(async () => {
    const outcome = await flood(skynet, { ...order, bursts: BURSTS, goOn }).catch(
      (error: Error) => ({ error: error.message }),
    )
    channel.postMessage(outcome satisfies Outcome)
    channel.close()
  })
})
