/** The service under attack: accepts, and hands each connection to one of two agents, in turn. */
import { type Connection, defineService } from 'skynet-ts'
import { serveFromService } from '../../../bench/support/serve.ts'
import type agent from './line-agent.ts'
import type { AgentStats } from './line-agent.ts'
import { Latency, type Spread } from './spread.ts'

const AGENTS = 2
const PROBE_EVERY_MS = 20

export interface GateStats extends AgentStats {
  readonly accepted: number
  /** Milliseconds from an order to the socket thread until its answer is here. */
  readonly socketTurn: Spread
}

export default defineService(async (skynet) => {
  const agents = await Promise.all(
    Array.from({ length: AGENTS }, (_, on) =>
      skynet.newService<typeof agent>('./line-agent.ts', { on }),
    ),
  )
  const server = await skynet.socket.listen({ host: '127.0.0.1', port: 0, backlog: 1024 })
  let accepted = 0
  const hand = (connection: Connection): void => {
    agents[accepted++ % AGENTS]!.send.serve(connection.id)
  }
  skynet.fork(async () => {
    for await (const connection of server) hand(connection)
  })
  const turns = new Latency()
  /** A listener that opens takes one order and one event: it waits for the socket thread's turn. */
  const probe = async (): Promise<void> => {
    const startedAt = performance.now()
    const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    turns.add(performance.now() - startedAt)
    listener.close()
  }
  let probing = 0
  const probeOn = async (run: number): Promise<void> => {
    while (probing === run) {
      await probe()
      await skynet.sleep(PROBE_EVERY_MS)
    }
  }
  serveFromService({
    port: () => server.port,
    probe: ({ on }: { on: boolean }) => {
      probing++
      if (!on) return
      turns.clear()
      skynet.fork(probeOn, probing)
    },
    netstat: () => skynet.socket.netstat(),
    stats: async (): Promise<GateStats> => {
      const all = await Promise.all(agents.map((each) => each.call.stats()))
      const ends: Record<string, number> = {}
      for (const each of all) {
        for (const [why, count] of Object.entries(each.ends)) ends[why] = (ends[why] ?? 0) + count
      }
      const lines = all.reduce((sum, each) => sum + each.lines, 0)
      return { accepted, lines, ends, socketTurn: turns.spread() }
    },
    /** Heap of each worker once its garbage is gone. */
    heaps: () => Promise.all(agents.map((each) => each.call.heap())),
    say: async ({ text }: { text: string }) => {
      for (const each of agents) await each.call.say(text)
    },
  })
})
