import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { RegisteredNames } from './registered-names.ts'

const names = (alive: Set<number>): RegisteredNames =>
  new RegisteredNames({ isAlive: (handle) => alive.has(handle) })

test('register() gives a service one name, and a name to one service', () => {
  const all = names(new Set([1, 2]))
  all.register('a', 1, 1)
  all.register('a', 1, 1)
  assert.throws(
    () => all.register('a', 2, 1),
    (error) => isSkynetError(error, 'ERR_SKYNETCLUSTER_NAME'),
  )
  all.register('b', 1, 1)
  assert.deepEqual([all.get('a'), all.get('b')], [undefined, 1])
  all.register('a', 2, 1)
  assert.equal(all.unregister('a', 1), 2)
  assert.equal(all.unregister('a', 1), undefined)
})

test('register() takes the name of a service that has ended', () => {
  const alive = new Set([1, 2])
  const all = names(alive)
  all.register('a', 1, 1)
  alive.delete(1)
  assert.equal(all.get('a'), 1)
  all.register('a', 2, 1)
  assert.equal(all.get('a'), 2)
  all.register('b', 1, 1)
  assert.equal(all.get('a'), 2)
})

test('methodAt() counts the methods of a snax service from 5 on', () => {
  const all = names(new Set([1]))
  all.registerSnax('pinger', 1, ['response.ping', 'accept.hello'], 1)
  assert.equal(all.snaxHandle('pinger'), 1)
  assert.equal(all.snaxHandle(5), undefined)
  assert.deepEqual(
    [4, 5, 6, 7, '5', undefined].map((id) => all.methodAt(1, id)),
    [undefined, 'ping', 'hello', undefined, undefined, undefined],
  )
  assert.equal(all.methodAt(2, 5), undefined)
})

test('names of services that have ended are let go of', () => {
  const alive = new Set([1])
  const all = names(alive)
  all.register('stays', 1, 1)
  all.registerSnax('stays', 1, ['response.ping'], 1)
  for (let handle = 2; handle < 2000; handle++) {
    alive.add(handle)
    all.register(`room:${handle}`, handle, 1)
    all.registerSnax(`room:${handle}`, handle, ['response.ping'], 1)
    alive.delete(handle)
  }
  assert.ok(all.size <= 64, `${all.size}`)
  assert.equal(all.get('stays'), 1)
  assert.equal(all.methodAt(1, 5), 'ping')
  assert.equal(all.methodAt(100, 5), undefined)
})

test('registerSnax() again: the name is of another service, and the methods are others', () => {
  const all = names(new Set([1, 2]))
  all.registerSnax('pinger', 1, ['response.ping'], 1)
  all.registerSnax('pinger', 1, ['response.pong'], 1)
  assert.equal(all.methodAt(1, 5), 'pong')
  all.registerSnax('pinger', 2, ['response.ping'], 1)
  assert.deepEqual([all.snaxHandle('pinger'), all.methodAt(1, 5)], [2, undefined])
})

test('restore(): whatever is said first, the last word on a name and on a service holds', () => {
  const words = [
    [7, { word: 'db', stamp: 1 }],
    [8, { word: 'old', stamp: 2 }],
    [8, { word: 'new', stamp: 3 }],
    [7, { word: undefined, stamp: 4 }],
    [9, { word: 'db', stamp: 5 }],
    [10, { word: 'dead', stamp: 6 }],
  ] as const
  for (const order of [words, words.toReversed(), [...words.slice(3), ...words.slice(0, 3)]]) {
    const all = names(new Set([7, 8, 9]))
    for (const [handle, said] of order) all.restore(handle, said)
    assert.deepEqual(
      ['db', 'old', 'new', 'dead'].map((name) => all.get(name)),
      [9, undefined, 8, undefined],
    )
  }
})

test('restoreSnax(): the last word on a name holds', () => {
  const first = { word: { handle: 1, methods: ['response.a'] as const }, stamp: 1 }
  const second = { word: { handle: 2, methods: ['response.b'] as const }, stamp: 2 }
  for (const order of [
    [first, second],
    [second, first],
  ]) {
    const all = names(new Set([1, 2]))
    for (const said of order) all.restoreSnax('pinger', said)
    assert.deepEqual([all.snaxHandle('pinger'), all.methodAt(1, 5)], [2, undefined])
  }
})
