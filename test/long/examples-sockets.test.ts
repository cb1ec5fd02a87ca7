import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { heard } from '../support/heard.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MODELS = join(ROOT, 'dist', 'bench', 'models')
const DOC = readFileSync(join(ROOT, 'docs', 'sockets.md'), 'utf8')
const SERVERS = ['process-per-connection', 'thread-per-connection', 'one-loop', 'net-loop'] as const
/** Longer than anything here takes. */
const timeout = 60_000
const SILENCE_MS_MAX = 60_000
const LINUX = process.platform === 'linux'

interface Server {
  readonly port: number
  /** Ends its standard input. Resolves with how the program ended. */
  stop(): Promise<number | null>
}

async function start(t: TestContext, name: string): Promise<Server> {
  const program = join(MODELS, `${name}.js`)
  const child = spawn(process.execPath, [program, '0'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) {
    const port = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
    if (port === undefined) continue
    const stop = async (): Promise<number | null> => {
      child.stdin.end()
      const [code] = await exited
      return code
    }
    return { port: Number(port), stop }
  }
  throw new Error(`${name} does not listen`)
}

async function dial(t: TestContext, port: number): Promise<Socket> {
  const client = connect({ host: '127.0.0.1', port })
  // The last one is cut when its server stops: by FIN or by RST.
  client.on('error', () => {})
  t.after(() => client.destroy())
  await once(client, 'connect')
  return client
}

async function lineOf(client: Socket): Promise<string> {
  let text = ''
  while (!text.endsWith('\n')) text += await heard(client)
  return text
}

async function run(name: string, ...args: string[]): Promise<string> {
  const program = join(MODELS, `${name}.js`)
  return (await promisify(execFile)(process.execPath, [program, ...args])).stdout
}

for (const name of SERVERS) {
  test(`${name} serves three clients at once, and ends with its standard input`, {
    timeout,
    skip: name === 'one-loop' && !LINUX,
  }, async (t) => {
    const server = await start(t, name)
    const clients = [
      await dial(t, server.port),
      await dial(t, server.port),
      await dial(t, server.port),
    ]
    for (const [i, client] of clients.entries()) client.write(`line ${i}\n`)
    const lines = await Promise.all(clients.map(lineOf))
    assert.deepEqual(lines, ['line 0\n', 'line 1\n', 'line 2\n'])

    const [first, second, third] = clients as [Socket, Socket, Socket]
    const ended = [once(first, 'close'), once(second, 'close')]
    first.end()
    second.end()
    await Promise.all(ended)
    // 11 bytes: a count that is also the number of EAGAIN on Linux.
    third.write('once again\n')
    assert.equal(await lineOf(third), 'once again\n')

    const cut = once(third, 'close')
    assert.equal(await server.stop(), 0)
    await cut
    assert.equal(third.bytesRead, 'line 2\nonce again\n'.length)
  })
}

test('one-loop sends back more than the kernel takes at once', {
  timeout,
  skip: !LINUX,
}, async (t) => {
  const server = await start(t, 'one-loop')
  const client = await dial(t, server.port)
  const bytes = Buffer.alloc(16 * 1024 * 1024).map((_, i) => (i * 2_654_435_761) >>> 24)
  // Nothing is read before all is written or stuck: the server must meet a full buffer.
  client.pause().end(bytes)
  while (client.bytesWritten < 1024 * 1024) await new Promise(setImmediate)
  client.setTimeout(SILENCE_MS_MAX, () => {
    client.destroy(new Error(`nothing more came after ${client.bytesRead} bytes`))
  })
  const chunks: Buffer[] = []
  for await (const chunk of client) chunks.push(chunk as Buffer)
  assert.ok(Buffer.concat(chunks).equals(bytes))
  assert.equal(await server.stop(), 0)
})

for (const name of ['edge-trigger', 'datagrams']) {
  test(`${name} prints what docs/sockets.md shows`, { timeout, skip: !LINUX }, async () => {
    const printed = await run(name)
    assert.ok(DOC.includes(`\`\`\`\n${printed}\`\`\``), printed)
  })
}

test('measure prints what each model costs', { timeout, skip: !LINUX }, async () => {
  const [, ...rows] = (await run('measure', '2', '5')).trimEnd().split('\n')
  const names = rows.map((row) => row.split(/ {2,}/)[0])
  assert.deepEqual(names, [
    'process per connection',
    'thread per connection',
    'one loop',
    'one loop (node:net)',
  ])
  for (const row of rows) {
    assert.match(row, / (< 1|\d+) KiB +[\d.]+ us +x[\d.]+ +[\d.]+ us +x[\d.]+ +\d+\.\d\d$/)
    assert.doesNotMatch(row, / 0\.0 us/)
  }
})

test('docs/sockets.md shows code as the programs have it, and names files that exist', () => {
  const snippets = [...DOC.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)]
  assert.ok(snippets.length >= 4)
  for (const [, file, text] of snippets) {
    assert.ok(readFileSync(join(ROOT, file!), 'utf8').includes(text!), `${file}:\n${text}`)
  }
  const programs = [...DOC.matchAll(/dist\/(\S+)\.js/g)].map(([, path]) => `${path}.ts`)
  const files = [...DOC.matchAll(/`((?:src|bench|docs)\/[\w./-]+\.\w+)`/g)].map(([, path]) => path!)
  assert.ok(programs.length >= 5 && files.length >= 10)
  for (const path of [...programs, ...files]) assert.ok(existsSync(join(ROOT, path)), path)
})
