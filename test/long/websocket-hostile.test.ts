/** Clients of WebSockets that mean no good: memory is bounded, and others talk on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { deflateRawSync, constants as zlib } from 'node:zlib'
import type { Skynet } from 'skynet-ts'
import { connectWebSocket } from 'skynet-ts/websocket'
import { frame } from '../../src/transport/websocket/conformance.kit.ts'
import type websocketServer from '../fixtures/websocket-server.ts'
import { heard } from '../support/http.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { dial } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const MIB = 1024 * 1024
const MESSAGE_BYTES_MAX = 64 * 1024
/** Of whoever behaves, in each of these. */
const ANSWERS_MIN = 20
const HELLO = [
  'GET / HTTP/1.1',
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Extensions: permessage-deflate',
  '\r\n',
].join('\r\n')

const alone = (title: string, body: Body): void => serviceTest(import.meta.url, title, body, {})

/** A server on the other worker, which has served somebody. */
async function start(skynet: Skynet, limits: object = {}) {
  const options = { messageBytesMax: MESSAGE_BYTES_MAX, deflate: true, ...limits }
  const server = await skynet.newService<typeof websocketServer>(
    '../fixtures/websocket-server.ts',
    { args: [options], on: 1 },
  )
  const port = await server.call.port()
  const guest = new Guest(skynet, port)
  await guest.leave()
  return { server, port, before: await server.call.memory() }
}

/** A client that behaves: each word of its comes back, however many others do not behave. */
class Guest {
  #isOver = false
  readonly #waits: number[] = []
  readonly #done: Promise<void>

  constructor(skynet: Skynet, port: number) {
    this.#done = this.#talk(skynet, port)
  }

  async #talk(skynet: Skynet, port: number): Promise<void> {
    const stream = await connectWebSocket(skynet, `ws://127.0.0.1:${port}/`)
    for (let count = 0; count < ANSWERS_MIN || !this.#isOver; count++) {
      const from = performance.now()
      stream.send(`word ${count}`)
      // What is told to all comes between.
      let answer = await stream.receive()
      while (typeof answer !== 'string') answer = await stream.receive()
      assert.equal(answer, `word ${count}`)
      this.#waits.push(performance.now() - from)
    }
    await stream.close()
  }

  /** How many words came back, and how long that took at p99, for people. */
  async leave(): Promise<string> {
    this.#isOver = true
    await this.#done
    const sorted = this.#waits.sort((a, b) => a - b)
    const p99 = sorted[Math.floor(sorted.length * 0.99)]!
    return `${sorted.length} answers, p99 ${p99.toFixed(1)} ms`
  }
}

/** Somebody whose handshake is done: bytes are up to him. */
async function shaken(port: number): Promise<Socket> {
  const client = await dial(port)
  client.write(HELLO)
  await once(client, 'data')
  return client
}

async function many<T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  while (all.length < count) {
    const from = all.length
    const some = Math.min(100, count - from)
    all.push(...(await Promise.all(Array.from({ length: some }, (_, i) => make(from + i)))))
  }
  return all
}

/** What a close frame of the server tells. */
function codeIn(answer: string): number {
  const bytes = Buffer.from(answer, 'latin1')
  const at = bytes.lastIndexOf(0x88)
  return at < 0 ? 0 : bytes.readUInt16BE(at + 2)
}

const zipped = (bytes: Buffer): Buffer =>
  frame(2, deflateRawSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4), {
    bits: 0xc0,
  })

const BOMB = zipped(Buffer.alloc(50 * MIB))

/** What is wrong, and what it is told. */
const VIOLATIONS: readonly (readonly [string, Buffer, number])[] = [
  ['frames without a mask', frame(1, 'bare', { isMasked: false }), 1002],
  ['a frame of 8 EiB', frame(2, '', { lengthBytes: 8, length: (1n << 63n) - 1n }), 1009],
  ['a message that is too long', frame(2, Buffer.alloc(MESSAGE_BYTES_MAX + 1)), 1009],
  ['a bomb of 50 MiB', BOMB, 1009],
  ['what cannot be inflated', frame(2, Buffer.alloc(1000, 0xff), { bits: 0xc0 }), 1007],
  ['no UTF-8', frame(1, Buffer.alloc(1000, 0xff)), 1007],
  ['an opcode that nobody knows', frame(3), 1002],
]

// Proves: docs/websocket.md#violations, #max, #compression
alone('1,400 violations are told, and cost their connections alone', async (skynet) => {
  const { server, port, before } = await start(skynet)
  const guest = new Guest(skynet, port)
  const told = await many(1400, async (n) => {
    const [what, bytes, code] = VIOLATIONS[n % VIOLATIONS.length]!
    const client = await shaken(port)
    const answer = heard(client)
    client.write(bytes)
    return [what, codeIn(await answer), code] as const
  })
  for (const [what, code, wanted] of told) assert.equal(code, wanted, what)
  const text = await guest.leave()
  skynet.log(`beside 1,400 violations: ${text}`)
  await until('all are gone', async () => (await server.call.clients()) === 0)
  await until('all memory is back', async () => (await server.call.memory()) - before < 8 * MIB)
})

// Proves: docs/websocket.md#memory, #max
alone('200 messages that never end hold no more than one may have', async (skynet) => {
  const { server, port, before } = await start(skynet)
  const guest = new Guest(skynet, port)
  const begun = await many(200, async (n) => {
    const client = await shaken(port)
    const answer = heard(client)
    // Fragments without end: empty ones, small ones, and one that is announced and does not come.
    client.write(frame(2, Buffer.alloc(MESSAGE_BYTES_MAX / 2), { bits: 0 }))
    if (n % 3 === 0) client.write(Buffer.concat(Array(5000).fill(frame(0, '', { bits: 0 }))))
    if (n % 3 === 1) client.write(Buffer.concat(Array(5000).fill(frame(0, 'abc', { bits: 0 }))))
    if (n % 3 === 2) client.write(frame(0, '', { length: MESSAGE_BYTES_MAX / 2, bits: 0 }))
    return { client, answer }
  })
  const held = (await server.call.memory()) - before
  assert.ok(held < 200 * 3 * MESSAGE_BYTES_MAX + 8 * MIB, `${held} bytes`)
  const last = frame(0, Buffer.alloc(MESSAGE_BYTES_MAX / 2 + 1), { bits: 0 })
  for (const { client } of begun) if (client.writable) client.write(last)
  for (const [n, { answer }] of begun.entries()) {
    // Within an announced payload these are its bytes, and the frame behind them is none.
    assert.ok([1009, 1002].includes(codeIn(await answer)), `${n}`)
  }
  const text = await guest.leave()
  skynet.log(`beside 200 endless messages, ${Math.round(held / 1024)} KiB: ${text}`)
  await until('all are gone', async () => (await server.call.clients()) === 0)
  await until('all memory is back', async () => (await server.call.memory()) - before < 8 * MIB)
})

// Proves: docs/websocket.md#pong
alone('a flood of pings whose pongs nobody takes holds 16 KiB', async (skynet) => {
  const { server, port, before } = await start(skynet)
  const guest = new Guest(skynet, port)
  const flood = Buffer.concat(Array(1000).fill(frame(9, Buffer.alloc(125, 'p'))))
  const deaf = await many(20, async () => {
    const client = await shaken(port)
    client.pause()
    return client
  })
  for (let i = 0; i < 50; i++) {
    for (const client of deaf) client.write(flood)
    await new Promise(setImmediate)
  }
  await Promise.all(deaf.map((client) => until('all is sent', () => client.writableLength === 0)))
  const waiting = await server.call.waiting()
  assert.ok(waiting <= 17 * 1024, `${waiting} bytes of pongs wait`)
  const text = await guest.leave()
  skynet.log(`beside a million pings, ${waiting} bytes of pongs: ${text}`)
  for (const client of deaf) client.destroy()
  await until('all are gone', async () => (await server.call.clients()) === 0)
  await until('all memory is back', async () => (await server.call.memory()) - before < 8 * MIB)
})

// Proves: docs/websocket.md#broadcast
alone('a broadcast does not wait for 100 who never read: they are cut', async (skynet) => {
  const limit = 512 * 1024
  const { server, port, before } = await start(skynet, { sendLimitBytes: limit })
  const guest = new Guest(skynet, port)
  const deaf = await many(100, async () => {
    const client = await shaken(port)
    client.pause()
    return client
  })
  await until('all are in', async () => (await server.call.clients()) === 101)
  let most = 0
  await until('all who never read are cut', async () => {
    await server.call.tellAll(1000, 100)
    most = Math.max(most, await server.call.waiting())
    return (await server.call.clients()) === 1
  })
  // What one turn tells is looked at as one piece.
  assert.ok(most <= limit + 100 * 1004, `${most} bytes have waited for one`)
  const text = await guest.leave()
  skynet.log(`beside 100 who never read, at most ${most} bytes each: ${text}`)
  for (const client of deaf) client.destroy()
  await until('all memory is back', async () => (await server.call.memory()) - before < 8 * MIB)
})

// Proves: docs/websocket.md#early, #refused
alone('10,000 come and go, each in its way, and nothing is left', async (skynet) => {
  const { server, port, before } = await start(skynet)
  const guest = new Guest(skynet, port)
  const half = HELLO.slice(0, 100)
  const close = frame(8, Buffer.of(3, 0xe8))
  const ways: readonly ((client: Socket) => unknown)[] = [
    (client) => client.end(),
    (client) => client.resetAndDestroy(),
    (client) => client.end(half),
    (client) => client.write(half, () => client.resetAndDestroy()),
    (client) => client.end(HELLO),
    (client) => client.write(HELLO, () => client.resetAndDestroy()),
    (client) => client.end(Buffer.concat([Buffer.from(HELLO), close])),
    (client) => client.end(Buffer.concat([Buffer.from(HELLO), frame(1, 'early'), close])),
    (client) => client.end(HELLO.replace('13', '12')),
    (client) => client.end(Buffer.concat([Buffer.from(HELLO), frame(1, 'cut').subarray(0, 7)])),
    (client) => {
      client.write(HELLO)
      client.once('data', () => client.end(Buffer.concat([frame(1, 'word'), close])))
    },
  ]
  await many(10_000, async (n) => {
    const client = await dial(port)
    const answer = heard(client)
    ways[n % ways.length]!(client)
    await answer
  })
  const text = await guest.leave()
  await until('all are gone', async () => (await server.call.clients()) === 0)
  const codes = await server.call.codes()
  assert.ok(codes[1000]! > 2000 && codes[1006]! > 900, JSON.stringify(codes))
  skynet.log(`beside 10,000 comings and goings, by codes ${JSON.stringify(codes)}: ${text}`)
  await until('all memory is back', async () => (await server.call.memory()) - before < 8 * MIB)
})
