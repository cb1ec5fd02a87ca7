import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RING_PAYLOAD_BYTES_MAX } from '../../base/limits.ts'
import type { Os } from '../../os/os.ts'
import { createDoorbellMemory, Doorbells } from '../../shm/doorbell.ts'
import { ManyRing } from '../../shm/ring.ts'
import { COMMAND, SEND } from '../commands.ts'
import { SEND_POLICY } from '../settings.ts'
import { SLOT, SLOTS_BYTES, Slots, TRAIT } from '../slots.ts'
import { STATE } from '../state.ts'
import { Totals } from '../totals.ts'
import { SocketClient } from './client.ts'

const CAPACITY = 1024 * 1024
const FD = 77

/** A worker's client, with a kernel that takes what `room` says, and nobody behind the ring. */
function setUp() {
  const kernel = { room: Number.POSITIVE_INFINITY, calls: 0, taken: '' }
  const blocks = new Map<number, Buffer>()
  const os = {
    get calls(): number {
      return kernel.calls
    },
    blocks: {
      put: (bytes: Uint8Array) => blocks.set(blocks.size + 1, Buffer.from(bytes)).size,
    },
    write(fd: number, bytes: Uint8Array, offset: number, length: number): number {
      assert.equal(fd, FD)
      kernel.calls++
      const count = Math.min(length, kernel.room)
      if (count < 0) return count
      kernel.taken += Buffer.from(bytes).toString('latin1', offset, offset + count)
      return count
    },
  } as unknown as Os
  const buffer = new SharedArrayBuffer(ManyRing.bytes(CAPACITY))
  const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
  const commands = new ManyRing(region, 0, CAPACITY)
  const slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
  const bells = new Doorbells(createDoorbellMemory(2), { thread: 1, wake() {} })
  const clock = { now: () => 1 }
  const totals = new Totals(Totals.memory(2), slots)
  const threads = { self: 0, socketThread: 1 }
  const client = new SocketClient({ os, clock, slots, totals, commands, bells, ...threads })
  const id = slots.reserve()
  const at = slots.at(id)
  slots.cells[at + SLOT.fd] = FD
  slots.cells[at + SLOT.state] = STATE.CONNECTED
  const orders = () => {
    const found: { type: number; id: number; b: number; text: string }[] = []
    commands.read(10_000, (type, id, b, session, offset, length) => {
      const inRing = region.bytes.toString('latin1', offset, offset + length)
      const isBlock = type === COMMAND.send && (b & SEND.block) !== 0
      found.push({ type, id, b, text: isBlock ? blocks.get(session)!.toString('latin1') : inRing })
    })
    return found
  }
  const cell = (name: 'pending' | 'queued' | 'remainder' | 'token'): number =>
    slots.cells[at + SLOT[name]]!
  const send = (text: string): boolean => client.send(id, Buffer.from(text), text.length)
  return { client, kernel, totals, slots, id, at, orders, cell, send }
}

test('send writes directly while nothing waits, and leaves no trace', () => {
  const { kernel, send, orders, cell, slots, at } = setUp()
  assert.equal(send('hello'), true)
  assert.equal(kernel.taken, 'hello')
  assert.deepEqual(orders(), [])
  assert.deepEqual([cell('pending'), cell('queued'), cell('token')], [0, 0, 0])
  assert.equal(slots.floats[(at + SLOT.bytesOut) >> 1], 5)
})

test('send hands on what the kernel did not take, and then everything, in order', () => {
  const { kernel, send, orders, cell, id } = setUp()
  kernel.room = 2
  assert.equal(send('hello'), true)
  kernel.room = 1000
  send('world')
  assert.equal(kernel.taken, 'he')
  assert.deepEqual(orders(), [
    { type: COMMAND.send, id, b: SEND.remainder, text: 'llo' },
    { type: COMMAND.send, id, b: 0, text: 'world' },
  ])
  const counts = [cell('pending'), cell('queued'), cell('remainder'), cell('token')]
  assert.deepEqual(counts, [2, 8, 1, 0])
})

test('send leaves an error of write(2) to the socket thread', () => {
  const { kernel, send, orders, cell, id } = setUp()
  kernel.room = -32
  assert.equal(send('hello'), true)
  assert.deepEqual(orders(), [{ type: COMMAND.send, id, b: SEND.remainder, text: 'hello' }])
  assert.deepEqual([cell('pending'), cell('queued')], [1, 5])
})

test('send hands everything on while another thread has the token', () => {
  const { kernel, send, orders, slots, at } = setUp()
  slots.cells[at + SLOT.token] = 2
  assert.equal(send('hello'), true)
  assert.equal(kernel.calls, 0)
  assert.equal(orders().length, 1)
  assert.equal(slots.cells[at + SLOT.token], 2)
})

test('send hands on before the socket is open, and refuses what nobody can write to', () => {
  const { kernel, send, slots, at, orders, cell } = setUp()
  for (const state of [STATE.RESERVE, STATE.CONNECTING, STATE.PACCEPT, STATE.HALFCLOSE_READ]) {
    slots.cells[at + SLOT.state] = state
    assert.equal(send('x'), true)
    assert.equal(orders().length, 1)
  }
  assert.deepEqual([cell('pending'), cell('queued')], [4, 4])
  for (const state of [STATE.INVALID, STATE.PLISTEN, STATE.LISTEN]) {
    slots.cells[at + SLOT.state] = state
    assert.equal(send('x'), false)
  }
  slots.cells[at + SLOT.state] = STATE.CONNECTED
  slots.cells[at + SLOT.id] = 0
  assert.equal(send('x'), false, 'a stale id')
  assert.equal(kernel.calls, 0)
  assert.deepEqual([cell('pending'), cell('queued')], [4, 4])
})

test('send gives many bytes in a block beside the ring', () => {
  const { kernel, send, orders, id } = setUp()
  kernel.room = 0
  const large = 'l'.repeat(RING_PAYLOAD_BYTES_MAX + 1)
  send(large)
  send('small')
  const [first, second] = orders()
  assert.deepEqual([first!.b, first!.text === large], [SEND.remainder | SEND.block, true])
  assert.deepEqual(second, { type: COMMAND.send, id, b: 0, text: 'small' })
})

test('orders that find the ring full wait in order, for retry', () => {
  const { client, kernel, send, orders } = setUp()
  kernel.room = 0
  const count = 200
  for (let i = 0; i < count; i++) send(`${i} ${'x'.repeat(i % 2 === 0 ? 20_000 : 20)}`)
  client.order('close', 5)
  assert.equal(client.isBlocked, true)
  const found = orders()
  while (client.isBlocked) {
    client.retry()
    found.push(...orders())
  }
  const last = found.pop()!
  assert.deepEqual([last.type, last.id], [COMMAND.close, 5])
  const numbers = found.map(({ text }) => Number.parseInt(text, 10))
  assert.deepEqual(numbers, [...new Array(count).keys()])
})

// Proves: docs/semantics.md#write-turn
test('Writer gathers what a turn writes into one system call at its end', async () => {
  const { client, kernel, id } = setUp()
  const writer = client.ownWriter(id)
  writer.write('one ')
  writer.write(Buffer.from('two '))
  writer.write('')
  client.writer(id + 1)
  writer.write('€')
  assert.deepEqual([kernel.calls, writer.length], [0, 11])
  await new Promise((resolve) => process.nextTick(resolve))
  assert.equal(Buffer.from(kernel.taken, 'latin1').toString(), 'one two €')
  assert.deepEqual([kernel.calls, writer.length], [1, 0])
})

test('Writer keeps the order of pieces of all sizes', () => {
  const { client, kernel, id } = setUp()
  const writer = client.ownWriter(id)
  let expected = ''
  for (const [i, size] of [5, 16_380, 10, 16_384, 16_385, 1, 100_000, 3].entries()) {
    const piece = String.fromCharCode(97 + i).repeat(size)
    expected += piece
    writer.write(i % 2 === 0 ? piece : Buffer.from(piece))
  }
  client.flush()
  assert.equal(kernel.taken === expected, true)
})

test('Writer says isGone once its socket is gone', () => {
  const { client, slots, at, id } = setUp()
  const writer = client.ownWriter(id)
  slots.cells[at + SLOT.id] = 0
  writer.write('x')
  assert.equal(writer.isGone, false)
  client.flush()
  assert.equal(writer.isGone, true)
})

test('writer of a socket of others is the same within a turn, and forgotten after it', () => {
  const { client, id } = setUp()
  const writer = client.writer(id)
  assert.equal(client.writer(id), writer)
  writer.write('x')
  client.flush()
  assert.notEqual(client.writer(id), writer)
})

test('totals has what this worker sent, and its system calls after a flush', () => {
  const { client, totals, send, kernel } = setUp()
  kernel.room = 3
  send('hello')
  assert.deepEqual([totals.read().sent, totals.read().calls], [3, 0])
  client.flush()
  assert.deepEqual([totals.read().sent, totals.read().calls], [3, 1])
})

test('totals() has the system calls of its own worker at once', () => {
  const { client, send } = setUp()
  send('hello')
  assert.deepEqual([client.totals().sent, client.totals().calls], [5, 1])
})

// --- broadcast -----------------------------------------------------------------------------------

// Proves: docs/semantics.md#broadcast-order
test('broadcasts and own writes of one turn leave in the order they were made', () => {
  const { client, kernel, id } = setUp()
  const writer = client.ownWriter(id)
  client.broadcast([id], Buffer.from('a'))
  client.broadcast([id], Buffer.from('b'))
  writer.write('1')
  writer.write('2')
  client.broadcast([id], Buffer.from('c'))
  client.broadcast([id, id + 1], Buffer.from('d'))
  writer.write('3')
  client.flush()
  assert.equal(kernel.taken, 'ab12cd3')
})

// Proves: docs/semantics.md#broadcast-order
test('broadcasts of one turn to the same sockets cost each of them one system call', async () => {
  const { client, kernel, id } = setUp()
  const bytes = Buffer.from('x')
  for (let round = 0; round < 100; round++) client.broadcast([id, id + 1], bytes)
  bytes.fill('y')
  assert.equal(kernel.calls, 0)
  await new Promise((resolve) => process.nextTick(resolve))
  assert.deepEqual([kernel.calls, kernel.taken], [1, 'x'.repeat(100)])
})

test('a list that the caller changes after a broadcast gets what was broadcast before', () => {
  const { client, kernel, id } = setUp()
  const ids = [id]
  client.broadcast(ids, Buffer.from('for the first list '))
  ids[0] = id + 1
  client.broadcast(ids, Buffer.from('for nobody'))
  client.flush()
  assert.equal(kernel.taken, 'for the first list ')
})

test('broadcasts of all sizes keep their order', () => {
  const { client, kernel, id } = setUp()
  let expected = ''
  for (const [i, size] of [5, 65_530, 6, 65_536, 65_537, 1, 200_000, 0, 3].entries()) {
    const piece = String.fromCharCode(97 + i).repeat(size)
    expected += piece
    client.broadcast([id], Buffer.from(piece))
  }
  client.flush()
  assert.equal(kernel.taken === expected, true)
})

test('a broadcast leaves one block for those who cannot take it now: who, how much left', () => {
  const { client, kernel, slots, id, at, orders, cell } = setUp()
  const other = slots.reserve()
  slots.cells[slots.at(other) + SLOT.state] = STATE.CONNECTED
  slots.cells[slots.at(other) + SLOT.pending] = 1
  kernel.room = 2
  client.broadcast([id, other, id], Buffer.from('hello'))
  client.flush()
  assert.equal(kernel.taken, 'he')
  const [order, ...more] = orders()
  assert.deepEqual([order!.type, more.length], [COMMAND.broadcast, 0])
  const payload = Buffer.from(order!.text, 'latin1')
  assert.deepEqual([payload.readDoubleLE(0), payload.readDoubleLE(8)], [1, 5])
  const pairs = Array.from({ length: 6 }, (_, i) => payload.readInt32LE(16 + i * 4))
  assert.deepEqual(pairs, [id, 2, other, -1, id, -1])
  assert.deepEqual([cell('pending'), cell('queued'), cell('remainder')], [2, 8, 1])
  assert.equal(slots.cells[at + SLOT.token], 0)
})

// Proves: docs/semantics.md#broadcast
test('a broadcast leaves out who is gone, listens, or is full with a policy that refuses', () => {
  const { client, kernel, slots, id, orders } = setUp()
  const [gone, listens, full, fails, waits] = [0, 0, 0, 0, 0].map(() => slots.reserve()) as number[]
  slots.cells[slots.at(gone!) + SLOT.id] = 0
  slots.cells[slots.at(listens!) + SLOT.state] = STATE.LISTEN
  for (const socket of [full!, fails!, waits!]) {
    slots.cells[slots.at(socket) + SLOT.state] = STATE.CONNECTED
    slots.cells[slots.at(socket) + SLOT.limit] = 4
    slots.cells[slots.at(socket) + SLOT.pending] = 1
    slots.cells[slots.at(socket) + SLOT.queued] = 4
  }
  slots.cells[slots.at(waits!) + SLOT.queued] = 3
  slots.cells[slots.at(full!) + SLOT.traits] = SEND_POLICY['drop-new'] << TRAIT.policyShift
  const ids = [gone!, listens!, full!, id, fails!, waits!]
  client.broadcast(ids, Buffer.from('hello'))
  client.flush()
  assert.equal(kernel.taken, 'hello')
  const [overflow, late, ...more] = orders()
  assert.deepEqual([overflow!.type, overflow!.id, more.length], [COMMAND.overflow, fails, 0])
  const payload = Buffer.from(late!.text, 'latin1')
  assert.deepEqual(
    [late!.type, payload.length, payload.readInt32LE(16)],
    [COMMAND.broadcast, 24, waits],
  )
})

// Proves: docs/semantics.md#broadcast-refused
test('a list with what is no id is refused before anything is taken', () => {
  const { client, kernel, id } = setUp()
  client.broadcast([id], Buffer.from('before '))
  const bad: readonly [unknown, string, string][] = [
    [10n, 'ERR_INVALID_ARG_TYPE', '10'],
    [Symbol('x'), 'ERR_INVALID_ARG_TYPE', 'Symbol(x)'],
    [null, 'ERR_INVALID_ARG_TYPE', 'null'],
    [undefined, 'ERR_INVALID_ARG_TYPE', 'undefined'],
    ['5', 'ERR_INVALID_ARG_TYPE', '"5"'],
    [{}, 'ERR_INVALID_ARG_TYPE', 'an object'],
    [Number.NaN, 'ERR_OUT_OF_RANGE', 'NaN'],
    [1.5, 'ERR_OUT_OF_RANGE', '1.5'],
    [0, 'ERR_OUT_OF_RANGE', '0'],
    [-1, 'ERR_OUT_OF_RANGE', '-1'],
    [2 ** 31, 'ERR_OUT_OF_RANGE', '2147483648'],
  ]
  for (const [value, code, shown] of bad) {
    for (const bytes of [Buffer.from('never'), Buffer.alloc(100_000), Buffer.alloc(0)]) {
      const ids = [id, id, id, value] as number[]
      const isNamed = ({ message }: Error) =>
        message.includes("'ids[3]'") && message.includes(`is ${shown}`)
      assert.throws(
        () => client.broadcast(ids, bytes),
        (error: Error & { code: string }) => error.code === code && isNamed(error),
      )
    }
  }
  client.broadcast([id, 2 ** 31 - 1], Buffer.from('after'))
  client.flush()
  assert.equal(kernel.taken, 'before after')
})

// Proves: docs/semantics.md#broadcast-fault
test('one that cannot hand on what it gathered strands nobody else', async () => {
  const { client, kernel, id } = setUp()
  const faults: unknown[] = []
  const listeners = process.rawListeners('uncaughtException') as ((error: Error) => void)[]
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => faults.push(error))
  const fault = (text: string) => ({
    flush() {
      throw new Error(text)
    },
  })
  client.markDirty(fault('first'))
  client.ownWriter(id).write('a')
  client.markDirty(fault('second'))
  client.writer(id).write('b')
  client.broadcast([id], Buffer.from('c'))
  assert.equal(kernel.taken, 'ab', 'who broadcasts has no part in it')
  client.markDirty(fault('third'))
  client.ownWriter(id).write('d')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(kernel.taken, 'abcd')
  client.ownWriter(id).write('e')
  await new Promise((resolve) => setImmediate(resolve))
  process.removeAllListeners('uncaughtException')
  for (const listener of listeners) process.on('uncaughtException', listener)
  assert.equal(kernel.taken, 'abcde')
  assert.deepEqual(faults.map(String), ['Error: first', 'Error: second', 'Error: third'])
})
