/** TLS below everything that takes a stream or a listener, with programs of others as peers. */
import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { framed, type Skynet } from 'skynet-ts'
import { socketChannel } from 'skynet-ts/channel'
import { type HttpServer, serveHttp } from 'skynet-ts/http'
import { tcp } from 'skynet-ts/session'
import { connectTls, listenTls } from 'skynet-ts/tls'
import { withProxy } from 'skynet-ts/transport'
import { connectWebSocket, listenWebSocket } from 'skynet-ts/websocket'
import { WebSocket } from 'ws'
import { encode, type Reply, RespParser } from '../../examples/redis/resp.ts'
import { clientTransportSuite } from '../../src/skynet/client-transport.suite.ts'
import { freePort } from '../support/free-port.ts'
import { isRedisInstalled, REDIS_LEFT_OUT, RedisServer } from '../support/redis-server.ts'
import { serviceTest } from '../support/run.ts'
import { listen } from '../support/sockets.ts'
import { CA, CERTIFICATES, connectLocal, HOST, LOCAL, listenLocal } from '../support/tls.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const has = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0
const leftOut = (command: string): string =>
  `left out: what needs ${command}, which is not installed: apt-get install ${command}`

/** A file that programs can read. */
function fileOf(skynet: Skynet, name: string, text: string): string {
  const path = join(skynet.getenv('folder') as string, name)
  writeFileSync(path, text)
  return path
}

async function serve(skynet: Skynet): Promise<HttpServer> {
  const tls = { ...LOCAL, ALPNProtocols: ['http/1.1'] }
  const listener = await listenLocal(skynet, tls)
  return serveHttp(skynet, {
    listener,
    handler: (request, response) => {
      const { encrypted } = request.socket as { encrypted?: boolean }
      response.end(`${encrypted} ${request.url}`)
    },
  })
}

// Proves: docs/tls.md#byte-stream
serviceTest(import.meta.url, 'HTTPS: curl, fetch and node:https are served', async (skynet) => {
  await using server = await serve(skynet)
  const url = `https://localhost:${server.port}`
  const ca = fileOf(skynet, 'ca.pem', CA)
  const program = `const all = [1, 2, 3].map((n) => fetch('${url}/' + n).then((r) => r.text()))
    process.stdout.write((await Promise.all(all)).join())`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca }
  const words = ['--input-type=module', '-e', program]
  const { stdout } = await run(process.execPath, words, { env })
  assert.equal(stdout, 'true /1,true /2,true /3')

  const [response] = await once(get(`${url}/https`, { ca: CA }), 'response')
  assert.equal(String(await response.toArray()), 'true /https')

  if (!has('curl', '--version')) return skynet.log(leftOut('curl'))
  const curl = await run('curl', ['-sS', '--cacert', ca, `${url}/a`, `${url}/b`])
  assert.equal(curl.stdout, 'true /atrue /b')
  await assert.rejects(run('curl', ['-sS', `${url}/a`]), /certificate/)
  for (const version of ['1.2', '1.3']) {
    const only = [`--tlsv${version}`, '--tls-max', version]
    assert.equal((await run('curl', [...only, '-sS', '--cacert', ca, url])).stdout, 'true /')
  }
})

// Proves: docs/tls.md#behind-proxy
serviceTest(import.meta.url, 'HTTPS behind a proxy, which curl says it is', async (skynet) => {
  if (!has('curl', '--version')) return skynet.log(leftOut('curl'))
  const below = withProxy(await listen(skynet), { trust: [HOST] })
  await using server = await serveHttp(skynet, {
    listener: await listenTls(skynet, { listener: below, tls: LOCAL }),
    handler: (request, response) => void response.end(request.socket.remoteAddress),
  })
  const ca = fileOf(skynet, 'ca.pem', CA)
  const url = `https://localhost:${server.port}`
  const words = ['-sS', '--ipv4', '--cacert', ca, '--haproxy-protocol', url]
  assert.equal((await run('curl', words)).stdout, HOST)
})

serviceTest(import.meta.url, 'openssl s_client talks to us, with both versions', async (skynet) => {
  if (!has('openssl', 'version')) return skynet.log(leftOut('openssl'))
  const listener = await listenLocal(skynet, { ...LOCAL, contexts: { 'a.test': CERTIFICATES.a } })
  skynet.fork(async () => {
    for await (const stream of listener) {
      stream.write(`${stream.protocol} ${stream.servername}\n`)
      void stream.close()
    }
  })
  const ca = fileOf(skynet, 'ca.pem', CA)
  const to = ['s_client', '-connect', `${HOST}:${listener.port}`, '-CAfile', ca]
  for (const [flag, version] of [
    ['-tls1_2', 'TLSv1.2'],
    ['-tls1_3', 'TLSv1.3'],
  ] as const) {
    const words = [...to, flag, '-servername', 'a.test', '-verify_return_error', '-ign_eof']
    const { stdout } = await run('openssl', words)
    assert.match(stdout, RegExp(`${version} a\\.test`))
    assert.match(stdout, /Verify return code: 0 \(ok\)/)
    assert.match(stdout, /subject=CN ?= ?a\.test/)
  }
  await listener.close()
})

serviceTest(
  import.meta.url,
  'openssl s_client changes its keys, and has ours changed',
  async (skynet) => {
    if (!has('openssl', 'version')) return skynet.log(leftOut('openssl'))
    await using listener = await listenLocal(skynet)
    skynet.fork(async () => {
      for await (const stream of listener) {
        skynet.fork(async () => {
          for await (const bytes of stream) stream.write(bytes)
        })
      }
    })
    const words = ['s_client', '-connect', `${HOST}:${listener.port}`, '-tls1_3']
    const client = spawn('openssl', words)
    let said = ''
    for (const output of [client.stdout, client.stderr]) {
      output.setEncoding('utf8').on('data', (text) => {
        said += text
      })
    }
    await until('it is there', () => said.includes('Verify return code'))
    for (const [round, word] of ['one', 'two', 'three'].entries()) {
      // A line of that alone is an order: new keys, also for what is sent to it.
      client.stdin.write('K\n')
      await until('keys are changed', () => said.split('KEYUPDATE').length > round + 1)
      client.stdin.write(`${word}\n`)
      await until('it came back', () => said.includes(`${word}\n`))
    }
    client.stdin.end()
    await once(client, 'close')
  },
)

// Proves: docs/tls.md#byte-stream
serviceTest(import.meta.url, 'WebSockets over TLS: ours, and those of ws', async (skynet) => {
  const listener = await listenLocal(skynet)
  const server = await listenWebSocket(skynet, { listener, path: '/chat' })
  skynet.fork(async () => {
    for await (const stream of server) skynet.fork(() => stream.each((m) => void stream.send(m)))
  })
  const url = `wss://localhost:${listener.port}/chat`
  const ours = await connectWebSocket(skynet, url, {
    connect: (to) => connectTls(skynet, { ...to, tls: { ca: CA } }),
  })
  ours.send('secret')
  assert.equal(await ours.receive(), 'secret')
  await ours.close()

  const client = new WebSocket(url, { ca: CA })
  await once(client, 'open')
  client.send('secret too')
  assert.equal(String((await once(client, 'message'))[0]), 'secret too')
  client.close(1000)
  await once(client, 'close')
  await server.close()
})

// Proves: docs/tls.md#byte-stream
serviceTest(import.meta.url, 'a channel talks TLS to redis-server', async (skynet) => {
  if (!isRedisInstalled()) return skynet.log(REDIS_LEFT_OUT)
  const port = await freePort()
  const files = ['--tls-cert-file', fileOf(skynet, 'cert.pem', CERTIFICATES.local.cert)]
  files.push('--tls-key-file', fileOf(skynet, 'key.pem', CERTIFICATES.local.key))
  files.push('--tls-ca-cert-file', fileOf(skynet, 'ca.pem', CA))
  await using _server = await RedisServer.start('--tls-port', `${port}`, ...files)
  const tls = { ca: CA, ...CERTIFICATES.client }
  await using redis = socketChannel<Reply>(skynet, {
    port,
    parser: (answers) => new RespParser(answers),
    open: (endpoint, limits) => connectTls(skynet, { ...endpoint, ...limits, tls }),
  })
  const ask = (...words: string[]): Promise<Reply> => redis.request(encode(words))
  assert.equal(String(await ask('SET', 'key', 'x'.repeat(100_000))), 'OK')
  const got = await Promise.all(Array.from({ length: 20 }, () => ask('GET', 'key')))
  for (const value of got) assert.equal(String(value).length, 100_000)
})

const frames = { header: 'u16be' } as const

clientTransportSuite('tcp() over TLS:', (title, body) => {
  serviceTest(import.meta.url, title, async (skynet) => {
    const open = tcp({ frames, listen: () => listenLocal(skynet) })
    await body({
      open: (door) => open.open(skynet, door),
      connect: async ({ port }) => framed(await connectLocal(skynet, port), frames),
    })
  })
})
