/** Sockets that move from one service to another, on the same worker and on another one. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Skynet } from 'skynet-ts'
import type holder from '../fixtures/holder.ts'
import { heard } from '../support/heard.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { dial, drink, listen, pair, stretch } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const PLACES = ['same', 1] as const
const MB = 1024 * 1024

const launch = (skynet: Skynet, on: 'same' | number) =>
  skynet.newService<typeof holder>('./holder.ts', { on })

// Proves: docs/semantics.md#handover
check('an accepted connection can be handed over before it is used', async (skynet) => {
  for (const on of PLACES) {
    const gate = await launch(skynet, 0)
    const agent = await launch(skynet, on)
    const port = await gate.call.acceptOne(agent.handle)
    const client = await dial(port)
    client.write('sent before anybody reads')
    await until('the agent has it', () => agent.call.last())
    const id = (await agent.call.last())!
    assert.equal(await agent.call.read(id), 'sent before anybody reads')
    await skynet.kill(gate.handle)
    await agent.call.write(id, 'answered')
    assert.equal(await heard(client), 'answered')
  }
})

// Proves: docs/semantics.md#handover
check(
  'a connection in use moves with every byte, again and again, while bytes come',
  async (skynet) => {
    const seed = seedOf()
    const random = seeded(seed)
    const { client, connection } = await pair(skynet)
    const { id } = connection
    const owners = await Promise.all([0, 1, 0, 1].map((on) => launch(skynet, on)))
    const size = 20 * MB
    client.end(stretch(0, size))
    let offset = 0
    let moves = 0
    for (; offset < size; moves++) {
      const count = Math.min(size - offset, Math.floor(random() * 200_000))
      const owner = owners[Math.floor(random() * owners.length)]!
      const wrongAt = await owner.with({ timeoutMs: 20_000 }).call.readStretch(id, offset, count)
      assert.equal(wrongAt, undefined, `SEED=${seed}`)
      offset += count
    }
    assert.ok(moves > 50)
    const last = await launch(skynet, 1)
    await last.call.take(id)
    assert.equal(await last.call.read(id), undefined, 'the end moves too')
  },
)

// Proves: docs/semantics.md#handover-former
check('the read of the former owner rejects when its connection moves', async (skynet) => {
  for (const on of PLACES) {
    const { client, connection } = await pair(skynet)
    const [first, second] = [await launch(skynet, on), await launch(skynet, 1)]
    await first.call.take(connection.id)
    await first.call.beginRead(connection.id)
    client.write('half')
    await second.call.take(connection.id)
    assert.equal(await first.call.endOfRead(), 'ERR_SOCKET_MOVED')
    await assert.rejects(first.call.read(connection.id), { code: 'ERR_SOCKET_MOVED' })
    await assert.rejects(first.call.write(connection.id, 'x'), { code: 'ERR_SOCKET_CLOSED' })
    client.end(' and half')
    assert.equal(await second.call.readAll(connection.id), 'half and half')
    assert.equal(connection.isOpen, false)
  }
})

// Proves: docs/semantics.md#handover-former
check('what the former owner wrote leaves before what the next one writes', async (skynet) => {
  for (const on of PLACES) {
    const { client, connection } = await pair(skynet)
    client.pause()
    const next = await launch(skynet, on)
    connection.write(stretch(0, 10 * MB))
    await next.call.take(connection.id)
    await next.call.write(connection.id, 'behind')
    await next.call.close(connection.id)
    const got = await drink(client)
    assert.ok(got.subarray(0, 10 * MB).equals(stretch(0, 10 * MB)))
    assert.equal(got.subarray(10 * MB).toString(), 'behind')
    assert.throws(() => connection.write('late'), { code: 'ERR_SOCKET_CLOSED' })
  }
})

// Proves: docs/semantics.md#socket-owner-ends
check(
  'a connection lives on when its former owner ends, and ends with its owner',
  async (skynet) => {
    for (const on of PLACES) {
      const { client, connection } = await pair(skynet)
      const ended = once(client, 'end')
      const [first, second] = [await launch(skynet, on), await launch(skynet, 1)]
      await first.call.take(connection.id)
      await second.call.take(connection.id)
      await skynet.kill(first.handle)
      client.write('still there')
      assert.equal(await second.call.read(connection.id), 'still there')
      await second.call.write(connection.id, 'last words')
      await skynet.kill(second.handle)
      assert.equal(await heard(client), 'last words')
      await ended
    }
  },
)

// Proves: docs/semantics.md#handover-refused
check('start() refuses an id that is stale, unknown, or of a listener', async (skynet) => {
  const { connection } = await pair(skynet)
  await connection.close()
  const there = await launch(skynet, 1)
  const invalid = { code: /ERR_SOCKET_(INVALID|STATE)/ } as unknown as Error
  await assert.rejects(skynet.socket.start(connection.id), invalid)
  await assert.rejects(there.call.take(connection.id), invalid)
  await assert.rejects(skynet.socket.start(2 ** 31 - 1), { code: 'ERR_SOCKET_INVALID' })
  const listener = await listen(skynet)
  const state = { code: 'ERR_SOCKET_STATE' }
  await assert.rejects(skynet.socket.start(listener.id), state)
  await assert.rejects(there.call.take(listener.id), state)
  const other = await there.call.listen()
  await assert.rejects(skynet.socket.start(other.id), state)
  const client = await dial(listener.port)
  assert.notEqual(await listener.accept(), null, 'the listener was not harmed')
  client.destroy()
})

// Proves: docs/semantics.md#handover-refused
check('start() of an own connection gives that connection', async (skynet) => {
  const { client, connection } = await pair(skynet)
  assert.equal(await skynet.socket.start(connection.id), connection)
  client.write('abc')
  assert.equal((await connection.read())?.toString(), 'abc')
  assert.equal(await skynet.socket.start(connection.id), connection)
})

// Proves: docs/semantics.md#write-other
check('a service may write to a connection that another one owns', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const others = await Promise.all(PLACES.map((on) => launch(skynet, on)))
  await connection.read(0)
  connection.write('one ')
  await connection.drain()
  assert.equal(await others[0]!.call.foreignWrite(connection.id, 'two '), true)
  assert.equal(await others[1]!.call.foreignWrite(connection.id, 'three'), true)
  const answer = drink(client)
  client.end()
  await connection.readAll()
  await connection.close()
  assert.equal((await answer).toString(), 'one two three')
  await until('it is gone', () => !skynet.socket.write(connection.id, 'late'))
  assert.equal(await others[1]!.call.foreignWrite(connection.id, 'late'), false)
})

// Proves: docs/semantics.md#handover-ends
check('of two who take a connection at once each gets it or an error', async (skynet) => {
  for (let round = 0; round < 20; round++) {
    const { client, connection } = await pair(skynet)
    const heirs = [await launch(skynet, 0), await launch(skynet, 1)]
    await connection.read(0)
    client.write('for one of them')
    const ends = await Promise.allSettled(heirs.map((heir) => heir.call.take(connection.id)))
    const codes = ends.map((end) => (end as { reason?: { code: string } }).reason?.code)
    assert.ok(
      codes.some((code) => code === undefined),
      String(codes),
    )
    for (const code of codes) assert.match(code ?? 'ERR_SOCKET_STATE', /^ERR_SOCKET_STATE$/)
    const reads = heirs.map((heir) => heir.call.read(connection.id))
    const got = await Promise.any(reads)
    assert.equal(got, 'for one of them')
    for (const { handle } of heirs) await skynet.kill(handle)
    await Promise.allSettled(reads)
    client.destroy()
  }
})

// Proves: docs/semantics.md#handover-ends
check('a move whose former or next owner dies ends for all', async (skynet) => {
  const seed = seedOf()
  const random = seeded(seed)
  for (let round = 0; round < 60; round++) {
    const { client, connection } = await pair(skynet)
    const ended = once(client.resume(), 'close')
    client.end('some bytes')
    const first = await launch(skynet, round % 2)
    const second = await launch(skynet, (round >> 1) % 2)
    await first.call.take(connection.id)
    const taking = second.call.take(connection.id).catch(() => {})
    if (random() < 0.5) await skynet.sleep(0)
    await skynet.kill(random() < 0.5 ? first.handle : second.handle)
    await taking
    await skynet.kill(first.handle)
    await skynet.kill(second.handle)
    await ended
  }
})
