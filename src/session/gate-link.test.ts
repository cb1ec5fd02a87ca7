import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { encodeWire, FROM_CLIENT } from '../client/wire.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { TestGate, utf8 } from './core/gate.kit.ts'
import { GateLink } from './gate-link.ts'

/** What is sent leaves when the test says so; `drain` waits for what was sent before it. */
class SlowStream {
  readonly remoteAddress = ''
  isOpen = true
  bufferedAmount = 0
  #left = 0
  readonly #waits = new Map<() => void, number>()

  send(message: Uint8Array): boolean {
    this.bufferedAmount += message.length
    return true
  }

  drain(): Promise<void> {
    const mark = this.#left + this.bufferedAmount
    return new Promise((resolve) => this.#waits.set(resolve, mark))
  }

  leave(bytes = this.bufferedAmount): void {
    this.#left += bytes
    this.bufferedAmount -= bytes
    for (const [resolve, mark] of this.#waits) if (mark <= this.#left) resolve()
  }

  each(): Promise<void> {
    return new Promise(() => {})
  }

  async close(): Promise<void> {
    this.isOpen = false
  }
}

test('what waits leaves when there is room, also if there was some before', async () => {
  const sendMarkBytes = 1000
  const limits = { sendMarkBytes, pushesMax: 100, pushBytesMax: 1e6, messageBytesMax: 5000 }
  const gate = new TestGate(limits)
  const stream = new SlowStream()
  const link = new GateLink<string>(
    {
      sendMarkBytes,
      sendLimitBytes: 1e6,
      held: new Set(),
      heldMsMax: 1000,
      now: () => gate.time,
      heard: () => undefined,
      fault: (_what, error) => assert.fail(String(error)),
    },
    stream as unknown as MessageStream,
    'address',
    'test',
  )
  const visitor = gate.table.enter(link)
  void link.hear(visitor)
  const hello = { kind: 'hello', version: 1, attempt: 1, pushesUpTo: 0, answersUpTo: 0 } as const
  const nobody = { token: new Uint8Array(0), login: utf8('bob') }
  visitor.heard(encodeWire(FROM_CLIENT, { ...hello, ...nobody }))
  const session = visitor.session!
  stream.leave()

  session.push('a', new Uint8Array(2000))
  stream.leave(stream.bufferedAmount - 10)
  session.push('b', new Uint8Array(2000))
  session.push('c', new Uint8Array(3000))
  assert.ok(stream.bufferedAmount < 3000)
  stream.leave(10)
  await setImmediate()
  assert.ok(stream.bufferedAmount < 3000, 'there is no room yet')
  stream.leave()
  await setImmediate()
  assert.ok(stream.bufferedAmount >= 3000, 'what waited has left the gate')
})
