import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLUSTER_HOLD_BYTES, CLUSTER_NAME_BYTES_MAX } from '../base/limits.ts'
import { createHandleMemory, Handles } from './handles.ts'
import { createRemoteMemory, Remotes } from './remotes.ts'

/** That of the cluster, and any other one. */
function twoThreads(idMax = 16, places = 4) {
  const memory = createRemoteMemory(idMax, places)
  return { memory, writer: new Remotes(memory), reader: new Remotes(memory) }
}

test('every thread sees of which service of which node a handle is, of any name', () => {
  const { writer, reader } = twoThreads()
  const long = '界'.repeat(Math.floor(CLUSTER_NAME_BYTES_MAX / 3))
  writer.note(3, 'b', 0x1a)
  writer.note(4, long, 7)
  writer.note(5, 'b', 0)
  assert.deepEqual(
    [3, 4, 5, 6].map((handle) => reader.addressOf(handle)),
    ['b:0000001a', `${long}:00000007`, 'a name of b', undefined],
  )
  writer.forget(3)
  assert.deepEqual([reader.nodeOf(3), reader.nodeOf(5)], [undefined, 'b'])
})

test('a node that is full is so for each of its handles, and for no other', () => {
  const { memory, writer, reader } = twoThreads()
  writer.setFull('b', true)
  writer.note(3, 'b', 1)
  writer.note(4, 'c', 1)
  const seen = (): boolean[] => [3, 4, 5].map((handle) => reader.isFull(handle))
  assert.deepEqual(seen(), [true, false, false])
  writer.setFull('b', false)
  assert.deepEqual(seen(), [false, false, false])
  writer.setFull('b', true)
  // The worker of the cluster died: the next one knows of no link, and of each name.
  const next = new Remotes(memory)
  next.begin()
  assert.deepEqual(seen(), [false, false, false])
  next.note(5, 'c', 2)
  next.setFull('c', true)
  assert.deepEqual(seen(), [false, true, true])
})

test('a handle that is held takes no sends, whatever its node does, and keeps its name', () => {
  const { writer, reader } = twoThreads()
  for (const handle of [3, 4]) writer.note(handle, 'b', handle)
  const seen = (): boolean[] => [3, 4].map((handle) => reader.isFull(handle))
  writer.setHeld(3, true)
  assert.deepEqual([seen(), reader.addressOf(3)], [[true, false], 'b:00000003'])
  assert.throws(() => reader.checkRoom(3, 0), {
    code: 'ERR_LINK_FULL',
    message: /^Cannot send more to b:00000003: what waits for its worker .* 33554432 bytes$/,
    info: { node: 'b', to: 'b:00000003', limit: CLUSTER_HOLD_BYTES, sent: 'no' },
  })
  writer.setFull('b', true)
  writer.setHeld(3, false)
  assert.deepEqual(seen(), [true, true])
  writer.setFull('b', false)
  assert.deepEqual([seen(), reader.addressOf(3)], [[false, false], 'b:00000003'])
  writer.setHeld(3, true)
  writer.note(3, 'c', 9)
  assert.equal(reader.isFull(3), false, 'another service')
})

test('beyond so many names the oldest of no service gives its place to the next one', () => {
  const { writer, reader } = twoThreads(16, 2)
  const noted = ['a', 'b', 'c', 'c', 'b']
  for (const [handle, node] of noted.entries()) {
    if (handle === 2) writer.release(0)
    writer.note(handle, node, 1)
  }
  writer.setFull('c', true)
  assert.deepEqual(
    [1, 2, 3, 4].map((handle) => reader.nodeOf(handle)),
    ['b', 'c', 'c', 'b'],
  )
  assert.deepEqual(
    [1, 2, 3, 4].map((handle) => reader.isFull(handle)),
    [false, true, true, false],
  )
})

test('a node that has services here keeps its place, however many names come', () => {
  const { writer, reader } = twoThreads(16, 3)
  writer.note(1, 'a', 1)
  writer.note(2, 'a', 2)
  writer.release(1)
  for (let turn = 0; turn < 10; turn++) {
    writer.note(3, `x${turn}`, 7)
    writer.release(3)
  }
  assert.deepEqual([reader.addressOf(2), reader.addressOf(3)], ['a:00000002', 'x9:00000007'])
  writer.release(2)
  for (const name of ['y', 'z', 'w']) writer.note(4, name, 1)
  assert.equal(reader.nodeOf(4), 'w')
  // The thread of the cluster is another one, and with the old one all these are gone.
  writer.begin()
  writer.note(5, 'v', 1)
  writer.note(6, 'u', 1)
  assert.deepEqual([reader.nodeOf(5), reader.nodeOf(6)], ['v', 'u'])
})

test('a handle is remote until it ends, and names its service until it is given out again', () => {
  const handles = new Handles(createHandleMemory(2, 1, true), 1)
  const own = handles.register(0)
  const proxy = handles.register(0, true)
  handles.markRemote(proxy, 'b', 9)
  assert.deepEqual(
    [own, proxy].map((handle) => handles.isRemote(handle)),
    [false, true],
  )
  assert.equal(handles.workerOf(proxy), 0)
  handles.retire(proxy)
  assert.deepEqual(
    [handles.isRemote(proxy), handles.remotes!.addressOf(proxy)],
    [false, 'b:00000009'],
  )
  assert.equal(handles.register(0), proxy)
  assert.deepEqual([handles.isRemote(proxy), handles.remotes!.addressOf(proxy)], [false, undefined])
})

test('a node in no cluster has no table of them', () => {
  const handles = new Handles(createHandleMemory(2, 1), 0)
  const handle = handles.register(0)
  handles.markRemote(handle, 'b', 9)
  assert.deepEqual([handles.remotes, handles.isRemote(handle)], [undefined, false])
})
