/** Clients that read nothing, and clients that only come and go: others do not notice. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type SessionClient } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { resolveConfig } from 'skynet-ts/node'
import { encodeWire, FROM_CLIENT } from '../../src/client/wire.ts'
import { game } from '../fixtures/session-game.ts'
import type sessionNode from '../fixtures/session-node.ts'
import { TestNode } from '../support/node.ts'
import { until } from '../support/until.ts'

async function start(t: TestContext) {
  const path = join(import.meta.dirname, '../fixtures/session-node.js')
  const started = await TestNode.start((_, logger) =>
    resolveConfig({ start: path, thread: 2, logger }),
  )
  t.after(() => started.stop())
  const { node } = started
  const port = await until('it listens', () => node.listeners.length > 1 && node.listeners[0]!.port)
  const enter = (name: string): SessionClient<typeof game> => {
    const client = connect(game, { transport: framedTcp({ port }), login: { name } })
    t.after(() => client.close())
    return client
  }
  return { host: node.ref<typeof sessionNode>('.sessions'), port, enter }
}

/** Somebody who logs in and reads nothing. */
async function silent(port: number, name: string): Promise<Socket> {
  const hello = encodeWire(FROM_CLIENT, {
    ...{ kind: 'hello', version: 1, attempt: 1, token: new Uint8Array(0) },
    ...{ pushesUpTo: 0, answersUpTo: 0, login: Buffer.from(JSON.stringify({ name })) },
  })
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(Buffer.concat([Buffer.from([hello.length >> 8, hello.length & 255]), hello]))
  return socket
}

/** How long calls take meanwhile, of 100. */
async function whileCalling(client: SessionClient<typeof game>, work: Promise<unknown>) {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  const times: number[] = []
  while (!isDone) {
    const begin = performance.now()
    await client.call.echo('still here')
    times.push(performance.now() - begin)
  }
  await done
  times.sort((a, b) => a - b)
  const at = (part: number): string => times[Math.floor(times.length * part)]!.toFixed(1)
  return `${times.length} calls meanwhile, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
}

// Proves: docs/session.md#slow-clients
test('of a broadcast those who read nothing end, and all others hear everything', async (t) => {
  const { host, port, enter } = await start(t)
  const good = Array.from({ length: 50 }, (_, i) => enter(`good${i}`))
  const seen = good.map((client) => {
    const events: number[] = []
    client.on('at', (n) => events.push(n))
    return events
  })
  await Promise.all(good.map(({ ready }) => ready))
  const silents: Socket[] = []
  for (let i = 0; i < 300; i++) silents.push(await silent(port, `silent${i}`))
  await until('all are in', async () => (await host.call.stat()).sessions === 350)
  const all = Array.from({ length: 1500 }, (_, i) => i)
  const broadcast = async (): Promise<void> => {
    for (const n of all) {
      await host.call.push(n)
      // As much as their windows allow: they acknowledge 16 at a time.
      if (n % 500 === 499) await until('heard', () => seen.every(({ length }) => length > n))
    }
  }
  t.diagnostic(await whileCalling(good[0]!, broadcast()))
  for (const events of seen) assert.deepEqual(events, all)
  await until('the others have ended', async () => (await host.call.stat()).sessions === 50)
  assert.equal((await host.call.stat()).closed.overflow, 300)
  for (const socket of silents) socket.destroy()
})

// Proves: docs/session.md#limits
test('5,000 connections that come and go at once leave nothing', async (t) => {
  const { host, port, enter } = await start(t)
  const client = enter('good')
  await client.ready
  const comeAndGo = async (): Promise<void> => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.destroy()
  }
  const flood = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 100 }, comeAndGo))
  }
  t.diagnostic(await whileCalling(client, flood()))
  await until('all are gone', async () => {
    const { connections, strangers } = await host.call.stat()
    return connections === 1 && strangers === 0
  })
  assert.equal((await host.call.stat()).sessions, 1)
})

test('a server that takes nothing, and goes on talking, does not keep who has left', async () => {
  const server = createServer((socket) => {
    socket.pause()
    socket.on('error', () => {})
    const talk = setInterval(() => socket.write(Buffer.of(0, 1, 65)), 200)
    socket.on('close', () => {
      clearInterval(talk)
      server.close()
    })
  })
  const over = once(server, 'close')
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise<void>((opened) => {
    const link = framedTcp({ port }).open({
      opened() {
        for (let i = 0; i < 400; i++) link.send(Buffer.alloc(60_000))
        link.close()
        opened()
      },
      heard() {},
      closed() {},
    })
  })
  await over
})
