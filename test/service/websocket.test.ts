/** WebSockets on real sockets: our own ends, and servers that answer something else. */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import { serveHttp } from 'skynet-ts/http'
import { connectWebSocket, listenWebSocket, webSocketFrame } from 'skynet-ts/websocket'
import { frame } from '../../src/transport/websocket/conformance.kit.ts'
import type websocketGuest from '../fixtures/websocket-guest.ts'
import { serviceTest } from '../support/run.ts'
import { listen } from '../support/sockets.ts'

// Proves: docs/websocket.md#connect
serviceTest(
  import.meta.url,
  'connectWebSocket() rejects with what a server says',
  async (skynet) => {
    const answers = {
      'HTTP/1.1 404 Not Found\r\n\r\n': /it answers 404 Not Found$/,
      [`HTTP/1.1 400 \x1b[2J${'x'.repeat(3000)}\r\n\r\n`]: /it answers 400 \?\[2Jx{96}$/,
      'SSH-2.0-OpenSSH\r\n\r\n': /it answers no HTTP\/1.1$/,
      'HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n': /another key$/,
      'HTTP/1.1 101': /ended before it answered$/,
      '': /ended before it answered$/,
    }
    for (const [answer, reason] of Object.entries(answers)) {
      await using listener = await listen(skynet)
      const url = `ws://127.0.0.1:${listener.port}/x`
      const refused = assert.rejects(
        connectWebSocket(skynet, url),
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'ERR_WEBSOCKET_HANDSHAKE')
          assert.ok(error.message.startsWith(`Cannot connect a WebSocket to ${url}: `))
          assert.match(error.message, reason)
          return true
        },
      )
      const peer = (await listener.accept())!
      peer.write(answer)
      peer.end()
      await refused
      // What the client has sent, and its end.
      assert.match((await peer.readAll()).toString(), /^GET \/x HTTP\/1.1\r\n/)
    }
  },
)

// Proves: docs/websocket.md#connect-limits
serviceTest(import.meta.url, 'connectWebSocket() has limits in time and bytes', async (skynet) => {
  await using listener = await listen(skynet)
  const url = `ws://127.0.0.1:${listener.port}`
  const late = assert.rejects(connectWebSocket(skynet, url, { timeoutMs: 20 }), {
    code: 'ERR_SOCKET_TIMEOUT',
  })
  const silent = (await listener.accept())!
  await late
  assert.match((await silent.readAll()).toString(), /^GET \/ HTTP/)
  const long = assert.rejects(connectWebSocket(skynet, url), /more than 16384 bytes/)
  const talker = (await listener.accept())!
  talker.write(`HTTP/1.1 101 ${'x'.repeat(16_400)}`)
  await long
  await talker.close()
  const abort = new AbortController()
  const { signal } = abort
  const aborted = assert.rejects(connectWebSocket(skynet, url, { signal }), { code: 'ABORT_ERR' })
  abort.abort()
  await aborted
  const nobody = listener.port
  await listener.close()
  await assert.rejects(connectWebSocket(skynet, `ws://127.0.0.1:${nobody}`), {
    code: 'ERR_CONNECT',
  })
})

serviceTest(import.meta.url, 'connectWebSocket() refuses what makes no sense', async (skynet) => {
  const wrong = (options: object, name: RegExp): Promise<void> =>
    assert.rejects(connectWebSocket(skynet, 'ws://127.0.0.1:1', options), name)
  await wrong({ binari: true }, /did you mean 'binary'/)
  await wrong({ messageBytesMax: 0 }, /'messageBytesMax' must be a whole number/)
  await wrong({ binary: 1 }, /'binary' must be true or false/)
  await wrong({ deflate: 'yes' }, /'deflate' must be true or false/)
  await wrong({ timeoutMs: -1 }, /'timeoutMs'/)
  await wrong({ connect: 7 }, /'connect' must be a function/)
  await wrong({ subprotocols: 'x' }, /'subprotocols'/)
  await wrong({ headers: { Upgrade: 'x' } }, /'headers'/)
  await assert.rejects(connectWebSocket(skynet, 'http://x'), /'url' must be ws:/)
  await assert.rejects(
    connectWebSocket(skynet, 'wss://x'),
    /'connect' must be a function, for wss:/,
  )
})

/** What a client that speaks bytes says first. */
const hello = (path = '/', more = ''): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `${more}\r\n`,
  ].join('\r\n')

/** All that a server answers to it, up to its end. */
async function answerOf(skynet: Skynet, port: number, said: string): Promise<string> {
  const client = await skynet.socket.connect({ port })
  client.write(said)
  const answer = await client.readAll()
  await client.close()
  return answer.toString('latin1')
}

const local = { host: '127.0.0.1', port: 0 } as const

// Proves: docs/websocket.md#listen, #request
serviceTest(
  import.meta.url,
  'listenWebSocket() gives clients, and what they came with',
  async (skynet) => {
    await using chat = await listenWebSocket(skynet, {
      ...local,
      path: '/chat',
      subprotocols: ['b'],
    })
    assert.equal(chat.address, `127.0.0.1:${chat.port}`)
    const [client, server] = await Promise.all([
      connectWebSocket(skynet, `ws://127.0.0.1:${chat.port}/chat?room=7`, {
        subprotocols: ['a', 'b'],
        headers: { 'X-Wolf': 'grey' },
      }),
      chat.accept(),
    ])
    const { request } = server!
    assert.equal(request.url, '/chat?room=7')
    assert.equal(request.path, '/chat')
    assert.equal(request.headers['x-wolf'], 'grey')
    assert.match(request.address, /^127\.0\.0\.1:\d+$/)
    assert.equal(server!.remoteAddress, request.address)
    assert.deepEqual([client.subprotocol, server!.subprotocol], ['b', 'b'])
    // It stands on the connection itself, not on something that wraps it.
    assert.ok(server!.id > 0)
    assert.ok(client.id > 0)
    for (const message of ['', 'x', 'κόσμε', Buffer.of(0, 255), 'y'.repeat(200_000)]) {
      client.send(message)
      assert.deepEqual(await server!.receive(), message)
      server!.send(message)
      assert.deepEqual(await client.receive(), message)
    }
    const done = server!.each(() => {})
    assert.ok(
      (await Promise.all([client.ping(), client.receive({ timeoutMs: 50 }).catch(() => 0)]))[0] >=
        0,
    )
    await client.close(4000, 'bye')
    await done
    assert.deepEqual([server!.closeCode, server!.closeReason], [4000, 'bye'])
  },
)

// Proves: docs/websocket.md#early
serviceTest(
  import.meta.url,
  'frames that come with the handshake are received first',
  async (skynet) => {
    await using listener = await listenWebSocket(skynet, local)
    const client = await skynet.socket.connect({ port: listener.port })
    const early = Buffer.concat([
      frame(1, 'first'),
      frame(9, 'p'),
      frame(1, 'second').subarray(0, 3),
    ])
    client.write(Buffer.concat([Buffer.from(hello()), early]))
    const server = (await listener.accept())!
    assert.ok(server.id > 0)
    assert.equal(await server.receive(), 'first')
    const second = server.receive()
    client.write(frame(1, 'second').subarray(3))
    assert.equal(await second, 'second')
    let answer = ''
    while (!answer.endsWith('\x8a\x01p')) answer += (await client.read())!.toString('latin1')
    assert.ok(answer.startsWith('HTTP/1.1 101 ') && answer.includes('\r\n\r\n\x8a'))
    await client.close()
    assert.equal(await server.receive(), null)
  },
)

// Proves: docs/websocket.md#refused, #origins, #subprotocols
serviceTest(
  import.meta.url,
  'requests that are no good are refused, and told why',
  async (skynet) => {
    const options = { ...local, path: '/chat', subprotocols: ['a'] }
    await using listener = await listenWebSocket(skynet, options)
    const rows: readonly (readonly [string, RegExp])[] = [
      [
        'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
        /^HTTP\/1.1 426 [\s\S]*Upgrade: websocket/,
      ],
      [hello('/other', 'Connection: close\r\n'), /^HTTP\/1.1 426 /],
      [
        hello('/chat').replace('Version: 13', 'Version: 12'),
        /^HTTP\/1.1 426 [\s\S]*Version: 13\r\n/,
      ],
      [
        hello('/chat').replace('dGhl', 'dG'),
        /^HTTP\/1.1 400 [\s\S]*Sec-WebSocket-Key of 16 bytes$/,
      ],
      [hello('/chat', 'Origin: http://evil.test\r\n'), /^HTTP\/1.1 403 /],
      [
        hello('/chat', 'Sec-WebSocket-Protocol: b\r\n'),
        /^HTTP\/1.1 400 [\s\S]*Sec-WebSocket-Protocol/,
      ],
      [hello('/chat').replace('GET', 'POST'), /^HTTP\/1.1 405 [\s\S]*Allow: GET/],
    ]
    for (const [said, answer] of rows) {
      assert.match(await answerOf(skynet, listener.port, said), answer)
    }
    const good = await skynet.socket.connect({ port: listener.port })
    good.write(hello('/chat', 'Origin: http://127.0.0.1\r\nSec-WebSocket-Protocol: a\r\n'))
    assert.equal((await listener.accept())!.subprotocol, 'a')
  },
)

// Proves: docs/websocket.md#server
serviceTest(import.meta.url, 'listenWebSocket() takes a path of an HTTP server', async (skynet) => {
  await using server = await serveHttp(skynet, {
    ...local,
    handler: (request, response) => response.end(`page ${request.url}`),
  })
  const chat = await listenWebSocket(skynet, { server, path: '/chat' })
  const play = await listenWebSocket(skynet, { server, path: '/play' })
  const url = `127.0.0.1:${server.port}`
  const page = async (path: string): Promise<string> => (await fetch(`http://${url}${path}`)).text()
  assert.equal(await page('/'), 'page /')
  const [player, there] = await Promise.all([
    connectWebSocket(skynet, `ws://${url}/play`),
    play.accept(),
  ])
  const [chatter] = await Promise.all([connectWebSocket(skynet, `ws://${url}/chat`), chat.accept()])
  await play.close()
  assert.equal(await play.accept(), null)
  await assert.rejects(connectWebSocket(skynet, `ws://${url}/play`), /it answers 200/)
  assert.equal(await page('/chat'), 'page /chat')
  there!.send('still here')
  assert.equal(await player.receive(), 'still here')
  await Promise.all([player.close(), chatter.close()])
})

// Proves: docs/websocket.md#listener-close
serviceTest(
  import.meta.url,
  'close() of a listener tells who was not taken 1001',
  async (skynet) => {
    const listener = await listenWebSocket(skynet, local)
    const url = `ws://127.0.0.1:${listener.port}`
    const [inside, taken] = await Promise.all([connectWebSocket(skynet, url), listener.accept()])
    const untaken = await connectWebSocket(skynet, url)
    await listener.close()
    assert.equal(await untaken.receive(), null)
    assert.equal(untaken.closeCode, 1001)
    assert.equal(listener.isOpen, false)
    assert.equal(await listener.accept(), null)
    inside.send('hi')
    assert.equal(await taken!.receive(), 'hi')
    await inside.close()
    await assert.rejects(connectWebSocket(skynet, url), { code: 'ERR_CONNECT' })
  },
)

// Proves: docs/websocket.md#forwarded
serviceTest(import.meta.url, 'behind a trusted proxy clients are who it says', async (skynet) => {
  const told = { headers: { 'X-Forwarded-For': '6.6.6.6, 198.51.100.7' } }
  for (const [trust, address] of [
    [['127.0.0.0/8'], /^198\.51\.100\.7:0$/],
    [undefined, /^127\.0\.0\.1:\d+$/],
  ] as const) {
    await using listener = await listenWebSocket(skynet, { ...local, ...(trust && { trust }) })
    const connecting = connectWebSocket(skynet, `ws://127.0.0.1:${listener.port}`, told)
    const [client, server] = await Promise.all([connecting, listener.accept()])
    assert.match(server!.remoteAddress, address)
    await client.close()
  }
})

// Proves: docs/websocket.md#broadcast
serviceTest(
  import.meta.url,
  'a broadcast is encoded once, for whoever is there',
  async (skynet) => {
    await using listener = await listenWebSocket(skynet, local)
    const url = `ws://127.0.0.1:${listener.port}`
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connectWebSocket(skynet, url)),
    )
    const ids: number[] = []
    for (const _ of clients) ids.push((await listener.accept())!.id)
    const messages = ['the wolf moves', Buffer.of(1, 2, 3), '', 'x'.repeat(70_000)]
    for (const message of messages) skynet.socket.broadcast(ids, webSocketFrame(message))
    for (const client of clients) {
      for (const message of messages) assert.deepEqual(await client.receive(), message)
    }
    await Promise.all(clients.map((client) => client.close()))
  },
)

// Proves: docs/websocket.md#unmasked
serviceTest(
  import.meta.url,
  'frames without a mask are taken when that is allowed',
  async (skynet) => {
    for (const allowUnmasked of [true, false]) {
      await using listener = await listenWebSocket(skynet, { ...local, allowUnmasked })
      const client = await skynet.socket.connect({ port: listener.port })
      client.write(hello())
      const server = (await listener.accept())!
      client.write(frame(1, 'bare', { isMasked: false }))
      if (allowUnmasked) assert.equal(await server.receive(), 'bare')
      else await assert.rejects(server.receive(), { code: 'ERR_FRAME_MALFORMED' })
      await client.close()
    }
  },
)

// Proves: docs/websocket.md#away
serviceTest(import.meta.url, 'a service that ends tells its peers 1001', async (skynet) => {
  await using listener = await listenWebSocket(skynet, local)
  const guest = await skynet.newService<typeof websocketGuest>('../fixtures/websocket-guest.ts')
  const port = await guest.call.listen()
  const near = await connectWebSocket(skynet, `ws://127.0.0.1:${port}`)
  await guest.call.connect(listener.port)
  const far = (await listener.accept())!
  guest.send.leave()
  for (const stream of [near, far]) {
    assert.equal(await stream.receive(), 'here')
    assert.equal(await stream.receive(), null)
    assert.equal(stream.closeCode, 1001)
  }
})

serviceTest(import.meta.url, 'listenWebSocket() refuses what makes no sense', async (skynet) => {
  const wrong = (options: object, name: RegExp): Promise<void> =>
    assert.rejects(listenWebSocket(skynet, options as never), name)
  await wrong([], /'options' must be a plain object/)
  await wrong({ port: 0, orgins: [] }, /did you mean 'origins'/)
  await wrong({ port: 0, path: 'chat' }, /'path' must be a path/)
  await wrong({ port: 0, origins: 'http://a' }, /'origins' must be an array/)
  await wrong({ port: 0, origins: [1] }, /'origins' must be/)
  await wrong({ port: 0, origins: ['game.example'] }, /'origins' must be as browsers say it/)
  await wrong({ port: 0, origins: ['https://a.example/'] }, /'origins' must be as browsers/)
  await wrong({ port: 0, path: '/b?x=1' }, /'path' must be a path/)
  await wrong({ port: 0, subprotocols: [' '] }, /'subprotocols'/)
  await wrong({ port: 0, allowUnmasked: 1 }, /'allowUnmasked'/)
  await wrong({ port: 0, messageBytesMax: 2 ** 40 }, /'messageBytesMax'/)
  await wrong({ port: 0, trust: ['x'] }, /'trust' must be/)
  await wrong({ port: -1 }, /'port'/)
  await wrong({}, /'port' must be a whole number in 0..65535: current value is undefined/)
  await wrong({ listener: {} }, /'listener' must be a listener of streams/)
  await wrong({ server: {} }, /'server' must be an HttpServer/)
  await wrong({ server: 1, port: 0 }, /option 'port'/)
  await using listener = await listenWebSocket(skynet, local)
  const first = listener.accept({ timeoutMs: 5 })
  await assert.rejects(listener.accept(), { code: 'ERR_SOCKET_BUSY' })
  await assert.rejects(first, { code: 'ERR_SOCKET_TIMEOUT' })
  await assert.rejects(listener.accept({ timeout: 1 } as never), TypeError)
})
