/** A flood of messages that are many bytes each: it is read piece by piece. */
import assert from 'node:assert/strict'
import { RING_PAYLOAD_BYTES_MAX } from '../../src/base/limits.ts'
import { Packer } from '../../src/wire/seri.ts'
import type glutton from '../fixtures/glutton.ts'
import { serviceTest } from '../support/run.ts'

const MESSAGES = 300
/** Far fewer than a worker has turns meanwhile, and far more than one turn would bring. */
const TICKS = 20

serviceTest(
  import.meta.url,
  'a flood of large messages leaves the other services and timers of its worker their turns',
  async (skynet) => {
    const launch = (role: 'glutton' | 'neighbour') =>
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
