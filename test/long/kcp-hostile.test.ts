/** Floods at a port of KCP, with a client that wants to be served all the while. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Skynet } from 'skynet-ts'
import { connectKcp, type KcpStream } from 'skynet-ts/kcp'
import { HalfConversation } from '../../src/transport/kcp/half.kit.ts'
import { kcpHelloBytes, openBytes, pingBytes } from '../../src/transport/kcp/packets.ts'
import type echo from '../fixtures/kcp-echo.ts'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const here = import.meta.url
const FLOOD = 100_000
const SOCKETS = 50
/** Between two breaths of the flood: the good client lives in the same worker. */
const BURST = 200
const HEAP_GROWN_MAX = 64 * 1024 * 1024

const start = (skynet: Skynet) =>
  skynet.newService<typeof echo>('../fixtures/kcp-echo.ts', { on: 1 })

/** Ping-pong until it is told to stop. */
class GoodClient {
  readonly times: number[] = []
  readonly #stream: KcpStream
  #isOver = false
  #done: Promise<void> | undefined

  constructor(stream: KcpStream) {
    this.#stream = stream
  }

  start(): void {
    this.#done = this.#run()
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const began = performance.now()
      this.#stream.send(`${i}`)
      assert.equal(String(await this.#stream.receive()), `${i}`)
      this.times.push(performance.now() - began)
    }
  }

  /** @returns Milliseconds: the middle one, and that of 99 in a hundred. */
  async stop(): Promise<{ readonly p50: number; readonly p99: number }> {
    this.#isOver = true
    await this.#done
    const sorted = this.times.toSorted((a, b) => a - b)
    return { p50: sorted[sorted.length >> 1]!, p99: sorted[Math.floor(sorted.length * 0.99)]! }
  }
}

/** What a stranger may send, and what comes back to him. */
const FLOODS: Readonly<Record<string, (conv: number) => Buffer>> = {
  hellos: () => kcpHelloBytes(randomBytes(8)),
  'cookies that are made up': () => openBytes(randomBytes(8), randomBytes(20), 1200),
  'random bytes': () => randomBytes(64 + (randomBytes(1)[0]! << 2)),
  'packets of a live conversation, without its token': (conv) =>
    pingBytes({ low: randomBytes(4).readUInt32LE(), high: 7 }, conv),
}

for (const [name, packetOf] of Object.entries(FLOODS)) {
  // Proves: docs/kcp.md#handshake, #forged
  serviceTest(
    here,
    `a flood of ${name}: others are served, and less comes back`,
    async (skynet) => {
      const server = await start(skynet)
      const port = await server.call.port()
      const half = await HalfConversation.begin(skynet, port)
      const good = new GoodClient(await connectKcp(skynet, { port }))
      const sockets = await Promise.all(
        Array.from({ length: SOCKETS }, () => skynet.socket.udpDial({ host: '127.0.0.1', port })),
      )
      const bytes = { out: 0, in: 0 }
      for (const socket of sockets) {
        skynet.fork(async () => {
          for await (const { data } of socket) bytes.in += data.length
        })
      }
      const before = await server.call.heap()
      good.start()
      for (let i = 0; i < FLOOD; i++) {
        const packet = packetOf(half.agreed.conv)
        if (sockets[i % SOCKETS]!.send(packet)) bytes.out += packet.length
        if (i % BURST === BURST - 1) await skynet.sleep(0)
      }
      const { p50, p99 } = await good.stop()
      const after = await server.call.heap()
      const stat = await server.call.stat()
      assert.ok(bytes.in <= bytes.out, `${bytes.in} bytes came back for ${bytes.out}`)
      assert.ok(stat.connections <= 2)
      const grown = after.heapUsed + after.external - before.heapUsed - before.external
      assert.ok(grown < HEAP_GROWN_MAX, `${grown} bytes more`)
      const factor = (bytes.in / bytes.out).toFixed(2)
      skynet.log(
        `${name}: ${good.times.length} served, p50 ${p50} ms, p99 ${p99} ms, back ${factor}`,
      )
      for (const socket of sockets) await socket.close()
    },
  )
}

// Proves: docs/kcp.md#close
serviceTest(here, '10,000 clients come and go, and nothing is left of them', async (skynet) => {
  const server = await start(skynet)
  const port = await server.call.port()
  const one = async (i: number): Promise<void> => {
    const stream = await connectKcp(skynet, { port })
    stream.send(`${i}`)
    assert.equal(String(await stream.receive()), `${i}`)
    await stream.close()
  }
  for (let i = 0; i < 10_000; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, j) => one(i + j)))
  }
  await until('no conversation is left', async () => (await server.call.stat()).connections === 0)
  assert.equal((await server.call.stat()).malformed, 0)
  await until('nothing has to be looked at', async () => {
    const { scheduled } = await server.call.stat()
    return scheduled === 0
  })
})
