import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compilerOf, OUR_COMPILER, oldestCompiler } from '../support/compilers.ts'
import { installPacked } from '../support/packed.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MODULES = join(ROOT, 'node_modules')

test('the packed package type-checks strictly, and runs services in TypeScript', async (t) => {
  const folder = installPacked(t)
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  for (const [, name, text] of readme.matchAll(/```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)```/g)) {
    writeFileSync(join(folder, name!), text!.replace('7000', '0'))
  }
  const [options] = /\{ "compilerOptions": .*\} \}/.exec(readme)!
  writeFileSync(join(folder, 'tsconfig.json'), options)
  execFileSync(process.execPath, [join(MODULES, 'typescript', 'bin', 'tsc'), '-p', folder])

  const cli = join(folder, 'node_modules', 'skynet-ts', 'dist', 'lib', 'cli', 'main.js')
  const node = spawn(process.execPath, [cli, 'start', 'skynet.config.ts'], { cwd: folder })
  t.after(() => node.kill('SIGKILL'))
  node.stderr.pipe(process.stderr)
  let said = ''
  for await (const line of createInterface(node.stdout)) {
    said = line
    if (line.includes('listening on 127.0.0.1:')) break
  }
  assert.match(said, /main\] listening on 127\.0\.0\.1:\d+$/)
  node.kill('SIGTERM')
  assert.deepEqual(await once(node, 'exit'), [0, null])

  // The loader of TypeScript loads what comes behind the config again.
  const early = `import { defineService } from 'skynet-ts'
export default defineService(async () => {
  process.kill(process.pid, 'SIGTERM')
  await new Promise(() => {})
})
`
  writeFileSync(join(folder, 'main.ts'), early)
  const start = spawn(process.execPath, [cli, 'start', 'skynet.config.ts'], { cwd: folder })
  t.after(() => start.kill('SIGKILL'))
  let told = ''
  start.stderr.on('data', (chunk: Buffer) => {
    told += chunk
  })
  assert.deepEqual(await once(start, 'close'), [0, null], told)
  assert.match(told, /SIGTERM: stopping.*\nskynet: stopped\n$/)
})

/** Of each door something, and what compilers have differed about. */
const USER = `import { defineService, supervise, UdpAddress } from 'skynet-ts'
import { defineProtocol, json, seri, type StandardSchema } from 'skynet-ts/codec'
import { type AnswerSink, socketChannel } from 'skynet-ts/channel'
import { connect } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { sprotoProtocol } from 'skynet-ts/client/sproto'
import { type NatsOptions, natsCluster } from 'skynet-ts/cluster-nats'
import { type HttpServer, serveHttp, StreamDuplex } from 'skynet-ts/http'
import { msgpack } from 'skynet-ts/msgpack'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { protobuf } from 'skynet-ts/protobuf'
import { luaValues, skynetCluster } from 'skynet-ts/skynet-cluster'
import { createSocketServer } from 'skynet-ts/socket-server'
import { FakeClock, testNode, testService } from 'skynet-ts/testing'
import { sproto } from 'skynet-ts/codec'
const game = sproto(\`
.package { type 0 : integer session 1 : integer }
.Item { id 0 : integer tags 1 : *string }
say 1 { request { items 0 : *Item(id) } response { ok 0 : boolean } }
\`)
const bot = connect(sprotoProtocol({ calls: game, login: 'Item' }), {
  transport: framedTcp({ port: 7000 }),
  login: { id: 1, tags: ['bot'] },
})
export const isSaid: Promise<boolean | undefined> = bot.call
  .say({ items: [{ id: 1 }] })
  .then((answer) => answer.ok)
// @ts-expect-error ids are integers
bot.send.say({ items: [{ id: 'x' }] })
export function said(bytes: Uint8Array): readonly string[] | undefined {
  const message = game.host('package').attach(game).dispatch(bytes)
  if (message.type === 'response') return message.response.ok === true ? [] : undefined
  message.respond?.({ ok: true })
  return message.request.items?.get(1)?.tags
}
const room = defineService((skynet, name: string) => {
  return { join: (n: number) => n + skynet.self, name }
})
export async function use(): Promise<number> {
  const service = await testService(room, {
    args: ['a'],
    clock: new FakeClock(),
    peers: { '.bank': { charge: () => {}, refund: (sum: number) => sum } },
  })
  const node = await testNode({ peers: { '.bank': { charge: () => {} } } })
  for await (const message of (await node.skynet.multicast.new<string>()).subscribe()) {
    message.toUpperCase()
  }
  return service.call.join(1)
}
declare const x: StandardSchema<{ x: string }, { x: number }>
declare const none: StandardSchema<undefined>
const protocol = defineProtocol({ codec: json(), messages: { x, none } })
const message = protocol.decode(protocol.encode({ type: 'x', value: { x: '1' } }))
if (message.type === 'x') message.value.x.toFixed()
protocol.encode({ type: 'none' })
// @ts-expect-error there is no such message
protocol.encode({ type: 'y' })
// @ts-expect-error it has a value
protocol.encode({ type: 'x' })
// @ts-expect-error it is text
protocol.encode({ type: 'x', value: { x: 1 } })
// @ts-expect-error which one it is has not been asked
message.value.x
const read = (schema: { id: 1 }, bytes: Uint8Array) => ({ at: schema.id + bytes.length })
const number = protobuf({ id: 1 }, read, () => Buffer.alloc(0)).decode(Buffer.alloc(0)).at
// @ts-expect-error a list of values
seri().encode(number)
export const web = defineService(async (skynet) => {
  const server: HttpServer = await serveHttp(skynet, {
    port: 0,
    handler: ({ url }, response) => response.end(url?.trim()),
  })
  const listener = await skynet.socket.listen({ port: 0 })
  const addressOf = ({ headers }: { headers: { host?: string } }): string => headers.host ?? ''
  await serveHttp(skynet, { listener, handler() {}, addressOf })
  // @ts-expect-error it listens, or is given who listens
  await serveHttp(skynet, { port: 0, listener, handler() {} })
  // @ts-expect-error there is somebody who answers
  await serveHttp(skynet, { port: 0 })
  server.upgrade('/x', async ({ headers }, stream) => {
    stream.write(headers.upgrade ?? '')
    new StreamDuplex(skynet, stream).detach().end()
  })
  return { close: (): Promise<void> => server.close({ graceMs: 1 }) }
})
export const asker = defineService((skynet) => {
  const to = { port: 1, backup: ['other'] }
  const channel = socketChannel(skynet, to)
  const sessions = socketChannel(skynet, {
    ...to,
    async response(input) {
      return { session: (await input.read(4)).readUInt32BE(), ok: true, data: 'x' }
    },
  })
  const parsed = socketChannel(skynet, {
    ...to,
    parser: (answers: AnswerSink<Date>) => ({ take: () => answers.answer(new Date()) }),
    auth: async (own) => (await own.request('x')).getTime(),
  })
  return {
    async ask(): Promise<number> {
      const line = await channel.request('x', async (input) => {
        const data = await input.readLine()
        return data === '' ? { ok: false, data: 'no' } : { ok: true, data }
      })
      // @ts-expect-error sessions are numbers
      sessions.request('x', 'y')
      const text = await sessions.request('x', 1)
      return line.length + text.length + (await parsed.request('x')).getTime()
    },
  }
})
const lua = defineService(() => ({ several: () => luaValues(1, 'a'), one: (x: string) => x }))
export const caller = defineService((skynet) => {
  const cluster = skynetCluster(skynet, { nodes: { db: '127.0.0.1:1', old: false } })
  const far = cluster.ref<typeof lua>('db', '@lua')
  return {
    async ask(): Promise<string> {
      const first: 1 = await far.with({ timeoutMs: 10 }).call.several()
      // @ts-expect-error it takes text
      await far.call.one(1)
      const snax = await cluster.snax('db', 'x', ['response.ping', 'accept.hello'])
      // @ts-expect-error it is not answered
      await snax.req.hello()
      return (await far.call.one('x')) + first
    },
  }
})
const nats: NatsOptions = { servers: ['127.0.0.1'] }
export const { store } = natsCluster({ cluster: 'game', node: 'a', ...nats })
export const bytes = [seri().encode([number]), msgpack<number>().encode(number)]
export const all = [supervise, UdpAddress.of, resolveConfig, startNode, createSocketServer]
`

/** A file that imports each door of the package, so that all of its types are read. */
function importOfDoors(): string {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const typed = Object.keys(exports).filter((door) => exports[door].types !== undefined)
  assert.ok(typed.length > 20)
  return typed.map((door, at) => `export * as d${at} from 'skynet-ts${door.slice(1)}'\n`).join('')
}

test('the packed types are good for old compilers and targets, checked to the last file', (t) => {
  const folder = installPacked(t)
  writeFileSync(join(folder, 'user.ts'), USER)
  writeFileSync(join(folder, 'doors.ts'), importOfDoors())
  for (const tsc of [oldestCompiler(), compilerOf('5.9'), OUR_COMPILER]) {
    const flags = ['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck', 'false']
    const files = ['user.ts', 'doors.ts']
    const words = [tsc, '--noEmit', '--strict', '--types', 'node', ...flags, ...files]
    const { stdout, status } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
    assert.ok(status === 0 || status === 2, stdout)
    // Those of Node.js itself, as they are now, are too new for the oldest compiler.
    const lines = stdout.split('\n').filter((line) => /^\S+\(\d+,\d+\): /.test(line))
    assert.deepEqual(
      lines.filter((line) => !/\bnode_modules\/@types\//.test(line)),
      [],
      tsc,
    )
  }
})

test('a door that needs a package says which, when it is used', (t) => {
  const folder = installPacked(t)
  const program = `import { natsCluster } from 'skynet-ts/cluster-nats'
import { msgpack } from 'skynet-ts/msgpack'
const { store } = natsCluster({ cluster: 'game', node: 'a', servers: '127.0.0.1' })
for (const use of [() => msgpack(), () => store.open()]) {
  try {
    await use()
  } catch (error) {
    console.log(error.code, error.message)
  }
}
`
  writeFileSync(join(folder, 'main.js'), program)
  const printed = execFileSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' })
  const sentence = (door: string, name: string): string =>
    `ERR_PACKAGE_MISSING Cannot use ${door} without the package ${name}: npm install ${name}\n`
  const needed = [
    sentence('skynet-ts/msgpack', 'msgpackr'),
    sentence('skynet-ts/cluster-nats', '@nats-io/transport-node@3.3.1'),
  ]
  assert.equal(printed, needed.join(''))
})

const FIXTURES = join(ROOT, 'test', 'fixtures')
/** What a module of the fixtures imports beside it. */
const BESIDE = ['near', 'kind', 'takes-function'].map((name) => join('imported', `${name}.ts`))
const EXPECTED = /^ *\/\/ @ts-expect-error (.+)$/

// Proves: docs/messages.md#sendable
test('what must not compile does not, and is told why, by old compilers and new ones', (t) => {
  const folder = installPacked(t)
  mkdirSync(join(folder, 'imported'))
  for (const name of ['right-uses.ts', ...BESIDE]) {
    writeFileSync(join(folder, name), readFileSync(join(FIXTURES, name)))
  }
  const lines = readFileSync(join(FIXTURES, 'wrong-uses.ts'), 'utf8').split('\n')
  const wanted = lines.flatMap((line, at) => {
    const text = EXPECTED.exec(line)?.[1]
    return text === undefined ? [] : [{ at: at + 2, text }]
  })
  assert.ok(wanted.length > 20)
  writeFileSync(join(folder, 'wrong-uses.ts'), lines.join('\n').replaceAll('@ts-expect-error', ''))
  for (const tsc of [oldestCompiler(), compilerOf('5.9'), OUR_COMPILER]) {
    const flags = ['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck']
    const all = [...flags, '--strict', '--target', 'es2022', '--allowImportingTsExtensions']
    const words = [tsc, '--noEmit', '--types', 'node', ...all, 'right-uses.ts', 'wrong-uses.ts']
    const { stdout } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
    const errors = stdout.split(/\n(?=\S)/).filter((error) => !/node_modules\/@types\//.test(error))
    const found = errors.map((error) => Number(/^wrong-uses\.ts\((\d+),/.exec(error)?.[1]))
    assert.deepEqual(found, found.filter(Number), `${tsc}: ${stdout}`)
    for (const { at, text } of wanted) {
      const error = errors[found.findIndex((line) => line >= at && line < at + 4)]
      assert.ok(error?.includes(text), `${tsc}: line ${at}: ${text}: ${error}`)
    }
  }
})

test('the packed package holds no tests, and the documents that its README names', (t) => {
  const folder = installPacked(t)
  const target = join(folder, 'node_modules', 'skynet-ts')
  const files = execFileSync('find', [target, '-type', 'f'], { encoding: 'utf8' })
  assert.doesNotMatch(files, /\.(test|suite)\./)
  assert.doesNotMatch(files, /skynet-v/, 'nothing that is of one place, and of one Node.js')
  const kit = [...files.matchAll(/\/testing\/(\S+)\.d\.ts\n/g)].map((match) => match[1]!)
  const door = ['fake-clock', 'probe', 'recording-router', 'stand-ins', 'test-client']
  door.push('test-node', 'test-service')
  const load = ['faulty-links', 'load-driver', 'load-report', 'stream-transport']
  door.push(...load.map((name) => `load/${name}`))
  assert.deepEqual(kit.sort(), door.sort(), 'the kit alone, not what our own tests simulate')
  const map = readFileSync(join(target, 'dist/lib/runtime/common.cjs.map'), 'utf8')
  const { sources, sourcesContent } = JSON.parse(map)
  assert.ok(sources.every((source: string) => /\/src\/.*\.ts$/.test(source)))
  assert.ok(sourcesContent.every((text: unknown) => typeof text === 'string'))
  const readme = readFileSync(join(target, 'README.md'), 'utf8')
  for (const [, name] of readme.matchAll(/\]\((docs\/[\w-]+\.md)/g)) {
    assert.ok(files.includes(`/${name}\n`), name)
  }
})

test('the packed package has the socket server alone, typed and without a node', (t) => {
  const folder = installPacked(t)
  const program = `import { createSocketServer, type SocketEvent } from 'skynet-ts/socket-server'
const server = createSocketServer()
server.start(server.listen({ host: '127.0.0.1', port: 0 }))
for (const event of server.poll({ timeoutMs: 60_000 })) tell(event)
server.release()
function tell(event: SocketEvent): void {
  if (event.type === 'open') console.log(event.text, event.port > 0)
}
`
  writeFileSync(join(folder, 'main.ts'), program)
  const flags = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
  const tsc = join(MODULES, 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [tsc, ...flags, 'main.ts'], { cwd: folder })
  const printed = execFileSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' })
  assert.equal(printed, '127.0.0.1 true\nstart false\n')
})
