/** TLS between services, and with node:tls as the peer: who is refused, and how it ends. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as plainConnect } from 'node:net'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import type { Skynet } from 'skynet-ts'
import {
  type ConnectTlsOptions,
  connectTls,
  type ListenTlsOptions,
  listenTls,
  type TlsClientOptions,
  type TlsListener,
  type TlsOptions,
  type TlsStream,
} from 'skynet-ts/tls'
import { withProxy } from 'skynet-ts/transport'
import { connectWebSocket } from 'skynet-ts/websocket'
import { REVOKED } from '../../src/testing/revoked.ts'
import type websocketGuest from '../fixtures/websocket-guest.ts'
import { serviceTest } from '../support/run.ts'
import { dial, listen } from '../support/sockets.ts'
import {
  CA,
  CERTIFICATES,
  connectLocal,
  HOST,
  LOCAL,
  listenLocal,
  next,
  readAll,
  tlsPair,
} from '../support/tls.ts'
import { until } from '../support/until.ts'

/** Each client gets back what it sends. */
function serve(skynet: Skynet, listener: TlsListener): TlsListener {
  skynet.fork(async () => {
    for await (const stream of listener) {
      skynet.fork(async () => {
        try {
          for await (const chunk of stream) stream.write(chunk)
        } catch {
          await stream.close()
        }
      })
    }
  })
  return listener
}

const serveLocal = async (skynet: Skynet, tls = LOCAL, more = {}): Promise<TlsListener> =>
  serve(skynet, await listenLocal(skynet, tls, more))

const logOf = (skynet: Skynet): string => readFileSync(String(skynet.getenv('logger')), 'utf8')

/** A client of node:tls whose handshake is done. */
async function dialTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: HOST, port, ca: CA, ...options })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

async function echoed(socket: TLSSocket, text: string): Promise<void> {
  socket.write(text)
  let got = ''
  while (got.length < text.length) got += (await once(socket, 'data'))[0]
  assert.equal(got, text)
}

// --- who is trusted ----------------------------------------------------------------------------

/** Row: what the server has. Then: what the client asks for, and the code that it gets. */
const REFUSED: Readonly<Record<string, readonly [TlsOptions, TlsClientOptions, string, string]>> = {
  'a certificate that nobody trusted has signed': [
    CERTIFICATES.stranger,
    {},
    'ERR_TLS_CERTIFICATE',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  'a certificate that is trusted elsewhere': [
    LOCAL,
    { ca: CERTIFICATES.other.cert },
    'ERR_TLS_CERTIFICATE',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  'a certificate that has expired': [
    CERTIFICATES.expired,
    {},
    'ERR_TLS_EXPIRED',
    'CERT_HAS_EXPIRED',
  ],
  'a certificate that is not valid yet': [
    CERTIFICATES.future,
    {},
    'ERR_TLS_EXPIRED',
    'CERT_NOT_YET_VALID',
  ],
  'a certificate of another host': [
    CERTIFICATES.a,
    {},
    'ERR_TLS_HOST',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ],
  'a certificate of another name than was asked for': [
    CERTIFICATES.a,
    { servername: 'b.test' },
    'ERR_TLS_HOST',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ],
  'no version in common': [
    { ...LOCAL, maxVersion: 'TLSv1.2' },
    { minVersion: 'TLSv1.3' },
    'ERR_TLS_MISMATCH',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  ],
  'no cipher in common': [
    { ...LOCAL, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    'ERR_TLS_REFUSED',
    'HANDSHAKE_FAILURE',
  ],
  'no protocol in common': [
    { ...LOCAL, ALPNProtocols: ['game'] },
    { ALPNProtocols: ['chat'] },
    'ERR_TLS_MISMATCH',
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  ],
}

for (const [name, [tls, client, code, problem]] of Object.entries(REFUSED)) {
  // Proves: docs/tls.md#codes
  serviceTest(import.meta.url, `connectTls() says ${name}`, async (skynet) => {
    await using listener = await serveLocal(skynet, tls)
    await assert.rejects(connectLocal(skynet, listener.port, client), (error: never) => {
      const { info } = error as { info: { address: string; problem: string; reason: string } }
      assert.equal((error as { code: string }).code, code, String(error))
      assert.match(info.problem, RegExp(problem))
      // The server may be gone before it could be asked for its port.
      assert.match(info.address, RegExp(`^${HOST}(:${listener.port})?$`))
      return true
    })
  })
}

serviceTest(
  import.meta.url,
  'connectTls() says what is no TLS, and who ends it',
  async (skynet) => {
    const server = await listen(skynet)
    skynet.fork(async () => {
      const rude = (await server.accept())!
      rude.write('HTTP/1.1 400 Bad Request\r\n\r\n')
      const ending = (await server.accept())!
      ending.end()
    })
    const { port } = server
    const bad = { code: 'ERR_TLS_HANDSHAKE' }
    const rude = connectLocal(skynet, port)
    await assert.rejects(rude, { ...bad, message: /wrong version number/ })
    await assert.rejects(connectLocal(skynet, port), { ...bad, message: /the peer has ended it/ })
    await server.close()
    await assert.rejects(connectLocal(skynet, port), { code: 'ERR_CONNECT' })
  },
)

// Proves: docs/tls.md#deadline
// Proves: docs/limits.md#tls-handshake
serviceTest(import.meta.url, 'connectTls() waits no longer than it was told', async (skynet) => {
  await using server = await listen(skynet)
  const silent = { host: HOST, port: server.port }
  const abort = new AbortController()
  const aborted = connectTls(skynet, { ...silent, signal: abort.signal })
  await server.accept()
  abort.abort()
  await assert.rejects(aborted, { code: 'ABORT_ERR' })
  const late = { code: 'ERR_SOCKET_TIMEOUT', message: /shake hands over TLS/ }
  await assert.rejects(connectTls(skynet, { ...silent, handshakeTimeoutMs: 20 }), late)
  const { code } = late
  await assert.rejects(connectTls(skynet, { ...silent, timeoutMs: 20 }), { code })
})

// Proves: docs/tls.md#not-trusting
serviceTest(
  import.meta.url,
  'rejectUnauthorized: false leaves it to who connects',
  async (skynet) => {
    await using listener = await serveLocal(skynet, CERTIFICATES.stranger)
    const stream = await connectLocal(skynet, listener.port, { rejectUnauthorized: false })
    assert.equal(stream.authorized, false)
    assert.equal(stream.authorizationError, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    assert.equal(stream.peerCertificate()?.subject.CN, 'stranger')
    const asked: string[] = []
    const checkServerIdentity = (host: string): Error | undefined => {
      asked.push(host)
      return host === 'b.test' ? undefined : new Error('not this one')
    }
    await using other = await serveLocal(skynet, CERTIFICATES.a)
    const own = { checkServerIdentity, servername: 'b.test' }
    const believed = await connectLocal(skynet, other.port, own)
    assert.equal(believed.authorized, true)
    assert.deepEqual(asked, ['b.test'])
    const refused = connectLocal(skynet, other.port, { ...own, servername: 'c.test' })
    await assert.rejects(refused, { code: 'ERR_TLS_HANDSHAKE', message: /not this one/ })
  },
)

// --- names, protocols, certificates of clients --------------------------------------------------

// Proves: docs/tls.md#names
serviceTest(
  import.meta.url,
  'each client gets the certificate of the name it asks for',
  async (skynet) => {
    const contexts = { 'A.test': CERTIFICATES.a, '*.b.test': CERTIFICATES.b }
    await using listener = await serveLocal(skynet, { ...LOCAL, contexts })
    const names = { 'a.test': 'a.test', 'A.TEST': 'a.test', 'x.b.test': 'b.test' } as const
    for (const [servername, name] of Object.entries(names)) {
      const stream = await connectLocal(skynet, listener.port, { servername })
      assert.equal(stream.peerCertificate()?.subject.CN, name)
      assert.equal(stream.servername, servername)
      await stream.close()
    }
    for (const servername of ['localhost', undefined]) {
      const named = servername === undefined ? {} : { servername }
      const stream = await connectLocal(skynet, listener.port, named)
      assert.equal(stream.peerCertificate()?.subject.CN, 'localhost')
    }
    for (const servername of ['b.test', 'x.y.b.test', 'x.a.test']) {
      const refused = connectLocal(skynet, listener.port, { servername })
      await assert.rejects(refused, { code: 'ERR_TLS_HOST' })
    }
  },
)

// Proves: docs/tls.md#names
serviceTest(
  import.meta.url,
  'a server that has no certificate for a name says which was asked for',
  async (skynet) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tls = { contexts: { 'a.test': CERTIFICATES.a }, maxVersion }
      for (const servername of ['x.test', 'x\ty', undefined]) {
        // One each: of several that fail at once the log has the first.
        await using listener = await serveLocal(skynet, tls)
        const named = servername === undefined ? {} : { servername }
        const refused = connectLocal(skynet, listener.port, named)
        await assert.rejects(refused, { code: 'ERR_TLS_REFUSED' })
        const name = servername === undefined ? 'no name' : JSON.stringify(servername)
        const line = `it asks for ${name}, and no certificate is for that`
        await until(line, () => logOf(skynet).includes(line))
      }
    }
  },
)

// Proves: docs/tls.md#alpn
serviceTest(import.meta.url, 'both sides agree on a protocol, or on none', async (skynet) => {
  const tls = { ...LOCAL, ALPNProtocols: ['game/2', 'game/1'] }
  const [client, server] = await tlsPair(skynet, tls, { ALPNProtocols: ['game/1', 'game/2'] })
  assert.equal(client.alpnProtocol, 'game/2')
  assert.equal(server.alpnProtocol, 'game/2')
  assert.equal(server.encrypted, true)
  assert.equal(server.protocol, 'TLSv1.3')
  assert.equal(server.servername, undefined)
  const [plain] = await tlsPair(skynet, tls, {})
  assert.equal(plain.alpnProtocol, undefined)
})

/** What a client hears that has shown no good certificate: it may be cut before the alert comes. */
const TOLD_OR_CUT = /refuses us: .*handshake failure|ended it|alert|close_notify/

// Proves: docs/tls.md#clients
serviceTest(import.meta.url, 'clients show a certificate, or are refused', async (skynet) => {
  const tls = { ...LOCAL, ca: CA, requestCert: true }
  const [, server] = await tlsPair(skynet, tls, CERTIFICATES.client)
  assert.equal(server.authorized, true)
  assert.equal(server.peerCertificate()?.subject.CN, 'player-7')
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    await using listener = await serveLocal(skynet, { ...tls, maxVersion: version })
    for (const client of [{}, CERTIFICATES.stranger]) {
      const refused = async (): Promise<unknown> => {
        const stream = await connectLocal(skynet, listener.port, client)
        return stream.read()
      }
      // The client of TLS 1.3 is done before the server has looked at its certificate.
      await assert.rejects(refused, TOLD_OR_CUT)
    }
  }
})

// Proves: docs/tls.md#clients
serviceTest(import.meta.url, 'clients may be let in whatever they show', async (skynet) => {
  const tls = { ...LOCAL, ca: CA, requestCert: true, rejectUnauthorized: false }
  const [, none] = await tlsPair(skynet, tls)
  assert.equal(none.authorized, false)
  assert.equal(none.authorizationError, 'UNABLE_TO_GET_ISSUER_CERT')
  assert.equal(none.peerCertificate(), undefined)
  const [, stranger] = await tlsPair(skynet, tls, CERTIFICATES.stranger)
  assert.equal(stranger.authorized, false)
  assert.equal(stranger.authorizationError, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.equal(stranger.peerCertificate()?.subject.CN, 'stranger')
})

// Proves: docs/tls.md#revoked, #set-tls
serviceTest(import.meta.url, 'a list of revoked ones counts from setTls on', async (skynet) => {
  const { ca, m, a, lists } = REVOKED
  const own = { ...m, ca: ca.cert }
  for (const more of [{}, { contexts: { 'b.test': CERTIFICATES.b } }]) {
    const tls = { ...own, ...more, requestCert: true, crl: lists.none }
    await using listener = await serveLocal(skynet, tls)
    const client = { ...own, ...a }
    const first = await connectLocal(skynet, listener.port, client)
    first.write('x')
    assert.equal(String(await first.read(1)), 'x')
    // Behind a byte order mark, as where files were put together.
    listener.setTls({ crl: `${lists.foreign}\ufeff ${lists.a}` })
    const refused = async (): Promise<unknown> => {
      const stream = await connectLocal(skynet, listener.port, client)
      return stream.read()
    }
    await assert.rejects(refused, TOLD_OR_CUT)
    await until('the log says why', () => logOf(skynet).includes('certificate revoked'))
    // What is no list is refused at once, and the other one still counts.
    assert.throws(() => listener.setTls({ crl: lists.a.slice(0, 200) }), TypeError)
    await assert.rejects(refused, TOLD_OR_CUT)
  }
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  // Proves: docs/tls.md#tickets, #clients
  serviceTest(
    import.meta.url,
    `${version}: where clients show certificates nobody is let in by a session of before`,
    async (skynet) => {
      const asking = { ca: CA, requestCert: true, rejectUnauthorized: false, maxVersion: version }
      const { a, b } = CERTIFICATES
      const other = { ...b, ca: CERTIFICATES.stranger.cert }
      const contexts = { 'a.test': { ...a, ca: CA }, 'b.test': other }
      await using listener = await listenLocal(skynet, { ...LOCAL, ...asking, contexts })
      const streams = listener[Symbol.asyncIterator]()
      const sessions: Buffer[] = []
      const pair = async (client: TlsClientOptions) => {
        const onSession = (session: Buffer): void => void sessions.push(session)
        const more = { onSession, rejectUnauthorized: false, ...client }
        const connecting = connectLocal(skynet, listener.port, more)
        const { value: server } = await streams.next()
        const stream = await connecting
        server!.write('x')
        await stream.read(1)
        return { stream, server: server! }
      }
      const withLast = () => (sessions.length === 0 ? {} : { session: sessions.at(-1)! })
      assert.equal((await pair({})).server.authorized, false)
      const nobody = await pair(withLast())
      assert.equal(nobody.stream.isResumed, false)
      assert.equal(nobody.server.authorized, false)
      const known = { ...CERTIFICATES.client, servername: 'a.test' }
      assert.equal((await pair(known)).server.authorized, true)
      const elsewhere = await pair({ ...known, servername: 'b.test', ...withLast() })
      assert.equal(elsewhere.stream.isResumed, false)
      assert.equal(elsewhere.server.authorized, false)
    },
  )
}

// --- sessions, and other certificates ------------------------------------------------------------

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  // Proves: docs/tls.md#tickets, #set-tls
  serviceTest(
    import.meta.url,
    `${version}: a session is resumed, also when there are other certificates since`,
    async (skynet) => {
      const only = { maxVersion: version }
      await using listener = await serveLocal(skynet, { ...LOCAL, ...only })
      const open = async (session?: Buffer) => {
        let take!: (session: Buffer) => void
        const given = new Promise<Buffer>((resolve) => {
          take = resolve
        })
        const more = session === undefined ? {} : { session }
        const stream = await connectLocal(skynet, listener.port, { onSession: take, ...more })
        stream.write('x')
        await stream.read(1)
        return { stream, given }
      }
      const first = await open()
      assert.equal(first.stream.isResumed, false)
      const session = await first.given
      assert.equal((await open(session)).stream.isResumed, true)
      listener.setTls({ ...CERTIFICATES.next, ...only })
      const again = await open(session)
      assert.equal(again.stream.isResumed, true)
      const anew = await open()
      assert.equal(anew.stream.isResumed, false)
      assert.notEqual(
        anew.stream.peerCertificate()?.fingerprint256,
        first.stream.peerCertificate()?.fingerprint256,
      )
      // Who is let in may be another question now.
      listener.setTls({ ...LOCAL, ...only, ca: CA, requestCert: true, rejectUnauthorized: false })
      assert.equal((await open(session)).stream.isResumed, false)
      first.stream.write('old')
      assert.equal((await first.stream.read(3)).toString(), 'old')
    },
  )
}

// Proves: docs/tls.md#set-tls
serviceTest(
  import.meta.url,
  'setTls() refuses what is wrong, and nothing has changed',
  async (skynet) => {
    await using listener = await serveLocal(skynet)
    const wrong = { key: CERTIFICATES.a.key, cert: CERTIFICATES.b.cert }
    assert.throws(() => listener.setTls(wrong), { name: 'TypeError', message: /'tls'.*mismatch/ })
    assert.throws(() => listener.setTls({ key: '', cert: '' }), /'tls.key'/)
    assert.throws(() => listener.setTls({ crt: 'x' } as never), /'crt'.*did you mean 'cert'/)
    const stream = await connectLocal(skynet, listener.port)
    assert.equal(stream.authorized, true)
  },
)

// --- how it ends ---------------------------------------------------------------------------------

// Proves: docs/tls.md#close-notify
serviceTest(
  import.meta.url,
  'the end of a peer of node:tls is an end, a cut is none',
  async (skynet) => {
    const listener = await listenLocal(skynet)
    const accepted = next(listener)
    const ending = await dialTls(listener.port)
    ending.end('all of it')
    assert.equal(await readAll(await accepted), 'all of it')

    for (const how of ['FIN', 'RST'] as const) {
      const other = await listenLocal(skynet)
      const stream = next(other)
      const raw = plainConnect({ port: other.port, host: HOST, allowHalfOpen: true })
      const cut = connect({ socket: raw, ca: CA, servername: 'localhost' })
      cut.on('error', () => {})
      await once(cut, 'secureConnect')
      cut.write('half')
      const server = await stream
      assert.equal((await server.read(4)).toString(), 'half')
      const read = server.read()
      if (how === 'FIN') raw.end()
      else raw.resetAndDestroy()
      const message = how === 'FIN' ? /cut: no close_notify/ : /failed/
      await assert.rejects(read, { code: 'ERR_SOCKET_FAILED', message })
      await assert.rejects(server.read(), { code: 'ERR_SOCKET_FAILED' })
      assert.equal(server.isOpen, false)
      raw.destroy()
    }
  },
)

// Proves: docs/tls.md#close-notify
serviceTest(
  import.meta.url,
  'node:tls reads our end, and half of it stays open',
  async (skynet) => {
    const listener = await listenLocal(skynet)
    const accepted = next(listener)
    const raw = await dial(listener.port)
    const client = connect({ socket: raw, ca: CA, servername: 'localhost' })
    await once(client, 'secureConnect')
    const stream = await accepted
    stream.write('before the end')
    stream.end()
    let got = ''
    client.on('data', (chunk) => (got += String(chunk)))
    await once(client, 'end')
    assert.equal(got, 'before the end')
    client.end('and you?')
    assert.equal((await stream.read(8)).toString(), 'and you?')
    assert.equal(await stream.read(), null)
    assert.equal(stream.isOpen, false)
  },
)

serviceTest(import.meta.url, 'much goes both ways with node:tls', async (skynet) => {
  const text = 'much of it '.repeat(200_000)
  await using listener = await serveLocal(skynet)
  const client = await dialTls(listener.port)
  client.end(text)
  const chunks: Buffer[] = []
  for await (const chunk of client) chunks.push(chunk as Buffer)
  assert.ok(Buffer.concat(chunks).equals(Buffer.from(text)))

  const server = createServer({ ...CERTIFICATES.local, allowHalfOpen: true }, (socket) => {
    socket.pipe(socket)
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const stream = await connectLocal(skynet, port)
  stream.write(text)
  stream.end()
  assert.equal(await readAll(stream), text)
  server.close()
})

// --- who does no good ----------------------------------------------------------------------------

// Proves: docs/tls.md#renegotiation
serviceTest(import.meta.url, 'who renegotiates is cut, and others are served', async (skynet) => {
  await using listener = await serveLocal(skynet)
  const client = await dialTls(listener.port, { maxVersion: 'TLSv1.2' })
  await echoed(client, 'well')
  // It is told why, and that is an error to it.
  const closed = new Promise((resolve) => client.once('close', resolve))
  client.renegotiate({}, () => {})
  await closed
  await echoed(await dialTls(listener.port), 'well')
})

serviceTest(
  import.meta.url,
  'a write that finds the connection closed is a failure of the stream',
  async (skynet) => {
    for (const more of [{}, { onSession: () => {} }]) {
      await using listener = await serveLocal(skynet)
      const below = await skynet.socket.connect({ host: HOST, port: listener.port })
      const tls = { ca: CA, ...more }
      const stream = await connectTls(skynet, { stream: below, host: HOST, tls })
      const reading = assert.rejects(stream.read(), { code: 'ERR_SOCKET_FAILED' })
      below.shutdown()
      stream.write(Buffer.alloc(5000))
      await reading
      assert.equal(stream.isOpen, false)
    }
  },
)

serviceTest(import.meta.url, 'TLS over TLS, and much goes both ways', async (skynet) => {
  await using outer = await listenLocal(skynet)
  await using inner = serve(skynet, await listenTls(skynet, { listener: outer, tls: LOCAL }))
  const below = await connectLocal(skynet, inner.port)
  await using stream = await connectTls(skynet, { stream: below, host: HOST, tls: { ca: CA } })
  const bytes = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * 7) % 253))
  const sent = Buffer.from(bytes)
  for (const length of [10, 1999, 70_000]) stream.write(sent.subarray(0, length))
  stream.write(sent)
  sent.fill(0)
  for (const length of [10, 1999, 70_000, bytes.length]) {
    assert.ok((await stream.read(length)).equals(bytes.subarray(0, length)), `${length} bytes`)
  }
})

// Proves: docs/tls.md#hostile
serviceTest(
  import.meta.url,
  'garbage and half of a handshake cost that client alone',
  async (skynet) => {
    await using listener = await serveLocal(skynet, LOCAL, { handshakeTimeoutMs: 2000 })
    const hello = Buffer.from('16030100a5010000a10303', 'hex')
    const begins = [
      'GET / HTTP/1.1\r\n\r\n',
      '\x16\x03\x01\xff\xff',
      '',
      hello,
      Buffer.alloc(20_000),
    ]
    const ends = await Promise.all(
      begins.map(async (bytes) => {
        const client = await dial(listener.port)
        client.write(bytes)
        client.on('end', () => client.end()).resume()
        return once(client, 'close')
      }),
    )
    assert.equal(ends.length, begins.length)
    const half = await dial(listener.port)
    half.write(hello)
    half.end()
    await echoed(await dialTls(listener.port), 'served')
    assert.equal(listener.handshakes, 0)
  },
)

serviceTest(import.meta.url, 'a handshake may come byte by byte', async (skynet) => {
  await using listener = await serveLocal(skynet)
  await using relay = await listen(skynet)
  skynet.fork(async () => {
    const near = (await relay.accept())!
    const far = await skynet.socket.connect({ host: HOST, port: listener.port })
    const slowly = async (from: typeof near, to: typeof near): Promise<void> => {
      for (let chunk = await from.read(); chunk !== null; chunk = await from.read()) {
        for (const byte of chunk) {
          to.write(Buffer.from([byte]))
          await to.drain()
        }
      }
      to.end()
    }
    await Promise.all([slowly(near, far), slowly(far, near)])
  })
  const stream = await connectLocal(skynet, relay.port)
  stream.write('byte by byte')
  assert.equal((await stream.read(12)).toString(), 'byte by byte')
  stream.end()
  assert.equal(await stream.read(), null)
})

// --- what it stands on ---------------------------------------------------------------------------

// Proves: docs/tls.md#behind-proxy
serviceTest(
  import.meta.url,
  'TLS behind a proxy: the address is what the proxy says',
  async (skynet) => {
    const below = withProxy(await listen(skynet), { trust: [HOST] })
    const listener = await listenTls(skynet, { listener: below, tls: LOCAL })
    const accepted = next(listener)
    const raw = await dial(below.port)
    raw.write('PROXY TCP4 198.51.100.7 192.0.2.1 56324 443\r\n')
    const client = connect({ socket: raw, ca: CA, servername: 'localhost' })
    client.end('hello')
    const stream = await accepted
    assert.equal(stream.remoteAddress, '198.51.100.7:56324')
    assert.equal(await readAll(stream), 'hello')
  },
)

// Proves: docs/tls.md#on-stream
serviceTest(import.meta.url, 'TLS begins on a stream that has talked before', async (skynet) => {
  const server = createServer(CERTIFICATES.a, (socket) => socket.end('secret'))
  await using plain = await listen(skynet)
  const stream = skynet.socket.connect({ port: plain.port })
  const accepted = (await plain.accept())!
  accepted.write('220 ready\r\n')
  const client = await stream
  assert.equal(await client.readLine(), '220 ready')
  const secured = connectTls(skynet, { stream: client, host: 'a.test', tls: { ca: CA } })
  const listener = await listenTls(skynet, { listener: only(accepted), tls: CERTIFICATES.a })
  const other = await next(listener)
  other.write('secret')
  other.end()
  assert.equal(await readAll(await secured), 'secret')
  server.close()
})

const only = (stream: Awaited<ReturnType<Skynet['socket']['connect']>>) => ({
  address: 'memory',
  port: 0,
  async *[Symbol.asyncIterator]() {
    yield stream
    await new Promise(() => {})
  },
  async close() {},
  async [Symbol.asyncDispose]() {},
})

// Proves: docs/limits.md#tls-unsent
serviceTest(import.meta.url, 'a peer that does not read fails at the limit', async (skynet) => {
  const listener = await listenLocal(skynet, LOCAL, { sendLimitBytes: 300_000 })
  const accepted = next(listener)
  const client = await dialTls(listener.port)
  client.pause()
  const stream = await accepted
  const failed = assert.rejects(stream.read(), {
    code: 'ERR_SOCKET_FAILED',
    message: /more than 300000 bytes wait to be sent/,
  })
  while (stream.isOpen) {
    stream.write(Buffer.alloc(50_000))
    await skynet.yield()
  }
  await failed
  assert.throws(() => stream.write('x'), {
    code: 'ERR_SOCKET_CLOSED',
    message: /it has failed: more than 300000 bytes wait to be sent$/,
  })
  while (stream.bufferedAmount > 0) await skynet.yield()
  client.destroy()
})

serviceTest(
  import.meta.url,
  'what checkServerIdentity throws refuses the server',
  async (skynet) => {
    await using listener = await serveLocal(skynet)
    const checkServerIdentity = (): Error => {
      throw new RangeError('what the check threw')
    }
    const connecting = connectLocal(skynet, listener.port, { checkServerIdentity })
    await assert.rejects(connecting, { code: 'ERR_TLS_HANDSHAKE', message: /what the check threw/ })
    // What goes wrong with a session is a line in the log, and nothing to the stream.
    const onSession = (): void => {
      throw new Error('what onSession threw')
    }
    const stream = await connectLocal(skynet, listener.port, { onSession })
    stream.write('x')
    assert.equal((await stream.read(1)).toString(), 'x')
    await until('a line', () => logOf(skynet).includes('TLS session: Error: what onSession threw'))
    await stream.close()
  },
)

// Proves: docs/tls.md#service-end
// Proves: docs/websocket.md#away
serviceTest(import.meta.url, 'peers are told when the service ends', async (skynet) => {
  const guest = await skynet.newService<typeof websocketGuest>('../fixtures/websocket-guest.ts')
  const [webPort, plainPort] = await guest.call.listenSecurely()
  const connect = (): Promise<TlsStream> => connectLocal(skynet, webPort)
  const messages = await connectWebSocket(skynet, 'wss://localhost', { connect })
  const stream = await connectLocal(skynet, plainPort)
  assert.equal(await messages.receive(), 'here')
  assert.equal((await stream.read(4)).toString(), 'here')
  guest.send.leave()
  assert.equal(await messages.receive(), null)
  assert.equal(messages.closeCode, 1001)
  assert.equal(await stream.read(), null)
})

serviceTest(import.meta.url, 'options that are wrong are refused, and named', async (skynet) => {
  const listening = (options: unknown, name: RegExp): Promise<void> =>
    assert.rejects(listenTls(skynet, options as ListenTlsOptions), name)
  const place = { host: HOST, port: 0 }
  await listening(undefined, /'options' must be a plain object/)
  await listening({ ...place }, /'tls' must be a plain object/)
  await listening({ ...place, tls: LOCAL, tlss: 1 }, /option 'tlss'/)
  await listening({ ...place, tls: { ...LOCAL, alpn: [] } }, /option 'alpn'/)
  await listening({ ...place, tls: { ...LOCAL, requestCert: 1 } }, /'requestCert'/)
  const keys = { ...LOCAL, requestCert: true, ticketKeys: Buffer.alloc(48) }
  await listening({ ...place, tls: keys }, /'ticketKeys' must be none beside 'requestCert'/)
  await listening({ ...place, tls: { ...LOCAL, contexts: { a: { kee: 1 } } } }, /option 'kee'/)
  // They would not hold: OpenSSL has agreed on them before it knows of the name.
  for (const name of ['minVersion', 'ciphers', 'secureOptions', 'ticketKeys', 'sessionTimeout']) {
    const contexts = { a: { ...CERTIFICATES.a, [name]: 1 } }
    await listening({ ...place, tls: { ...LOCAL, contexts } }, RegExp(`option '${name}'`))
  }
  await listening({ ...place, tls: { ...LOCAL, cert: 'x' } }, /'tls' has: .*PEM/)
  await listening(
    { ...place, tls: { contexts: { a: { key: 'x', cert: 'x' } } } },
    /contexts\['a'\]' has/,
  )
  await listening({ ...place, tls: LOCAL, handshakeTimeoutMs: 0 }, /'handshakeTimeoutMs'/)
  await listening({ tls: LOCAL, listener: {} }, /'listener' must be a listener/)
  await listening({ tls: LOCAL, listener: {}, port: 1 }, /option 'port'/)
  const connecting = (options: unknown, name: RegExp): Promise<void> =>
    assert.rejects(connectTls(skynet, options as ConnectTlsOptions), name)
  await connecting({ port: 1, tls: { rejectUnauthorised: true } }, /'rejectUnauthorized'/)
  await connecting({ port: 1, tls: { ALPNProtocols: 'h2' } }, /'ALPNProtocols' must be an array/)
  await connecting({ port: 1, tls: { servername: 1 } }, /'servername' must be a string/)
  await connecting({ port: 1, tls: { session: 1 } }, /'session'/)
  await connecting({ port: 1, tls: { onSession: 1 } }, /'onSession' must be a function/)
  await connecting({ port: 1, tls: { ca: 7 } }, /'tls' has/)
  await connecting({ port: 1, handshakeTimeoutMs: -1 }, /'handshakeTimeoutMs'/)
  await connecting({ stream: 1 }, /'stream' must be a byte stream/)
  await connecting({ stream: {}, port: 1 }, /option 'port'/)
  await connecting({ port: 0 }, /port/)
})
