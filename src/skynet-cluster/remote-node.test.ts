import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError, type SkynetError } from '../base/errors.ts'
import { Asked, type AskedKind } from './asked.ts'
import { FakeSocket, settled } from './cluster.kit.ts'
import { RemoteNode } from './remote-node.ts'

/** A node whose connections the test makes, or refuses. */
function remote(more: { calls?: number; queueBytes?: number; isNoWaiting?: boolean } = {}) {
  const dials: { address: string; open: (socket: FakeSocket) => void; fail: (e: Error) => void }[] =
    []
  const said: string[] = []
  const { isNoWaiting = false, ...limits } = more
  const node = new RemoteNode('db', {
    limits: { bytes: 1000, calls: 10, queueBytes: 1000, ...limits },
    nodeName: 'host1',
    isNoWaiting,
    connect: (address) =>
      new Promise((open, fail) => {
        dials.push({ address, open, fail })
      }),
    say: (text) => void said.push(text),
  })
  /** How each request has ended, by its letter. */
  const ends: Record<string, string> = {}
  const ask = (letter: string, kind: AskedKind = 'call', bytes = 1): Asked => {
    const asked = new Asked('db', '@x', Buffer.alloc(bytes, letter), kind, undefined, {
      resolve: () => {
        ends[letter] = 'done'
      },
      reject: (error) => {
        const { code, info } = error as SkynetError
        ends[letter] = isSkynetError(error, 'ERR_SKYNETCLUSTER_LOST') ? error.info.sent : code
        assert.equal((info as { node: string }).node, 'db')
      },
    })
    node.ask(asked)
    return asked
  }
  return { node, dials, said, ends, ask }
}

const letters = (socket: FakeSocket): string =>
  socket
    .sent()
    .toString()
    .replace(/[^a-z]/g, '')

test('requests wait for one connection, and leave in their order', async () => {
  const { node, dials, ask, ends } = remote()
  node.move('127.0.0.1:1')
  assert.equal(node.state, 'idle')
  for (const letter of 'abc') ask(letter)
  ask('d', 'connect')
  ask('e', 'push')
  assert.equal(node.state, 'connecting')
  assert.equal(dials.length, 1)
  const socket = new FakeSocket()
  dials[0]!.open(socket)
  await settled()
  assert.equal(node.state, 'open')
  assert.equal(letters(socket), 'xaxbxcxe')
  assert.deepEqual(ends, { d: 'done', e: 'done' })
  assert.equal(node.pending, 3)
  socket.end()
  await settled()
  assert.deepEqual(ends, { a: 'maybe', b: 'maybe', c: 'maybe', d: 'done', e: 'done' })
  assert.equal(node.state, 'idle')
})

test('a connection that is refused ends who waits for it, and no later one', async () => {
  const { node, dials, ask, ends } = remote()
  node.move('127.0.0.1:1')
  ask('a')
  dials[0]!.fail(new Error('refused'))
  await settled()
  assert.deepEqual(ends, { a: 'no' })
  ask('b')
  assert.equal(dials.length, 2)
})

test('a node that moves while it is dialled is dialled where it is', async () => {
  const { node, dials, ask, ends } = remote()
  node.move('127.0.0.1:1')
  ask('a')
  node.move('127.0.0.1:2')
  assert.deepEqual(
    dials.map(({ address }) => address),
    ['127.0.0.1:1', '127.0.0.1:2'],
  )
  const [old, own] = [new FakeSocket(), new FakeSocket()]
  dials[0]!.open(old)
  dials[1]!.open(own)
  await settled()
  assert.equal(old.isOpen, false)
  assert.equal(letters(own), 'xa')
  node.move(false)
  assert.deepEqual(ends, { a: 'maybe' })
  ask('b')
  assert.deepEqual(ends, { a: 'maybe', b: 'ERR_SKYNETCLUSTER_DOWN' })
  assert.equal(node.state, 'down')
})

test('who gives up is not sent; a node that nobody asks or names is forgotten', async () => {
  const { node, dials, said, ask } = remote()
  const asked = ask('a')
  ask('b')
  assert.deepEqual(said, ['Waiting for cluster node [db]'])
  assert.equal(node.isForgotten, false)
  node.forget(asked)
  node.move('127.0.0.1:1')
  const socket = new FakeSocket()
  dials[0]!.open(socket)
  await settled()
  assert.equal(letters(socket), 'xb')
  const other = remote()
  other.node.forget(other.ask('a'))
  assert.equal(other.node.isForgotten, true)
  const strict = remote({ isNoWaiting: true })
  strict.ask('a')
  assert.equal(strict.ends.a, 'ERR_SKYNETCLUSTER_DOWN')
})

test('what waits for a connection has limits: requests, and their bytes', () => {
  const { node, ask, ends } = remote({ calls: 2, queueBytes: 10 })
  node.move('127.0.0.1:1')
  ask('a', 'call', 5)
  ask('b', 'call', 6)
  ask('c', 'call', 5)
  ask('d', 'call', 0)
  assert.deepEqual(ends, { b: 'ERR_SKYNETCLUSTER_FULL', d: 'ERR_SKYNETCLUSTER_FULL' })
})
