/** The cases of byte streams over TLS, both versions, both ends. */
import type { Skynet } from 'skynet-ts'
import { connectTls, listenTls, type TlsOptions, type TlsStream } from 'skynet-ts/tls'
import { byteStreamSuite, type StreamPair } from '../../src/sockets/byte-stream.suite.ts'
import { serviceTest } from '../support/run.ts'
import { ours } from '../support/sockets.ts'
import { CA, HOST, LOCAL } from '../support/tls.ts'

/** Over connections that the test has in hand, to break them. */
async function pairOf(skynet: Skynet, tls: TlsOptions, isServer: boolean): Promise<StreamPair> {
  const [left, right] = await ours(skynet)
  const listener = await listenTls(skynet, { tls, listener: once(right) })
  const server = (async () => {
    for await (const stream of listener) return stream
    throw new Error('no handshake')
  })()
  const ends = [connectTls(skynet, { host: HOST, stream: left, tls: { ca: CA } }), server] as const
  const [client, accepted] = await Promise.all(ends)
  const [near, far]: readonly TlsStream[] = isServer ? [accepted, client] : [client, accepted]
  const below = isServer ? right : left
  return { near: near!, far: far!, breakNear: () => below.configure({ idleTimeoutMs: 1 }) }
}

/** A listener of one connection, that is there. */
const once = (connection: Awaited<ReturnType<typeof ours>>[0]) => ({
  address: 'memory',
  port: 0,
  async *[Symbol.asyncIterator]() {
    yield connection
    await new Promise(() => {})
  },
  async close() {},
  async [Symbol.asyncDispose]() {},
})

const KINDS: Readonly<Record<string, readonly [TlsOptions, boolean]>> = {
  'TLS 1.3, the client:': [LOCAL, false],
  'TLS 1.3, the server:': [LOCAL, true],
  'TLS 1.2, the client:': [{ ...LOCAL, maxVersion: 'TLSv1.2' }, false],
  'TLS 1.2, the server:': [{ ...LOCAL, maxVersion: 'TLSv1.2' }, true],
}

for (const [name, [tls, isServer]] of Object.entries(KINDS)) {
  byteStreamSuite(name, (title, body) => {
    // Proves: docs/tls.md#byte-stream
    serviceTest(import.meta.url, title, (skynet) => body(() => pairOf(skynet, tls, isServer)))
  })
}
