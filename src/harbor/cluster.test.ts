/** Master and slaves without sockets: who is there, who connects to whom, whose a name is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HARBOR_NAMES_MAX } from '../base/limits.ts'
import type { ToMaster, ToSlave } from './control.ts'
import { Master } from './master.ts'
import { Slave } from './slave.ts'

interface Told {
  readonly toMaster: ToMaster[]
  readonly events: (readonly unknown[])[]
}

function aSlave(harbor: number): Told & { readonly slave: Slave } {
  const toMaster: ToMaster[] = []
  const events: (readonly unknown[])[] = []
  const slave = new Slave(
    {
      tell: (message) => toMaster.push(message),
      connect: (other, address) => events.push(['connect', other, address]),
      up: (other) => events.push(['up', other]),
      down: (other, reason) => events.push(['down', other, reason]),
      named: (name, handle) => events.push(['named', name, handle]),
      joined: () => events.push(['joined']),
    },
    harbor,
  )
  return { slave, toMaster, events }
}

function aMaster() {
  const told: (readonly [harbor: number, message: ToSlave])[] = []
  const said: string[] = []
  const master = new Master({
    tell: (harbor, message) => told.push([harbor, message]),
    say: (text) => said.push(text),
  })
  const take = () => told.splice(0)
  const join = (harbor: number) => master.hello(['H', harbor, `10.0.0.${harbor}:1`], () => {})
  return { master, take, join, said }
}

test('the master tells slaves of a new one, and the new one how many there are', () => {
  const { join, take, master } = aMaster()
  join(1)
  assert.deepEqual(take(), [[1, ['W', 0]]])
  join(2)
  assert.deepEqual(take(), [
    [1, ['C', 2, '10.0.0.2:1']],
    [2, ['W', 1]],
  ])
  master.gone(1)
  assert.deepEqual(take(), [[2, ['D', 1]]])
  join(3)
  assert.deepEqual(take(), [
    [2, ['C', 3, '10.0.0.3:1']],
    [3, ['W', 1]],
  ])
})

// Proves: docs/harbor.md#numbers-once
test('the master gives the number of a harbor once', () => {
  const { master, join, take } = aMaster()
  join(2)
  take()
  const twice = { code: 'ERR_HARBOR_PROTOCOL', message: /harbor 2 is registered already/ }
  assert.throws(() => join(2), twice)
  master.gone(2)
  assert.throws(() => join(2), twice)
  assert.throws(() => master.hello(['Q', 'A'], () => assert.fail()), {
    code: 'ERR_HARBOR_PROTOCOL',
  })
  assert.throws(() => master.hello(undefined, () => assert.fail()), { code: 'ERR_HARBOR_PROTOCOL' })
  join(4)
  assert.throws(() => master.heard(4, ['H', 4, 'x']), { code: 'ERR_HARBOR_PROTOCOL' })
})

// Proves: docs/harbor.md#names
test('a global name stays with the first who has registered it, for all who hear of it', () => {
  const { master, join, take } = aMaster()
  join(1)
  join(2)
  take()
  master.heard(1, ['Q', 'LOBBY'])
  assert.deepEqual(take(), [], 'nobody has it')
  master.heard(1, ['R', 'LOBBY', 0x01000008])
  const first = ['N', 'LOBBY', 0x01000008]
  assert.deepEqual(take(), [
    [1, first],
    [2, first],
  ])
  master.heard(2, ['R', 'LOBBY', 0x02000008])
  assert.deepEqual(take(), [
    [1, first],
    [2, first],
  ])
  master.heard(2, ['Q', 'LOBBY'])
  assert.deepEqual(take(), [[2, first]])
})

// Proves: docs/harbor.md#names
test('a slave keeps the first owner of a name that it hears of', () => {
  const { slave, events } = aSlave(3)
  slave.heard(['N', 'LOBBY', 0x01000008])
  // As a master of Skynet does when somebody registers it again, and keeps the first itself.
  slave.heard(['N', 'LOBBY', 0x02000008])
  assert.equal(slave.handleOf('LOBBY'), 0x01000008)
  assert.deepEqual(events.at(-1), ['named', 'LOBBY', 0x01000008])
})

// Proves: docs/limits.md#harbor-names
test('master and slave keep so many names, and no more', () => {
  const { master, join, take, said } = aMaster()
  join(1)
  for (let i = 0; i < HARBOR_NAMES_MAX; i++) master.heard(1, ['R', `N${i}`, 1])
  take()
  master.heard(1, ['R', 'ONE MORE', 1])
  assert.deepEqual(take(), [])
  assert.match(said.join(), /Cannot register ONE MORE: all 65536 global names are in use/)
  master.heard(1, ['R', 'N0', 2])
  assert.deepEqual(take(), [[1, ['N', 'N0', 1]]])

  const { slave, events } = aSlave(1)
  for (let i = 0; i < HARBOR_NAMES_MAX; i++) slave.heard(['N', `N${i}`, 1])
  slave.heard(['N', 'ONE MORE', 1])
  assert.equal(slave.handleOf('ONE MORE'), undefined)
  assert.deepEqual(events.at(-1), ['named', 'ONE MORE', 1], 'who waits for it is told')
})

test('a slave has joined when all who were there have connected, or are gone', () => {
  const { slave, toMaster, events } = aSlave(3)
  slave.begin('127.0.0.1:2528')
  assert.deepEqual(toMaster, [['H', 3, '127.0.0.1:2528']])
  // One is faster than the master.
  assert.equal(slave.accepted(1), true)
  slave.heard(['W', 3])
  assert.match(slave.progress, /1 of 3 harbors/)
  // It came behind us, and is not awaited.
  slave.heard(['C', 4, '127.0.0.1:2529'])
  slave.heard(['C', 5, '127.0.0.1:2530'])
  slave.heard(['D', 5])
  assert.equal(slave.hasJoined, false)
  slave.heard(['D', 2])
  assert.equal(slave.accepted(2), false, 'it is down')
  assert.equal(slave.accepted(6), true)
  assert.deepEqual(events, [
    ['up', 1],
    ['down', 5, 'it has left the master'],
    ['down', 2, 'it has left the master'],
    ['up', 6],
    ['joined'],
    ['connect', 4, '127.0.0.1:2529'],
  ])
  assert.equal(slave.accepted(7), false, 'nobody else is awaited')
})

test('a slave lets nobody in under a number that is taken, its own, or none', () => {
  const { slave } = aSlave(3)
  slave.heard(['W', 2])
  for (const harbor of [0, 3]) assert.equal(slave.accepted(harbor), false)
  slave.heard(['C', 4, 'x:1'])
  assert.equal(slave.accepted(4), false)
  assert.equal(slave.accepted(1), true)
  assert.equal(slave.accepted(1), false)
})

// Proves: docs/harbor.md#down
test('a harbor that is down stays down', () => {
  const { slave, events } = aSlave(3)
  slave.heard(['W', 0])
  slave.heard(['C', 4, 'x:1'])
  assert.equal(slave.stateOf(4), 'connecting')
  assert.equal(slave.connected(4), true)
  slave.lost(4, 'reset')
  slave.lost(4, 'again')
  slave.heard(['D', 4])
  slave.heard(['C', 4, 'x:1'])
  assert.equal(slave.connected(4), false)
  assert.equal(slave.stateOf(4), 'down')
  assert.deepEqual(events, [['joined'], ['connect', 4, 'x:1'], ['up', 4], ['down', 4, 'reset']])
})

test('what the master says of this very slave, or again, changes nothing', () => {
  const { slave, events, toMaster } = aSlave(3)
  slave.heard(['W', 1])
  slave.heard(['W', 0])
  slave.heard(['D', 3])
  slave.heard(['C', 3, 'x:1'])
  assert.deepEqual(events, [])
  assert.equal(slave.hasJoined, false)
  slave.register('A', 0x03000001)
  slave.query('B')
  assert.deepEqual(toMaster, [
    ['Q', 'A'],
    ['R', 'A', 0x03000001],
    ['Q', 'B'],
  ])
})
