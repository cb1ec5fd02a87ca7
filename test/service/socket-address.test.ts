/** Where sockets listen and connect: IPv6, both stacks, Unix domain sockets; and their options. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Listener, Skynet } from 'skynet-ts'
import { posixOs } from '../../src/os/posix.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { dial } from '../support/sockets.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

/** Answer one client with what it says, from a listener that is given. */
async function echoOnce(
  skynet: Skynet,
  listener: Listener,
  client: Parameters<Skynet['socket']['connect']>[0],
) {
  const [ours, theirs] = await Promise.all([listener.accept(), skynet.socket.connect(client)])
  theirs.write('hello')
  ours!.write(await ours!.read(5))
  assert.equal(String(await theirs.read(5)), 'hello')
  const { remoteAddress } = ours!
  await Promise.all([ours!.close(), theirs.close()])
  return remoteAddress
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'skynet-unix-'))
  process.on('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

// Proves: docs/semantics.md#listen-where
// Proves: docs/skynet.md#address
check('listen() and connect() work over IPv6, and :: takes IPv4 as well', async (skynet) => {
  await using six = await skynet.socket.listen({ host: '::1', port: 0 })
  assert.match(six.address, /^\[::1\]:\d+$/)
  assert.match(await echoOnce(skynet, six, { host: '::1', port: six.port }), /^\[::1\]:\d+$/)
  await using both = await skynet.socket.listen({ host: '::', port: 0 })
  await echoOnce(skynet, both, { host: '127.0.0.1', port: both.port })
  await echoOnce(skynet, both, { host: '::1', port: both.port })
})

/** `fe80::…%eth0`; undefined where no interface has such an address. */
function linkLocal(): string | undefined {
  for (const [zone, addresses = []] of Object.entries(networkInterfaces())) {
    const own = addresses.find((each) => each.family === 'IPv6' && each.scopeid > 0)
    if (own !== undefined) return `${own.address}%${zone}`
  }
  return undefined
}

const host = linkLocal()
if (host !== undefined) {
  check('a link-local address is reached by the zone in it', async (skynet) => {
    await using listener = await skynet.socket.listen({ host, port: 0 })
    const peer = await echoOnce(skynet, listener, { host, port: listener.port })
    assert.match(peer, /^\[fe80::[^%]+%\d+\]:\d+$/)
  })
}

// Proves: docs/semantics.md#listen-where
check('listen() with ipv6Only leaves IPv4 out', async (skynet) => {
  await using only = await skynet.socket.listen({ host: '::', port: 0, ipv6Only: true })
  await echoOnce(skynet, only, { host: '::1', port: only.port })
  const refused = skynet.socket.connect({ host: '127.0.0.1', port: only.port })
  await assert.rejects(refused, { code: 'ERR_CONNECT' })
})

// Proves: docs/semantics.md#listen-where
check('listen() with reusePort shares a port, without it does not', async (skynet) => {
  const host = '127.0.0.1'
  await using first = await skynet.socket.listen({ host, port: 0, reusePort: true })
  const { port } = first
  await using second = await skynet.socket.listen({ host, port, reusePort: true })
  assert.equal(second.port, port)
  await assert.rejects(skynet.socket.listen({ host, port }), { code: 'ERR_LISTEN' })
})

// Proves: docs/semantics.md#listen-where
check(
  'Unix domain sockets: listen, connect, and the file goes with the listener',
  async (skynet) => {
    const path = join(folder(), 'node.sock')
    const listener = await skynet.socket.listen({ path })
    assert.equal(listener.address, `unix:${path}`)
    await echoOnce(skynet, listener, { path })
    await assert.rejects(skynet.socket.listen({ path }), /EADDRINUSE/)
    listener.close()
    assert.equal(existsSync(path), false)
    await assert.rejects(skynet.socket.connect({ path }), /unix:.*ENOENT/)
  },
)

// Proves: docs/semantics.md#listen-where
check('listen() takes the path of a Unix server that has died', async (skynet) => {
  const path = join(folder(), 'node.sock')
  const os = posixOs()
  os.close(os.listen({ family: 'unix', path }, 1))
  assert.equal(existsSync(path), true, 'as kill -9 leaves it')
  await using listener = await skynet.socket.listen({ path })
  await echoOnce(skynet, listener, { path })
})

check('an endpoint that makes no sense is refused and named', async (skynet) => {
  const { socket } = skynet
  await assert.rejects(socket.listen({}), /'port' must be a whole number in 0\.\.65535/)
  await assert.rejects(socket.connect({ path: '/x', port: 1 }), /'path' must be alone/)
  await assert.rejects(socket.listen({ path: 'x'.repeat(108) }), /of 1..107 bytes, not of 108/)
  await assert.rejects(socket.connect({ path: '' }), /'path' must be a string, not empty/)
})

const at = (port: number): string => `127.0.0.1:${port}`

// Proves: docs/semantics.md#netstat
check('netstat() shows every socket with its state, owner and bytes', async (skynet) => {
  const before = new Set(skynet.socket.netstat().map(({ id }) => id))
  await using listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const [client, accepted] = await Promise.all([dial(listener.port), listener.accept()])
  const connection = accepted!
  client.write('12345')
  await connection.read(5)
  connection.write('123')
  await connection.drain()
  const now = skynet.socket.netstat().filter(({ id }) => !before.has(id))
  const owner = skynet.self
  assert.ok(now[1]!.readAt > 0 && now[1]!.wroteAt > 0, 'when bytes last came and left')
  const common = { protocol: 'TCP', owner, queued: 0, reading: true, writing: false }
  assert.deepEqual(
    now.map(({ readAt, wroteAt, ...info }) => info),
    [
      {
        ...common,
        id: listener.id,
        state: 'LISTEN',
        received: 1,
        sent: 0,
        address: at(listener.port),
      },
      {
        ...common,
        id: connection.id,
        state: 'CONNECTED',
        received: 5,
        sent: 3,
        address: at(client.localPort!),
      },
    ],
  )
  await connection.close()
  client.destroy()
})

// Proves: docs/semantics.md#socket-arguments
check('setOption() sets what the system knows, and says what it refuses', async (skynet) => {
  await using listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const [client, connection] = await Promise.all([dial(listener.port), listener.accept()])
  connection!.setOption('keepIdleSeconds', 30)
  connection!.setOption('userTimeoutMs', 5000)
  connection!.setOption('noDelay', 1)
  const refused = { code: 'ERR_SYSCALL', message: /set ipv6Only to 1: E/ }
  assert.throws(() => connection!.setOption('ipv6Only', 1), refused)
  assert.throws(() => connection!.setOption('color' as 'noDelay', 1), /"color"/)
  await connection!.close()
  client.destroy()
})
