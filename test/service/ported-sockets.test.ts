/** Skynet's test/testsocket.lua and testudp.lua: what they show, as assertions. */
import assert from 'node:assert/strict'
import type { UdpSocket } from 'skynet-ts'
import type agent from '../fixtures/line-agent.ts'
import { type Body, serviceTest } from '../support/run.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const DATAGRAMS = 20

// Proves: docs/skynet.md#testsocket
check(
  'testsocket.lua: each client is handed to a new agent, which greets and echoes',
  async (skynet) => {
    const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    const ids: number[] = []
    skynet.fork(async () => {
      for await (const { id } of listener) {
        ids.push(id)
        const next = await skynet.newService<typeof agent>('./line-agent.ts', { on: 1, args: [id] })
        next.send.start()
      }
    })
    for (let client = 0; client < 3; client++) {
      await using connection = await skynet.socket.connect({ port: listener.port })
      assert.equal(await connection.readLine(), 'Hello Skynet')
      for (const line of ['one', 'two', 'three']) {
        connection.write(`${line}\n`)
        assert.equal(await connection.readLine(), line)
      }
      const agentOf = skynet.socket.netstat().find(({ id }) => id === ids[client])
      assert.notEqual(agentOf?.owner, skynet.self)
      connection.end()
      assert.equal(await connection.readLine(), null)
    }
    listener.close()
  },
)

for (const [family, host] of [
  [4, '127.0.0.1'],
  [6, '::1'],
] as const) {
  // Proves: docs/skynet.md#testudp
  check(`testudp.lua: 20 datagrams are each answered, over IPv${family}`, async (skynet) => {
    const server = await skynet.socket.udp({ host, port: 0 })
    skynet.fork(() => answer(server))
    const client = await skynet.socket.udpDial({ host, port: server.port })
    const answers: string[] = []
    for (let i = 1; i <= DATAGRAMS; i++) {
      client.send(`hello ${i}`)
      answers.push(`${(await client.receive())!.data}`)
    }
    const expected = Array.from({ length: DATAGRAMS }, (_, i) => `OK hello ${i + 1}`)
    assert.deepEqual(answers, expected)
  })
}

async function answer(server: UdpSocket): Promise<void> {
  for await (const { data, from } of server) server.sendTo(from, `OK ${data}`)
}
