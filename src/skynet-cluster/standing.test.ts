import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Standing } from './standing.ts'

test('a standing has what holds: the newest of each, and nothing that was taken back', () => {
  const standing = new Standing(() => true)
  assert.equal(standing.isEmpty, true)
  standing.note(['request', 'node', '@x', Buffer.alloc(1)], undefined)
  assert.equal(standing.isEmpty, true)
  standing.note(['reload', { a: '127.0.0.1:1', b: false }], undefined)
  standing.note(['reload', { b: '127.0.0.1:2' }], undefined)
  const listen = { host: '127.0.0.1', port: 0, maxClient: 9 }
  standing.note(['open', listen], { host: '127.0.0.1', port: 1234 })
  standing.note(['register', 'old', 7], undefined)
  standing.note(['register', 'new', 7], undefined)
  standing.note(['register', 'gone', 8], undefined)
  standing.note(['unregister', 'gone'], undefined)
  standing.note(['registerSnax', 'pinger', 7, ['response.ping']], undefined)
  assert.deepEqual(standing.orders(), [
    ['reload', { a: '127.0.0.1:1', b: '127.0.0.1:2' }],
    ['open', { host: '127.0.0.1', port: 1234, maxClient: 9 }],
    ['register', 'new', 7],
    ['registerSnax', 'pinger', 7, ['response.ping']],
  ])
})

test('names of services that have ended are let go of', () => {
  const alive = new Set([1])
  const standing = new Standing((handle) => alive.has(handle))
  standing.note(['register', 'stays', 1], undefined)
  for (let handle = 2; handle < 2000; handle++) {
    alive.add(handle)
    standing.note(['register', `room:${handle}`, handle], undefined)
    standing.note(['registerSnax', `room:${handle}`, handle, []], undefined)
    alive.delete(handle)
  }
  assert.ok(standing.size <= 64, `${standing.size}`)
  assert.deepEqual(standing.orders()[0], ['register', 'stays', 1])
})
