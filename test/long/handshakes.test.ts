/** Many who begin a handshake and never end it: others are served, and all of them are gone. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Skynet, StreamListener } from 'skynet-ts'
import { withProxy } from 'skynet-ts/transport'
import { PROXY_HEADERS_MAX, TLS_HANDSHAKES_MAX } from '../../src/base/limits.ts'
import { serviceTest } from '../support/run.ts'
import { listen } from '../support/sockets.ts'
import { CA, HOST, LOCAL, listenLocal } from '../support/tls.ts'

/** What `withProxy` gives has it too, and does not say so. */
interface Counted extends StreamListener {
  readonly handshakes: number
}

interface Kind {
  readonly max: number
  open(skynet: Skynet, timeoutMs: number): Promise<Counted>
  /** What a client says that never ends its handshake. */
  readonly half: Buffer
  /** A client that does, and is told `hello`. */
  greet(port: number): Promise<string>
}

const KINDS: Readonly<Record<string, Kind>> = {
  'docs/limits.md#tls-handshakes': {
    max: TLS_HANDSHAKES_MAX,
    open: (skynet, handshakeTimeoutMs) => listenLocal(skynet, LOCAL, { handshakeTimeoutMs }),
    half: Buffer.from('16030100a5010000a10303', 'hex'),
    async greet(port) {
      const client = connectTls({ port, host: HOST, ca: CA })
      const [chunk] = await once(client, 'data')
      client.destroy()
      return String(chunk)
    },
  },
  'docs/limits.md#proxy-headers': {
    max: PROXY_HEADERS_MAX,
    open: async (skynet, timeoutMs) =>
      withProxy(await listen(skynet), { trust: [HOST], timeoutMs }) as Counted,
    half: Buffer.from('PROXY TCP4 198.51.'),
    async greet(port) {
      const client = connect({ port, host: HOST })
      client.write('PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\n')
      const [chunk] = await once(client, 'data')
      client.destroy()
      return String(chunk)
    },
  },
}

async function begin(port: number, half: Buffer): Promise<Socket> {
  const client = connect({ port, host: HOST })
  client.on('error', () => {}).resume()
  client.write(half)
  await once(client, 'connect')
  return client
}

/** Also when that was before it is asked. */
const closed = (client: Socket): unknown => client.closed || once(client, 'close')

for (const [promise, kind] of Object.entries(KINDS)) {
  // Proves: docs/limits.md#tls-handshakes, #proxy-headers
  serviceTest(
    import.meta.url,
    `${promise}: so many are under way, the next one waits, and is served`,
    async (skynet) => {
      const { max, half } = kind
      // Nobody is gone before all have begun: that takes no 6 s, 0.3 of this, on any machine.
      const listener = await kind.open(skynet, 20_000)
      skynet.fork(async () => {
        for await (const stream of listener) stream.write('hello')
      })
      const before = process.memoryUsage().rss
      let most = 0
      let areGone = false
      skynet.fork(async () => {
        for (; !areGone; await skynet.sleep(1)) most = Math.max(most, listener.handshakes)
      })
      const clients = await Promise.all(
        Array.from({ length: max + 20 }, () => begin(listener.port, half)),
      )
      const gone = Promise.all(clients.map(closed))
      void gone.then(() => {
        areGone = true
      })
      while (most < max && !areGone) await skynet.sleep(1)
      assert.equal(most, max)
      const full = process.memoryUsage().rss
      // Behind the 20 that wait too: so many who said nothing were sent away.
      assert.equal(await kind.greet(listener.port), 'hello')
      // Of those that began first some have 20 s: no need to wait for that.
      for (const client of clients) client.destroy()
      await gone
      while (listener.handshakes > 0) await skynet.sleep(1)
      assert.equal(await kind.greet(listener.port), 'hello')
      skynet.log(
        `${max + 20} half handshakes: ${Math.round((full - before) / 1024 / max)} KiB each`,
      )
      await listener.close()
    },
  )
}

// Proves: docs/tls.md#deadline
serviceTest(
  import.meta.url,
  'half handshakes by the thousand, and others beside them are served meanwhile',
  async (skynet) => {
    const listener = await listenLocal(skynet, LOCAL, { handshakeTimeoutMs: 8000 })
    skynet.fork(async () => {
      for await (const stream of listener) stream.write('hello')
    })
    const { half, greet } = KINDS['docs/limits.md#tls-handshakes']!
    const gone: unknown[] = []
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(
        Array.from({ length: 100 }, () => begin(listener.port, half)),
      )
      gone.push(...clients.map(closed))
      assert.equal(await greet(listener.port), 'hello')
    }
    await Promise.all(gone)
    assert.equal(await greet(listener.port), 'hello')
    assert.equal(listener.handshakes, 0)
    await listener.close()
  },
)
