/** Clients behind a proxy: what is believed, what is refused, and that no byte is lost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ByteStream, Connection, Skynet } from 'skynet-ts'
import { type ProxyOptions, proxyHeaderOf, withProxy } from 'skynet-ts/transport'
import { binary, ipv4, ipv6, tlv } from '../../src/transport/proxy-header.kit.ts'
import { serviceTest } from '../support/run.ts'
import { dial, drink, listen } from '../support/sockets.ts'

const TRUST: ProxyOptions = { trust: ['127.0.0.0/8'] }
const V1 = 'PROXY TCP4 198.51.100.7 192.0.2.1 56324 443\r\n'
const V4 = ipv4('198.51.100.7', 56_324, '192.0.2.1', 443)
const V6 = ipv6('2001:db8::7', 56_324, '::1', 443)
const MUCH = 'x'.repeat(300_000)

type Streams = AsyncIterator<ByteStream, unknown>

async function open(skynet: Skynet, options = TRUST): Promise<{ port: number; next: Next }> {
  const listener = withProxy(await listen(skynet), options)
  const streams: Streams = listener[Symbol.asyncIterator]()
  const next = async (): Promise<Connection> => (await streams.next()).value as Connection
  return { port: listener.port, next }
}

type Next = () => Promise<Connection>

async function readAll(stream: ByteStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk.toString()
  return text
}

/** Everything that the client hears until its end, which may be a reset. */
const heard = (client: Socket): Promise<string> =>
  drink(client).then(
    (bytes) => bytes.toString(),
    () => '',
  )

const HEADERS: Readonly<Record<string, readonly [Buffer, RegExp | string]>> = {
  'version 1': [Buffer.from(V1), '198.51.100.7:56324'],
  'version 1, IPv6': [
    Buffer.from('PROXY TCP6 2001:db8::7 ::1 56324 443\r\n'),
    '[2001:db8::7]:56324',
  ],
  'version 1, UNKNOWN': [Buffer.from('PROXY UNKNOWN\r\n'), /^127\.0\.0\.1:\d+$/],
  'version 2': [binary(0x11, V4), '198.51.100.7:56324'],
  'version 2, IPv6': [binary(0x21, V6), '[2001:db8::7]:56324'],
  'version 2, LOCAL': [binary(0x11, V4, 0x20), /^127\.0\.0\.1:\d+$/],
}

for (const [name, [header, address]] of Object.entries(HEADERS)) {
  // Proves: docs/proxy.md#told-address, #bytes
  serviceTest(
    import.meta.url,
    `${name}: the address is what the proxy says, and no byte behind it is missing`,
    async (skynet) => {
      const { port, next } = await open(skynet)
      const whole = await dial(port)
      whole.end(Buffer.concat([header, Buffer.from(MUCH)]))
      const stream = await next()
      if (typeof address === 'string') assert.equal(stream.remoteAddress, address)
      else assert.match(stream.remoteAddress, address)
      assert.equal(proxyHeaderOf(stream)?.version, Number(name.charAt(8)))
      assert.equal(await readAll(stream), MUCH)

      const slow = await dial(port)
      slow.setNoDelay()
      const written = Buffer.concat([header, Buffer.from('abc')])
      for (const byte of written) {
        slow.write(Buffer.from([byte]))
        await skynet.yield()
      }
      slow.end()
      assert.equal(await readAll(await next()), 'abc')
    },
  )
}

serviceTest(
  import.meta.url,
  'who speaks first behind the header may be the server',
  async (skynet) => {
    const { port, next } = await open(skynet)
    const client = await dial(port)
    client.write(V1)
    const stream = await next()
    stream.write('welcome\n')
    assert.equal((await once(client, 'data'))[0].toString(), 'welcome\n')
    client.end('bye\n')
    const frames = stream.frames({ header: 'line' })
    assert.equal((await frames.receive())?.toString(), 'bye')
    assert.equal(frames.remoteAddress, '198.51.100.7:56324')
    await frames.close()
  },
)

// Proves: docs/proxy.md#tlvs
serviceTest(import.meta.url, 'proxyHeaderOf() has what else the proxy knows', async (skynet) => {
  const { port, next } = await open(skynet)
  const client = await dial(port)
  client.write(binary(0x11, Buffer.concat([V4, tlv(2, 'game.test')])))
  const stream = await next()
  const { destination, tlvs } = proxyHeaderOf(stream)!
  assert.equal(destination, '192.0.2.1:443')
  assert.deepEqual(tlvs, [{ type: 2, value: Buffer.from('game.test') }])
  assert.equal(proxyHeaderOf(await skynet.socket.connect({ port })), undefined)
  client.end()
})

// Proves: docs/proxy.md#untrusted
serviceTest(
  import.meta.url,
  'who is no trusted proxy is refused, whatever it says',
  async (skynet) => {
    const { port, next } = await open(skynet, { trust: ['10.0.0.0/8', '::1'] })
    void next()
    for (const lie of [V1, binary(0x11, V4), 'hello']) {
      const client = await dial(port)
      client.write(lie)
      assert.equal(await heard(client), '')
    }
  },
)

// Proves: docs/proxy.md#direct
serviceTest(
  import.meta.url,
  'who comes directly is let in when that is asked for, and believed nothing',
  async (skynet) => {
    const { port, next } = await open(skynet, { trust: ['10.0.0.0/8'], direct: true })
    const client = await dial(port)
    const { localPort } = client
    client.end(V1)
    const stream = await next()
    assert.equal(stream.remoteAddress, `127.0.0.1:${localPort}`)
    assert.equal(await readAll(stream), V1)
    assert.equal(proxyHeaderOf(stream), undefined)
  },
)

// Proves: docs/proxy.md#deadline
serviceTest(
  import.meta.url,
  'half a header, none, or another protocol ends that connection alone',
  async (skynet) => {
    const { port, next } = await open(skynet, { ...TRUST, timeoutMs: 2000 })
    const begins = [
      '',
      'P',
      V1.slice(0, -1),
      binary(0x11, V4).subarray(0, 20),
      'GET / HTTP/1.1\r\n\r\n',
    ]
    const bad = await Promise.all(
      begins.map(async (begin) => {
        const client = await dial(port)
        client.write(begin)
        return client
      }),
    )
    const ended = await dial(port)
    ended.end('PROXY TCP4 1')
    const good = await dial(port)
    good.end(`${V1}I am served`)
    assert.equal(await readAll(await next()), 'I am served')
    for (const client of [...bad, ended]) assert.equal(await heard(client), '')
    const later = await dial(port)
    later.end(`${V1}and I`)
    assert.equal(await readAll(await next()), 'and I')
  },
)

serviceTest(
  import.meta.url,
  'a proxy that comes by a Unix socket is trusted as unix',
  async (skynet) => {
    const path = join(skynet.getenv('folder') as string, 'proxy.sock')
    const listener = withProxy(await skynet.socket.listen({ path }), { trust: ['unix'] })
    const client = connect(path)
    client.end(`${V1}hello`)
    for await (const stream of listener) {
      assert.equal(stream.remoteAddress, '198.51.100.7:56324')
      assert.equal(await readAll(stream), 'hello')
      break
    }
    await assert.rejects(skynet.socket.connect({ path }), { code: 'ERR_CONNECT' })
  },
)

serviceTest(import.meta.url, 'withProxy() refuses options that are wrong', async (skynet) => {
  await using listener = await listen(skynet)
  const wrong = (options: unknown, name: RegExp): void =>
    assert.throws(() => withProxy(listener, options as ProxyOptions), name)
  wrong(undefined, /'options' must be a plain object/)
  wrong({}, /'trust' must be an array/)
  wrong({ trust: ['proxy.test'] }, /'trust' must be addresses/)
  wrong({ trust: [] }, /'trust' must be at least one proxy/)
  wrong({ ...TRUST, timeout: 1 }, /option 'timeout'.*did you mean 'timeoutMs'/)
  wrong({ ...TRUST, timeoutMs: 0 }, /'timeoutMs'/)
  wrong({ ...TRUST, direct: 1 }, /'direct'/)
  withProxy(listener, { trust: [], direct: true })
  const opening = listen(skynet)
  for (const none of [opening, {}, undefined]) {
    const message = /'listener' must be a listener of streams: current value is/
    assert.throws(() => withProxy(none as never, TRUST), message)
  }
  await (await opening).close()
})
