import assert from 'node:assert/strict'
import test from 'node:test'
import { DEFAULT_SETTINGS } from '../settings.ts'
import { Socket } from './socket.ts'

const FLAGS = [
  'polled',
  'reading',
  'stalled',
  'closeTold',
  'peerEnded',
  'closing',
  'finSent',
  'ending',
  'starved',
  'cut',
  'held',
] as const

test('each flag of a socket is its own', () => {
  for (const flag of FLAGS) {
    const socket = new Socket(1, 16, 7, DEFAULT_SETTINGS)
    const raised = (): readonly string[] => FLAGS.filter((each) => socket[each])
    assert.deepEqual(raised(), [])
    socket[flag] = true
    socket[flag] = true
    assert.deepEqual(raised(), [flag])
    for (const other of FLAGS) socket[other] = true
    socket[flag] = false
    assert.deepEqual(
      raised(),
      FLAGS.filter((each) => each !== flag),
    )
  }
})

test('sockets do not share what they send, though those with nothing share an empty queue', () => {
  const [one, other] = [
    new Socket(1, 16, 7, DEFAULT_SETTINGS),
    new Socket(2, 32, 7, DEFAULT_SETTINGS),
  ]
  assert.equal(one.queue, other.queue)
  one.ownQueue.push(Buffer.from('abc'))
  assert.equal(one.ownQueue, one.queue)
  assert.deepEqual([one.queue.bytes, other.queue.bytes], [3, 0])
})
