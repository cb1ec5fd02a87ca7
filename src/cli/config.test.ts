import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { isSkynetError } from '../base/errors.ts'
import {
  CLUSTER_BUILD_BYTES_MAX,
  CLUSTER_NAME_BYTES_MAX,
  EXIT_MS,
  GRACE_MS,
  MONITOR_INTERVAL_MS,
} from '../base/limits.ts'
import { BUDGETS, SOCKET_DEFAULTS } from '../threads/options.ts'
import type { ClusterParts } from './cluster-config.ts'
import { defineConfig, loadConfig, resolveConfig } from './config.ts'

function configFile(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

function json(t: TestContext, config: object): string {
  return configFile(t, 'skynet.json', JSON.stringify(config))
}

const messageIs = (code: Parameters<typeof isSkynetError>[1], pattern: RegExp) => (error: Error) =>
  isSkynetError(error, code) && pattern.test(error.message)

test('loadConfig() completes a config that says only where to start', async (t) => {
  const file = configFile(t, 'skynet.config.mjs', "export default { start: './main.ts' }")
  assert.deepEqual(await loadConfig(file), {
    start: join(dirname(file), 'main.ts'),
    args: [],
    thread: availableParallelism(),
    dedicated: 8,
    harbor: 0,
    logger: undefined,
    logservice: undefined,
    logFormat: 'text',
    daemon: undefined,
    crashFolder: undefined,
    env: {},
    callTimeoutMs: 0,
    cluster: undefined,
    profile: false,
    monitorMs: MONITOR_INTERVAL_MS,
    monitorAction: 'keep',
    graceMs: GRACE_MS,
    startMs: 0,
    exitMs: EXIT_MS,
    memoryLimitMb: 0,
    services: [],
    socket: SOCKET_DEFAULTS,
    cpus: [],
    budgets: BUDGETS,
  })
})

test('resolveConfig() names the part of `socket` that is wrong', () => {
  const start = 'a.ts'
  const resolve = (socket: object) => () => resolveConfig({ start, socket })
  const value = /^Cannot use config 'socket.sendPolicy' as .*'close' or .*: current value is 'x'$/
  assert.throws(resolve({ sendPolicy: 'x' as never }), messageIs('ERR_CONFIG_VALUE', value))
  const bounds = /'socket.lingerMs' as it must be an integer in .*: current value is -1/
  assert.throws(resolve({ idleTimeoutMs: 0, lingerMs: -1 }), messageIs('ERR_CONFIG_VALUE', bounds))
  const key = /'socket.linger': unknown; known keys are socket.sendL/
  assert.throws(resolve({ linger: 1 }), messageIs('ERR_CONFIG_KEY', key))
  assert.throws(resolve([]), messageIs('ERR_CONFIG_VALUE', /'socket' as/))
})

test('loadConfig() fills in what `socket` leaves out, names a part that is wrong', async (t) => {
  const file = json(t, { start: 'a.ts', socket: { lingerMs: 5, cpus: [1] } })
  const { socket } = await loadConfig(file, [
    'socket.sendPolicy=drop-new',
    'socket.eventsPerWait=1',
  ])
  assert.deepEqual(
    [socket.lingerMs, socket.cpus, socket.sendPolicy, socket.eventsPerWait, socket.readBytesMax],
    [5, [1], 'drop-new', 1, SOCKET_DEFAULTS.readBytesMax],
  )
  for (const wrong of ['lingerMs=0', 'sendPolicy=wait', 'cpus=[1024]', 'eventsPerWait=4097']) {
    const name = wrong.split('=')[0]!
    await assert.rejects(
      loadConfig(file, [`socket.${wrong}`]),
      messageIs('ERR_CONFIG_VALUE', new RegExp(`'socket.*${name}`)),
    )
  }
  const unknown = messageIs(
    'ERR_CONFIG_KEY',
    /'socket.linger': unknown; known keys are socket.sendL/,
  )
  await assert.rejects(loadConfig(file, ['socket.linger=1']), unknown)
})

test('resolveConfig() names the part of `cluster` that is wrong, or missing, but no secret', () => {
  const refused = (cluster: unknown, pattern: RegExp, code = 'ERR_CONFIG_VALUE' as const) =>
    assert.throws(
      () => resolveConfig({ start: 'a.ts', cluster: cluster as never }),
      messageIs(code, pattern),
    )
  refused({}, /'cluster.name' as it must be text, not empty: current value is undefined/)
  refused({ name: '' }, /'cluster.name' .* is ''/)
  refused({ name: 'a', leaseMs: 99 }, /'cluster.leaseMs' .* integer in 100\.\..* is 99/)
  refused({ name: 'a', callTimeoutMs: 0 }, /'cluster.callTimeoutMs' .* in 1\.\..* is 0/)
  refused({ name: 'a', transport: 'udp' }, /'cluster.transport' .*'tcp' or 'nats'.* is 'udp'/)
  refused({ name: 'a', nodes: { b: 1 } }, /'cluster.nodes' /)
  refused({ name: 'a', secret: 123456 }, /'cluster.secret' .* current value is of type number$/)
  refused({ name: 'a', secret: '' }, /at least 16 bytes \(openssl .*: current value is empty$/)
  const tls =
    /'cluster.tls' .*ca, cert and key, and maybe crl: paths, or texts in PEM: .* an object of/
  refused({ name: 'a', tls: {} }, RegExp(`${tls.source} nothing$`))
  const some = RegExp(`${tls.source} ca \\(of type number\\), key \\(a string of length 7\\)$`)
  refused({ name: 'a', tls: { ca: 7, key: 'PRIVATE' } }, some)
  refused({ name: 'a', tls: 'PRIVATE' }, /'cluster.tls' .* is a string of length 7$/)
  refused({ name: 'a', tls: { ca: 'x', cert: 'x', key: 'x', crl: 7 } }, /'cluster.tls' .* crl \(/)
  refused({ name: 'a', tls: { ca: 'x', cert: 'x', key: 'x', pfx: 'x' } }, /'cluster.tls' .* pfx \(/)
  // What is undefined is not given, there as anywhere.
  const tlsWithout = { ca: '/a', cert: '/b', key: '/c', crl: undefined }
  refused({ name: 'a', tls: tlsWithout }, /'cluster.seed'/)
  refused('a', /'cluster' as it must be an object of name/)
})

// Proves: docs/limits.md#cluster-build
test('resolveConfig() names the part of `cluster` that does not go with the others', () => {
  const refused = (cluster: ClusterParts, pattern: RegExp) =>
    assert.throws(
      () => resolveConfig({ start: 'a.ts', cluster: { name: 'a', ...cluster } as never }),
      messageIs('ERR_CONFIG_VALUE', pattern),
    )
  const at = '127.0.0.1:1'
  const seed = /'cluster.seed' as it must be given, or 'cluster.nodes', and not both: current/
  refused({}, seed)
  refused({ listen: at }, seed)
  refused({ listen: at, seed: at, nodes: { a: at } }, seed)
  refused({ seed: at }, /'cluster.listen' .* given, as 'cluster.nodes' has no 'a'/)
  refused({ nodes: { b: at } }, /'cluster.listen' /)
  const odd = /'cluster.nats' as it must be left out where 'cluster.transport' is 'tcp': current/
  refused({ listen: at, seed: at, nats: { servers: [] } }, odd)
  refused({ transport: 'nats' }, /'cluster.nats' as it must be given, with its servers/)
  refused({ transport: 'nats', nats: {}, seed: at }, /'cluster.seed' .* left out/)
  refused({ transport: 'nats', nats: {}, secret: '123456' }, /'cluster.secret' .* is a string/)
  const long = 'n'.repeat(CLUSTER_NAME_BYTES_MAX + 1)
  refused({ name: long, listen: at, seed: at }, /'cluster.name' .* at most 64 bytes/)
  refused({ cluster: long, listen: at, seed: at }, /'cluster.cluster' .* at most 64 bytes/)
  refused({ name: '\ud800', listen: at, seed: at }, /'cluster.name' .* at most 64 bytes/)
  const build = 'b'.repeat(CLUSTER_BUILD_BYTES_MAX)
  refused({ build: `${build}b`, listen: at, seed: at }, /'cluster.build' .* at most 1024 bytes/)
  const right: readonly ClusterParts[] = [
    { build, listen: at, seed: at },
    { listen: at, seed: at },
    { nodes: { a: at } },
    { nodes: { b: at }, listen: at },
    { transport: 'nats', nats: { servers: [] } },
  ]
  for (const parts of right) {
    const cluster = { name: 'a', ...parts }
    assert.deepEqual(resolveConfig({ start: 'a.ts', cluster: cluster as never }).cluster, cluster)
  }
})

/** Nothing is run of it. */
export const doesNotCompile = (): void => {
  const at = '127.0.0.1:1'
  defineConfig({ start: 'a.ts', cluster: { name: 'a', listen: at, seed: at } })
  defineConfig({ start: 'a.ts', cluster: { name: 'a', nodes: { a: at } } })
  defineConfig({ start: 'a.ts', cluster: { name: 'a', transport: 'nats', nats: {} } })
  // @ts-expect-error neither `seed` nor `nodes`
  defineConfig({ start: 'a.ts', cluster: { name: 'a', listen: at } })
  // @ts-expect-error both
  defineConfig({ start: 'a.ts', cluster: { name: 'a', listen: at, seed: at, nodes: { a: at } } })
  // @ts-expect-error nowhere to listen
  defineConfig({ start: 'a.ts', cluster: { name: 'a', seed: at } })
  // @ts-expect-error `nats` is for another transport
  defineConfig({ start: 'a.ts', cluster: { name: 'a', nodes: { a: at }, nats: {} } })
  // @ts-expect-error `seed` is for another transport
  defineConfig({ start: 'a.ts', cluster: { name: 'a', transport: 'nats', nats: {}, seed: at } })
}

test('loadConfig() sets a part of `cluster`, and guesses at one that is not there', async (t) => {
  const at = { listen: '127.0.0.1:0', seed: '127.0.0.1:7' }
  const file = json(t, { start: 'a.ts', cluster: { name: 'a', leaseMs: 500, ...at } })
  const { cluster, dedicated } = await loadConfig(file, [
    ...['cluster.name=b', 'cluster.seed=127.0.0.1:1', 'cluster.callTimeoutMs=5', 'dedicated=0'],
  ])
  const expected = { name: 'b', leaseMs: 500, ...at, seed: '127.0.0.1:1', callTimeoutMs: 5 }
  assert.deepEqual([cluster, dedicated], [expected, 1])
  const unknown = messageIs('ERR_CONFIG_KEY', /'cluster.sed': .*did you mean 'cluster.seed'/)
  await assert.rejects(loadConfig(file, ['cluster.sed=x']), unknown)
})

test('loadConfig() keeps every value given, with paths from the folder of the file', async (t) => {
  const given = defineConfig({
    start: 'sub/../main.ts',
    args: [1, { a: [null] }],
    thread: 960,
    dedicated: 64,
    harbor: 255,
    logger: '../node.log',
    logservice: './log.ts',
    logFormat: 'json',
    daemon: './run.pid',
    crashFolder: './crashes',
    env: { name: 'x', port: 0, on: false },
    callTimeoutMs: 0xffffffff,
    cluster: {
      name: 'a',
      transport: 'tcp',
      callTimeoutMs: 1,
      leaseMs: 100,
      build: '7',
      cluster: 'world',
      listen: '127.0.0.1:0',
      advertise: '10.0.0.1:7001',
      nodes: { b: '10.0.0.2:7001' },
      secret: 's',
      tls: { ca: 'ca.pem', cert: '../a.pem', key: '-----BEGIN PRIVATE KEY-----', crl: 'crl.pem' },
    },
    profile: true,
    monitorMs: 0,
    monitorAction: 'kill',
    memoryLimitMb: 1024 * 1024,
    graceMs: 0,
    startMs: 5000,
    exitMs: 0xffffffff,
    services: ['./services', tmpdir()],
    socket: { ...SOCKET_DEFAULTS, receiveLimitBytes: 1, eventsPerWait: 4096, cpus: [0, 1] },
    cpus: [1023],
  })
  const file = json(t, given)
  const folder = dirname(file)
  mkdirSync(join(folder, 'services'))
  assert.deepEqual(await loadConfig(file), {
    ...given,
    cluster: {
      ...given.cluster,
      tls: {
        ...given.cluster!.tls!,
        ca: join(folder, 'ca.pem'),
        cert: join(dirname(folder), 'a.pem'),
        crl: join(folder, 'crl.pem'),
      },
    },
    // That of the cluster is one more.
    dedicated: 65,
    start: join(folder, 'main.ts'),
    logger: join(dirname(folder), 'node.log'),
    logservice: join(folder, 'log.ts'),
    daemon: join(folder, 'run.pid'),
    crashFolder: join(folder, 'crashes'),
    services: [join(folder, 'services'), tmpdir()],
    budgets: BUDGETS,
  })
})

test('loadConfig() lets overrides win, each parsed as its key wants it', async (t) => {
  const file = json(t, { start: 'a.ts', thread: 4, env: { a: 1, b: 2 } })
  mkdirSync(join(dirname(file), 's'))
  const config = await loadConfig(file, [
    ...['start=b.ts', 'thread=2', 'args=[1,"x=y"]', 'services=["s"]', 'env.b=2', 'env.c.d=x=y'],
    ...['harbor=1', 'harbor=2', 'env.__proto__=p', 'profile=true'],
  ])
  assert.equal(config.start, join(dirname(file), 'b.ts'))
  assert.equal(config.thread, 2)
  assert.equal(config.harbor, 2)
  assert.equal(config.profile, true)
  assert.deepEqual(config.args, [1, 'x=y'])
  assert.deepEqual(config.services, [join(dirname(file), 's')])
  assert.deepEqual(Object.keys(config.env), ['a', 'b', 'c.d', '__proto__'])
  assert.deepEqual(Object.values(config.env), [1, 2, 'x=y', 'p'])
})

test('loadConfig() does not change the object that the file exports', async (t) => {
  const file = configFile(t, 'c.mjs', "export default { start: 'a.ts', env: { a: 1 } }")
  await loadConfig(file, ['env.a=2', 'thread=3'])
  const again = await loadConfig(file)
  assert.deepEqual(again.env, { a: 1 })
})

test('loadConfig() refuses an unknown key, and guesses what was meant', async (t) => {
  const unknown = async (key: string) => {
    const error = await loadConfig(json(t, { start: 'a.ts', [key]: 1 })).catch((e) => e)
    assert.ok(isSkynetError(error, 'ERR_CONFIG_KEY'))
    assert.equal(error.info.key, key)
    return error.message
  }
  assert.match(await unknown('threads'), /known keys are start, .*\(did you mean 'thread'\?\)$/)
  assert.match(await unknown('callTimeoutMS'), /did you mean 'callTimeoutMs'/)
  assert.match(await unknown('harbour'), /did you mean 'harbor'/)
  assert.doesNotMatch(await unknown('constructor'), /did you mean/)
  await assert.rejects(
    loadConfig(json(t, { start: 'a.ts' }), ['tread=1']),
    messageIs('ERR_CONFIG_KEY', /config key 'tread': .*did you mean 'thread'/),
  )
})

const WRONG: readonly (readonly [key: string, value: unknown, shown: string])[] = [
  ['memoryLimitMb', 1, '1'],
  ['memoryLimitMb', 15, '15'],
  ['start', undefined, 'undefined'],
  ['start', '', "''"],
  ['thread', 0, '0'],
  ['thread', 1025, '1025'],
  ['thread', 1.5, '1.5'],
  ['thread', '2', "'2'"],
  ['harbor', 256, '256'],
  ['harbor', -1, '-1'],
  ['args', 'x', "'x'"],
  ['logger', 3, '3'],
  ['env', [], '[]'],
  ['env', { a: { b: 1 } }, '{ a: { b: 1 } }'],
  ['env', { a: Number.NaN }, '{ a: NaN }'],
  ['callTimeoutMs', 2 ** 32, '4294967296'],
  ['profile', 1, '1'],
  ['monitorMs', Number.POSITIVE_INFINITY, 'Infinity'],
  ['services', './s', "'./s'"],
  ['services', ['a', ''], "[ 'a', '' ]"],
]

test('resolveConfig() refuses a wrong value, and names key, expectation and value', () => {
  for (const [key, value, shown] of WRONG) {
    let error: unknown
    try {
      resolveConfig({ start: 'a.ts', [key]: value }, '/')
    } catch (thrown) {
      error = thrown
    }
    assert.ok(isSkynetError(error, 'ERR_CONFIG_VALUE'), `${key} ${shown}`)
    assert.equal(error.info.key, key)
    assert.equal(error.info.value, shown)
  }
})

test('resolveConfig() shows at most 80 characters of a wrong value', () => {
  for (const value of ['x'.repeat(1e6), new Array(1e5).fill('xyz'), { a: 'y'.repeat(1e5) }]) {
    assert.throws(
      () => resolveConfig({ start: 'a.ts', thread: value as never }, '/'),
      (error) => isSkynetError(error, 'ERR_CONFIG_VALUE') && error.info.value.length <= 80,
    )
  }
})

test('resolveConfig() takes file URLs as paths', () => {
  const start = pathToFileURL('/a b/main.ts').href
  assert.equal(resolveConfig({ start }, '/').start, '/a b/main.ts')
})

test('loadConfig() refuses overrides that are no key=value, or no value of the key', async (t) => {
  const file = json(t, { start: 'a.ts' })
  const refused = (override: string, pattern: RegExp) =>
    assert.rejects(loadConfig(file, [override]), messageIs('ERR_CONFIG_VALUE', pattern))
  await refused('thread', /'--set' as it must be key=value: current value is 'thread'/)
  await refused('=1', /must be key=value/)
  await refused('env.=1', /must be env.NAME=value/)
  await refused('thread=', /'thread' as it must be an integer in 1\.\.1024: current value is ''/)
  await refused('thread=two', /current value is 'two'/)
  await refused('args={', /'args' .* current value is '{'/)
  await refused('env=1', /'env' .* current value is 1/)
  await assert.rejects(
    loadConfig(json(t, { start: 'a.ts', env: 'no' }), ['env.a=1']),
    messageIs('ERR_CONFIG_VALUE', /'env' .* current value is 'no'/),
  )
})

test('loadConfig() says in one line why a file cannot be read', async (t) => {
  const refused = (file: string, pattern: RegExp) =>
    assert.rejects(loadConfig(file), messageIs('ERR_CONFIG_FILE', pattern))
  const folder = join(dirname(json(t, {})), 'folder.mjs')
  mkdirSync(folder)
  await refused('/no/such/file.mjs', /^Cannot read config \/no\/such\/file.mjs: no such file$/)
  await refused('config.yaml', /config\.yaml: its name must end in \.ts, \.js, \.mjs, \.json$/)
  await refused(folder, /: not a file$/)
  await refused(configFile(t, 'a.mjs', '\n\nexport default {{'), /a\.mjs: Unexpected token '\{'$/)
  await refused(configFile(t, 'a.mjs', 'export const a = 1'), /: it has no default export$/)
  await refused(configFile(t, 'a.mjs', 'export default 7'), /must hold an object: .* is 7$/)
  await refused(configFile(t, 'a.mjs', 'throw new Error("one\\ntwo")'), /: one$/)
  await refused(configFile(t, 'a.json', '[1]'), /must hold an object: current value is \[ 1 \]$/)
  await refused(configFile(t, 'a.json', '{'), /JSON/)
})

test('resolveConfig() refuses folders of services that are not there, and names them', (t) => {
  const file = configFile(t, 'plain', '')
  const folder = dirname(file)
  for (const missing of [join(folder, 'none'), file]) {
    assert.throws(
      () => resolveConfig({ start: 'a.ts', services: ['.', missing] }, folder),
      messageIs('ERR_CONFIG_VALUE', RegExp(`'services' as .* are there: .* is '${missing}'`)),
    )
  }
})

// Proves: docs/node.md#config-set
test('loadConfig() gives a variable of --set the type that the file has', async (t) => {
  const file = json(t, { start: 'a.ts', env: { DEBUG: false, port: 1, name: 'x' } })
  const set = ['env.DEBUG=true', 'env.port=2.5', 'env.name=false', 'env.new=3']
  const { env } = await loadConfig(file, set)
  assert.deepEqual(env, { DEBUG: true, port: 2.5, name: 'false', new: '3' })
  assert.equal((await loadConfig(file, [...set, 'env.DEBUG=false'])).env.DEBUG, false)
  const refused = (override: string, pattern: RegExp) =>
    assert.rejects(loadConfig(file, [override]), messageIs('ERR_CONFIG_VALUE', pattern))
  await refused('env.DEBUG=no', /'env.DEBUG' as it must be true or false, as in the file: .*'no'$/)
  await refused('env.port=', /'env.port' as it must be a number, as in the file: .*''$/)
})

// Proves: docs/node.md#config-file
test('loadConfig() reads JSON that begins with a byte-order mark', async (t) => {
  const file = configFile(t, 'skynet.json', '\ufeff{ "start": "./main.ts" }')
  assert.equal((await loadConfig(file)).start, join(dirname(file), 'main.ts'))
})

// Proves: docs/node.md#config-file
test('loadConfig() waits for a config that is a promise', async (t) => {
  const text = "export default (async () => ({ start: './main.ts', harbor: 7 }))()"
  assert.equal((await loadConfig(configFile(t, 'c.mjs', text))).harbor, 7)
  const failed = configFile(t, 'f.mjs', "export default Promise.reject(new Error('no vault'))")
  await assert.rejects(loadConfig(failed), messageIs('ERR_CONFIG_FILE', /f\.mjs: no vault$/))
})

test('loadConfig() guesses what a mistyped part of a dotted key was meant to be', async (t) => {
  const file = json(t, { start: 'a.ts' })
  const refused = (override: string, pattern: RegExp) =>
    assert.rejects(loadConfig(file, [override]), messageIs('ERR_CONFIG_KEY', pattern))
  await refused('evn.DEBUG=1', /config key 'evn.DEBUG': .*\(did you mean 'env'\?\)$/)
  await refused('sokcet.lingerMs=1', /\(did you mean 'socket'\?\)$/)
  await refused('socket.lingerMS=1', /\(did you mean 'socket.lingerMs'\?\)$/)
})
