/** What a service meets when its peers do not read: limits, policies, priorities, broadcasts. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { Connection, Skynet, SocketSettings } from 'skynet-ts'
import type holder from '../fixtures/holder.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { dial, drink, listen, stretch } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const MB = 1024 * 1024

/** What the kernel holds of a connection: left alone, it may be tens of MB. */
const SMALL = { sendBufferBytes: 256 * 1024, receiveBufferBytes: 256 * 1024 }

/** A client that does not read yet, and our end with these settings. */
async function slowPair(skynet: Skynet, settings: Partial<SocketSettings>) {
  const place = { host: '127.0.0.1', port: 0, options: SMALL }
  const listener = await skynet.socket.listen({ ...place, ...settings })
  const [client, connection] = await Promise.all([dial(listener.port), listener.accept()])
  listener.close()
  client.pause()
  return { client, connection: connection! }
}

// Proves: docs/semantics.md#policy-drop
check(
  'drop-new drops whole messages, counts them, and what arrives is never cut',
  async (skynet) => {
    const settings = { sendLimitBytes: 100_000, sendPolicy: 'drop-new' } as const
    const { client, connection } = await slowPair(skynet, settings)
    await connection.read(0)
    const message = (n: number) => `${n}:${'x'.repeat(n % 5000)}\n`
    const longest = message(999_999).length
    let refused = 0
    let sent = 0
    for (; refused < 500; sent++) {
      if (!connection.write(message(sent))) refused++
      if (sent % 50 === 0) await skynet.sleep(0)
      // One write may go beyond the limit: this one, or one before it.
      assert.ok(connection.bufferedAmount < settings.sendLimitBytes + longest)
    }
    assert.equal(connection.dropped, refused)
    assert.equal(connection.isOpen, true)
    void connection.close()
    const lines = String(await drink(client))
      .split('\n')
      .slice(0, -1)
    assert.equal(lines.length, sent - refused)
    let last = -1
    for (const line of lines) {
      const n = Number.parseInt(line, 10)
      assert.ok(n > last && `${line}\n` === message(n), `${line.slice(0, 20)} after ${last}`)
      last = n
    }
  },
)

// Proves: docs/semantics.md#policy-pause
check('pause-producer refuses a write with ERR_SOCKET_FULL, and takes it later', async (skynet) => {
  const settings = { sendLimitBytes: 100_000, sendPolicy: 'pause-producer' } as const
  const { client, connection } = await slowPair(skynet, settings)
  await connection.read(0)
  let written = 0
  const fill = async () => {
    for (;;) {
      connection.write(stretch(written, 9000))
      written += 9000
      await skynet.sleep(0)
    }
  }
  const info = (given: { queued: number; limit: number }) =>
    given.limit === 100_000 && given.queued >= 100_000 && given.queued < 109_000
  await assert.rejects(fill(), (error: { code: string; info: Parameters<typeof info>[0] }) => {
    return error.code === 'ERR_SOCKET_FULL' && info(error.info)
  })
  const all = drink(client)
  await connection.drain()
  connection.write(stretch(written, 9000))
  void connection.close()
  assert.ok((await all).equals(stretch(0, written + 9000)))
  assert.equal(connection.dropped, 0)
})

// Proves: docs/semantics.md#policy-pause
check(
  'pause-producer slows an echo down to the pace of its peer, and nothing is lost',
  async (skynet) => {
    const settings = { sendLimitBytes: MB, sendPolicy: 'pause-producer' } as const
    const { client, connection } = await slowPair(skynet, settings)
    let echoed = 0
    skynet.fork(async () => {
      for await (const chunk of connection) {
        connection.write(chunk)
        echoed += chunk.length
      }
    })
    const size = 24 * MB
    client.end(stretch(0, size))
    const info = () => skynet.socket.netstat().find(({ id }) => id === connection.id)!
    let last = -1
    let still = 0
    await until('the echo stands still', () => {
      still = info().received === last ? still + 1 : 0
      last = info().received
      return last > 0 && still > 100
    })
    const { received, queued } = info()
    // The kernel may have taken some since reading was paused, at more than half of the limit.
    assert.ok(queued > 0 && queued <= MB, `${queued}`)
    // Some was on its way when reading was paused; the rest stays with the client.
    assert.ok(echoed <= received && received < size, `${echoed} ${received}`)
    assert.equal(info().reading, false)
    assert.ok((await drink(client)).equals(stretch(0, size)))
  },
)

check('pause-producer: a long read that had to wait for the peer goes on', async (skynet) => {
  const settings = { sendLimitBytes: 100_000, sendPolicy: 'pause-producer' } as const
  const { client, connection } = await slowPair(skynet, settings)
  await connection.read(0)
  await fillUp(skynet, connection)
  // More than comes before the pause is ordered.
  const size = 12 * MB
  const read = connection.read(size)
  client.write(stretch(0, size))
  const info = () => skynet.socket.netstat().find(({ id }) => id === connection.id)!
  await until('nothing is read', () => !info().reading && info().received > 0)
  assert.ok(info().received < size)
  client.resume()
  assert.ok((await read).equals(stretch(0, size)))
  client.destroy()
})

// Proves: docs/semantics.md#policy-pause
check('pause-producer: a read that waits for the peer ends when that is gone', async (skynet) => {
  for (const isEnding of [true, false]) {
    const settings = { sendLimitBytes: 100_000, sendPolicy: 'pause-producer' } as const
    const { client, connection } = await slowPair(skynet, settings)
    await connection.read(0)
    assert.throws(() => {
      for (;;) connection.write(stretch(0, 9000))
    })
    await until('all is handed on', () => connection.bufferedAmount > 0)
    await fillUp(skynet, connection)
    const reads = (async () => {
      while ((await connection.read()) !== null);
    })()
    const drained = connection.drain()
    const ends = Promise.allSettled([drained, reads])
    if (isEnding) {
      client.end('more')
      await skynet.sleep(50)
    }
    client.resetAndDestroy()
    // A peer that had ended before has said everything: for the reader that is an end as any.
    for (const end of (await ends).slice(0, isEnding ? 1 : 2)) {
      assert.equal(end.status, 'rejected')
      assert.equal((end.reason as { code: string }).code, 'ERR_SOCKET_FAILED')
    }
    await connection.close()
  }
})

/** Write until the kernel takes no more, and the limit is reached. */
async function fillUp(skynet: Skynet, connection: Connection): Promise<void> {
  for (let full = 0; full < 20; ) {
    try {
      connection.write(stretch(0, 9000))
      full = 0
    } catch {
      full++
    }
    await skynet.sleep(1)
  }
}

// Proves: docs/semantics.md#policy-close
check('the policy close fails a connection at its own limit', async (skynet) => {
  const { client, connection } = await slowPair(skynet, { sendLimitBytes: 200_000 })
  const read = connection.read()
  const writes = (async () => {
    for (;;) {
      connection.write(stretch(0, 50_000))
      await skynet.sleep(0)
    }
  })()
  const failed = { code: 'ERR_SOCKET_FAILED', message: /more than 200000 bytes wait/ }
  await assert.rejects(read, failed)
  await assert.rejects(writes, { code: 'ERR_SOCKET_CLOSED' })
  client.destroy()
})

// Proves: docs/semantics.md#settings
check('configure() changes a connection that is open', async (skynet) => {
  const { client, connection } = await slowPair(skynet, {})
  connection.configure({ idleTimeoutMs: 20, sendLimitBytes: 10, sendPolicy: 'drop-new' })
  const failed = { code: 'ERR_SOCKET_FAILED', message: /idle for 20 ms/ }
  await assert.rejects(connection.read(), failed)
  client.destroy()
  const listener = await listen(skynet)
  const options = { port: listener.port, idleTimeoutMs: 20, options: { noDelay: 1 } }
  const dialled = await skynet.socket.connect(options)
  await assert.rejects(dialled.read(), failed)
})

// Proves: docs/semantics.md#priority
check('write() with a low priority leaves behind all high ones', async (skynet) => {
  const { client, connection } = await slowPair(skynet, {})
  connection.write(stretch(0, 8 * MB))
  connection.write('L1', { priority: 'low' })
  connection.write('H1')
  connection.write('L2', { priority: 'low' })
  connection.write('H2', { priority: 'high' })
  void connection.close()
  const got = await drink(client)
  assert.equal(`${got.subarray(8 * MB)}`, 'H1H2L1L2')
})

// Proves: docs/semantics.md#socket-arguments
check('settings and priorities that make no sense are refused and named', async (skynet) => {
  const { client, connection } = await slowPair(skynet, {})
  const bad = (value: unknown) => value as never
  const cases: [keyof SocketSettings, unknown[]][] = [
    ['sendLimitBytes', [0, -1, 1.5, '5', null, 2 ** 31]],
    ['sendWarningBytes', [0, Number.NaN]],
    ['readBytesMax', [63, 65_537]],
    ['lingerMs', [0, 2 ** 32]],
    ['idleTimeoutMs', [-1, 2 ** 32]],
    ['sendPolicy', ['drop', '', 5, null, 'toString']],
  ]
  for (const [name, values] of cases) {
    for (const value of values) {
      const kind = typeof value === 'number' && name !== 'sendPolicy' ? 'RangeError' : 'TypeError'
      const refused = { name: kind, message: new RegExp(`'${name}' must be`) }
      const options = { host: '127.0.0.1', port: 1, [name]: value }
      assert.throws(() => connection.configure(bad({ [name]: value })), refused)
      await assert.rejects(skynet.socket.listen(options), refused)
      await assert.rejects(skynet.socket.connect(options), refused)
    }
  }
  for (const value of [undefined, null, 5]) {
    const refused = { name: 'TypeError', message: /'options' must be a plain object/ }
    assert.throws(() => connection.configure(bad(value)), refused)
  }
  for (const priority of ['lo', 5, '']) {
    const refused = { name: 'TypeError', message: /'priority' must be one of high, low/ }
    assert.throws(() => connection.write('x', bad({ priority })), refused)
  }
  const ids = { name: 'TypeError', message: /'ids' must be an array/ }
  assert.throws(() => skynet.socket.broadcast(bad(5), 'x'), ids)
  const id = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /'ids\[1\]' .* is 10n$/ }
  assert.throws(() => skynet.socket.broadcast(bad([connection.id, 10n]), 'x'), id)
  const data = { name: 'TypeError', message: /'data' must be/ }
  assert.throws(() => skynet.socket.broadcast([], bad(5)), data)
  client.destroy()
})

// Proves: docs/semantics.md#broadcast
check(
  'broadcast() to 100 connections over two workers: every reader gets everything',
  async (skynet) => {
    const others = await skynet.newService<typeof holder>('./holder.ts', { on: 1 })
    // Small buffers of the kernel, so that who does not read is behind soon.
    const options = { sendBufferBytes: 32 * 1024 }
    const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0, options })
    const clients: Socket[] = []
    const ids: number[] = []
    for (let i = 0; i < 100; i++) {
      const [client, connection] = await Promise.all([dial(listener.port), listener.accept()])
      clients.push(client)
      ids.push(connection!.id)
      if (i % 2 === 0) await others.call.take(connection!.id)
      else await connection!.read(0)
      if (i % 10 < 3) client.pause()
    }
    const gone = await Promise.all([dial(listener.port), listener.accept()])
    await gone[1]!.close()
    const udp = await skynet.socket.udpDial({ port: (await skynet.socket.udp({ port: 0 })).port })
    const list = [gone[1]!.id, listener.id, udp.id, ...ids]
    const all = clients.map((client, i) => (i % 10 < 3 ? undefined : drink(client)))
    const rounds = 30
    const message = (round: number) => `${round}${'.'.repeat(40_000)}\n`
    for (let round = 0; round < rounds; round++) {
      skynet.socket.broadcast(list, message(round))
      await skynet.sleep(1)
    }
    skynet.socket.broadcast(list, Buffer.from('end'))
    const queued = () => skynet.socket.netstat().reduce((sum, info) => sum + info.queued, 0)
    assert.ok(queued() > 0, 'some do not read')
    const late = clients.map((client, i) => all[i] ?? drink(client))
    await until('everything has left', () => queued() === 0)
    await skynet.kill(others.handle)
    for (const id of ids)
      void skynet.socket
        .start(id)
        .then((own) => own.close())
        .catch(() => {})
    const expected = Array.from({ length: rounds }, (_, round) => message(round)).join('')
    for (const got of await Promise.all(late)) assert.ok(`${got}` === `${expected}end`)
  },
)

// Proves: docs/semantics.md#broadcast-order
check(
  'own writes and broadcasts of one turn arrive in the order they were made',
  async (skynet) => {
    const { client, connection } = await slowPair(skynet, {})
    const ids = [connection.id, connection.id]
    await connection.read(0)
    connection.write('1')
    skynet.socket.broadcast(ids, 'a')
    skynet.socket.broadcast([connection.id], 'b')
    connection.write('2')
    connection.write(stretch(0, 5 * MB))
    skynet.socket.broadcast(ids, 'c')
    connection.write('3')
    connection.end()
    const got = await drink(client)
    assert.equal(`${got.subarray(0, 5)}${got.subarray(5 + 5 * MB)}`, '1aab2cc3')
    assert.ok(got.subarray(5, 5 + 5 * MB).equals(stretch(0, 5 * MB)))
  },
)
