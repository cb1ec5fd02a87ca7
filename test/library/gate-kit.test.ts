/** Gate, watchdog and agents in the testing kit: a service of a game, as its author tests it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService, type ServiceRef } from 'skynet-ts'
import { type GateRef, type GateService, onClient, watchdog } from 'skynet-ts/gate'
import { FakeClock, type TestNode, testNode } from 'skynet-ts/testing'

const FRAMES = { header: 'u16be', max: 4096 } as const

const agent = defineService(async (skynet, gate: GateRef, fd: number) => {
  onClient(skynet, (message) => `you said ${message}`)
  await gate.call.forward(fd)
})

/** @param launch How an agent comes to be: the test has it in hand. */
const guard = (launch: (gate: GateRef, fd: number) => Promise<ServiceRef>, told: string[]) =>
  defineService(async (skynet) => {
    const gate = await skynet.newService<GateService>('gate')
    const agents = new Map<number, ServiceRef>()
    return {
      start: (port: number, maxClient: number) => gate.call.open({ port, maxClient }),
      ...watchdog(skynet, {
        async open(fd) {
          agents.set(fd, await launch(gate, fd))
        },
        async close(fd) {
          told.push('closed')
          gate.send.kick(fd)
          await skynet.kill(agents.get(fd) ?? 0)
          agents.delete(fd)
        },
        error: () => void told.push('error'),
      }),
    }
  })

async function game(node: TestNode, maxClient = 1024) {
  const told: string[] = []
  const launch = (gate: GateRef, fd: number) => node.launch(agent, { args: [gate, fd] })
  const dog = await node.launch(guard(launch, told))
  await dog.call.start(0, maxClient)
  const [{ port } = { port: 0 }] = node.listeners
  const enter = async () => {
    const client = await node.connect(port)
    return { client, game: client.frames(FRAMES) }
  }
  return { told, enter }
}

const text = (message: Buffer | null): string | undefined => message?.toString()

// Proves: docs/testing.md#test-client
test('clients of a gate are answered by their agents; each end is told once', async () => {
  await using node = await testNode({ clock: new FakeClock() })
  const { told, enter } = await game(node)
  const players = [await enter(), await enter(), await enter()]
  for (const [i, { game: each }] of players.entries()) {
    each.send(`${i}`)
    each.send('')
    assert.equal(text(await each.receive()), `you said ${i}`)
    assert.equal(text(await each.receive()), 'you said ')
  }
  await players[0]!.client.close()
  players[1]!.client.reset()
  players[2]!.client.write(Buffer.of(0))
  players[2]!.client.end()
  await node.settled()
  assert.deepEqual(told, ['closed', 'error', 'closed', 'closed'])
  await using late = (await enter()).client
  assert.equal(late.isOpen, true)
})

test('300 clients of a gate, in memory, with any order of turns', async () => {
  await using node = await testNode({ seed: 7 })
  const { told, enter } = await game(node, 2000)
  const players = await Promise.all(Array.from({ length: 300 }, enter))
  for (const [i, { game: each }] of players.entries()) each.send(`${i}`)
  const answers = await Promise.all(players.map(({ game: each }) => each.receive()))
  answers.forEach((answer, i) => void assert.equal(text(answer), `you said ${i}`))
  for (const { client } of players) void client.close()
  await node.settled()
  assert.equal(told.length, 300)
})
