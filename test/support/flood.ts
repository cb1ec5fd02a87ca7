/** Many services flood each other across workers; then the books are compared, pair by pair. */
import type { Skynet } from 'skynet-ts'
import type flooder from '../fixtures/flooder.ts'
import type settler from '../fixtures/settler.ts'
import { until } from './until.ts'

const SETTLER = new URL('../fixtures/settler.ts', import.meta.url)
const FLOODER = new URL('../fixtures/flooder.ts', import.meta.url)

export interface FloodOptions {
  readonly workers: number
  readonly services: number
  /** Each service sends so many bursts a round. */
  readonly bursts: number
  /** Told after each round how many messages have come; true: one more. */
  readonly goOn: (received: number) => boolean
  readonly seed: number
}

export interface FloodResult {
  readonly received: number
  /** Heap of each worker after garbage collection, in bytes. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** @throws When a message is lost, doubled, or out of order. A lost wake-up is a hang. */
export async function flood(skynet: Skynet, options: FloodOptions): Promise<FloodResult> {
  const { workers, services, bursts, goOn, seed } = options
  const settlers = await Promise.all(
    Array.from({ length: workers }, (_, on) => skynet.newService<typeof settler>(SETTLER, { on })),
  )
  const settle = async (): Promise<number[]> => {
    const heaps: number[] = []
    for (const each of settlers) heaps.push(await each.call.heap())
    return heaps
  }
  // The first round leaves what stays: compiled code, tables that have grown.
  await round(skynet, { workers, services, bursts, goOn: () => false, seed })
  const before = await settle()
  const received = await round(skynet, { workers, services, bursts, goOn, seed: seed + services })
  return { received, before, after: await settle() }
}

async function round(skynet: Skynet, options: FloodOptions): Promise<number> {
  const { workers, services, bursts, goOn, seed } = options
  const all = await Promise.all(
    Array.from({ length: services }, (_, self) =>
      skynet.newService<typeof flooder>(FLOODER, {
        args: [self, seed + self],
        on: self % workers,
      }),
    ),
  )
  const handles = all.map(({ handle }) => handle)
  for (const each of all) each.send.meet(handles)
  let received = 0
  do {
    await Promise.all(all.map((each) => each.call.flood(bursts)))
    received = await balance(all.map((each) => () => each.call.counts()))
  } while (goOn(received))
  await Promise.all(all.map((each) => each.call.leave()))
  return received
}

interface Counts {
  readonly sent: Uint32Array
  readonly received: Uint32Array
  readonly fault: string | undefined
}

/** Wait until each has received what the others sent it. Returns how many messages that is. */
async function balance(all: readonly (() => Promise<Counts>)[]): Promise<number> {
  let total = 0
  await until('what was sent has come', async () => {
    const counts = await Promise.all(all.map((ask) => ask()))
    const fault = counts.find((each) => each.fault !== undefined)?.fault
    if (fault !== undefined) throw new Error(fault)
    total = 0
    for (const [to, { received }] of counts.entries()) {
      for (const [from, count] of received.entries()) {
        if (count !== counts[from]!.sent[to]) return false
        total += count
      }
    }
    return true
  })
  return total
}
