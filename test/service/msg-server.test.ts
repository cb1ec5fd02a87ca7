/** A message server on real sockets: what Skynet's clients saw, and what no client may do to it. */
import assert from 'node:assert/strict'
import { isSkynetError, type Skynet } from 'skynet-ts'
import { crypt, usernameOf } from 'skynet-ts/gate'
import { MSG_ROWS, MSG_USERS, replay } from '../../src/gate/msg-replay.kit.ts'
import type msgHost from '../fixtures/msg-host.ts'
import type { MsgLimits } from '../fixtures/msg-host.ts'
import { atRandom, byByte, type Pieces } from '../support/login-client.ts'
import { FrameClient } from '../support/msg-client.ts'
import { serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

const SECRET = Buffer.from('12345678')
const USER = { uid: 'hello', server: 'sample', subid: '1', secret: SECRET }
const USERNAME = usernameOf(USER)

/** A message server on the other worker, and its port. */
async function open(skynet: Skynet, limits: MsgLimits = {}) {
  const host = await skynet.newService<typeof msgHost>('../fixtures/msg-host.ts', {
    args: [limits],
    on: 1,
  })
  const { port } = await host.call.open({ host: '127.0.0.1', port: 0, servername: 'sample' })
  return { host, port }
}

/** The same, with USER logged in and connected. */
async function entered(skynet: Skynet, limits: MsgLimits = {}) {
  const { host, port } = await open(skynet, limits)
  await host.call.login(USERNAME, SECRET)
  const client = await FrameClient.connect(port)
  assert.equal(await client.enter(USER, 1), '200 OK')
  return { host, port, client }
}

const noSocket = (skynet: Skynet) =>
  until('no socket that is open', () => {
    const { accepted, opened, closed } = skynet.socket.totals()
    return accepted + opened === closed
  })

const seed = seedOf()
const SPLITS: Readonly<Record<string, Pieces>> = {
  'as they were': (bytes) => [bytes],
  'byte by byte': byByte,
  'in pieces': atRandom(seeded(seed)),
}

for (const [name, pieces] of Object.entries(SPLITS)) {
  // Proves: docs/login.md#msg-wire
  serviceTest(import.meta.url, `each request of Skynet's clients, ${name}`, async (skynet) => {
    skynet.log(`SEED=${seed}`)
    const { host, port } = await open(skynet)
    const game = {
      isHeld: (body: Buffer) => host.call.isHeld(body),
      answer: (body: Buffer) => host.call.answer(body),
    }
    for (const row of MSG_ROWS) {
      for (const { username, secret, from } of MSG_USERS) {
        if (from !== row.label) continue
        await host.call.logout(MSG_USERS[0].username)
        await host.call.login(username, secret)
      }
      // 65,000 bytes one by one say nothing that the others do not.
      const isLong = row.label.includes('65000')
      const connect = () => FrameClient.connect(port, isLong ? (bytes) => [bytes] : pieces)
      await replay(row, connect, game, (look) => until(row.label, look))
    }
    await skynet.kill(host.handle)
  })
}

// Proves: docs/login.md#msg-cache
serviceTest(import.meta.url, 'answers are kept as long as by Skynet', async (skynet) => {
  const { host, port, client } = await entered(skynet)
  const ask = async (from: FrameClient, body: string, session: number): Promise<string> => {
    from.request(body, session)
    // A cached answer is there without it.
    const isThere = async () => from.frames.length > 0 || host.call.isHeld(Buffer.from(body))
    await until('the request', isThere)
    await host.call.answer(Buffer.from(body))
    return (await from.answer()).text
  }
  for (let session = 0; session < 300; session++) {
    assert.equal(await ask(client, 'c', session), 'c')
  }
  client.close()
  const again = await FrameClient.connect(port)
  assert.equal(await again.enter(USER, 2), '200 OK')
  const expected = { 0: 'R', 1: 'R', 43: 'R', 100: 'R', 171: 'c', 255: 'c', 256: 'c', 299: 'c' }
  for (const [session, body] of Object.entries(expected)) {
    assert.equal(await ask(again, 'R', Number(session)), body, session)
  }
  again.close()
  await skynet.kill(host.handle)
})

// Proves: docs/login.md#msg-failure
// Proves: docs/limits.md#msg-body
serviceTest(import.meta.url, 'an answer too long for a frame is a failure', async (skynet) => {
  const { host, client } = await entered(skynet)
  const frame = Buffer.alloc(65_535, 'z')
  frame.writeUInt32BE(7, 65_531)
  client.send(frame)
  const body = frame.subarray(0, 65_531)
  await until('the request', () => host.call.isHeld(body))
  await host.call.answer(body)
  assert.deepEqual(await client.answer(), { isOk: false, session: 7, text: '' })
  client.request('after', 8)
  await until('the request', () => host.call.isHeld(Buffer.from('after')))
  await host.call.answer(Buffer.from('after'))
  assert.deepEqual(await client.answer(), { isOk: true, session: 8, text: 'after' })
  client.close()
  await skynet.kill(host.handle)
})

// Proves: docs/login.md#msg-pending
serviceTest(import.meta.url, 'a client that floods is read no further', async (skynet) => {
  const { host, client } = await entered(skynet, { maxPending: 10 })
  const count = 5000
  for (let session = 0; session < count; session++) client.request('flood', session)
  await until('what may be', async () => (await host.call.asked()).length >= 10)
  assert.equal((await host.call.asked()).length, 10)
  let answered = 0
  while (answered < count) {
    await host.call.answer(Buffer.from('flood'))
    for (; client.frames.length > 0; answered++) assert.equal((await client.answer()).text, 'flood')
    assert.ok(!client.hasEnded)
  }
  assert.equal((await host.call.asked()).length, count)
  client.close()
  await skynet.kill(host.handle)
})

// Proves: docs/login.md#msg-handshake-time
serviceTest(import.meta.url, 'half a handshake for ever ends in time', async (skynet) => {
  const { host, port } = await open(skynet, { handshakeTimeoutMs: 50 })
  const clients = [await FrameClient.connect(port), await FrameClient.connect(port)]
  clients[0]!.socket.write(Buffer.from([0, 40, 65]))
  for (const client of clients) {
    assert.equal(await client.next(), undefined)
    client.close()
  }
  await skynet.kill(host.handle)
})

// Proves: docs/login.md#msg-users
serviceTest(import.meta.url, 'a user that is logged out is closed, and unknown', async (skynet) => {
  const { host, port, client } = await entered(skynet)
  const second = await FrameClient.connect(port)
  assert.equal(await second.enter(USER, 2), '200 OK')
  second.request('who', 1)
  assert.match((await second.answer()).text, /^127\.0\.0\.1:\d+$/)
  client.close()
  second.request('who', 2)
  await second.answer()
  assert.deepEqual(await host.call.left(), [])
  assert.equal(await host.call.logout(USERNAME), true)
  assert.equal(await second.next(), undefined)
  second.close()
  const third = await FrameClient.connect(port)
  assert.equal(await third.enter(USER, 3), '404 User Not Found')
  third.close()
  assert.deepEqual(await host.call.left(), [])
  assert.equal(await host.call.users(), 0)
  await assert.rejects(
    async () => {
      await host.call.login(USERNAME, SECRET)
      await host.call.login(USERNAME, SECRET)
    },
    (error) => isSkynetError(error, 'ERR_USER_ONLINE'),
  )
  assert.equal(await host.call.username('hello', 1), USERNAME)
  assert.deepEqual(await host.call.userid(USERNAME), { uid: 'hello', server: 'sample', subid: '1' })
  await assert.rejects(host.call.userid('nobody'), (error) => isSkynetError(error, 'ERR_CRYPT'))
  await skynet.kill(host.handle)
})

// Proves: docs/login.md#msg-end
serviceTest(import.meta.url, 'clients of a server that is killed see their end', async (skynet) => {
  const { host, client } = await entered(skynet)
  client.request('asked', 1)
  await until('the request', () => host.call.isHeld(Buffer.from('asked')))
  await skynet.kill(host.handle)
  assert.equal(await client.next(), undefined)
  client.close()
  await noSocket(skynet)
})

serviceTest(import.meta.url, 'a code of any wrong kind is refused', async (skynet) => {
  const { host, port, client } = await entered(skynet)
  client.close()
  const text = `${USERNAME}:2`
  const code = crypt.hmacHash(SECRET, text)
  const wrong = [code.subarray(1), Buffer.concat([code, code]), Buffer.alloc(8), Buffer.alloc(0)]
  for (const each of wrong) {
    const other = await FrameClient.connect(port)
    other.send(`${text}:${crypt.base64Encode(each)}`)
    assert.equal(`${await other.next()}`, '401 Unauthorized')
    assert.equal(await other.next(), undefined)
    other.close()
  }
  const right = await FrameClient.connect(port)
  right.send(`${text}:${crypt.base64Encode(code)}`)
  assert.equal(`${await right.next()}`, '200 OK')
  right.close()
  await skynet.kill(host.handle)
})

// Proves: docs/limits.md#msg-pending
serviceTest(import.meta.url, 'wrong limits of a message server are refused', async (skynet) => {
  const wrong: readonly (readonly [MsgLimits, RegExp])[] = [
    [{ expiredNumber: 0 }, /'expiredNumber'.*0/],
    [{ answersBytesMax: -1 }, /'answersBytesMax'.*-1/],
    [{ maxPending: 0 }, /'maxPending'.*0/],
    [{ maxPending: 65_537 }, /'maxPending'.*65537/],
    [{ handshakeTimeoutMs: 0 }, /'handshakeTimeoutMs'.*0/],
    [{ maxPendings: 1 } as never, /'maxPendings'.*did you mean 'maxPending'/],
  ]
  for (const [limits, expected] of wrong) {
    await assert.rejects(open(skynet, limits), (error: Error) => {
      assert.match(`${(error.cause as Error).message}`, expected)
      return true
    })
  }
})
