/** Names that lead nowhere, and a node without a free slot. `T` and number: a case of Skynet's. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { ACCEPTED_MAX, SOCKETS_MAX } from '../../src/base/limits.ts'
import { Slots } from '../../src/net/slots.ts'
import type { WorkerStart } from '../../src/threads/protocol.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { dial, pair, stretch } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

check('T4 a name that nobody has rejects with what the resolver says', async (skynet) => {
  const host = 'nobody.invalid'
  const expected = { code: 'ERR_CONNECT', message: new RegExp(`${host}:80.*getaddrinfo E`) }
  const before = new Set(skynet.socket.netstat().map(({ id }) => id))
  await assert.rejects(skynet.socket.connect({ host, port: 80 }), expected)
  await assert.rejects(skynet.socket.listen({ host, port: 0 }), { code: 'ERR_LISTEN' })
  const taken = skynet.socket.netstat().filter(({ id }) => !before.has(id))
  assert.deepEqual(taken, [])
})

// Proves: docs/skynet.md#text
check('T5 a host of any length rejects, and what is no text is refused', async (skynet) => {
  const { socket } = skynet
  // Skynet's limit is 231 bytes; that of a name in DNS is 253, of one label 63.
  for (const length of [64, 231, 232, 254, 1025, 100_000]) {
    const host = 'h'.repeat(length)
    await assert.rejects(socket.connect({ host, port: 80 }), { code: 'ERR_CONNECT' })
    await assert.rejects(socket.listen({ host, port: 0 }), { code: 'ERR_LISTEN' })
  }
  // A resolver in C would take the part before a NUL for the whole.
  for (const host of ['', 1, null, '127.0.0.1\0.example']) {
    const options = { host: host as string, port: 80 }
    await assert.rejects(socket.connect(options), { name: 'TypeError', message: /'host'/ })
  }
})

// Proves: docs/skynet.md#slots
serviceTest(
  import.meta.url,
  'T30 with all slots in use connect and listen reject; with one free again they go on',
  async (skynet) => {
    const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    const slots = new Slots((workerData as WorkerStart).memory.slots)
    const taken: number[] = []
    for (let id = slots.reserve(); id > 0; id = slots.reserve()) taken.push(id)
    assert.equal(taken.length, SOCKETS_MAX - 1)
    const full = { code: 'ERR_SOCKET_LIMIT', info: { limit: SOCKETS_MAX } }
    const { port } = listener
    await assert.rejects(skynet.socket.connect({ port }), full)
    await assert.rejects(skynet.socket.listen({ host: '127.0.0.1', port: 0 }), full)
    const refused = await dial(port)
    await once(refused.resume(), 'end')
    const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
    await until('a line says so', () => /refused: all socket slots are in use/.test(log()))
    for (const id of taken.splice(0, 2)) slots.free(slots.at(id))
    const ends = [skynet.socket.connect({ port }), listener.accept()] as const
    const [client, accepted] = await Promise.all(ends)
    client.write('in the last two slots')
    assert.equal(String(await accepted!.read(21)), 'in the last two slots')
  },
  {},
)

// Proves: docs/limits.md#accepted
check('accepting pauses at ACCEPTED_MAX that nobody took, and goes on', async (skynet) => {
  const { socket } = skynet
  const listener = await socket.listen({ host: '127.0.0.1', port: 0 })
  const before = socket.totals().accepted
  const accepted = () => socket.totals().accepted - before
  const clients: Socket[] = []
  while (clients.length < ACCEPTED_MAX) clients.push(await dial(listener.port))
  await until('all are accepted', () => accepted() === ACCEPTED_MAX)
  // The first pair comes behind all of them, the second one behind the pause that was ordered then.
  clients.push((await pair(skynet)).client, (await pair(skynet)).client)
  clients.push(await dial(listener.port))
  // Whoever accepts this one has looked for that one, too.
  clients.push((await pair(skynet)).client)
  assert.equal(accepted(), ACCEPTED_MAX + 3)
  for (let taken = 0; taken < ACCEPTED_MAX / 2; taken++) await listener.accept()
  await until('the one that waits is accepted', () => accepted() === ACCEPTED_MAX + 4)
  for (const client of clients) client.destroy()
  await listener.close()
})

check('an answer after end() is read to its end, however slowly', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const answer = stretch(0, 190_000)
  const first = 160_000
  connection.end()
  client.resume().write(answer.subarray(0, first))
  await once(client, 'end')
  const { id } = connection
  const received = () => skynet.socket.netstat().find((info) => info.id === id)?.received
  await until('more came than is buffered', () => received() === first)
  // Time for the pause to be ordered; then for the poller to say that both sides have ended.
  await skynet.sleep(50)
  client.end(answer.subarray(first))
  await skynet.sleep(50)
  assert.equal((await connection.readAll()).equals(answer), true)
})
