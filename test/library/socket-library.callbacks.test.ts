/** What the library calls of its user: nothing that those functions do may harm the loop. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { createSocketServer, type StandaloneServer, UdpAddress } from 'skynet-ts/socket-server'
import { descriptors, ends, library, next, one } from '../support/library.ts'
import { fixture } from '../support/process.ts'

/** The fixture, compiled as this file is. */
const LOUD_LOG = fixture('loud-log.js')
const BROADCAST = UdpAddress.of('255.255.255.255', 9)

/** A UDP socket that receives, and another that sends: `refuse` makes the latter log a line. */
function datagrams(server: StandaloneServer) {
  const receiver = server.udp({ host: '127.0.0.1', port: 0 })
  const { port } = next(server, 'open')
  server.start(receiver)
  const sender = server.udp()
  const to = UdpAddress.of('127.0.0.1', port)
  const arrives = (text: string): void => {
    assert.equal(server.sendTo(sender, to, text), true)
    for (;;) {
      const event = one(server, 60_000)
      assert.ok(event !== undefined, `${text} did not arrive`)
      if (event.type !== 'udp') continue
      assert.equal(`${event.data}`, text)
      return
    }
  }
  return { sender, arrives, refuse: () => server.sendTo(sender, BROADCAST, 'x') }
}

test('a log that throws harms nothing, and its line is printed', () => {
  const { status, stderr } = spawnSync(process.execPath, [LOUD_LOG], { encoding: 'utf8' })
  assert.match(stderr, /udp \(\d+\) sendto error EACCES.*\n/)
  assert.match(stderr, /Error: from log/)
  assert.equal(status, 0)

  const before = descriptors()
  const server = createSocketServer({
    log: () => {
      throw new Error('from log')
    },
  })
  const { arrives, refuse } = datagrams(server)
  arrives('before')
  assert.equal(refuse(), true)
  arrives('after')
  assert.equal(server.totals().queued, 0)
  server.release()
  server.release()
  assert.equal(descriptors(), before)
})

test('a log may call the server, and release it', () => {
  const before = descriptors()
  const lines: string[] = []
  const server = createSocketServer({
    log: (text) => {
      lines.push(text)
      if (lines.length < 3) refuse()
      else server.release()
    },
  })
  const { refuse, arrives } = datagrams(server)
  arrives('before')
  assert.equal(refuse(), true)
  assert.equal(lines.length, 3)
  assert.equal(descriptors(), before)
  assert.throws(() => server.poll(), { code: 'ERR_SERVER_RELEASED' })
})

test('a free that throws is logged, and the next are called', (t) => {
  const lines: string[] = []
  const server = library(t, { log: (text) => lines.push(text) })
  const { near, far } = ends(server)
  const free = (): void => {
    throw new Error('from free')
  }
  assert.equal(server.send(near, 'a', { free }), true)
  assert.match(lines.join(), /^socket-server error: free: Error: from free\n/)
  let count = 0
  assert.equal(server.send(near, 'b', { free: () => count++ }), true)
  assert.equal(count, 1)
  let got = ''
  while (got.length < 2) {
    const event = next(server, 'data')
    assert.equal(event.id, far)
    got += event.data
  }
  assert.equal(got, 'ab')
  assert.equal(lines.length, 1)
})
