import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestPool } from '../testing/test-pool.ts'
import { Intake } from './intake.ts'
import { SocketLife } from './socket-life.ts'

const WORDS = { verb: 'take', cost: (word: string) => word.length, limit: () => 10 }

function setUp() {
  const sockets = new TestPool()
  const owner = { id: 1, happened() {}, leave() {}, letGo: () => false }
  const life = new SocketLife(sockets.pool, owner, 'opening')
  life.move('open')
  return { life, intake: new Intake<string>(life, WORDS), ...sockets }
}

test('Intake gives in order, to who waits too, one at a time', async () => {
  const { intake } = setUp()
  intake.push('a')
  intake.push('b')
  assert.deepEqual([await intake.take(undefined), await intake.take(undefined)], ['a', 'b'])
  const waiting = intake.take(undefined)
  await assert.rejects(intake.take(undefined), { code: 'ERR_SOCKET_BUSY' })
  intake.push('c')
  assert.equal(await waiting, 'c')
})

test('Intake pauses its socket at its limit, and goes on at half', async () => {
  const { intake, orders } = setUp()
  for (const word of ['four', 'five5', 'x', 'y']) {
    intake.push(word)
    if (word === 'five5') assert.deepEqual(orders, [])
  }
  assert.deepEqual(orders, ['pause 1'])
  await intake.take(undefined)
  assert.deepEqual(orders, ['pause 1'])
  await intake.take(undefined)
  assert.deepEqual(orders, ['pause 1', 'start 1'])
})

test('Intake that ends gives null to who waits, and may drop what nobody took', async () => {
  const { intake, life } = setUp()
  const waiting = intake.take(undefined)
  life.move('closed')
  intake.end()
  assert.equal(await waiting, null)

  const other = setUp()
  const dropped: string[] = []
  other.intake.push('a')
  other.intake.push('b')
  other.life.move('closed')
  other.intake.end((word) => dropped.push(word))
  assert.deepEqual([dropped, await other.intake.take(undefined)], [['a', 'b'], null])
})

test('Intake of a socket that has failed gives what came before, then the failure', async () => {
  const { intake, life } = setUp()
  intake.push('a')
  life.fail('reset')
  life.move('closed')
  intake.end()
  assert.equal(await intake.take(undefined), 'a')
  await assert.rejects(intake.take(undefined), { code: 'ERR_SOCKET_FAILED' })
})

test('Intake leaves nothing of a wait that was given up', async () => {
  const { intake, waits } = setUp()
  const abort = new AbortController()
  const waiting = intake.take({ signal: abort.signal })
  abort.abort()
  await assert.rejects(waiting, { code: 'ABORT_ERR' })
  assert.equal(waits.size, 0)
  intake.push('a')
  assert.equal(await intake.take(undefined), 'a')
})
