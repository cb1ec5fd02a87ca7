/** Clients of the example of the gate, good ones and others: they come, go, and leave nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FramedClient } from '../support/framed-client.ts'
import { bytesOf, captured, startGateExample } from '../support/gate-example.ts'
import { descriptors, heapBytes } from '../support/leftovers.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

const MIB = 1024 * 1024
const WELCOME = captured.exampleGateRaw[0]!.received!.length / 2
const HANDSHAKE = bytesOf({ hex: `0004${captured.requestBytesWithoutLength.handshake}` })

/** Clients that come at a time. */
const VISITORS = 32
const VISITS = 10_000

type Visit = (port: number) => Promise<void>
/** How a client may come and go. */
const VISIT: Readonly<Record<string, Visit>> = {
  async talks(port) {
    const client = await FramedClient.connect(port)
    client.socket.write(HANDSHAKE)
    // Or it is one too many: who has left counts until its agent has been there.
    await client.when('welcome', () => client.received.length >= WELCOME || client.isOver)
    client.close()
  },
  async leaves(port) {
    const client = await FramedClient.connect(port)
    client.close()
  },
  async resets(port) {
    const client = await FramedClient.connect(port)
    client.socket.write(HANDSHAKE)
    client.reset()
  },
  async ends(port) {
    const client = await FramedClient.connect(port)
    client.socket.write(HANDSHAKE)
    client.end()
    await client.ended()
    client.close()
  },
  async cuts(port) {
    const client = await FramedClient.connect(port)
    client.socket.write(HANDSHAKE.subarray(0, 1))
    client.close()
  },
  async errs(port) {
    const client = await FramedClient.connect(port)
    client.send('\xff\xff', '')
    client.close()
  },
}

// Proves: docs/gate.md#gate-end
test(`${VISITS} clients come and go in all ways, and leave nothing`, async (t) => {
  const { node, port, isQuiet } = await startGateExample(t)
  const random = seeded(seedOf())
  const ways = Object.values(VISIT)
  const round = async (visits: number): Promise<void> => {
    let left = visits
    const visitor = async (): Promise<void> => {
      while (left-- > 0) await ways[Math.floor(random() * ways.length)]!(port)
    }
    await Promise.all(Array.from({ length: VISITORS }, visitor))
    await isQuiet()
  }
  const { sockets } = node.stats()
  const socketsAreGone = (): Promise<unknown> =>
    until('the end of all sockets', () => node.stats().sockets === sockets)
  // What a node has once is there then.
  await round(500)
  await socketsAreGone()
  const before = { fds: descriptors(), heap: heapBytes() }
  await round(VISITS)
  await socketsAreGone()
  await until('the end of all descriptors', () => descriptors() <= before.fds)
  assert.ok(heapBytes() < before.heap + 8 * MIB)
  const client = await FramedClient.connect(port)
  client.socket.write(HANDSHAKE)
  await client.when('welcome', () => client.received.length >= WELCOME)
  client.close()
})

// Proves: docs/gate.md#gate-callbacks
test("the example talks to Skynet's own client, heartbeat included, as captured", async (t) => {
  const { port } = await startGateExample(t)
  const client = await FramedClient.connect(port)
  let expected = ''
  for (const { dir, hex = '' } of captured.exampleClient) {
    if (dir === 'c2s') client.socket.write(Buffer.from(hex, 'hex'))
    else expected += hex
    await client.when('the answer', () => client.received.length >= expected.length / 2)
  }
  await client.ended()
  assert.equal(client.received.toString('hex'), expected)
  client.close()
})
