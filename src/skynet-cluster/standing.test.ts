import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Standing } from './standing.ts'

test('a standing has what holds: the newest of each, with its stamp', () => {
  const standing = new Standing(() => true)
  assert.equal(standing.isEmpty, true)
  standing.note(['request', 'node', '@x', Buffer.alloc(1)], undefined)
  assert.equal(standing.isEmpty, true)
  standing.note(['reload', { a: '127.0.0.1:1', b: false }], undefined)
  standing.note(['reload', { b: '127.0.0.1:2' }], 5)
  const listen = { host: '127.0.0.1', port: 0, maxClient: 9 }
  standing.note(['open', listen], { host: '127.0.0.1', port: 1234 })
  standing.note(['openNamed', 'a', 8], { host: '127.0.0.1', port: 1235 })
  standing.note(['register', 'old', 7], 6)
  standing.note(['register', 'new', 7], 7)
  standing.note(['register', 'gone', 8], 8)
  standing.note(['unregister', 'gone'], { handle: 8, stamp: 9 })
  standing.note(['unregister', 'nobody'], undefined)
  standing.note(['registerSnax', 'pinger', 7, ['response.ping']], 10)
  standing.heard(11)
  const { table, names, snax } = standing.words
  assert.deepEqual(Object.fromEntries(table), {
    a: { word: '127.0.0.1:1', stamp: 11 },
    b: { word: '127.0.0.1:2', stamp: 5 },
  })
  assert.deepEqual(Object.fromEntries(names), {
    7: { word: 'new', stamp: 7 },
    8: { word: undefined, stamp: 9 },
  })
  const word = { handle: 7, methods: ['response.ping'] }
  assert.deepEqual(Object.fromEntries(snax), { pinger: { word, stamp: 10 } })
  assert.deepEqual(
    [...standing.opened],
    [
      { host: '127.0.0.1', port: 1234, maxClient: 9 },
      { host: '127.0.0.1', port: 1235, maxClient: 8 },
    ],
  )
})

test('names of services that have ended are let go of', () => {
  const alive = new Set([1])
  const standing = new Standing((handle) => alive.has(handle))
  standing.note(['register', 'stays', 1], 1)
  for (let handle = 2; handle < 2000; handle++) {
    alive.add(handle)
    standing.note(['register', `room:${handle}`, handle], handle)
    standing.note(['registerSnax', `room:${handle}`, handle, []], handle)
    alive.delete(handle)
  }
  assert.ok(standing.size <= 64, `${standing.size}`)
  assert.equal(standing.words.names.get(1)?.word, 'stays')
})
