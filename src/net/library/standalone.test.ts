import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ERRNO } from '../../os/errno.ts'
import type { Os } from '../../os/os.ts'
import { posixOs } from '../../os/posix.ts'
import type { SocketEvent } from './socket-event.ts'
import { StandaloneServer } from './standalone.ts'

/** Time that passes only while the poller sleeps, and for how long it was told to. */
class Sleeper {
  now = 1000
  readonly waits: number[] = []
  /** How long each sleep lasts, at most: something else ends it. */
  longestMs = Number.POSITIVE_INFINITY
}

/** A server that sleeps in `sleeper`, on real sockets otherwise. */
function sleeping(t: TestContext, sleeper: Sleeper): StandaloneServer {
  const os = posixOs()
  const poller = os.createPoller()
  const wait: typeof poller.wait = (tags, ready, timeoutMs) => {
    sleeper.waits.push(timeoutMs)
    const count = poller.wait(tags, ready, 0)
    if (count === 0) sleeper.now += Math.min(timeoutMs, sleeper.longestMs)
    return count
  }
  const createPoller: Os['createPoller'] = () => ({
    name: poller.name,
    add: (...args) => poller.add(...args),
    change: (...args) => poller.change(...args),
    remove: (...args) => poller.remove(...args),
    wait,
    close: () => poller.close(),
  })
  Object.assign(os, { createPoller })
  const server = new StandaloneServer(os, { now: () => sleeper.now }, {})
  t.after(() => server.release())
  return server
}

// Proves: docs/sockets.md#poll-sleep
test('poll() sleeps for its time, rounded up, and no longer', (t) => {
  const sleeper = new Sleeper()
  const server = sleeping(t, sleeper)
  assert.deepEqual(server.poll({ timeoutMs: 20.5 }), [])
  assert.deepEqual(sleeper.waits, [21])
  assert.deepEqual(server.poll({ timeoutMs: 0 }), [])
  assert.deepEqual(sleeper.waits, [21, 0])
  assert.deepEqual(server.poll(), [])
  assert.deepEqual(sleeper.waits, [21, 0])
})

test('poll() that is woken for nothing sleeps for what is left', (t) => {
  const sleeper = new Sleeper()
  const server = sleeping(t, sleeper)
  sleeper.longestMs = 8
  assert.deepEqual(server.poll({ timeoutMs: 20 }), [])
  assert.deepEqual(sleeper.waits, [20, 12, 4])
})

test('poll() wakes for a deadline of a socket, also without a timeout', (t) => {
  const sleeper = new Sleeper()
  const server = sleeping(t, sleeper)
  const id = server.udp({ host: '127.0.0.1', port: 0 })
  assert.equal(server.poll()[0]?.type, 'open')
  server.configure(id, { idleTimeoutMs: 80 })
  const types = server.poll().map((event: SocketEvent) => event.type)
  assert.deepEqual(types, ['error', 'close'])
  assert.ok(sleeper.waits.every((ms) => ms >= 0 && ms <= 80))
  assert.deepEqual(server.poll(), [])
})

test('a client that finds no descriptor left is a refuse event, and the listener goes on', (t) => {
  const os = posixOs()
  const failures = [-ERRNO.EMFILE]
  const accept = os.accept.bind(os)
  Object.assign(os, { accept: (fd: number) => failures.pop() ?? accept(fd) })
  const server = new StandaloneServer(os, { now: () => performance.now() }, {})
  t.after(() => server.release())
  const listener = server.listen({ host: '127.0.0.1', port: 0 })
  server.start(listener)
  const [open] = server.poll()
  const port = open?.type === 'open' ? open.port : 0
  const told: SocketEvent[] = []
  const until = (type: SocketEvent['type']): SocketEvent => {
    for (;;) {
      const at = told.findIndex((event) => event.type === type)
      if (at >= 0) return told.splice(0, at + 1)[at]!
      told.push(...server.poll())
    }
  }
  server.connect({ port })
  const refused = until('refuse')
  assert.equal(refused.id, listener)
  assert.match(refused.type === 'refuse' ? refused.text : '', /^EMFILE/)
  server.connect({ port })
  assert.equal(until('accept').id, listener)
  assert.equal(server.totals().refused, 1)
})
