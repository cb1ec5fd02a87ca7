/** Who a server of NATS lets in, and what it lets each node do. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, nkeyAuthenticator } from '@nats-io/transport-node'
import { CLI } from '../support/cli.ts'
import { natsEnd, startedEnd, watched } from '../support/nats-scene.ts'
import { isNatsInstalled, NATS_LEFT_OUT, NatsServer } from '../support/nats-server.ts'
import { until } from '../support/until.ts'

const isInstalled = isNatsInstalled()
const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0

if (!isInstalled) test('who a server of NATS lets in', (t) => t.diagnostic(NATS_LEFT_OUT))

function natsTest(title: string, body: (t: TestContext) => Promise<void>): void {
  if (isInstalled) test(title, body)
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-nats-auth-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const AUTH = { code: 'ERR_CLUSTER_AUTH' }
const bytes = (text: string): Uint8Array => Buffer.from(text)

function permissions(...words: string[]): string {
  return execFileSync(process.execPath, [CLI, 'cluster', 'permissions', ...words], {
    encoding: 'utf8',
  })
}

// Proves: docs/cluster-nats.md#permissions
natsTest('nodes with the permissions of the command work', async (t) => {
  const seeds = join(scratch(t), 'seeds')
  const config = permissions('game', 'a', 'b.c', '--seeds', seeds)
  assert.equal(permissions('game', 'a', 'b.c', '--seeds', seeds), config, 'seeds are kept')
  assert.equal(statSync(join(seeds, 'a.nk')).mode & 0o777, 0o600)
  await using server = await NatsServer.start({ config })
  const given = { cluster: 'game', servers: server.url }
  const nkeySeed = readFileSync(join(seeds, 'b=2Ec.nk'), 'utf8')
  await using a = await startedEnd({ ...given, node: 'a', nkeySeedFile: join(seeds, 'a.nk') }, 1)
  await using b = await startedEnd({ ...given, node: 'b.c', nkeySeed }, 2)
  await a.store.open()
  await b.store.open()
  const watch = watched(b.store)
  await watch.ready
  const revision = await a.store.cas('name..x', bytes('a'), 0)
  const deleted = await a.store.cas('name..x', undefined, revision)
  await a.store.cas('name..x', bytes('b'), 0)
  assert.equal((await b.store.get('name..x'))!.revision, deleted + 1)
  await until('changes', () => watch.entries.at(-1) === 'name..x = b')
  a.transport.send(b.address, bytes('to b'), 1)
  await until('a frame', () => b.told.frames.length > 0)
  a.transport.send({ node: 'b.c', epoch: 9 }, bytes('to nobody'), 7)
  await until('a refusal', () => a.told.refused.includes('b.c@9 7'))
  b.transport.beat(bytes('beat'))
  await until('a beat', () => a.told.beats.includes('beat'))
  assert.deepEqual([...a.lines, ...b.lines, ...watch.lost], [], 'nothing was denied')
})

// Proves: docs/cluster-nats.md#permissions
natsTest('a node cannot hear what is meant for another, nor speak as another', async (t) => {
  const seeds = scratch(t)
  await using server = await NatsServer.start({
    config: permissions('game', 'a', 'b', '--seeds', seeds),
  })
  const given = { cluster: 'game', servers: server.url }
  await using a = await startedEnd({ ...given, node: 'a', nkeySeedFile: join(seeds, 'a.nk') }, 1)
  const authenticator = nkeyAuthenticator(readFileSync(join(seeds, 'b.nk')).subarray(0, 58))
  const b = await connect({ servers: server.url, authenticator })
  const denied: string[] = []
  void (async () => {
    for await (const status of b.status()) {
      if (status.type === 'error') denied.push(status.error.message)
    }
  })()
  const heard: string[] = []
  for (const subject of ['sk.game.n.a.>', 'sk.game.n.a.1.*.*', 'sk.game.i.a.>', 'sk.>', '>']) {
    const callback = (error: Error | null): void => void heard.push(error ? 'denied' : subject)
    b.subscribe(subject, { callback })
  }
  b.publish('sk.game.n.a.1.a.1', bytes('as a'))
  b.publish('sk.game.hb.a', bytes('as a'))
  b.publish('sk.game.hb.b', bytes('in the name of a'))
  b.publish('$JS.API.STREAM.DELETE.KV_sk_game')
  b.publish('sk.game.n.a.1.b.1', bytes('as b'))
  await b.flush()
  await until('a frame', () => a.told.frames.length > 0)
  assert.deepEqual(a.told.frames, [{ from: 'b@1', text: 'as b' }])
  assert.ok(!a.told.beats.includes('as a'))
  await until('a beat', () => a.told.beats.includes('in the name of a'))
  assert.equal(a.told.beatsOf[a.told.beats.indexOf('in the name of a')], 'b')
  assert.deepEqual(heard, Array(5).fill('denied'))
  await until('what was denied', () => denied.length === 8)
  await b.close()
})

natsTest('a server that lets us hear or say less than we must is told of', async () => {
  const deaf = 'permissions: { subscribe: { deny: ["sk.game.n.>"] } }'
  const mute = 'permissions: { publish: { deny: ["sk.game.n.b.>"] } }'
  await using server = await NatsServer.start({
    config: `authorization { users: [
      { user: deaf, password: p, ${deaf} }
      { user: mute, password: p, ${mute} } ] }`,
  })
  const given = { cluster: 'game', node: 'a', servers: server.url, pass: 'p' }
  await using end = natsEnd({ ...given, user: 'deaf' })
  await assert.rejects(end.transport.open(), AUTH)
  await using a = await startedEnd({ ...given, user: 'mute' }, 1)
  a.transport.send({ node: 'b', epoch: 2 }, bytes('x'), 3)
  await until('a refusal', () => a.told.refused.length > 0)
  assert.deepEqual(a.told.refused, ['b@2 undefined'])
  assert.match(a.lines.join(), /[Pp]ermissions/)
})

// Proves: docs/cluster-nats.md#auth
natsTest('an nkey that is unknown, or none, is refused; forgotten it is tried on', async (t) => {
  const seeds = scratch(t)
  const config = permissions('game', 'a', '--seeds', seeds)
  permissions('game', 'x', '--seeds', seeds)
  await using server = await NatsServer.start({ config })
  const given = { cluster: 'game', node: 'a', servers: server.url }
  const opened = async (options: object): Promise<void> => {
    await using end = natsEnd({ ...given, ...options })
    await end.transport.open()
  }
  await assert.rejects(opened({ nkeySeedFile: join(seeds, 'x.nk') }), AUTH)
  await assert.rejects(opened({ nkeySeedFile: join(seeds, 'none.nk') }), AUTH)
  await assert.rejects(opened({ nkeySeed: 'SUNONE' }), AUTH)
  await assert.rejects(opened({}), AUTH)
  await using a = await startedEnd({ ...given, nkeySeedFile: join(seeds, 'a.nk') }, 1)
  await server.reload(permissions('game', 'x', '--seeds', seeds))
  await until('a cut', () => a.told.resets.length > 0)
  assert.equal(a.transport.send({ node: 'b', epoch: 1 }, bytes('x'), 0), false)
  await until('two refusals', () => a.lines.filter((line) => /uthori/.test(line)).length > 1)
  await server.reload(config)
  await until('it is known again', () => a.told.writable.length > 0)
  assert.equal(a.transport.send(a.address, bytes('to me'), 0), true)
  await until('a frame', () => a.told.frames.length > 0)
})

natsTest('a certificate of the node lets it in', async (t) => {
  if (!hasOpenssl) return t.diagnostic('left out: openssl makes certificates, and is not there')
  const folder = scratch(t)
  const file = (name: string): string => join(folder, name)
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const ca of ['ca', 'other']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.pem`,
      '-subj',
      `/CN=${ca}`,
    )
  }
  for (const name of ['server', 'a']) {
    openssl(
      'req',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
      '-addext',
      'subjectAltName=DNS:localhost',
    )
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-copy_extensions',
      'copy',
    )
  }
  await using server = await NatsServer.start({
    config: `tls { verify: true, ca_file: "${file('ca.pem')}", cert_file: "${file('server.pem')}",
      key_file: "${file('server.key')}" }`,
  })
  const given = { cluster: 'game', node: 'a', servers: `localhost:${server.port}` }
  const own = { certFile: file('a.pem'), keyFile: file('a.key') }
  await using a = await startedEnd({ ...given, tls: { ...own, caFile: file('ca.pem') } }, 1)
  await a.store.open()
  const opened = async (tls: object): Promise<void> => {
    await using end = natsEnd({ ...given, tls })
    await end.store.open()
  }
  await assert.rejects(opened({ caFile: file('ca.pem') }), /does it want a certificate/)
  await assert.rejects(opened({ ...own, caFile: file('other.pem') }), AUTH)
  await assert.rejects(opened({ ...own, caFile: file('none.pem') }), AUTH)
})

test('skynet cluster: words that make no sense say so', () => {
  const refused = (...words: string[]): string => {
    const { status, stderr } = spawnSync(process.execPath, [CLI, 'cluster', ...words], {
      encoding: 'utf8',
    })
    assert.equal(status, 1)
    return stderr
  }
  assert.match(refused(), /see 'skynet help'/)
  assert.match(refused('permissions'), /without a cluster/)
  assert.match(refused('permissions', 'game'), /without a node/)
  assert.match(refused('permissions', 'game', 'a'), /key of 'a'/)
  assert.match(refused('permissions', 'game', 'a=secret'), /must be public/)
  const key = `U${'A'.repeat(55)}`
  assert.match(refused('permissions', 'game', `a=${key}`, `a=${key}`), /twice/)
  assert.match(refused('permissions', 'game', '--seed', 'x'), /seed/)
  const printed = permissions('game', `a=${key}`)
  assert.match(printed, RegExp(`nkey: ${key}`))
})
