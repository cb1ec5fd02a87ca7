/** Floods that are taken piece by piece: of large messages, and of those that wait for a setup. */
import assert from 'node:assert/strict'
import { RING_PAYLOAD_BYTES_MAX } from '../../src/base/limits.ts'
import { Packer } from '../../src/wire/pack.ts'
import type glutton from '../fixtures/glutton.ts'
import type { Role } from '../fixtures/glutton.ts'
import { gate, serviceTest } from '../support/run.ts'

const MESSAGES = 300
/** Far fewer than a worker has turns meanwhile, and far more than one turn would bring. */
const TICKS = 20

// Proves: docs/semantics.md#order-fair
serviceTest(
  import.meta.url,
  'a flood of large messages leaves the other services and timers of its worker their turns',
  async (skynet) => {
    const launch = (role: Role) =>
      skynet.newService<typeof glutton>('./glutton.ts', { args: [role], on: 1 })
    const peer = await launch('glutton')
    const neighbour = await launch('neighbour')
    const food = Array.from({ length: 5000 }, (_, i) => ({ i, name: `a thing of ${i}` }))
    assert.ok(new Packer().pack(food) > RING_PAYLOAD_BYTES_MAX, 'it travels beside the ring')
    // All of it is there when the worker begins to read.
    peer.send.hold()
    for (let i = 0; i < MESSAGES; i++) peer.send.eat(i, food)
    skynet.setenv('flooded', true)
    // Behind the flood, in the same mailbox.
    const { eaten, ticks, fault } = await peer.call.result()
    assert.equal(fault, undefined)
    assert.equal(eaten, MESSAGES)
    assert.ok(ticks >= TICKS, `the neighbour had ${ticks} turns`)
    await neighbour.call.result()
  },
  { thread: 2 },
)

// Proves: docs/semantics.md#launch-requests
serviceTest(
  import.meta.url,
  'requests that waited for a setup leave others their turns, and come in order',
  async (skynet, handlers) => {
    const asked = gate<() => void>()
    handlers.gate = () => new Promise<void>((resolve) => asked.open(resolve))
    const launch = (...args: [Role, number]) =>
      skynet.newService<typeof glutton>('./glutton.ts', { args, on: 1 })
    await launch('neighbour', 0)
    const launched = launch('late', skynet.self)
    // Its setup waits for us, who go on when it has got what it cannot handle yet.
    const ready = await asked.promise
    for (let i = 0; i < MESSAGES; i++) skynet.send('.late', 'eat', i, null, 1)
    ready()
    const peer = await launched
    const { eaten, ticks, fault } = await peer.call.result()
    assert.deepEqual([eaten, fault], [MESSAGES, undefined])
    assert.ok(ticks >= TICKS, `the neighbour had ${ticks} turns`)
  },
)
