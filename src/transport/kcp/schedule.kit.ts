/** One schedule of KCP: clients connect, both sides talk, one of them closes. By its seed. */
import assert from 'node:assert/strict'
import { Random } from '../../testing/sim/random.ts'
import { type SimEnd, Simulation, type Weather } from './simulation.kit.ts'

function weatherOf(random: Random): Weather {
  return {
    lost: random.below(31),
    doubled: random.below(20),
    cutMs: random.oneIn(3) ? 4000 : 0,
    moves: random.oneIn(2) ? random.below(4) : 0,
    strangers: random.oneIn(2) ? random.below(20) : 0,
  }
}

/** What one end has is what the other one has sent, as far as it goes. */
function assertBegin(end: SimEnd, peer: SimEnd, what: string): void {
  assert.deepEqual(end.received, peer.sent.slice(0, end.received.length), what)
}

/** Both ends of one conversation. */
interface Both {
  readonly near: SimEnd
  readonly far: SimEnd
}

/**
 * Of each client. Left out is one whom the server has given up before his first word came, as the
 * network was cut: he was told. Undefined: somebody is on his way.
 */
function bothOf(sim: Simulation): Both[] | undefined {
  const pairs: Both[] = []
  for (const { name, end: near, refusal } of sim.clients) {
    assert.equal(refusal, undefined, name)
    const conv = near?.conversation.conv
    const far = sim.served.find(({ conversation }) => conversation.conv === conv)
    if (near !== undefined && far !== undefined) pairs.push({ near, far })
    else if (near?.conversation.end === undefined) return undefined
  }
  return pairs
}

/** @throws When what was promised is not so. */
export function runKcpSchedule(seed: number): void {
  const random = new Random(seed)
  const sim = new Simulation(seed, weatherOf(random))
  const count = 1 + random.below(3)
  for (let i = 0; i < count; i++) sim.client(`client ${i}`)
  sim.run(() => bothOf(sim) !== undefined, `seed ${seed}: all are connected`)
  const pairs = bothOf(sim)!
  for (const { near, far } of pairs) {
    for (let i = random.below(20); i > 0; i--) near.send(random.size(20_000))
    for (let i = random.below(20); i > 0; i--) far.send(random.size(20_000))
  }
  // The one that closes has what the other one has said: nobody cuts anybody off.
  for (const { near, far } of pairs) {
    const [first, second] = random.oneIn(2) ? [near, far] : [far, near]
    sim.run(() => {
      for (const end of [first, second]) assert.equal(end.conversation.end, undefined)
      return first.received.length === second.sent.length
    }, `seed ${seed}: all has come`)
    first.conversation.close(1000, 'done', sim.now)
  }
  sim.run(
    () => sim.server.isEmpty && sim.clients.every(({ core }) => core.deadlines.size === 0),
    `seed ${seed}: all is over`,
  )
  assert.equal(sim.server.deadlines.size, 0)
  for (const { near, far } of pairs) {
    for (const [end, peer] of [
      [near, far],
      [far, near],
    ] as const) {
      assertBegin(end, peer, `seed ${seed}`)
      const { failure, code } = end.conversation.end!
      // A word of the end may be lost each time; then silence tells.
      if (failure === undefined) {
        assert.deepEqual([end.received.length, code], [peer.sent.length, 1000], `seed ${seed}`)
      } else assert.match(failure, /^silent for|closed, and not all/)
    }
  }
}
