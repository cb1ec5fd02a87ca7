import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { REVOKED } from '../../testing/revoked.ts'
import { framedTcp } from './framed-tcp.ts'

test('framedTcp() refuses what is wrong within tls at once, and names it', () => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [true, /'tls' must be a plain object/],
    [false, /'tls' must be a plain object/],
    [null, /'tls' must be a plain object/],
    [{ ca: 5 }, /Cannot connect over TCP with what 'tls' has: .*"?options\.ca"? /],
    [{ cert: 'nonsense' }, /Cannot connect over TCP with what 'tls' has: error:/],
    [{ minVersion: 'TLSv9' }, /with what 'tls' has: "TLSv9" is not a valid/],
    [{ servername: 5 }, /'tls\.servername' must be .*: current value is 5/],
    [{ session: 5 }, /'tls\.session' must be .*: current value is 5/],
    [{ checkServerIdentity: 5 }, /'tls\.checkServerIdentity' must be a function: .* 5/],
    [{ ALPNProtocols: 5 }, /'tls\.ALPNProtocols' must be an array: current value is 5/],
    [{ ALPNProtocols: [5] }, /'tls\.ALPNProtocols' must be .*: current value is 5/],
  ]
  for (const [tls, message] of rows) {
    assert.throws(() => framedTcp({ port: 1, tls } as never), { name: 'TypeError', message })
  }
  framedTcp({ port: 1, tls: { ALPNProtocols: ['chat'], servername: 'a.test' } })
})

test('framedTcp() names what node:tls refuses only where it connects', () => {
  const { open } = framedTcp({ port: 1, tls: { secureContext: 5 as never } })
  const nobody = { opened() {}, heard() {}, closed() {} }
  assert.throws(() => open(nobody), {
    name: 'TypeError',
    message: /Cannot connect over TCP with what 'tls' has: context must be/,
  })
})

test('framedTcp() takes every list of revoked certificates in a text', async (t) => {
  const { ca, lists } = REVOKED
  const crl = `${lists.foreign}${lists.a}`
  const told = []
  for (const name of ['m', 'a'] as const) {
    const server = createServer(REVOKED[name]).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const tls = { ca: ca.cert, crl, servername: name }
    told.push(
      await new Promise<string>((resolve) => {
        const opened = (): void => {
          resolve('opened')
          link.close()
        }
        const link = framedTcp({ port, tls }).open({ opened, heard() {}, closed: resolve })
      }),
    )
  }
  assert.deepEqual(told, ['opened', 'certificate revoked'])
})
