import assert from 'node:assert/strict'
import { test } from 'node:test'
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
