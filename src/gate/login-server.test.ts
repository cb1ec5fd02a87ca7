/** Logins and a message server on a `testNode`: clients without sockets, time by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FIN_WAIT_MS, LOGIN_MS, MSG_HANDSHAKE_MS, REFUSED_MAX } from '../base/limits.ts'
import { defineService } from '../skynet/define-service.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import type { TestClient } from '../testing/test-client.ts'
import { testNode } from '../testing/test-node.ts'
import { LoginRequest, type LoginTicket } from './login-handshake.ts'
import { loginServer } from './login-server.ts'
import { readAnswer, requestFrame } from './msg-frame.ts'
import { handshakeText, usernameOf } from './msg-handshake.ts'
import { msgServer } from './msg-server.ts'

const PORT = 7000

/** A login server whose handlers may never answer. */
const logins = defineService(async (skynet, waits: 'auth' | 'login' | 'none') => {
  const never = new Promise<never>(() => {})
  await loginServer(skynet, {
    port: PORT,
    auth: (token) => (waits === 'auth' ? never : { server: 'sample', uid: `${token}` }),
    login: (_server, uid) => (waits === 'login' ? never : `seat of ${uid}`),
  })
})

/** Up to the token, and the ticket when it comes. */
async function logIn(client: TestClient): Promise<LoginTicket> {
  const request = new LoginRequest('ada')
  for (;;) {
    const line = await client.readLine()
    assert.ok(line !== null)
    const ticket = request.take(line, (answer) => client.write(`${answer}\n`))
    if (ticket !== undefined) return ticket
  }
}

// Proves: docs/login.md#login-deadline
test('a login has 10 s, at each step, to the millisecond', async () => {
  for (const sent of ['', 'AAAA', 'QUFBQUFBQUE=\n']) {
    const clock = new FakeClock()
    await using node = await testNode({ clock })
    await node.launch(logins, { args: ['none'] })
    const client = await node.connect(PORT)
    await node.settled()
    client.write(sent)
    await clock.advance(LOGIN_MS - 1)
    const before = `${await client.received()}`
    assert.doesNotMatch(before, /401/)
    await clock.advance(1)
    assert.equal(`${await client.readAll()}`, '401 Unauthorized\n')
  }
})

// Proves: docs/login.md#login-deadline
test('handlers have what is left of it', async () => {
  const refusals = { auth: '401 Unauthorized', login: '403 Forbidden' } as const
  for (const [waits, refusal] of Object.entries(refusals)) {
    const clock = new FakeClock()
    await using node = await testNode({ clock })
    await node.launch(logins, { args: [waits as keyof typeof refusals] })
    const client = await node.connect(PORT)
    await clock.advance(LOGIN_MS - 100)
    let answer = ''
    const refused = logIn(client).catch((error: Error) => {
      answer = error.message
    })
    await clock.advance(99)
    assert.equal(answer, '')
    await clock.advance(1)
    await refused
    assert.equal(answer, `Cannot log in: ${refusal}`)
  }
})

// Proves: docs/login.md#msg-handshake-time
test('a user logs in and plays; who does not say whose he is has 10 s', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  await node.launch(logins, { args: ['none'] })
  const game = await node.launch(
    defineService((skynet) =>
      msgServer(skynet, (server) => ({
        request: (_username, body) => `${body}, says ${skynet.self}`,
        command: { login: server.login },
      })),
    ),
  )
  await game.call.open({ port: PORT + 1 })
  const { subid, secret } = await logIn(await node.connect(PORT))
  assert.equal(subid, 'seat of ada')
  const user = { uid: 'ada', server: 'sample', subid }
  await game.call.login(usernameOf(user), secret)

  const silent = await node.connect(PORT + 1)
  const player = (await node.connect(PORT + 1)).frames({ header: 'u16be' })
  player.send(handshakeText(user, 1, secret))
  assert.equal(`${await player.receive()}`, '200 OK')
  await clock.advance(MSG_HANDSHAKE_MS - 1)
  assert.equal((await silent.received()).length, 0)
  const end = silent.read()
  await clock.advance(1)
  assert.equal(await end, null)
  player.send(requestFrame('hello', 1))
  const { body, isOk } = readAnswer((await player.receive())!)!
  assert.equal(isOk, true)
  assert.equal(`${body}`, `hello, says ${game.handle}`)
})

// Proves: docs/login.md#login-overload
// Proves: docs/limits.md#refused
test('of a flood of logins too many, the first hear why, the others are cut', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const logins = defineService(async (skynet) => {
    const auth = (): never => assert.fail('nobody says who he is')
    await loginServer(skynet, { port: PORT, maxLogins: 1, auth, login: auth })
  })
  await node.launch(logins)
  await node.connect(PORT)
  const refused = REFUSED_MAX + 3
  const kept = (): number => node.skynet.socket.netstat().length
  const before = kept()
  const clients = []
  for (let n = 0; n < refused; n++) clients.push(await node.connect(PORT))
  await node.settled()
  assert.ok(kept() - before <= REFUSED_MAX * 2 + 3, `${kept()} sockets`)
  const answers = []
  for (const client of clients) answers.push(await client.readAll().catch(() => 'cut'))
  const heard = answers.filter((answer) => `${answer}` === '503 Service Unavailable\n')
  assert.equal(heard.length, REFUSED_MAX)
  await clock.advance(FIN_WAIT_MS)
  const later = await node.connect(PORT)
  assert.equal(`${await later.readAll()}`, '503 Service Unavailable\n')
})
