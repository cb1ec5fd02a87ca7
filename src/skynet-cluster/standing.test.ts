import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Standing } from './standing.ts'

test('a standing has what holds: the newest of each, and nothing that was taken back', () => {
  const standing = new Standing()
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
