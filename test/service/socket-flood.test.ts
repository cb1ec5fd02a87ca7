/** A peer that sends faster than it is handled: its window fills, and no mailbox. */
import assert from 'node:assert/strict'
import { Worker } from 'node:worker_threads'
import { serviceTest } from '../support/run.ts'
import { listen } from '../support/sockets.ts'

const FRAMES = 12_000_000
/** Small frames: many are handled for each chunk that comes. */
const FLOOD = `
const { workerData: port } = require('node:worker_threads')
const many = Buffer.alloc(3 * 20_000, Buffer.from([0, 1, 65]))
const socket = require('node:net').connect(port, '127.0.0.1')
const go = () => { while (socket.write(many)); }
socket.on('connect', go).on('drain', go).on('error', () => process.exit())
`

// Proves: docs/limits.md#receive-mail
serviceTest(import.meta.url, 'a flood of small frames stays with the peer', async (skynet) => {
  const listener = await listen(skynet)
  const peer = new Worker(FLOOD, { eval: true, workerData: listener.port })
  const connection = await listener.accept()
  let count = 0
  let longest = 0
  const waiting = async (): Promise<void> => {
    const { length } = await skynet.mailbox(skynet.self)
    longest = Math.max(longest, length)
  }
  const frames = connection!.frames({ header: 'u16be' })
  const over = frames.each((): Promise<void> | undefined => {
    if (++count % 100_000 === 0) skynet.fork(waiting)
    return count === FRAMES ? frames.close() : undefined
  })
  await over
  await peer.terminate()
  assert.ok(count >= FRAMES)
  assert.ok(longest < 1000, `${longest} messages have waited`)
})
