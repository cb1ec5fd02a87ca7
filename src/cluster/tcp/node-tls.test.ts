import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { REVOKED } from '../../testing/revoked.ts'
import { connectTls } from '../../transport/tls/connect-tls.ts'
import { listenTls } from '../../transport/tls/listen-tls.ts'
import type { TlsStream } from '../../transport/tls/tls-stream.ts'
import type { TcpTls } from './certificates.ts'
import { REFUSAL } from './handshake.ts'
import { helloBytes } from './hello.ts'
import type { TcpClusterOptions } from './options.ts'
import { PACKET, PacketReader, writePacket } from './packets.ts'
import {
  type CertificateName,
  type Member,
  type Scene,
  SECRET,
  SEED,
  scene,
  tlsOf,
} from './tcp.kit.ts'

const PORT = 7001
const NONE = { secret: undefined }

/** A seed `m`, and another one, `a`: how its start ends. */
async function meet(
  at: Scene,
  ofM: Partial<TcpClusterOptions>,
  ofA: Partial<TcpClusterOptions>,
): Promise<{ m: Member; a: Member; ended: string }> {
  const [m, a] = [at.seed('m', ofM), at.member('a', ofA)]
  for (const each of [m, a]) await each.open()
  const opening = a.cluster.store.open().then(
    () => 'in',
    ({ code, message }) => `${code} ${message}`,
  )
  await at.settled()
  return { m, a, ended: await opening }
}

// Proves: docs/cluster-tcp.md#tls
for (const secret of [undefined, SECRET]) {
  const how = secret === undefined ? 'without a secret' : 'beside a secret'
  test(`nodes with certificates talk, ${how}`, async (t) => {
    const at = await scene(t)
    // Of two that count the second is the one that has signed.
    const own = { ...tlsOf('m'), ca: tlsOf('m', 'other').ca + tlsOf('m').ca }
    const { m, a, ended } = await meet(at, { secret, tls: own }, { secret, tls: tlsOf('a') })
    assert.equal(ended, 'in')
    m.join(1)
    a.join(2)
    await at.settled()
    assert.deepEqual([m.heard(), a.heard()], [['writable a@2'], ['writable m@1']])
    a.send(m, 'x'.repeat(60_000))
    m.send(a, 'y')
    await at.settled()
    assert.deepEqual(m.heard(), [`a@2 ${'x'.repeat(60_000)}`])
    assert.deepEqual(a.heard(), ['m@1 y'])
    await a.cluster.transport.close()
    await at.settled()
    assert.deepEqual(m.heard(), ['reset a@2'])
    assert.deepEqual(at.log, [])
  })
}

// Proves: docs/cluster-tcp.md#tls
test('a secret counts beside good certificates too', async (t) => {
  const at = await scene(t)
  const secret = 'of another cluster, nobody else'
  const { ended } = await meet(at, { tls: tlsOf('m') }, { secret, tls: tlsOf('a') })
  assert.match(ended, /^ERR_CLUSTER_AUTH .* secrets differ/)
})

// Proves: docs/cluster-tcp.md#tls-plain
test('of two nodes one of which talks TLS both say what to do', async (t) => {
  const wanted = "give both 'tls', or neither"
  const there = await scene(t)
  const plain = await meet(there, { tls: tlsOf('m') }, {})
  assert.match(
    plain.ended,
    RegExp(`^ERR_CLUSTER_AUTH .*it talks TLS, and this node does not: ${wanted}$`),
  )
  assert.match(
    there.log.join('\n'),
    RegExp(`was refused: .*it does not talk TLS, and this node does: ${wanted}`),
  )
  const here = await scene(t)
  const secure = await meet(here, {}, { tls: tlsOf('a') })
  assert.match(
    secure.ended,
    RegExp(`^ERR_CLUSTER_AUTH .*it does not talk TLS, and this node does: ${wanted}$`),
  )
  assert.match(
    here.log.join('\n'),
    RegExp(`was refused: .*it talks TLS, and this node does not: ${wanted}`),
  )
})

// Proves: docs/cluster-tcp.md#tls-refused
test('who connects trusts nobody that its ca has not signed', async (t) => {
  const at = await scene(t)
  const { ended } = await meet(at, { tls: tlsOf('m') }, { tls: tlsOf('a', 'other') })
  assert.match(
    ended,
    /^ERR_CLUSTER_AUTH .*: nobody of 'tls.ca' has signed its certificate \([A-Z_]+\)$/,
  )
  assert.match(
    at.log.join('\n'),
    /was refused: .* nobody of its 'tls.ca' has signed the certificate of this node/,
  )
})

/** One who talks TLS, and says that he is a node. */
async function stranger(
  at: Scene,
  tls: Partial<TcpTls>,
  node: string,
): Promise<{ stream: TlsStream; refusals(): Promise<number[]> }> {
  const ca = tlsOf('a').ca
  const trusting = { rejectUnauthorized: false }
  const stream = await connectTls(at.node.skynet, { port: PORT, tls: { ca, ...tls, ...trusting } })
  const nonce = Buffer.alloc(32)
  const instance = '22'.repeat(16)
  const hello = helloBytes({ min: 1, max: 1, nonce, instance, node, cluster: 'skynet' })
  writePacket(stream, PACKET.hello, hello)
  return { stream, refusals: () => refusalsOf(stream) }
}

async function refusalsOf(stream: TlsStream): Promise<number[]> {
  const refusals: number[] = []
  const reader = new PacketReader(512, (kind, bytes, begin) => {
    if (kind === PACKET.refusal) refusals.push(bytes[begin]!)
  })
  for await (const chunk of stream) reader.push(chunk)
  return refusals
}

// Proves: docs/cluster-tcp.md#tls-refused, #tls-name
test('a certificate is refused that is foreign, old, of another name, or none', async (t) => {
  const at = await scene(t)
  await at.seed('m', { ...NONE, tls: tlsOf('m') }).open()
  const wrong: [CertificateName | undefined, string, keyof typeof REFUSAL, RegExp][] = [
    [undefined, 'a', 'untrusted', /'tls.ca' has signed its certificate \(/],
    ['stranger', 'a', 'untrusted', /'tls.ca' has signed its certificate \(/],
    ['expired', 'a', 'expired', /its certificate is not good now \(CERT_HAS_EXPIRED\)/],
    ['b', 'a', 'unnamed', /its certificate is not of 'a': it has no subjectAltName=DNS:a/],
    ['upper', 'a', 'unnamed', /not of 'a'/],
    ['upper', 'x', 'unnamed', /not of 'x'/],
    ['bare', 'a', 'unnamed', /not of 'a'/],
    ['a', 'a\0', 'unnamed', /not of/],
    ['a', 'A', 'unnamed', /not of 'A'/],
    // Good, and so another rule is the one that is met.
    ['shared', 'm', 'name', /a node of that name lives/],
  ]
  for (const [name, node, refusal, line] of wrong) {
    const own = name === undefined ? {} : tlsOf(name)
    const { refusals } = await stranger(at, own, node)
    await at.settled()
    assert.deepEqual(await refusals(), [REFUSAL[refusal]], `${name} as ${node}`)
    await at.clock.advance(1000)
    assert.match(at.log.at(-1)!, line, `${name} as ${node}`)
  }
})

// Proves: docs/cluster-tcp.md#tls-refused
test('a seed whose certificate is old, or of another name, is not believed', async (t) => {
  const instance = '22'.repeat(16)
  const own = { min: 1, max: 1, nonce: Buffer.alloc(32), instance, cluster: 'skynet' }
  for (const [name, wanted] of [
    ['expired', /its certificate is not good now \(CERT_HAS_EXPIRED\): give it a new one/],
    ['b', /its certificate is not of 'a'/],
  ] as const) {
    const at = await scene(t)
    const { ca, ...certificate } = tlsOf(name)
    const tls = { ...certificate, ca, requestCert: true }
    const listener = await listenTls(at.node.skynet, { port: PORT, tls })
    const z = at.member('z', { ...NONE, tls: tlsOf('z'), seed: SEED })
    await z.open()
    const opening = assert.rejects(z.cluster.store.open(), {
      code: 'ERR_CLUSTER_AUTH',
      message: wanted,
    })
    for await (const stream of listener) {
      writePacket(stream, PACKET.hello, helloBytes({ ...own, node: 'a' }))
      const told = refusalsOf(stream)
      await opening
      assert.deepEqual(await told, [REFUSAL[name === 'b' ? 'unnamed' : 'expired']])
      break
    }
  }
})

test('a handshake that comes byte by byte is one', async (t) => {
  const at = await scene(t)
  await at.seed('m', { ...NONE, tls: tlsOf('m') }).open()
  const { skynet } = at.node
  const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 7002 })
  connectTls(skynet, { port: 7002 }).catch(() => {})
  await at.settled()
  for await (const heard of listener) {
    const head = await heard.read(5)
    const bytes = Buffer.concat([head, await heard.read(head.readUInt16BE(3))])
    const client = await at.node.connect(PORT)
    for (const byte of bytes) {
      client.write(Buffer.of(byte))
      await at.settled()
    }
    // The hello of a server.
    assert.deepEqual([...(await client.read(6))].toSpliced(1, 4), [0x16, 2])
    break
  }
})

// Proves: docs/cluster-tcp.md#tls-changed
test('certificates that are replaced hold for the connections to come', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files: TcpTls = { ca: join(folder, 'ca'), cert: join(folder, 'c'), key: join(folder, 'k') }
  const put = (pem: TcpTls, ...names: ('ca' | 'cert' | 'key')[]): void => {
    for (const name of names) writeFileSync(files[name], pem[name])
  }
  put(tlsOf('m'), 'ca', 'cert', 'key')
  const at = await scene(t)
  const { m, a, ended } = await meet(at, { ...NONE, tls: files }, { ...NONE, tls: tlsOf('a') })
  assert.equal(ended, 'in')
  m.join(1)
  a.join(2)
  await at.settled()
  put(tlsOf('shared'), 'cert')
  await look(
    t,
    at,
    /the certificates stay as they were: .*'tls.key' must be the private key of 'tls.cert'/,
  )
  assert.equal(await shownBy(at), 'm')
  put(tlsOf('shared'), 'key')
  await look(t, at, /the certificates have changed: connections from now on have them/)
  assert.equal(await shownBy(at), 'shared')
  m.heard()
  a.send(m, 'still')
  await at.settled()
  assert.deepEqual(m.heard(), ['a@2 still'])
  for (const each of [a, m]) await each.cluster.transport.close()
})

const { ca: AUTHORITY, lists: LISTS } = REVOKED
const listed = (node: 'm' | 'a', crl?: string): { secret: undefined; tls: TcpTls } => ({
  ...NONE,
  tls: { ca: AUTHORITY.cert, ...REVOKED[node], ...(crl !== undefined && { crl }) },
})

/** What the list is; what the side that has it says, and what the other one is told. */
const UNLISTED: Readonly<Record<string, readonly [crl: string, ours: RegExp, theirs: RegExp]>> = {
  'that names it': [
    LISTS.a,
    /certificate revoked: 'tls.crl' has that of DNS:a, number 3003/,
    /it says that the certificate of this node is revoked/,
  ],
  'that names it, behind another one': [
    LISTS.foreign + LISTS.a,
    /certificate revoked: 'tls.crl' has that of DNS:a, number 3003/,
    /it says that the certificate of this node is revoked/,
  ],
  'that is over': [
    LISTS.over,
    /a list in 'tls.crl' is not good now \(CRL_HAS_EXPIRED\): give a new one, or mend a clock/,
    /it says that its 'tls.crl' cannot tell of the certificate of this node/,
  ],
  'of somebody else': [
    LISTS.foreign,
    /or 'tls.crl' has no good list of each who has \(UNABLE_TO_GET_CRL\)/,
    /it says that its 'tls.crl' cannot tell of the certificate of this node/,
  ],
}

for (const [what, [crl, ours, theirs]] of Object.entries(UNLISTED)) {
  // Proves: docs/cluster-tcp.md#tls-revoked, #tls-lists
  test(`a certificate is refused by a list ${what}, of either side`, async (t) => {
    const at = await scene(t)
    const accepting = await meet(at, listed('m', crl), listed('a'))
    assert.match(accepting.ended, /^ERR_CLUSTER_AUTH /)
    assert.match(accepting.ended, theirs)
    assert.match(at.log.join('\n'), ours)

    const there = await scene(t)
    const [seed, m] = [there.seed('a', listed('a')), there.member('m', listed('m', crl))]
    for (const each of [seed, m]) await each.open()
    const refused = assert.rejects(m.cluster.store.open(), {
      code: 'ERR_CLUSTER_AUTH',
      message: ours,
    })
    await there.settled()
    await refused
    assert.match(there.log.join('\n'), theirs)
  })
}

// Proves: docs/cluster-tcp.md#tls-revoked, #tls-changed
test('a list that is replaced holds for the connections to come', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const crl = join(folder, 'crl')
  writeFileSync(crl, LISTS.none)
  const at = await scene(t)
  const { a, ended } = await meet(at, listed('m', crl), listed('a'))
  assert.equal(ended, 'in')
  await a.cluster.transport.close()
  writeFileSync(crl, LISTS.a.slice(0, 200))
  await look(t, at, /the certificates stay as they were: .*'tls.crl'/)
  writeFileSync(crl, LISTS.a)
  await look(t, at, /the certificates have changed/)
  const { refusals } = await stranger(at, listed('a').tls, 'a')
  await at.settled()
  assert.deepEqual(await refusals(), [REFUSAL.revoked])
})

/** A minute later, and as long as it takes to read files. */
async function look(_: TestContext, at: Scene, line: RegExp): Promise<void> {
  await at.clock.advance(60_000)
  while (!at.log.some((each) => line.test(each))) await at.settled()
}

async function shownBy(at: Scene): Promise<string> {
  const { stream } = await stranger(at, {}, 'x')
  const name = stream.peerCertificate()!.subject.CN
  await stream.close()
  return name as string
}
