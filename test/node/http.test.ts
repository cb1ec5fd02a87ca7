/** HTTP over sockets of a node, as clients of all kinds meet it. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request as ask, get, type IncomingMessage } from 'node:http'
import { request as askSecurely, Agent as SecureAgent } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { test as nodeTest } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import type { ByteStream, Skynet } from 'skynet-ts'
import { serveHttp } from 'skynet-ts/http'
import { forwardedFor, TrustedProxies, withProxy } from 'skynet-ts/transport'
import { connectWebSocket, listenWebSocket } from 'skynet-ts/websocket'
import { collector } from '../../src/base/collector.ts'
import {
  heard,
  LARGE_BYTES,
  large,
  request,
  route,
  serve,
  statusOf,
  talk,
} from '../support/http.ts'
import { type Body, gate, serviceTest } from '../support/run.ts'
import { dial } from '../support/sockets.ts'
import {
  CA,
  CERTIFICATES,
  connectLocal,
  HOST,
  LOCAL,
  listenLocal,
  readAll,
} from '../support/tls.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const run = promisify(execFile)
const log = (skynet: Skynet): string => readFileSync(String(skynet.getenv('logger')), 'utf8')
const CLOSE = 'Connection: close\r\n'
const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: up\r\n\r\n'

/** Where it is installed. */
const curlTest = (title: string, body: Body): void => {
  if (spawnSync('curl', ['--version']).error === undefined) check(title, body)
  else if (isMainThread) nodeTest(title, (t) => t.diagnostic('left out: curl is not installed'))
}

// Proves: docs/http.md#handler
curlTest('curl gets what the handler answers', async (skynet) => {
  await using server = await serve(skynet)
  const url = `http://${server.address}`
  const file = join(String(skynet.getenv('folder')), 'large')
  writeFileSync(file, large)
  const curl = async (...args: string[]): Promise<string> =>
    (await run('curl', ['-sS', '--max-time', '60', ...args], { maxBuffer: 2 * LARGE_BYTES })).stdout
  assert.equal(await curl(`${url}/hello`, `${url}/hello`), 'hellohello')
  assert.equal(await curl('-T', file, `${url}/echo`), `${LARGE_BYTES} bytes`)
  assert.equal(
    await curl(
      '-X',
      'POST',
      '-H',
      'Transfer-Encoding: chunked',
      '--data-binary',
      `@${file}`,
      `${url}/echo`,
    ),
    `${LARGE_BYTES} bytes`,
  )
  assert.match(await curl('-I', `${url}/hello`), /^HTTP\/1.1 200 OK/)
  assert.match(await curl('-i', '--http1.0', `${url}/hello`), /^HTTP\/1.1 200 OK.*close.*hello$/s)
  const saved = `${file}.2`
  await curl('-o', saved, `${url}/large`)
  assert.ok(readFileSync(saved).equals(large))
})

check('fetch keeps its connection, and moves much both ways', async (skynet) => {
  await using server = await serve(skynet)
  const url = `http://${server.address}`
  const peers = new Set<string>()
  for (let i = 0; i < 20; i++) peers.add(await (await fetch(`${url}/peer`)).text())
  assert.ok(peers.size < 5)
  assert.match([...peers][0]!, /^127\.0\.0\.1 \d+$/)
  const bytes = Buffer.from(await (await fetch(`${url}/large`)).arrayBuffer())
  assert.ok(bytes.equals(large))
  const body = Buffer.alloc(5 * 1024 * 1024, 'x')
  assert.equal(
    await (await fetch(`${url}/echo`, { method: 'POST', body })).text(),
    `${body.length} bytes`,
  )
})

check('requests in one packet are answered in their order', async (skynet) => {
  const waits = [gate<void>(), gate<void>()]
  await using server = await serve(skynet, {
    async handler({ url }: IncomingMessage, response) {
      if (url === '/1') await waits[0]!.promise
      response.end(`<${url}>`)
      if (url === '/3') waits[0]!.open()
    },
  })
  const said = request('/1') + request('/2') + request('/3') + request('/4', CLOSE)
  assert.deepEqual((await talk(server.port, said)).match(/<.*?>/g), [
    '</1>',
    '</2>',
    '</3>',
    '</4>',
  ])
})

check('a request is the same wherever its bytes are cut', async (skynet) => {
  await using server = await serve(skynet)
  const said = `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n${CLOSE}\r\n12345`
  const whole = (await talk(server.port, said)).replace(/Date: .*/, '')
  const client = await dial(server.port)
  const answer = heard(client)
  client.setNoDelay()
  for (const byte of said) {
    client.write(byte)
    await new Promise(setImmediate)
  }
  assert.equal((await answer).replace(/Date: .*/, ''), whole)
})

check('HEAD, 204 and 304 have no body; HTTP/1.0 ends', async (skynet) => {
  await using server = await serve(skynet)
  const { port } = server
  assert.match(await talk(port, `HEAD /hello HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`), /\r\n\r\n$/)
  for (const [path, status] of [
    ['/empty', 204],
    ['/same', 304],
  ] as const) {
    const answer = await talk(port, request(path, CLOSE))
    assert.equal(statusOf(answer), status)
    assert.match(answer, /\r\n\r\n$/)
  }
  assert.match(await talk(port, 'GET /hello HTTP/1.0\r\n\r\n'), /hello$/)
})

check('who expects 100 is told to go on', async (skynet) => {
  await using server = await serve(skynet)
  const client = await dial(server.port)
  client.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n')
  client.write(`${CLOSE}\r\n`)
  const [first] = await once(client, 'data')
  assert.equal(String(first), 'HTTP/1.1 100 Continue\r\n\r\n')
  client.write('ab')
  assert.match(await heard(client), /^HTTP\/1.1 200 .*2 bytes/s)
})

check('it listens on a path as well', async (skynet) => {
  const path = join(String(skynet.getenv('folder')), 'http.sock')
  await using server = await serveHttp(skynet, {
    path,
    handler: (_, response) => response.end('hi'),
  })
  assert.equal(server.address, `unix:${path}`)
  const asked = get({ socketPath: path, path: '/' })
  const [answer] = await once(asked, 'response')
  assert.equal(await text(answer), 'hi')
})

// Proves: docs/http.md#failed
check('a handler that throws or rejects is 500 and a line in the log', async (skynet) => {
  await using server = await serve(skynet)
  const url = `http://${server.address}`
  for (const path of ['/throws', '/rejects']) {
    const response = await fetch(url + path)
    assert.equal(response.status, 500)
    assert.equal(response.headers.get('x-mark'), null)
    assert.equal(await response.text(), 'Internal Server Error\n')
  }
  await assert.rejects(async () => (await fetch(`${url}/halves`)).text())
  assert.equal(await (await fetch(`${url}/hello`)).text(), 'hello')
  for (const line of ['the handler threw', 'the handler rejected', 'threw in the middle']) {
    await until(`a line: ${line}`, () => log(skynet).includes(line))
  }
})

// Proves: docs/http.md#one-connection
check('what is no HTTP costs its connection alone', async (skynet) => {
  await using server = await serve(skynet)
  const { port } = server
  assert.equal(statusOf(await talk(port, 'GET / HTTP/1.1\r\nno header\r\n\r\n')), 400)
  assert.equal(statusOf(await talk(port, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')), 400)
  assert.equal(statusOf(await talk(port, 'GET / HTTP/1.1\r\n\r\n')), 400)
  const both = 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'
  assert.equal(statusOf(await talk(port, request('/echo', both))), 400)
  const chunked = `Transfer-Encoding: chunked\r\n`
  const post = `POST /echo HTTP/1.1\r\nHost: x\r\n${chunked}\r\n`
  assert.match(await talk(port, `${post}ffffffffffffffffff\r\nx`), /^(HTTP\/1.1 400|$)/)
  assert.equal(await talk(port, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'), '')
  assert.equal(await (await fetch(`http://${server.address}/hello`)).text(), 'hello')
})

// Proves: docs/http.md#header-limits
check('a header is as long as it may be, and no longer', async (skynet) => {
  await using server = await serve(skynet, { maxHeaders: 10, maxHeaderBytes: 2000 })
  const { port } = server
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, at) => `x-${at}: y\r\n`).join('')
  assert.equal(statusOf(await talk(port, request('/hello', lines(8) + CLOSE))), 200)
  assert.equal(statusOf(await talk(port, request('/hello', lines(9) + CLOSE))), 431)
  assert.equal(
    statusOf(await talk(port, request('/hello', `x: ${'y'.repeat(1700)}\r\n${CLOSE}`))),
    200,
  )
  assert.equal(statusOf(await talk(port, request('/hello', `x: ${'y'.repeat(2100)}\r\n`))), 431)
  const client = await dial(port)
  const answer = heard(client)
  client.write('GET /hello HTTP/1.1\r\n')
  const flood = setInterval(() => client.write(lines(100)), 1)
  assert.equal(statusOf(await answer), 431)
  clearInterval(flood)
})

// Proves: docs/http.md#header-limits
check('a header that is too long is refused also where it asks for an upgrade', async (skynet) => {
  await using server = await serve(skynet, { maxHeaders: 10 })
  let taken = 0
  server.upgrade('/', (_, stream: ByteStream) => {
    taken++
    stream.write('taken')
    return stream.close()
  })
  const ask = (lines: number): Promise<string> => {
    const more = Array.from({ length: lines }, (_, at) => `x-${at}: y\r\n`).join('')
    return talk(server.port, request('/', `Connection: Upgrade\r\nUpgrade: x\r\n${more}`))
  }
  assert.equal(await ask(7), 'taken')
  assert.equal(statusOf(await ask(8)), 431)
  assert.equal(statusOf(await ask(50)), 431)
  assert.equal(taken, 1)
})

// Proves: docs/http.md#slow
check('half a header, and none at all, end in time', async (skynet) => {
  await using server = await serve(skynet, { headersTimeoutMs: 200, requestTimeoutMs: 400 })
  const { port } = server
  const half = talk(port, 'GET /hello HTTP/1.1\r\nHost: x\r\n')
  const none = talk(port)
  const body = talk(port, 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
  assert.equal(statusOf(await half), 408)
  assert.match(await none, /^(HTTP\/1.1 408|$)/)
  assert.match(await body, /^(HTTP\/1.1 408|$)/)
  await until('all are gone', () => server.connections === 0)
})

check('a connection without a next request ends in time', async (skynet) => {
  await using server = await serve(skynet, { keepAliveTimeoutMs: 100 })
  const answer = await talk(server.port, request('/hello'))
  assert.match(answer, /keep-alive.*hello$/s)
})

// Proves: docs/http.md#never-reads
check('who never reads what he asked for is gone in time', async (skynet) => {
  await using server = await serve(skynet, { writeTimeoutMs: 100 })
  const client = await dial(server.port)
  client.pause()
  for (let i = 0; i < 20; i++) client.write(request('/large'))
  await until('it is served', () => server.connections === 1)
  await until('it is gone', () => server.connections === 0)
  client.destroy()
  assert.equal(await (await fetch(`http://${server.address}/hello`)).text(), 'hello')
})

// Proves: docs/http.md#client-left
check('a client that leaves in the middle of a body is told to the handler', async (skynet) => {
  const left = gate<unknown>()
  await using server = await serve(skynet, {
    handler: (request: IncomingMessage) => request.resume().once('error', left.open),
  })
  const client = await dial(server.port)
  client.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
  await until('it has come', () => server.connections === 1)
  client.end()
  assert.equal(((await left.promise) as { code: string }).code, 'ECONNRESET')
  await until('it is gone', () => server.connections === 0)
  client.destroy()
  await using reading = await serve(skynet)
  const other = await dial(reading.port)
  other.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
  await until('it has come', () => reading.connections === 1)
  other.destroy()
  await until('it is gone', () => reading.connections === 0)
  skynet.log('the last line')
  await until('it is logged', () => log(skynet).includes('the last line'))
  assert.doesNotMatch(log(skynet), /aborted/)
})

// Proves: docs/http.md#connection-limits
check(
  'beyond so many connections, and so many of an address, who comes gets 503',
  async (skynet) => {
    await using server = await serve(skynet, { maxConnections: 3 })
    const clients = await Promise.all([1, 2, 3].map(() => dial(server.port)))
    await until('they are in', () => server.connections === 3)
    assert.equal(statusOf(await talk(server.port, request('/hello'))), 503)
    assert.equal(server.refused, 1)
    clients[0]!.destroy()
    await until('one is gone', () => server.connections === 2)
    assert.equal(statusOf(await talk(server.port, request('/hello', CLOSE))), 200)
    for (const client of clients) client.destroy()
    await using few = await serve(skynet, { connectionsPerAddress: 1 })
    const one = await dial(few.port)
    await until('it is in', () => few.connections === 1)
    assert.equal(statusOf(await talk(few.port, request('/hello'))), 503)
    one.destroy()
    await until('it is gone', () => few.connections === 0)
    assert.equal(statusOf(await talk(few.port, request('/hello', CLOSE))), 200)
  },
)

// Proves: docs/http.md#unanswered
check('who asks much more than is answered is cut off', async (skynet) => {
  let asked = 0
  await using server = await serve(skynet, { handler: () => asked++ })
  assert.equal(await talk(server.port, request('/').repeat(1000)), '')
  assert.ok(asked > 256 && asked <= 1000)
  await until('it is gone', () => server.connections === 0)
})

// Proves: docs/http.md#client-left
check('who asks much and leaves leaves nothing', async (skynet) => {
  const gc = collector()
  const left = gate<void>()
  const kept: WeakRef<object>[] = []
  await using server = await serve(skynet, {
    async handler(_, response) {
      kept.push(new WeakRef(response))
      await left.promise
      response.end('late')
    },
  })
  const client = await dial(server.port)
  client.write(request('/').repeat(100))
  await until('it has asked', () => kept.length === 100)
  client.resetAndDestroy()
  await until('it is gone', () => server.connections === 0)
  left.open()
  await until('nothing is left', async () => {
    await skynet.sleep(1)
    gc()
    return kept.every((each) => each.deref() === undefined)
  })
})

// Proves: docs/http.md#upgrade
check('an upgrade is taken over with all that has come behind it', async (skynet) => {
  await using server = await serve(skynet)
  const off = server.upgrade('/echo', async ({ headers }: IncomingMessage, stream: ByteStream) => {
    stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${headers.upgrade}\r\n\r\n`)
    for await (const chunk of stream) stream.write(chunk)
  })
  server.upgrade(
    ({ url }) => url === '/fails',
    () => {
      throw new Error('what the taker threw')
    },
  )
  const upgrade = 'Connection: Upgrade\r\nUpgrade: x\r\n'
  const client = await dial(server.port)
  const answer = heard(client)
  client.write(`${request('/echo?a', upgrade)}first`)
  await until('it is taken', () => server.connections === 0)
  client.end('second')
  assert.match(await answer, /^HTTP\/1.1 101 .*\r\nUpgrade: x\r\n\r\nfirstsecond$/s)
  assert.equal(await talk(server.port, request('/fails', upgrade)), '')
  await until('a line', () => log(skynet).includes('what the taker threw'))
  // Nobody takes these: they are handled as any other.
  assert.match(
    await talk(
      server.port,
      request('/hello', `${upgrade}`.replace('Upgrade\r', 'Upgrade, close\r')),
    ),
    / 200 .*hello$/s,
  )
  off()
  assert.match(
    await talk(
      server.port,
      request('/echo', `${upgrade}`.replace('Upgrade\r', 'Upgrade, close\r')),
    ),
    / 200 .*0 bytes$/s,
  )
})

// Proves: docs/http.md#upgrade-behind
check('an upgrade behind a request without an answer ends the connection', async (skynet) => {
  await using server = await serve(skynet, { handler: () => {} })
  server.upgrade('/x', (_, stream: ByteStream) => stream.write('taken'))
  const upgrade = request('/x', 'Connection: Upgrade\r\nUpgrade: x\r\n')
  assert.equal(await talk(server.port, request('/') + upgrade), '')
  await until('it is gone', () => server.connections === 0)
})

check('an upgrade that nobody takes has its whole answer, and may leave', async (skynet) => {
  const left = gate<void>()
  await using server = await serve(skynet, {
    handler(request: IncomingMessage, response) {
      response.once('close', () => left.open())
      if (request.url === '/') Readable.from([large, large, large]).pipe(response)
    },
  })
  server.upgrade('/taken', () => {})
  const upgrade = 'Connection: Upgrade, close\r\nUpgrade: h2c\r\n'
  assert.ok((await talk(server.port, request('/', upgrade))).length > 3 * LARGE_BYTES)
  const client = await dial(server.port)
  client.write(request('/waits', upgrade))
  await until('it has asked', () => server.connections === 1)
  client.resetAndDestroy()
  await left.promise
  await until('it is gone', () => server.connections === 0)
})

// Proves: docs/http.md#close
check('close() with less time holds for the one that is under way', async (skynet) => {
  const server = await serve(skynet, { handler: () => {} })
  const client = await dial(server.port)
  client.write(request('/'))
  await until('it has asked', () => server.connections === 1)
  const closing = server.close({ graceMs: 1_000_000 })
  await server.close({ graceMs: 1 })
  await closing
  client.destroy()
})

// Proves: docs/http.md#close, #ready
check('close() lets requests end, and nobody in', async (skynet) => {
  const wait = gate<void>()
  const hasAsked = gate<void>()
  const server = await serve(skynet, {
    async handler(_: IncomingMessage, response) {
      hasAsked.open()
      await wait.promise
      response.end('late')
    },
  })
  const { port } = server
  const idle = await dial(port)
  const ended = heard(idle)
  const asked = talk(port, request('/'))
  await until('both are in', () => server.connections === 2)
  await hasAsked.promise
  const noticed = server.close({ noticeMs: 1, graceMs: 60_000 })
  assert.equal(server.isReady, false)
  assert.equal(await ended, '')
  await assert.rejects(skynet.socket.connect({ port }), { code: 'ERR_CONNECT' })
  wait.open()
  assert.match(await asked, /^HTTP\/1.1 200 OK\r\n.*Connection: close\r\n.*late$/s)
  await noticed
  assert.equal(server.connections, 0)
})

check('close() cuts what takes longer than its grace', async (skynet) => {
  const server = await serve(skynet, { handler: () => {} })
  const asked = talk(server.port, request('/'))
  await until('it is in', () => server.connections === 1)
  await server.close({ graceMs: 50 })
  assert.equal(await asked, '')
})

check('what makes no sense is refused, and names the option', async (skynet) => {
  const handler = (): void => {}
  const bad: [object, RegExp][] = [
    [{}, /'handler'/],
    [{ handler, port: 0, maxHeader: 1 }, /'maxHeader'.*did you mean/],
    [{ handler, port: 0, maxHeaders: 0 }, /'maxHeaders'/],
    [{ handler, port: 0, headersTimeoutMs: 200, requestTimeoutMs: 100 }, /'headersTimeoutMs'/],
    [{ handler, port: 0, sendPolicy: 'drop-new' }, /'sendPolicy'/],
    [{ handler, port: 0, sendLimitBytes: 100_000 }, /'sendLimitBytes'/],
    [{ handler, listener: {} }, /'listener'/],
    [{ handler, port: 0, addressOf: 1 }, /'addressOf'/],
    [{ handler, port: 70_000 }, /'port'/],
  ]
  for (const [options, message] of bad) {
    await assert.rejects(serveHttp(skynet, options as never), { message })
  }
  await using server = await serve(skynet, { addressOf: () => '1.2.3.4' })
  assert.throws(() => server.upgrade('path' as never, () => {}), /'test'/)
  await assert.rejects(server.close({ grace: 1 } as never), /'grace'/)
  assert.equal(server.addressOf({} as IncomingMessage), '1.2.3.4')
})

// Proves: docs/http.md#listener
check('it serves what any listener accepts, and closes it', async (skynet) => {
  const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const server = await serveHttp(skynet, { listener, handler: (_, response) => response.end('hi') })
  assert.equal(server.port, listener.port)
  const asked = ask({ port: server.port, headers: { connection: 'close' } }).end()
  const [answer] = await once(asked, 'response')
  assert.equal(await text(answer), 'hi')
  await server.close()
  assert.equal(listener.isOpen, false)
})

serviceTest(
  import.meta.url,
  'a large response comes whole where sockets may drop what waits to be sent',
  async (skynet) => {
    await using server = await serve(skynet)
    const client = await dial(server.port)
    client.write(request('/large') + request('/large', CLOSE))
    client.pause()
    await until('it is served', () => server.connections === 1)
    const answer = await heard(client.resume())
    assert.ok(answer.length > 2 * LARGE_BYTES)
    assert.ok(answer.endsWith(large.toString('latin1')))
  },
  { socket: { sendLimitBytes: 65_536, sendPolicy: 'drop-new' } },
)

// Proves: docs/http.md#listener
check('it serves over TLS, for many at once, much both ways', async (skynet) => {
  const listener = await listenLocal(skynet)
  await using server = await serveHttp(skynet, {
    listener,
    // Else a connection that the agent keeps could end while it is asked again.
    keepAliveTimeoutMs: 60_000,
    async handler(request, response) {
      if (!(request.socket as TLSSocket).encrypted) return response.writeHead(400).end()
      return route(request, response)
    },
  })
  const agent = new SecureAgent({ keepAlive: true, ca: CA, maxSockets: 5 })
  const get = async (path: string, body?: Buffer): Promise<Buffer> => {
    const options = { host: HOST, port: server.port, path, agent }
    const asked = askSecurely({ ...options, method: body === undefined ? 'GET' : 'POST' })
    const [answer] = await once(asked.end(body), 'response')
    return buffer(answer)
  }
  for (let i = 0; i < 10; i++) assert.equal(String(await get('/hello')), 'hello')
  const all = await Promise.all(Array.from({ length: 8 }, () => get('/large')))
  for (const each of all) assert.ok(each.equals(large))
  assert.equal(String(await get('/echo', large)), `${LARGE_BYTES} bytes`)
  assert.ok(server.connections <= 5)
  // Who speaks no TLS costs himself alone.
  assert.doesNotMatch(await talk(server.port, request('/hello')), /^HTTP/)
  assert.equal(String(await get('/hello')), 'hello')
  agent.destroy()
})

// Proves: docs/http.md#client-certificate
// Proves: docs/websocket.md#request
check('over TLS a handler, an upgrade and a WebSocket know the client', async (skynet) => {
  const tls = { ...LOCAL, ca: CA, requestCert: true, rejectUnauthorized: false }
  const nameIn = (shown: object | undefined): string => {
    const { subject } = (shown ?? {}) as { readonly subject?: { readonly CN: string } }
    return subject?.CN ?? 'nobody'
  }
  const tell = ({ socket }: IncomingMessage): string => {
    const { encrypted, authorized } = socket as TLSSocket
    return `${encrypted} ${authorized} ${nameIn((socket as TLSSocket).getPeerCertificate())}`
  }
  const listener = await listenLocal(skynet, tls)
  await using server = await serveHttp(skynet, {
    listener,
    handler: (request, response) => response.end(tell(request)),
  })
  server.upgrade('/up', (request, stream) => {
    stream.write(`${UPGRADED}${tell(request)}`)
    stream.end()
  })
  const chat = await listenWebSocket(skynet, { server, path: '/ws' })
  for (const [client, told] of [
    [CERTIFICATES.client, 'true true player-7'],
    [{}, 'true false nobody'],
    [CERTIFICATES.stranger, 'true false stranger'],
  ] as const) {
    const stream = await connectLocal(skynet, server.port, client)
    stream.write(request('/', CLOSE))
    assert.equal((await readAll(stream)).split('\r\n\r\n')[1], told)
    const upgraded = await connectLocal(skynet, server.port, client)
    upgraded.write(request('/up', 'Connection: Upgrade\r\nUpgrade: up\r\n'))
    assert.equal((await readAll(upgraded)).split('\r\n\r\n')[1], told)
    const connect = ({ port }: { readonly port: number }) => connectLocal(skynet, port, client)
    const url = `wss://localhost:${server.port}/ws`
    const [, accepted] = await Promise.all([
      connectWebSocket(skynet, url, { connect }),
      chat.accept(),
    ])
    const secure = accepted?.request.secure
    assert.equal(`true ${secure?.authorized} ${nameIn(secure?.peerCertificate())}`, told)
  }
})

// Proves: docs/http.md#listener, #address
check('behind a proxy clients are who it says they are', async (skynet) => {
  const inner = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const trust = ['127.0.0.1']
  await using server = await serveHttp(skynet, {
    listener: withProxy(inner, { trust }),
    handler: ({ socket }, response) => response.end(`${socket.remoteAddress}`),
  })
  const said = `PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\n${request('/', CLOSE)}`
  assert.match(await talk(server.port, said), /203\.0\.113\.7$/)
  assert.doesNotMatch(await talk(server.port, request('/', CLOSE)), /^HTTP/)
  await using forwarded = await serve(skynet, {
    addressOf: (request: IncomingMessage) =>
      forwardedFor(request.headers, request.socket.remoteAddress ?? '', new TrustedProxies(trust)),
    handler: (request: IncomingMessage, response) => response.end(forwarded.addressOf(request)),
  })
  const header = `X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n${CLOSE}`
  assert.match(await talk(forwarded.port, request('/', header)), /\n203\.0\.113\.9$/)
})
