/** A thousand sessions over TCP and WebSocket, cut by chance: nothing is lost or runs twice. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, type SessionClient } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { resolveConfig } from 'skynet-ts/node'
import { WebSocket } from 'ws'
import { game } from '../fixtures/session-game.ts'
import type sessionNode from '../fixtures/session-node.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { TestNode } from '../support/node.ts'
import { until } from '../support/until.ts'

const SESSIONS = 1000
const CUTS_EACH = 5
const CUT_CHANCE = 0.2

// Proves: docs/session.md#resume
test('a thousand sessions are cut again and again: each call ran once', async (t) => {
  const start = join(import.meta.dirname, '../fixtures/session-node.js')
  const started = await TestNode.start((_, logger) =>
    resolveConfig({ start, thread: 2, logger, graceMs: 60_000 }),
  )
  t.after(() => started.stop())
  const { node } = started
  const [tcpPort, wsPort] = await until('it listens', () => {
    const { listeners } = node
    return listeners.length > 1 && listeners.map(({ port }) => port)
  })
  await using tcp = await CuttingProxy.to(tcpPort!, { seed: 1 })
  await using ws = await CuttingProxy.to(wsPort!, { seed: 2 })
  const clients: SessionClient<typeof game>[] = []
  const seen: number[][] = []
  for (let i = 0; i < SESSIONS; i++) {
    const way =
      i % 4 < 2
        ? { transport: framedTcp({ port: tcp.port }) }
        : { url: `ws://127.0.0.1:${ws.port}/game`, WebSocket }
    const login = { name: `user${i}` }
    const client = connect(game, { ...way, login, retryMsMin: 10, retryMsMax: 100 })
    const events: number[] = []
    client.on('at', (n) => events.push(n))
    clients.push(client)
    seen.push(events)
    if (i % 50 === 49) await Promise.all(clients.map(({ ready }) => ready))
  }
  const host = node.ref<typeof sessionNode>('.sessions')
  tcp.cutChance = CUT_CHANCE
  ws.cutChance = CUT_CHANCE
  let rounds = 0
  while (tcp.cuts + ws.cuts < SESSIONS * CUTS_EACH) {
    await host.call.push(rounds)
    await Promise.all(clients.map((client) => client.call.add(rounds)))
    rounds++
  }
  tcp.cutChance = 0
  ws.cutChance = 0
  const all = Array.from({ length: rounds }, (_, i) => i)
  await until('all events', () => seen.every(({ length }) => length === rounds))
  for (const events of seen) assert.deepEqual(events, all)
  const asked = await host.call.added()
  assert.equal(Object.keys(asked).length, SESSIONS)
  for (const [user, numbers] of Object.entries(asked)) assert.deepEqual(numbers, all, user)
  const { admitted, sessions, resumed, answersGone } = await host.call.stat()
  assert.deepEqual([admitted, sessions, answersGone], [SESSIONS, SESSIONS, 0])
  t.diagnostic(`${rounds} rounds, ${tcp.cuts} + ${ws.cuts} cuts, ${resumed} resumed`)
  // A client that is away when it is closed cannot tell its gate, which keeps the session.
  await until('all are there', () => clients.every(({ state }) => state === 'open'))
  await Promise.all(clients.map((client) => client.close()))
  await until('all have left', async () => (await host.call.stat()).sessions === 0)
})
