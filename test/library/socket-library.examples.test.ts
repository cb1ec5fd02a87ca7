import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../support/free-port.ts'
import { heard } from '../support/heard.ts'

const DIST = fileURLToPath(new URL('../../', import.meta.url))
const EXAMPLES = join(DIST, 'examples', 'socket-server')
const timeout = 60_000

/** Start a program that runs for ever. Gives its lines, one after the other. */
function start(t: TestContext, name: string, port: number): () => Promise<string> {
  const child = spawn(process.execPath, [join(EXAMPLES, `${name}.js`), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return async () => (await lines.next()).value as string
}

async function printed(name: string, port: number): Promise<string> {
  const program = join(EXAMPLES, `${name}.js`)
  return (await promisify(execFile)(process.execPath, [program, String(port)])).stdout
}

test('tcp-server and tcp-client talk, and print what happens', { timeout }, async (t) => {
  const port = await freePort()
  const line = start(t, 'tcp-server', port)
  let first = connect(port, '127.0.0.1')
  for (let isUp = false; !isUp; ) {
    isUp = await once(first, 'connect').then(
      () => true,
      () => delay(20).then(() => false),
    )
    if (!isUp) first = connect(port, '127.0.0.1')
  }
  assert.equal(await line(), 'Accept new connection: id=2')
  first.write('hello')
  assert.equal(await heard(first), 'hello')
  assert.equal(await line(), 'Recv data: id=2, size=5')

  assert.equal(await printed('tcp-client', port), 'Connected: id=1\nResponse: Hello Server\n')
  assert.equal(await line(), 'Accept new connection: id=3')
  assert.equal(await line(), 'Recv data: id=3, size=12')
  assert.equal(await line(), 'Connection closed: id=3')

  first.resetAndDestroy()
  assert.equal(await line(), 'Socket error: id=2')
  assert.equal(await line(), 'Connection closed: id=2')
})

test('tcp-client talks to a server of node:net, and ends when there is none', {
  timeout,
}, async () => {
  const server = createServer((socket) => {
    socket.on('data', (data) => socket.write(`you said ${data}`))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  assert.equal(
    await printed('tcp-client', port),
    'Connected: id=1\nResponse: you said Hello Server\n',
  )
  server.close()
  await once(server, 'close')
  assert.match(await printed('tcp-client', port), /^Socket error: id=1: ECONNREFUSED .*\n$/)
})

test('udp-server answers every datagram, and prints it', { timeout }, async (t) => {
  const port = await freePort()
  const line = start(t, 'udp-server', port)
  const client = createSocket('udp4')
  t.after(() => client.close())
  // Nobody receives before the program is up.
  const timer = setInterval(() => client.send('anybody?', port, '127.0.0.1'), 50)
  t.after(() => clearInterval(timer))
  const [reply, from] = (await once(client, 'message')) as [Buffer, AddressInfo]
  assert.deepEqual([String(reply), from.port], ['UDP Reply', port])
  assert.equal(await line(), 'UDP recv: anybody?')
})

test('the door leads to sockets alone: no services, no worker threads', () => {
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const [, what, name] of readFileSync(path, 'utf8').matchAll(/^(.*) from '([^']+)'/gm)) {
      // Whose standard output it is may be asked.
      if (name === 'node:worker_threads') assert.match(what!, /^import \{ isMainThread \}$/, path)
      if (name!.startsWith('.')) visit(join(dirname(path), name!))
    }
  }
  visit(join(DIST, 'src', 'socket-server.js'))
  const floors = new Set([...seen].map((path) => path.slice(DIST.length).split('/').at(1)))
  assert.ok(seen.size > 20)
  assert.deepEqual([...floors].sort(), ['base', 'net', 'os', 'shm', 'socket-server.js', 'threads'])
  assert.deepEqual(
    [...seen].filter((path) => path.includes('/threads/')),
    [join(DIST, 'src', 'threads', 'standalone.js')],
  )
})
