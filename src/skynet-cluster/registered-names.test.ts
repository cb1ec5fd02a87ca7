import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { RegisteredNames } from './registered-names.ts'

const names = (alive: Set<number>): RegisteredNames =>
  new RegisteredNames({ isAlive: (handle) => alive.has(handle) })

test('register() gives a service one name, and a name to one service', () => {
  const all = names(new Set([1, 2]))
  all.register('a', 1)
  all.register('a', 1)
  assert.throws(
    () => all.register('a', 2),
    (error) => isSkynetError(error, 'ERR_SKYNETCLUSTER_NAME'),
  )
  all.register('b', 1)
  assert.deepEqual([all.get('a'), all.get('b')], [undefined, 1])
  all.register('a', 2)
  assert.equal(all.unregister('a'), 2)
  assert.equal(all.unregister('a'), undefined)
})

test('register() takes the name of a service that has ended', () => {
  const alive = new Set([1, 2])
  const all = names(alive)
  all.register('a', 1)
  alive.delete(1)
  assert.equal(all.get('a'), 1)
  all.register('a', 2)
  assert.equal(all.get('a'), 2)
  all.register('b', 1)
  assert.equal(all.get('a'), 2)
})

test('methodAt() counts the methods of a snax service from 5 on', () => {
  const all = names(new Set([1]))
  all.registerSnax('pinger', 1, ['response.ping', 'accept.hello'])
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
  all.register('stays', 1)
  all.registerSnax('stays', 1, ['response.ping'])
  for (let handle = 2; handle < 2000; handle++) {
    alive.add(handle)
    all.register(`room:${handle}`, handle)
    all.registerSnax(`room:${handle}`, handle, ['response.ping'])
    alive.delete(handle)
  }
  assert.ok(all.size <= 64, `${all.size}`)
  assert.equal(all.get('stays'), 1)
  assert.equal(all.methodAt(1, 5), 'ping')
  assert.equal(all.methodAt(100, 5), undefined)
})

test('registerSnax() again: the name is of another service, and the methods are others', () => {
  const all = names(new Set([1, 2]))
  all.registerSnax('pinger', 1, ['response.ping'])
  all.registerSnax('pinger', 1, ['response.pong'])
  assert.equal(all.methodAt(1, 5), 'pong')
  all.registerSnax('pinger', 2, ['response.ping'])
  assert.deepEqual([all.snaxHandle('pinger'), all.methodAt(1, 5)], [2, undefined])
})
