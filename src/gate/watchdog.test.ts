import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchdog } from './watchdog.ts'

// Proves: docs/gate.md#events
test('watchdog() handles the events of one client one after the other', async () => {
  const told: string[] = []
  let resolve!: () => void
  const launched = new Promise<void>((done) => {
    resolve = done
  })
  const { socket } = watchdog({
    async open(fd) {
      await launched
      told.push(`open ${fd}`)
      if (fd === 2) throw new Error('of the second')
    },
    close: (fd) => void told.push(`close ${fd}`),
  })
  const opens = [socket('open', 1, '127.0.0.1:1'), socket('open', 2, '127.0.0.1:2')]
  const closes = [socket('close', 1), socket('close', 2)]
  socket('close', 3)
  assert.equal(socket('warning', 1, 64), undefined)
  assert.deepEqual(told, ['close 3'])
  resolve()
  const ends = await Promise.allSettled([...opens, ...closes])
  assert.deepEqual(told, ['close 3', 'open 1', 'open 2', 'close 1', 'close 2'])
  // Who runs the method logs it.
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  socket('close', 1)
  assert.equal(told.at(-1), 'close 1', 'nothing waits any more')
})

test('watchdog() knows events, and nothing else that an object has', () => {
  const { socket } = watchdog({})
  for (const name of ['toString', 'hasOwnProperty', '__proto__', 'constructor']) {
    assert.equal(socket(name as 'open', 1, '127.0.0.1:1'), undefined, name)
  }
})
