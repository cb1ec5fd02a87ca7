import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerCertificate } from 'node:tls'
import { testNode } from '../../testing/test-node.ts'
import { vectorsOf } from '../../testing/vectors.ts'
import { connectTls } from './connect-tls.ts'
import { listenTls } from './listen-tls.ts'
import type { TlsClientOptions } from './tls-options.ts'

const { ca, local } =
  vectorsOf<Record<'ca' | 'local', { readonly cert: string; readonly key: string }>>('certificates')

type Check = (host: string, certificate: PeerCertificate) => unknown

const ENGINES: readonly [string, TlsClientOptions][] = [
  ['openssl', {}],
  ['node:tls', { onSession: () => {} }],
]
for (const [engine, options] of ENGINES) {
  test(`${engine}: what checkServerIdentity returns is an error, or nothing`, async () => {
    await using node = await testNode()
    const place = { host: '127.0.0.1', port: 0 }
    const listener = await listenTls(node.skynet, { ...place, tls: local })
    const accepting = (async () => {
      for await (const stream of listener) stream.close().catch(() => {})
    })()
    const connect = (check: Check, more: TlsClientOptions = {}) => {
      const checkServerIdentity = check as NonNullable<TlsClientOptions['checkServerIdentity']>
      const tls = { ca: ca.cert, checkServerIdentity, ...options, ...more }
      return connectTls(node.skynet, { ...place, port: listener.port, tls })
    }
    for (const nothing of [undefined, null, false, '']) {
      const stream = await connect(() => nothing, { servername: '' })
      assert.equal(stream.servername, undefined)
      assert.equal(stream.authorized, true, String(nothing))
      assert.equal(stream.authorizationError, undefined)
      await stream.close()
    }
    const wrong: readonly [Check, RegExp][] = [
      [() => 'a text', /a text/],
      [async () => {}, /Promise/],
      [() => true, /true/],
    ]
    for (const [check, message] of wrong) {
      await assert.rejects(connect(check), { code: 'ERR_TLS_HANDSHAKE', message })
      const stream = await connect(check, { rejectUnauthorized: false })
      assert.equal(stream.authorized, false)
      assert.match(stream.authorizationError!, message)
      await stream.close()
    }
    await listener.close()
    await accepting
  })
}
