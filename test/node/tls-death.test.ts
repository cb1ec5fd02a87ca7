/** A worker dies that has streams over TLS: OpenSSL has objects of them, which nobody collects. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import type tlsMortal from '../fixtures/tls-mortal.ts'
import { serviceTest } from '../support/run.ts'
import { CA, HOST } from '../support/tls.ts'

const dial = (port: number): TLSSocket =>
  connect({ host: HOST, port, ca: CA }).on('error', () => {})

// Proves: docs/semantics.md#worker-death
serviceTest(
  import.meta.url,
  'a worker dies in the middle of handshakes and messages over TLS, and the node goes on',
  async (skynet) => {
    for (let round = 0; round < 5; round++) {
      const served = await skynet.newService<typeof tlsMortal>('./tls-mortal.ts', { on: 1 })
      const port = await served.call.listen()
      const talking = Array.from({ length: 10 }, () => dial(port))
      for (const client of talking) {
        await once(client, 'secureConnect')
        client.on('data', (bytes) => client.write(bytes))
        client.write('x'.repeat(1000 * round + 1))
      }
      const ended = talking.map((client) => once(client, 'close'))
      const shaking = Array.from({ length: 10 }, () => dial(port))
      await assert.rejects(served.call.exitThread(), { code: 'ERR_CALL_DEAD' })
      await Promise.all(ended)
      for (const client of shaking) client.destroy()
    }
    const next = await skynet.newService<typeof tlsMortal>('./tls-mortal.ts', { on: 1 })
    const client = dial(await next.call.listen())
    await once(client, 'secureConnect')
    client.write('well')
    assert.equal(String((await once(client, 'data'))[0]), 'well')
    client.destroy()
  },
  { thread: 2 },
)
