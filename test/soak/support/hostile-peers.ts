/** Entry of a process of hostile clients. */
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '../../../bench/support/serve.ts'
import { type Done, HOSTILITIES, type Hostility, type HostilityName } from './hostility.ts'

export interface PeersPlan {
  readonly name: HostilityName
  readonly port: number
  readonly size: number
  /** Between two turns: what leaves the node a part of the machine. */
  readonly restMs: number
}

export interface PeersResult {
  readonly done: Done
  readonly faults: readonly string[]
}

const FAULTS_MAX = 5
/** For what must happen, however slow the machine is. */
const WAIT_MS_MAX = 60_000

let hostility: Hostility | undefined
let running: Promise<void> | undefined
let isStopping = false
let done: Done = {}
let faults: string[] = []

serve({
  start: async ({ name, port, size, restMs }: PeersPlan) => {
    isStopping = false
    done = {}
    faults = []
    const fault = (text: string): void => {
      if (faults.length < FAULTS_MAX) faults.push(text)
    }
    const current = HOSTILITIES[name]({ port, size, done, fault })
    hostility = current
    running = run(current, restMs)
    await waitFor(() => current.isReady !== false)
  },
  stop: async ({ mustCount }: { mustCount: readonly string[] }): Promise<PeersResult> => {
    await waitFor(() => mustCount.every((name) => (done[name] ?? 0) > 0))
    isStopping = true
    await running
    hostility?.end()
    return { done, faults }
  },
})

/** Until it is so, or something is wrong: the counts tell what is missing. */
async function waitFor(isSo: () => boolean): Promise<void> {
  const endsAt = performance.now() + WAIT_MS_MAX
  while (!isSo() && faults.length === 0 && performance.now() < endsAt) await sleep(5)
}

async function run(current: Hostility, restMs: number): Promise<void> {
  while (!isStopping) {
    current.turn()
    await sleep(restMs)
  }
}
