import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import { Packer } from '../../wire/pack.ts'
import { UNBOUND } from '../../wire/service-id.ts'
import { unpack } from '../../wire/unpack.ts'
import type { Control } from '../protocol.ts'
import { type Desk, ProgramCalls } from './program-calls.ts'

const packer = new Packer()
const packed = (value: unknown): Uint8Array => {
  const size = packer.pack(value)
  return Uint8Array.from(packer.bytes.subarray(0, size))
}

/** Calls, and workers that do what the test says. */
function setUp() {
  const told: Control[] = []
  const state = { isEnding: false }
  const desks: (Desk & { end(): Promise<void> })[] = []
  const addDesk = (): void => {
    let over!: () => void
    const ended = new Promise<void>((resolve) => {
      over = resolve
    })
    const end = async (): Promise<void> => {
      desks.shift()
      over()
      await ended
    }
    const tell = (control: Control): void => void told.push(control)
    desks.push({ name: `worker ${told.length}`, ended, tell, end })
  }
  const calls = new ProgramCalls({
    isEnding: () => state.isEnding,
    desk: () => desks[0],
    isAlive: (handle) => handle < 100,
  })
  const asks = () => told.filter((control) => control.kind === 'ask')
  const answer = (at: number, isGood: boolean, value: unknown): void => {
    const { token } = asks()[at]!
    calls.heard({ kind: 'answered', token, isGood, value: packed(value) })
  }
  addDesk()
  return { calls, told, asks, answer, desks, addDesk, state }
}

const NONE = undefined

test('ProgramCalls settle a call with its answer, whatever their order', async () => {
  const { calls, asks, answer } = setUp()
  const first = calls.callMethod('.a', ['x', 1], NONE)
  const second = calls.callMethod(7, ['y'], { timeoutMs: 1000 })
  await Promise.resolve()
  const messages = asks().map(({ to, message, timeoutMs }) => {
    const bytes = Buffer.from(message)
    return [to, unpack(bytes, 0, bytes.length, UNBOUND), timeoutMs]
  })
  assert.deepEqual(messages, [
    ['.a', ['x', 1], undefined],
    [7, ['y'], 1000],
  ])
  answer(1, true, 'second')
  answer(0, false, new RangeError('first'))
  assert.equal(await second, 'second')
  await assert.rejects(first, new RangeError('first'))
  assert.equal(calls.open, 0)
  // Again, and of nobody.
  answer(0, true, 1)
  calls.heard({ kind: 'answered', token: 1000, isGood: true, value: packed(1) })
})

test('ProgramCalls that are given up are told so once, and their answers are dropped', async () => {
  const { calls, told, answer } = setUp()
  const late = calls.callMethod('.a', ['x'], { timeoutMs: 1 })
  await assert.rejects(late, { code: 'ERR_CALL_TIMEOUT', message: /x of \.a: .*within 1 ms/ })
  const giveUp = new AbortController()
  const given = calls.callMethod('.a', ['x'], { signal: giveUp.signal })
  await Promise.resolve()
  giveUp.abort()
  await assert.rejects(given, { code: 'ABORT_ERR' })
  assert.deepEqual(
    told.filter(({ kind }) => kind === 'giveUp'),
    [1, 2].map((token) => ({ kind: 'giveUp', token })),
  )
  answer(0, true, 1)
  answer(1, false, new Error('late'))
  assert.equal(calls.open, 0)
  const aborted = calls.callMethod('.a', ['x'], { signal: giveUp.signal })
  await assert.rejects(aborted, { code: 'ABORT_ERR' })
  assert.equal(told.length, 4, 'it was not asked')
})

test('ProgramCalls end with their worker, and go on with the next one', async () => {
  const { calls, told, answer, desks, addDesk } = setUp()
  const lost = calls.callMethod('.a', ['x'], NONE)
  const too = calls.callMethod('.a', ['y'], { timeoutMs: 60_000 })
  await Promise.resolve()
  void desks[0]!.end()
  await assert.rejects(lost, { code: 'ERR_THREAD_DIED', message: /x of \.a/ })
  await assert.rejects(too, { code: 'ERR_THREAD_DIED', message: /y of \.a/ })
  await assert.rejects(calls.callMethod('.a', ['x'], NONE), { code: 'ERR_THREAD_DIED' })
  assert.equal(calls.sendMethod('.a', ['x']), false)
  addDesk()
  const next = calls.callMethod('.a', ['x'], NONE)
  await Promise.resolve()
  answer(2, true, 5)
  assert.equal(await next, 5)
  assert.equal(calls.open, 0)
  assert.equal(told.length, 3)
})

test('ProgramCalls are refused once the node ends, and say so', async () => {
  const { calls, asks, answer, state } = setUp()
  const open = calls.callMethod(9, ['x'], NONE)
  await Promise.resolve()
  state.isEnding = true
  const stopped = { code: 'ERR_NODE_STOPPED', message: /x of :00000009/ }
  answer(0, false, new SkynetError('ERR_CALL_DEAD', { to: ':00000009', method: 'x' }))
  await assert.rejects(open, stopped)
  await assert.rejects(calls.callMethod(9, ['x'], NONE), stopped)
  assert.equal(calls.sendMethod('.a', ['x']), false)
  assert.equal(asks().length, 1)
})

test('ProgramCalls send what somebody may get, and nothing that cannot be sent', async () => {
  const { calls, asks } = setUp()
  assert.equal(calls.sendMethod(5, ['x']), true)
  assert.equal(calls.sendMethod(500, ['x']), false)
  assert.equal(calls.sendMethod('.a', ['x']), true)
  assert.deepEqual(
    asks().map(({ token, to }) => [token, to]),
    [
      [0, 5],
      [0, '.a'],
    ],
  )
  const wrong = { code: 'ERR_MESSAGE_UNSUPPORTED', message: /args\[0\]/ }
  assert.throws(() => calls.sendMethod(5, ['x', () => {}]), wrong)
  await assert.rejects(calls.callMethod(5, ['x', () => {}], NONE), wrong)
  assert.equal(calls.open, 0)
})

test('ProgramCalls give references that call through them', async () => {
  const { calls, asks, answer } = setUp()
  const found = calls.callMethod('.a', ['find'], NONE)
  await Promise.resolve()
  answer(0, true, [calls.bind(7), calls.bind('.b')])
  const [byHandle, byName] = (await found) as [
    ReturnType<typeof calls.bind>,
    ReturnType<typeof calls.bind>,
  ]
  assert.equal(byHandle.handle, 7)
  assert.throws(() => byName.handle, TypeError)
  void (byName.call as { x(): Promise<unknown> }).x().catch(() => {})
  await Promise.resolve()
  assert.equal(asks().at(-1)!.to, '.b')
})
