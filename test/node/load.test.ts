/** Bots on a real gate, over TCP and over the WebSocket of a package of others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { loadDriver } from 'skynet-ts/testing'
import { WebSocket } from 'ws'
import { canvas } from '../../examples/web/protocol.ts'
import { startWebExample } from '../support/web-example.ts'

const BOTS = 20
const ROUNDS = 10

// Proves: docs/load.md#cuts, #slow-readers
test('loadDriver() on a gate: what bots draw is there once, whatever is cut', async (t) => {
  const { page, tcpPort, node } = await startWebExample(t)
  const url = new URL('/canvas', page)
  const result = await loadDriver(canvas, {
    bots: BOTS,
    client: ({ index }) => ({
      ...(index % 2 === 0 ? { transport: framedTcp({ port: tcpPort }) } : { url, WebSocket }),
      login: { name: `bot-${index}` },
      retryMsMin: 5,
      retryMsMax: 50,
    }),
    async bot(client, { index, round, random }) {
      const id = index * ROUNDS + round
      const at = () => Math.floor(random() * 2000)
      await client.call.draw({ id, colour: index % 7, width: 5, points: [at(), at(), at(), at()] })
    },
    rounds: ROUNDS,
    rampMs: 50,
    seed: 5,
    faults: { cuts: 0.01, slowReaders: 0.2, slowMs: 2 },
  })
  t.diagnostic(`${result}`)
  assert.deepEqual(result.errors, [])
  assert.equal(result.rounds, BOTS * ROUNDS)
  assert.equal(result.calls.draw?.count, BOTS * ROUNDS)
  assert.ok(result.connections.cut > 0)
  assert.ok(result.connections.resumed > 0)
  assert.ok(result.events.drawn! > 0)

  const client = connect(canvas, {
    transport: framedTcp({ port: tcpPort }),
    login: { name: 'ann' },
  })
  const picture = await client.events('picture').next()
  const ids = picture.value!.pieces.map(({ id }) => id).sort((a, b) => a - b)
  assert.deepEqual(
    ids,
    Array.from({ length: BOTS * ROUNDS }, (_, at) => at),
  )
  await client.close()
  node.assertNoFault()
})
