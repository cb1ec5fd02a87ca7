/** The chat example in the testing kit alone: the whole of it, and an agent of it by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MethodsOf } from 'skynet-ts'
import { testNode } from 'skynet-ts/testing'
import agent from '../../examples/chat/agent.ts'
import gate from '../../examples/chat/gate.ts'
import type nicks from '../../examples/chat/nicks.ts'
import type room from '../../examples/chat/room.ts'
import type rooms from '../../examples/chat/rooms.ts'

/** The chat, and clients that have been welcomed. */
async function chat(clients: number, seed?: number) {
  const node = await testNode({ env: { PORT: 0 }, ...(seed !== undefined && { seed }) })
  await node.launch(gate)
  const [{ port } = { port: 0 }] = node.listeners
  const guests = []
  for (let i = 0; i < clients; i++) {
    const client = await node.connect(port)
    assert.match((await client.readLine())!, RegExp(`^welcome, you are guest-${i + 1} in lobby$`))
    guests.push(client)
  }
  return { node, guests }
}

// Proves: docs/testing.md#test-client
test('what one says in the chat the others hear, and nobody else', async () => {
  const { node, guests } = await chat(3)
  await using _ = node
  const [ada, bob, cleo] = guests
  cleo!.write('/join den\n')
  assert.equal(await cleo!.readLine(), 'you are in den')
  ada!.write('/nick ada\n')
  assert.equal(await ada!.readLine(), 'you are ada')
  ada!.write('hello\n')
  assert.equal(await bob!.readLine(), 'ada: hello')
  assert.equal(String(await ada!.received()), '')
  assert.equal(String(await cleo!.received()), '')
})

test('the chat is rid of who leaves, ends or breaks, in whatever order', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const { node, guests } = await chat(4, seed)
    await using _ = node
    const [ada, bob, cleo, dan] = guests
    ada!.write('/quit\n')
    bob!.end()
    cleo!.reset()
    await node.settled()
    dan!.write('/who\n')
    assert.equal(await dan!.readLine(), 'lobby: guest-4', `seed ${seed}`)
    assert.equal(await ada!.read(), null)
    assert.equal(await bob!.read(), null)
  }
})

// Proves: docs/testing.md#test-connection, #stand-in-path
test('an agent of the chat by itself: its client, and stand-ins for all it talks to', async () => {
  const said: string[] = []
  const own = {
    join: (_agent: unknown, nick: string, greeting: string) =>
      void said.push(`${nick}: ${greeting}`),
    say: (_agent: number, text: string) => void said.push(text),
    leave: () => {},
    who: () => 'nobody',
  } satisfies Partial<MethodsOf<typeof room>>
  await using node = await testNode({
    base: new URL('../../examples/chat/', import.meta.url).href,
    peers: {
      '.room': own,
      './nicks.ts': { guest: () => 'ann' } satisfies Partial<MethodsOf<typeof nicks>>,
      './rooms.ts': {
        enter: async () => node.skynet.ref<typeof room>('.room'),
      } satisfies Partial<MethodsOf<typeof rooms>>,
    },
  })
  const [client, id] = node.connection()
  await node.launch(agent, { args: [id] })
  client.write('hello\n/who\nhalf a li')
  assert.equal(await client.readLine(), 'nobody')
  assert.deepEqual(said, ['ann: welcome, you are ann in lobby', 'hello'])
  client.write(`${'x'.repeat(9000)}\n`)
  assert.equal(await client.readLine(), 'error: a line has at most 8 KiB')
  assert.equal(await client.readLine(), null)
})
