/** Both engines, each with each as its peer, over bytes in memory. */
import assert from 'node:assert/strict'
import { createCipheriv, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { connect, type PeerCertificate, TLSSocket } from 'node:tls'
import { TLS_EMPTY_RECORDS_MAX } from '../../base/limits.ts'
import { openLibc } from '../../os/libc.ts'
import { openssl } from '../../os/openssl.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { REVOKED } from '../../testing/revoked.ts'
import { vectorsOf } from '../../testing/vectors.ts'
import { NodeEngine } from './node-engine.ts'
import { opensslEngine } from './openssl-engine.ts'
import type { TlsEngine, TlsEngineHost } from './tls-engine.ts'
import { contextOf, type TlsContextOptions } from './tls-options.ts'
import type { TlsWire } from './tls-wire.ts'

// An engine is of a thread that has opened libc.
openLibc()

const CERTIFICATES =
  vectorsOf<
    Record<'local' | 'ca' | 'expired' | 'client' | 'stranger', { cert: string; key: string }>
  >('certificates')
const KINDS = ['openssl', 'node'] as const
type Kind = (typeof KINDS)[number]
type End = 'server' | 'client'

/** One end of bytes in memory. */
class Below {
  readonly remoteAddress = 'memory'
  readonly bufferedAmount = 0
  isOpen = true
  isHeld = false
  /** Handed on in pieces of so many bytes. */
  pieceBytes = Number.POSITIVE_INFINITY
  peer!: Below
  readonly #came: (Buffer | null)[] = []
  #waits: ((chunk: Buffer | null) => void) | undefined

  read(): Promise<Buffer | null> {
    const chunk = this.#came.shift()
    if (chunk !== undefined) return Promise.resolve(chunk)
    return new Promise((resolve) => {
      this.#waits = resolve
    })
  }

  #take(chunk: Buffer | null): void {
    const waits = this.#waits
    this.#waits = undefined
    if (waits === undefined) this.#came.push(chunk)
    else waits(chunk)
  }

  write(bytes: Uint8Array): boolean {
    if (!this.isOpen) throw new Error('closed')
    const copy = Buffer.from(bytes)
    for (let at = 0; at < copy.length; at += this.pieceBytes) {
      this.peer.#take(copy.subarray(at, at + this.pieceBytes))
    }
    return true
  }

  drain = async (): Promise<void> => {}

  end(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.peer.#take(null)
  }

  async close(): Promise<void> {
    this.end()
  }

  hold(): void {
    this.isHeld = true
  }
}

/** What its stream is told. */
class Host implements TlsEngineHost {
  engine!: TlsEngine
  readonly said: string[] = []
  readonly bytes: Buffer[] = []
  problem: Error | undefined
  #changed = (): void => {}

  shaken(problem?: Error): void {
    this.problem = problem
    this.#say('shaken')
  }

  received(bytes: Buffer | null): void {
    if (bytes !== null) this.bytes.push(bytes)
    this.#say(bytes === null ? 'end' : 'bytes')
  }

  wireEnded(): void {
    this.#say('wireEnded')
  }

  broke(error: Error): void {
    this.problem = error
    this.#say('broke')
  }

  over(): void {
    this.#say('over')
  }

  #say(word: string): void {
    this.said.push(word)
    this.#changed()
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    assert.ok(isSo(), what)
  }

  get text(): string {
    return Buffer.concat(this.bytes).toString()
  }
}

interface Rig {
  readonly below: Readonly<Record<End, Below>>
  readonly server: Host
  readonly client: Host
}

interface RigOptions {
  readonly tls?: TlsContextOptions
  readonly requestCert?: boolean
  /** Of a server by `node:tls`. */
  readonly recordBytesMax?: number
  readonly clientTls?: TlsContextOptions
  readonly host?: string
  /** Of a client by `node:tls`: its keys, a line each. */
  readonly keylog?: (line: Buffer) => void
}

function serverEngine(kind: Kind, below: Below, host: Host, options: RigOptions): TlsEngine {
  const { cert, key } = CERTIFICATES.local
  const own = { cert, key, ca: CERTIFICATES.ca.cert, ...options.tls }
  const context = contextOf('listen', 'tls', own)
  const requestCert = options.requestCert ?? false
  const server = { requestCert, rejectUnauthorized: requestCert }
  const stream = below as unknown as ByteStream
  if (kind === 'openssl') return opensslEngine(stream, host, { context, server })!
  const settings = { isServer: true, secureContext: context, ...server }
  const secure = (wire: TlsWire): TLSSocket => {
    const socket = new TLSSocket(wire as never, settings)
    socket.setMaxSendFragment(options.recordBytesMax ?? 16_384)
    return socket
  }
  return new NodeEngine(stream, host, { server, secure })
}

function clientEngine(kind: Kind, below: Below, host: Host, options: RigOptions): TlsEngine {
  const context = contextOf('connect', 'tls', { ca: CERTIFICATES.ca.cert, ...options.clientTls })
  const stream = below as unknown as ByteStream
  const servername = options.host ?? 'localhost'
  const check = (certificate: PeerCertificate): Error | undefined =>
    certificate.subjectaltname?.includes(servername) ? undefined : new Error('of another host')
  const client = { servername, protocols: [], rejectUnauthorized: true, check }
  if (kind === 'openssl') return opensslEngine(stream, host, { context, client })!
  const settings = { secureContext: context, servername, rejectUnauthorized: true }
  const { keylog = () => {} } = options
  return new NodeEngine(stream, host, {
    secure: (wire) => connect({ ...settings, socket: wire as never }).on('keylog', keylog),
  })
}

function rig(kinds: Readonly<Record<End, Kind>>, options: RigOptions = {}): Rig {
  const below = { server: new Below(), client: new Below() }
  below.server.peer = below.client
  below.client.peer = below.server
  const [server, client] = [new Host(), new Host()]
  server.engine = serverEngine(kinds.server, below.server, server, options)
  client.engine = clientEngine(kinds.client, below.client, client, options)
  return { below, server, client }
}

async function shaken(made: Rig): Promise<Rig> {
  const { server, client } = made
  server.engine.start()
  client.engine.start()
  await client.until('shaken', () => client.said.length > 0)
  await server.until('shaken', () => server.said.length > 0)
  return made
}

const finish = ({ server, client }: Rig): void => {
  client.engine.destroy()
  server.engine.destroy()
}

for (const server of KINDS) {
  for (const client of KINDS) {
    const name = `${client} to ${server}`
    const kinds = { server, client }

    // Proves: docs/tls.md#engines
    test(`${name}: both sides know the same`, async () => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const made = await shaken(rig(kinds, { tls: { maxVersion } }))
        const facts = made.client.engine.facts()
        assert.equal(facts.protocol, maxVersion)
        assert.equal(facts.authorized, true)
        assert.equal(facts.authorizationError, undefined)
        assert.equal(facts.servername, 'localhost')
        const theirs = made.server.engine.facts()
        assert.equal(theirs.protocol, maxVersion)
        assert.equal(theirs.servername, 'localhost')
        assert.equal(theirs.authorized, false)
        assert.ok(made.below.server.isHeld && made.below.client.isHeld)
        const shown = made.client.engine.peerCertificate(true) as { issuerCertificate?: unknown }
        assert.ok(shown.issuerCertificate)
        assert.equal(made.server.engine.peerCertificate(false), undefined)
        finish(made)
        assert.equal(made.client.engine.peerCertificate(false), undefined)
      }
    })

    test(`${name}: bytes of any length, which are the writer's again`, async () => {
      const made = await shaken(rig(kinds))
      for (const length of [1, 16_384, 16_385, 49_152, 49_153, 65_536, 300_000]) {
        for (const [from, to] of [
          [made.client, made.server],
          [made.server, made.client],
        ] as const) {
          const bytes = Buffer.alloc(length, `${length} bytes, and those again; `)
          const sent = Buffer.from(bytes)
          to.bytes.length = 0
          const done = new Promise<void>((resolve) => from.engine.write(sent, resolve))
          sent.fill(0)
          await done
          const count = (): number => to.bytes.reduce((sum, chunk) => sum + chunk.length, 0)
          await to.until('all came', () => count() >= length)
          assert.ok(Buffer.concat(to.bytes).equals(bytes), `${length} bytes`)
        }
      }
      finish(made)
    })

    test(`${name}: byte by byte`, async () => {
      const made = rig(kinds)
      made.below.server.pieceBytes = 1
      made.below.client.pieceBytes = 1
      await shaken(made)
      made.client.engine.write(Buffer.from('hello'), () => {})
      await made.server.until('it came', () => made.server.text === 'hello')
      finish(made)
    })

    test(`${name}: an end, and the other half goes on`, async () => {
      const made = await shaken(rig(kinds))
      made.client.engine.write(Buffer.from('last'), () => {})
      made.client.engine.end()
      await made.client.until('it has left', () => made.client.said.includes('over'))
      assert.equal(made.client.engine.isEndSent, true)
      await made.server.until('the end', () => made.server.said.includes('end'))
      assert.equal(made.server.text, 'last')
      made.server.engine.write(Buffer.from('still here'), () => {})
      await made.client.until('it came', () => made.client.text === 'still here')
      finish(made)
    })

    test(`${name}: a cut is no end`, async () => {
      const made = await shaken(rig(kinds))
      made.below.client.end()
      await made.server.until('it is known', () => made.server.said.includes('wireEnded'))
      assert.ok(!made.server.said.includes('end'))
      finish(made)
    })

    test(`${name}: garbage behind the handshake breaks it`, async () => {
      const made = await shaken(rig(kinds))
      made.below.client.write(Buffer.from(`17030300ff${'00'.repeat(255)}`, 'hex'))
      await made.server.until('it breaks', () => made.server.said.includes('broke'))
      await made.client.until('it is told', () => made.client.said.includes('broke'))
      assert.match((made.client.problem as NodeJS.ErrnoException).code!, /ALERT/)
      finish(made)
    })

    // Proves: docs/tls.md#revoked
    test(`${name}: whose certificate is revoked, and lists that cannot say`, async () => {
      const { m, a, lists } = REVOKED
      const ca = REVOKED.ca.cert
      for (const [crl, problem] of [
        [lists.none, undefined],
        [lists.a, 'CERT_REVOKED'],
        [`${lists.foreign}${lists.a}`, 'CERT_REVOKED'],
        [[lists.foreign!, Buffer.from(lists.a!)], 'CERT_REVOKED'],
        [lists.over, 'CRL_HAS_EXPIRED'],
        [lists.foreign, 'UNABLE_TO_GET_CRL'],
      ] as [string, string | undefined][]) {
        const asked = { requestCert: true, clientTls: { ...a, ca } }
        const asking = await shaken(rig(kinds, { tls: { ...m, ca, crl }, ...asked }))
        assert.equal((asking.server.problem as NodeJS.ErrnoException | undefined)?.code, problem)
        finish(asking)
        const to = { tls: { ...a, ca }, host: 'a' }
        const connecting = await shaken(rig(kinds, { ...to, clientTls: { ca, crl } }))
        const told = connecting.client.problem as NodeJS.ErrnoException | undefined
        assert.equal(told?.code, problem)
        finish(connecting)
      }
    })

    test(`${name}: who is not to be trusted`, async () => {
      const { cert, key } = CERTIFICATES.expired
      const expired = await shaken(rig(kinds, { tls: { cert, key } }))
      assert.equal((expired.client.problem as NodeJS.ErrnoException).code, 'CERT_HAS_EXPIRED')
      finish(expired)
      const other = await shaken(rig(kinds, { host: 'another.test' }))
      assert.ok(other.client.problem)
      finish(other)
      const stranger = CERTIFICATES.stranger
      const clientTls = { cert: stranger.cert, key: stranger.key }
      const unknown = await shaken(rig(kinds, { requestCert: true, clientTls }))
      const { code } = unknown.server.problem as NodeJS.ErrnoException
      assert.equal(code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
      finish(unknown)
    })

    test(`${name}: a client that shows its certificate`, async () => {
      const { cert, key } = CERTIFICATES.client
      const made = await shaken(rig(kinds, { requestCert: true, clientTls: { cert, key } }))
      assert.equal(made.server.problem, undefined)
      assert.equal(made.server.engine.facts().authorized, true)
      assert.ok(made.server.engine.peerCertificate(false))
      finish(made)
    })
  }
}

/** What a client of TLS 1.3 sends when its handshake is done, record by record. */
class Records {
  #secret: Buffer
  #count = 0

  /** @param secret That of TLS_AES_128_GCM_SHA256. */
  constructor(secret: Buffer) {
    this.#secret = secret
  }

  #derived(label: string, length: number): Buffer {
    const name = Buffer.from(`tls13 ${label}`)
    const info = Buffer.concat([Buffer.of(0, length, name.length), name, Buffer.of(0, 1)])
    return createHmac('sha256', this.#secret).update(info).digest().subarray(0, length)
  }

  #record(type: number, bytes: Buffer): Buffer {
    const length = bytes.length + 1 + 16
    const header = Buffer.of(23, 3, 3, length >> 8, length)
    const nonce = this.#derived('iv', 12)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#count++) >>> 0, 8)
    const cipher = createCipheriv('aes-128-gcm', this.#derived('key', 16), nonce).setAAD(header)
    const body = [cipher.update(bytes), cipher.update(Buffer.of(type)), cipher.final()]
    return Buffer.concat([header, ...body, cipher.getAuthTag()])
  }

  text(text: string): Buffer {
    return this.#record(23, Buffer.from(text))
  }

  /** What follows has other keys. */
  keyUpdate(): Buffer {
    const record = this.#record(22, Buffer.of(24, 0, 0, 1, 0))
    this.#secret = this.#derived('traffic upd', 32)
    this.#count = 0
    return record
  }
}

for (const server of KINDS) {
  // Proves: docs/limits.md#tls-empty-records
  test(`${server}: a peer that changes its keys without end is cut`, async () => {
    let secret = ''
    const made = await shaken(
      rig(
        { server, client: 'node' },
        {
          clientTls: { ciphers: 'TLS_AES_128_GCM_SHA256' },
          keylog: (line) => {
            secret = /^CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)/.exec(String(line))?.[1] ?? secret
          },
        },
      ),
    )
    const records = new Records(Buffer.from(secret, 'hex'))
    const changes = (count: number): Buffer[] =>
      Array.from({ length: count }, () => records.keyUpdate())
    const send = (...all: Buffer[]): boolean => made.below.client.write(Buffer.concat(all))
    const texts = (): Buffer[] => Array.from({ length: 300 }, () => records.text('.'))
    // Many in one chunk, and then many chunks for one.
    send(...texts())
    made.below.client.pieceBytes = 7
    send(...texts(), ...changes(TLS_EMPTY_RECORDS_MAX), records.text('well'))
    await made.server.until('it came', () => made.server.text.endsWith('.well'))
    made.below.client.pieceBytes = Number.POSITIVE_INFINITY
    send(...changes(TLS_EMPTY_RECORDS_MAX + 1))
    await made.server.until('it is cut', () => made.server.said.includes('broke'))
    assert.equal((made.server.problem as NodeJS.ErrnoException).code, 'ERR_TLS_EMPTY_RECORDS')
    finish(made)
  })
}

test('openssl: while it is paused it takes no more than what was being read', async () => {
  const made = await shaken(rig({ server: 'openssl', client: 'openssl' }))
  made.server.engine.pause()
  for (const word of ['a', 'b', 'c']) made.client.engine.write(Buffer.from(word), () => {})
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(made.server.text, '')
  made.server.engine.resume()
  await made.server.until('all came', () => made.server.text === 'abc')
  finish(made)
})

// Proves: docs/tls.md#hostile
test('openssl: what comes behind a handshake that is refused reaches no other stream', async () => {
  const other = await shaken(rig({ server: 'openssl', client: 'openssl' }))
  const { cert, key } = CERTIFICATES.stranger
  const options = { requestCert: true, clientTls: { cert, key } }
  const { below, server, client } = rig({ server: 'openssl', client: 'openssl' }, options)
  const write = below.client.write.bind(below.client)
  // A record of its own follows its last words at once.
  let isHello = true
  below.client.write = (bytes) => {
    const more = isHello ? Buffer.alloc(0) : Buffer.from(`17030300ff${'00'.repeat(255)}`, 'hex')
    isHello = false
    return write(Buffer.concat([bytes, more]))
  }
  client.shaken = () => client.engine.destroy()
  const refuse = server.shaken.bind(server)
  server.shaken = (problem) => {
    server.engine.destroy()
    refuse(problem)
  }
  server.engine.start()
  client.engine.start()
  await server.until('it is refused', () => server.problem !== undefined)
  finish({ below, server, client })
  other.client.engine.write(Buffer.from('well'), () => {})
  await other.server.until('something comes', () => other.server.said.length > 1)
  assert.ok(server.problem)
  assert.equal(other.server.problem, undefined)
  assert.equal(other.server.text, 'well')
  finish(other)
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('openssl: what is written between two halves of a ticket leaves behind it', async () => {
  const { cert, key } = CERTIFICATES.client
  const options = { requestCert: true, clientTls: { cert, key }, recordBytesMax: 512 }
  const made = rig({ server: 'node', client: 'openssl' }, options)
  const { below, server, client } = made
  const write = below.server.write.bind(below.server)
  const kept: Buffer[] = []
  below.server.write = (bytes) => {
    if (client.said.length === 0) return write(bytes)
    kept.push(Buffer.from(bytes))
    return true
  }
  await shaken(made)
  while (Buffer.concat(kept).length <= 512) await turn()
  below.server.write = write
  const tickets = Buffer.concat(kept)
  const recordBytes = 5 + tickets.readUInt16BE(3)
  write(tickets.subarray(0, recordBytes))
  await turn()
  const bytes = Buffer.alloc(60_000, 'written meanwhile')
  const sent = Buffer.from(bytes)
  const done = new Promise<void>((resolve) => client.engine.write(sent, resolve))
  sent.fill(0)
  write(tickets.subarray(recordBytes))
  await done
  await server.until('it came', () => server.text.length === bytes.length)
  assert.ok(Buffer.concat(server.bytes).equals(bytes))
  finish(made)
})

test('openssl: a peer that says its end in the middle of a handshake has ended', async () => {
  const { below, server, client } = rig({ server: 'openssl', client: 'openssl' })
  client.engine.start()
  below.server.write(Buffer.from('15030300020100', 'hex'))
  await turn()
  assert.deepEqual(client.said, ['end'])
  finish({ below, server, client })
})

test("openssl: its errors are nobody else's", async () => {
  const made = await shaken(rig({ server: 'openssl', client: 'openssl' }))
  made.below.client.write(Buffer.from(`17030300ff${'00'.repeat(255)}`, 'hex'))
  await made.client.until('it is told', () => made.client.said.includes('broke'))
  assert.equal(openssl()!.ERR_get_error(), 0)
  finish(made)
})

test('openssl: nothing reaches OpenSSL once it is destroyed', async () => {
  const made = await shaken(rig({ server: 'openssl', client: 'openssl' }))
  const { engine } = made.client
  finish(made)
  engine.destroy()
  engine.end()
  assert.throws(() => engine.write(Buffer.from('x'), () => {}), /after it was freed/)
  assert.equal(engine.facts().protocol, 'TLSv1.3')
})

test('openssl: whatever bytes come, a stream breaks, and others go on', async () => {
  const other = await shaken(rig({ server: 'openssl', client: 'openssl' }))
  let state = 1
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  for (let round = 0; round < 60; round++) {
    const made = rig({ server: 'openssl', client: 'openssl' })
    const { below, server } = made
    const write = below.client.write.bind(below.client)
    // From some write on the bytes of the client are spoiled.
    let good = random(4)
    below.client.write = (bytes) => {
      const spoiled = Buffer.from(bytes)
      if (good-- <= 0) {
        for (let count = 1 + random(4); count > 0; count--) {
          spoiled[random(spoiled.length)] = random(256)
        }
      }
      return write(spoiled)
    }
    made.server.engine.start()
    made.client.engine.start()
    for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (made.client.said[0] === 'shaken' && !made.client.said.includes('broke')) {
      made.client.engine.write(Buffer.from('hello'), () => {})
    }
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(server.text === '' || server.text === 'hello')
    finish(made)
  }
  other.client.engine.write(Buffer.from('well'), () => {})
  await other.server.until('it came', () => other.server.text === 'well')
  finish(other)
})
