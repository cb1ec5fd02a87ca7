import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Skynet } from '../skynet/skynet.ts'
import { testNode } from '../testing/test-node.ts'
import { LoginRequest } from './login-handshake.ts'
import { loginServer } from './login-server.ts'
import { msgServer } from './msg-server.ts'

/** Never called: that it compiles is the test. */
export function wrongUses(skynet: Skynet): void {
  const auth = () => ({ server: 'sample', uid: 'ada' })
  const login = () => 1
  // @ts-expect-error Who tells the game server?
  void loginServer(skynet, { auth })
  // @ts-expect-error A user has a server.
  void loginServer(skynet, { auth: () => ({ uid: 'ada' }), login })
  // @ts-expect-error A subid is text or a number.
  void loginServer(skynet, { auth, login: () => ({ subid: 1 }) })
  // @ts-expect-error There is no such option.
  void loginServer(skynet, { auth, login, mulitLogin: true })
  void loginServer(skynet, { auth: (token) => ({ server: '', uid: `${token.at(0)}` }), login })

  // @ts-expect-error Who answers requests?
  msgServer(skynet, () => ({}))
  // @ts-expect-error An answer is bytes, or text.
  msgServer(skynet, () => ({ request: () => 7 }))
  // @ts-expect-error So is one that comes later.
  msgServer(skynet, () => ({ request: async () => ({ text: 'hello' }) }))
  const game = msgServer(skynet, (server) => ({
    request: (username, body) => `${username.length} ${body.readUInt8(0)}`,
    options: ['servername'],
    open(_source, _options: { readonly servername: string }) {},
    command: {
      login: (uid: string, secret: Buffer) => server.login(server.username(uid, 1, 's'), secret),
    },
  }))
  void game.open({ port: 0, maxClient: 7, servername: 'sample' })
  // @ts-expect-error An option of its own is missing.
  void game.open({ port: 0 })
  // @ts-expect-error A secret is bytes.
  game.login('ada', 7)
  msgServer(skynet, () => ({ request() {} }))

  // @ts-expect-error A token is bytes, or text.
  new LoginRequest({ uid: 'ada' })
}

test('msgServer() refuses a handler that is none, at once and by name', async () => {
  await using node = await testNode()
  const make = (handler: unknown) => () => msgServer(node.skynet, () => handler as never)
  const request = (): void => {}
  assert.throws(make(undefined), /'handler' must be a plain object/)
  assert.throws(make({}), /'request' must be a function/)
  assert.throws(make({ request, disconnect: 1 }), /'disconnect' must be a function/)
  assert.throws(make({ request, reqeust: 1 }), /'reqeust'.*did you mean 'request'/)
  assert.throws(make({ request, command: { open() {} } }), /without 'open'/)
  assert.throws(() => msgServer(node.skynet, 1 as never), /'define' must be a function/)
})
