import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from '../base/event-loop.ts'
import type { ByteStream, StreamListener } from '../sockets/byte-stream.ts'
import { HandshakeListener } from './handshakes.ts'

interface FakeStream extends ByteStream {
  readonly name: string
  isOpen: boolean
}

const stream = (name: string): FakeStream => {
  const fake = {
    name,
    isOpen: true,
    async close() {
      fake.isOpen = false
    },
  }
  return fake as unknown as FakeStream
}

/** A listener of which the test says who comes. */
class FakeListener implements StreamListener {
  readonly address = '127.0.0.1:1'
  readonly port = 1
  isOpen = true
  accepted = 0
  readonly #waiting: FakeStream[] = []
  #wake = (): void => {}
  #error: Error | undefined

  comes(...names: string[]): FakeStream[] {
    const streams = names.map(stream)
    this.#waiting.push(...streams)
    this.#wake()
    return streams
  }

  fail(error: Error): void {
    this.#error = error
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ByteStream> {
    try {
      while (this.isOpen) {
        const next = this.#waiting.shift()
        if (next !== undefined) {
          this.accepted++
          yield next
        } else if (this.#error !== undefined) throw this.#error
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.isOpen = false
    }
  }

  async close(): Promise<void> {
    this.isOpen = false
    this.#wake()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Handshakes that the test ends. */
function rig(max = 10) {
  const below = new FakeListener()
  const begun = new Map<string, { ms: number; done(): void; fail(error: Error): void }>()
  const dropped: string[] = []
  const listener = new HandshakeListener<ByteStream>(below, {
    max,
    timeoutMs: 1000,
    begin: (each, ms) =>
      new Promise((resolve, reject) => {
        begun.set((each as FakeStream).name, { ms, done: () => resolve(each), fail: reject })
      }),
    drop: (each, why) => {
      dropped.push(`${(each as FakeStream).name}: ${why?.message}`)
      void each.close()
    },
  })
  const taken: string[] = []
  const loop = (async () => {
    for await (const each of listener) taken.push((each as FakeStream).name)
  })()
  return { below, begun, dropped, listener, taken, loop }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a handshake that takes long keeps nobody, and one that fails ends nothing', async () => {
  const { below, begun, dropped, listener, taken, loop } = rig()
  below.comes('slow', 'wrong', 'quick')
  await settled()
  assert.equal(listener.handshakes, 3)
  begun.get('quick')!.done()
  begun.get('wrong')!.fail(new Error('no'))
  await settled()
  assert.deepEqual(taken, ['quick'])
  assert.deepEqual(dropped, ['wrong: no'])
  begun.get('slow')!.done()
  await settled()
  assert.deepEqual(taken, ['quick', 'slow'])
  assert.equal(listener.handshakes, 0)
  await listener.close()
  await loop
})

test('so many handshakes are under way, the next one is accepted when there is room', async () => {
  const { below, begun, listener, taken, loop } = rig(3)
  below.comes('a', 'b', 'c', 'd', 'e')
  await settled()
  assert.equal(below.accepted, 3)
  begun.get('b')!.done()
  await settled()
  assert.deepEqual(taken, ['b'])
  assert.equal(below.accepted, 4)
  begun.get('a')!.fail(new Error('no'))
  await settled()
  assert.equal(below.accepted, 5)
  await listener.close()
  await loop
})

test('the more handshakes are under way, the less time has a new one', async () => {
  const { below, begun, listener, loop } = rig(10)
  below.comes(...'abcdefghij')
  await settled()
  const times = [...begun.values()].map(({ ms }) => ms)
  assert.deepEqual(times, [1000, 900, 800, 700, 600, 500, 400, 300, 300, 300])
  await listener.close()
  await loop
})

test('close() ends the loop, the handshakes under way, and what nobody has taken', async () => {
  const { below, begun, dropped, listener, taken, loop } = rig()
  const [late, ready] = below.comes('late', 'ready')
  await settled()
  begun.get('ready')!.done()
  const closed = listener.close()
  await closed
  await loop
  assert.deepEqual(dropped, ['late: undefined', 'ready: undefined'])
  assert.equal(late!.isOpen, false)
  assert.equal(ready!.isOpen, false)
  begun.get('late')!.done()
  await settled()
  assert.deepEqual(taken, [])
  assert.equal(listener.isOpen, false)
  await listener.close()
})

test('close() drops who comes in the same turn', async () => {
  let open!: () => void
  const isOpen = new Promise<void>((resolve) => {
    open = resolve
  })
  const late = stream('late')
  const below = {
    address: '127.0.0.1:1',
    port: 1,
    isOpen: true,
    async *[Symbol.asyncIterator]() {
      await isOpen
      yield late
    },
    close: async () => open(),
    [Symbol.asyncDispose]: async () => open(),
  } as unknown as StreamListener
  const listener = new HandshakeListener<ByteStream>(below, {
    max: 2,
    timeoutMs: 1000,
    begin: () => assert.fail('nobody is let in any more'),
    drop: (each) => void each.close(),
  })
  const loop = (async () => {
    for await (const _ of listener);
  })()
  await settled()
  await listener.close()
  await loop
  await settled()
  assert.equal(late.isOpen, false)
  assert.equal(listener.handshakes, 0)
})

test('what the listener below fails with ends the loop', async () => {
  const { below, loop } = rig()
  await settled()
  below.fail(new Error('broken'))
  await assert.rejects(loop, /broken/)
  assert.equal(below.isOpen, false)
})

test('leaving the loop closes the listener below', async () => {
  const below = new FakeListener()
  const listener = new HandshakeListener<ByteStream>(below, {
    max: 2,
    timeoutMs: 1000,
    begin: (each) => Promise.resolve(each),
    drop: (each) => void each.close(),
  })
  const [, second, third] = below.comes('first', 'second', 'third')
  for await (const each of listener) {
    assert.equal((each as FakeStream).name, 'first')
    await settled()
    // Nobody takes more: as many as there may be wait, and are accepted no more.
    assert.equal(below.accepted, 3)
    break
  }
  assert.equal(below.isOpen, false)
  assert.equal(second!.isOpen, false)
  assert.equal(third!.isOpen, false)
})
