/** Handshakes, messages, moves and ends of KCP over a network that loses, by seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runKcpSchedule } from './schedule.kit.ts'
import { Simulation, type Weather } from './simulation.kit.ts'

const SCHEDULES = Number(process.env.SKYNET_RUNS ?? 300)
const FIRST = Number(process.env.SKYNET_SEED ?? 1)

const FAIR: Weather = { lost: 0, doubled: 0, cutMs: 0, moves: 0, strangers: 0 }

// Proves: docs/kcp.md#lossy, #move
test(`${SCHEDULES} schedules of loss, cuts, moves, strangers: all arrives, once, in order`, () => {
  for (let seed = FIRST; seed < FIRST + SCHEDULES; seed++) {
    try {
      runKcpSchedule(seed)
    } catch (error) {
      throw new Error(`SKYNET_SEED=${seed} SKYNET_RUNS=1 repeats it`, { cause: error })
    }
  }
})

test('a client whose conversation was given up before he heard of it gets another one', () => {
  const sim = new Simulation(4, FAIR)
  const client = sim.client('client')
  const knocks = sim.knocks.bind(sim)
  sim.knocks = () => {
    sim.weather = { ...FAIR, lost: 100 }
    return knocks()
  }
  sim.run(() => sim.server.size === 1, 'it is accepted, and does not hear of it')
  sim.run(() => sim.server.size === 0, 'the server gives up')
  assert.equal(client.end, undefined)
  sim.knocks = knocks
  sim.weather = FAIR
  const began = sim.now
  sim.run(() => sim.served.length === 1, 'it is connected')
  assert.ok(client.end !== undefined && sim.now - began < 5000)
})

// Proves: docs/kcp.md#move
test('an answer reaches a client that has moved and does not know', () => {
  const sim = new Simulation(5, FAIR)
  const client = sim.client('client')
  sim.run(() => sim.served.length === 1, 'it is connected')
  client.end!.send(10)
  sim.run(() => sim.served[0]!.received.length === 1, 'a question has come')
  const began = sim.now
  sim.run(() => sim.now > began + 200, 'and is acknowledged')
  sim.weather = { ...FAIR, moves: 100 }
  sim.run(() => sim.now > began + 400, 'it has moved')
  sim.weather = FAIR
  sim.served[0]!.send(10)
  sim.run(() => client.end!.received.length === 1, 'the answer has come')
  assert.ok(sim.now - began < 2000, `after ${sim.now - began} ms`)
})

// Proves: docs/kcp.md#close
test('a peer that goes on sending what was closed hears so, and nothing is silent for ever', () => {
  const sim = new Simulation(1, FAIR)
  const client = sim.client('client')
  sim.run(() => sim.served.length === 1, 'it is connected')
  const [server] = sim.served
  sim.weather = { ...FAIR, lost: 100 }
  server!.conversation.close(1000, 'bye', sim.now)
  sim.run(() => server!.conversation.state === 'over', 'the server gives up')
  assert.equal(client.end!.conversation.end, undefined)
  sim.weather = FAIR
  client.end!.send(10)
  sim.run(() => client.end!.conversation.end !== undefined, 'the client is told')
  assert.deepEqual(client.end!.conversation.end, { failure: undefined, code: 1000, reason: 'bye' })
})

// Proves: docs/kcp.md#idle
// Proves: docs/limits.md#kcp-idle
test('silence ends both sides, with an error', () => {
  const sim = new Simulation(2, FAIR)
  const client = sim.client('client')
  sim.run(() => sim.served.length === 1, 'it is connected')
  const began = sim.now
  sim.run(() => sim.now > began + 100_000, 'pings keep it alive')
  const ends = [client.end!.conversation, sim.served[0]!.conversation]
  for (const { end } of ends) assert.equal(end, undefined)
  sim.weather = { ...FAIR, lost: 100 }
  sim.run(() => ends.every(({ end }) => end !== undefined), 'both have failed')
  for (const { end } of ends) assert.equal(end!.failure, 'silent for 30000 ms')
})

test('an idle conversation is looked at only for its deadlines', () => {
  const sim = new Simulation(3, FAIR)
  const client = sim.client('client')
  sim.run(() => sim.served.length === 1, 'it is connected')
  client.end!.send(5000)
  sim.run(() => sim.served[0]!.received.length === 1, 'a message has come')
  const began = sim.now
  sim.run(() => sim.now > began + 1000, 'all is acknowledged')
  const { conversation } = sim.served[0]!
  let ticks = 0
  const tick = conversation.tick.bind(conversation)
  conversation.tick = (now) => {
    ticks++
    tick(now)
  }
  const quiet = sim.now
  sim.run(() => sim.now > quiet + 60_000, 'a minute passes')
  assert.ok(ticks <= 5, `${ticks} ticks in a minute`)
})
