/** A login server on real sockets: what Skynet's clients saw, and what no client may do to it. */
import assert from 'node:assert/strict'
import { isSkynetError, type Skynet } from 'skynet-ts'
import {
  crypt,
  type LoginPeer,
  type LoginServer,
  type LoginServerOptions,
  loginServer,
} from 'skynet-ts/gate'
import { vectorsOf } from '../../src/testing/vectors.ts'
import type loginHost from '../fixtures/login-host.ts'
import { atRandom, byByte, LineClient, logIn, type Pieces } from '../support/login-client.ts'
import { gate, serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

interface Step {
  readonly dir: 's2c' | 'c2s'
  readonly hex?: string
  readonly event?: string
}
interface Row {
  readonly label: string
  readonly challenge: string | null
  readonly clientKey: string
  readonly secret: string | null
  readonly transcript?: readonly Step[]
}

const rows = vectorsOf<{ login: readonly Row[] }>('login').login
const TOKEN = 'aGVsbG8=@c2FtcGxl:cGFzc3dvcmQ='

/** A server that lets in whom `auth` knows, unless the test says otherwise. */
function serve(skynet: Skynet, more: Partial<LoginServerOptions> = {}): Promise<LoginServer> {
  let subid = 0
  return loginServer(skynet, {
    host: '127.0.0.1',
    port: 0,
    auth(token) {
      const [, user, server] = /^([^@]*)@([^:]*):.*$/.exec(token.toString())!
      const name = crypt.base64Decode(server!).toString()
      return { server: name, uid: crypt.base64Decode(user!).toString() }
    },
    login(server) {
      if (server !== 'sample') throw new Error('no such server')
      return ++subid
    },
    ...more,
  })
}

const noSocket = (skynet: Skynet) =>
  until('no socket that is open', () => {
    const { accepted, opened, closed } = skynet.socket.totals()
    return accepted + opened === closed
  })

const isRest = (server: LoginServer) => until('no login under way', () => server.pending === 0)

// --- what Skynet's clients saw -----------------------------------------------------------------

/**
 * What the client of a transcript sends in place of what it sent to Skynet: the challenge is
 * another one, and so are the keys of the server. What was wrong there is sent as it was.
 */
class Replay {
  readonly #row: Row
  readonly #key: Buffer
  #challenge: Buffer | undefined
  #secret: Buffer | undefined

  constructor(row: Row) {
    this.#row = row
    this.#key = Buffer.from(row.clientKey, 'hex')
  }

  heard(line: string): void {
    const bytes = /^\d{3} /.test(line) ? undefined : crypt.base64Decode(line)
    if (this.#challenge === undefined) this.#challenge = bytes
    else if (bytes !== undefined) this.#secret = crypt.dhSecret(bytes, this.#key)
  }

  toSend(line: string): string {
    const { challenge, secret } = this.#row
    if (this.#secret === undefined || challenge === null || secret === null) return line
    const [there, of] = [Buffer.from(challenge, 'hex'), Buffer.from(secret, 'hex')]
    // With CR as without.
    const text = line.trim()
    const again = (bytes: Buffer): string => line.replace(text, crypt.base64Encode(bytes))
    if (text === crypt.base64Encode(crypt.hmac64(there, of))) {
      return again(crypt.hmac64(this.#challenge!, this.#secret))
    }
    try {
      const token = crypt.desDecode(of, crypt.base64Decode(text))
      return again(crypt.desEncode(this.#secret, token))
    } catch {
      return line
    }
  }
}

/** Lines of the server that are the same for every challenge. */
const isResult = (line: string): boolean => /^\d{3} /.test(line)

async function replay(port: number, row: Row, pieces: Pieces): Promise<void> {
  const client = await LineClient.connect(port, pieces)
  const replayed = new Replay(row)
  for (const { dir, hex, event } of row.transcript ?? []) {
    const line = Buffer.from(hex ?? '', 'hex').toString('latin1')
    if (dir === 'c2s' && event === undefined) client.send(replayed.toSend(line))
    else if (event === 'client closes') client.close()
    else if (event !== undefined) assert.equal(await client.rest(), '', row.label)
    else {
      const heard = await client.next()
      assert.ok(heard !== undefined, `${row.label}: a line was due`)
      if (isResult(line)) assert.equal(`${heard}\n`, line, row.label)
      else assert.equal(crypt.base64Decode(heard).length, 8, row.label)
      replayed.heard(heard)
    }
  }
  client.close()
}

const seed = seedOf()
const SPLITS: Readonly<Record<string, Pieces>> = {
  'as one write': (bytes) => [bytes],
  'byte by byte': byByte,
  'in pieces': atRandom(seeded(seed)),
}

for (const [name, pieces] of Object.entries(SPLITS)) {
  // Proves: docs/login.md#login-wire
  serviceTest(import.meta.url, `each login of Skynet's clients, ${name}`, async (skynet) => {
    skynet.log(`SEED=${seed}`)
    await using server = await serve(skynet)
    const known = rows.filter(({ transcript }) => transcript !== undefined)
    assert.equal(known.length, 13)
    for (const row of known) {
      // 9,000 bytes one by one say nothing that the others do not.
      const isLong = row.label.startsWith('9000')
      await replay(server.port, row, isLong ? (bytes) => [bytes] : pieces)
    }
    await isRest(server)
  })
}

// Proves: docs/login.md#login-agree
serviceTest(
  import.meta.url,
  'both sides have the secret, the user and the subid',
  async (skynet) => {
    const seen: unknown[] = []
    await using server = await serve(skynet, {
      login(name, uid, secret, { address }) {
        seen.push(name, uid, secret.toString('hex'), address.replace(/\d+$/, ''))
        return 'seat 7'
      },
    })
    const { subid, secret } = await logIn(server.port, TOKEN)
    assert.equal(subid, 'seat 7')
    assert.deepEqual(seen, ['sample', 'hello', secret.toString('hex'), '127.0.0.1:'])
    assert.equal(server.address, `127.0.0.1:${server.port}`)
  },
)

// Proves: docs/login.md#login-busy
serviceTest(import.meta.url, 'one user is in login once at a time, then again', async (skynet) => {
  const entered: (() => void)[] = []
  await using server = await serve(skynet, {
    login: () => new Promise<number>((resolve) => entered.push(() => resolve(entered.length))),
  })
  let refusals = 0
  const outcomes = Array.from({ length: 8 }, () =>
    logIn(server.port, TOKEN).catch((error: Error) => {
      refusals++
      return error.message
    }),
  )
  // One that is pending may as well be the first of them, before the others have come.
  await until('seven refusals', () => refusals === 7)
  await until('the end of what was refused', () => server.pending === 1)
  assert.equal(entered.length, 1)
  entered[0]!()
  const results = await Promise.all(outcomes)
  const refused = results.filter((result) => result === 'Cannot log in: 406 Not Acceptable')
  assert.equal(refused.length, 7)
  const again = logIn(server.port, TOKEN)
  await until('the next login', () => entered.length === 2)
  entered[1]!()
  assert.equal((await again).subid, '2')
})

serviceTest(import.meta.url, 'with multiLogin one user may log in many times', async (skynet) => {
  const all = gate<number>()
  let inside = 0
  await using server = await serve(skynet, {
    multiLogin: true,
    login: () => {
      if (++inside === 3) all.open(1)
      return all.promise
    },
  })
  await Promise.all([1, 2, 3].map(() => logIn(server.port, TOKEN)))
})

/** Is that the answer? */
const isRefused = (login: Promise<unknown>, status = 403): Promise<boolean> =>
  login.then(
    () => false,
    (error) => isSkynetError(error, 'ERR_LOGIN') && error.info.status === status,
  )

// --- what no client may do -----------------------------------------------------------------------

// Proves: docs/login.md#login-deadline
// Proves: docs/limits.md#login-time
serviceTest(
  import.meta.url,
  'a client that stops at any step is refused in time',
  async (skynet) => {
    await using server = await serve(skynet, { loginTimeoutMs: 50 })
    const key = crypt.base64Encode(crypt.dhExchange(crypt.randomKey()))
    const linesAfter = async (sent: string): Promise<number> => {
      const client = await LineClient.connect(server.port)
      client.send(sent)
      const lines = (await client.rest()).trim().split('\n')
      client.close()
      assert.equal(lines.at(-1), '401 Unauthorized', sent)
      return lines.length
    }
    for (const sent of ['', 'AAA', `${key}`, `${key}\n`, `${key}\nAAAA`]) {
      const steps = sent.includes('\n') ? 3 : 2
      // Where others use the cores, some are late before.
      await until(`a client at step ${steps}`, async () => (await linesAfter(sent)) === steps)
    }
    await isRest(server)
  },
)

// Proves: docs/login.md#login-deadline
serviceTest(import.meta.url, 'handlers that never answer are given up', async (skynet) => {
  const peers: LoginPeer[] = []
  const never = (peer: LoginPeer) => {
    peers.push(peer)
    return new Promise<never>((_, reject) => {
      peer.signal.addEventListener('abort', () => reject(peer.signal.reason))
    })
  }
  const loginTimeoutMs = 50
  await using slow = await serve(skynet, { loginTimeoutMs, auth: (_, peer) => never(peer) })
  // Where others use the cores, some are late before.
  const inAuth = async () => (await isRefused(logIn(slow.port, TOKEN), 401)) && peers.length > 0
  await until('an auth that never answers', inAuth)
  await using late = await serve(skynet, {
    loginTimeoutMs,
    login: (_s, _u, _k, peer) => never(peer),
  })
  await until('a login that never answers', () => isRefused(logIn(late.port, TOKEN)))
  for (const { signal } of peers) assert.equal(signal.reason.code, 'ERR_WAIT_TIMEOUT')
  await Promise.all([isRest(slow), isRest(late)])
})

// Proves: docs/login.md#login-late
serviceTest(
  import.meta.url,
  'a handler that goes on counts, and keeps its user',
  async (skynet) => {
    const end = gate<number>()
    await using server = await serve(skynet, { loginTimeoutMs: 50, login: () => end.promise })
    await until('a login that got as far', () => isRefused(logIn(server.port, TOKEN)))
    await until('no other one', () => server.pending === 1)
    await until('another refusal', () => isRefused(logIn(server.port, TOKEN), 406))
    end.open(1)
    await isRest(server)
    const again = (): Promise<object | undefined> =>
      logIn(server.port, TOKEN).catch(() => undefined)
    assert.deepEqual(Object.keys(await until('a login', again)), ['subid', 'secret'])
  },
)

// Proves: docs/login.md#login-overload
// Proves: docs/limits.md#logins
serviceTest(
  import.meta.url,
  'one login too many is refused; then there is room',
  async (skynet) => {
    await using server = await serve(skynet, { maxLogins: 2 })
    const waiting = [await LineClient.connect(server.port), await LineClient.connect(server.port)]
    for (const client of waiting) assert.ok((await client.next()) !== undefined)
    await assert.rejects(logIn(server.port, TOKEN), /: 503 Service Unavailable$/)
    waiting[0]!.close()
    await until('room', () => server.pending === 1)
    await logIn(server.port, TOKEN)
    waiting[1]!.close()
    await isRest(server)
  },
)

// Proves: docs/limits.md#login-line
serviceTest(
  import.meta.url,
  'a line of 8,192 bytes is read, one more is cut off',
  async (skynet) => {
    await using server = await serve(skynet)
    for (const [length, expected] of [
      [8192, '401 Unauthorized\n'],
      [8193, ''],
    ] as const) {
      const client = await LineClient.connect(server.port)
      await client.next()
      client.send(`${'A'.repeat(length)}\n`)
      assert.equal(await client.rest(), expected)
      client.close()
    }
    await isRest(server)
  },
)

serviceTest(
  import.meta.url,
  'a client that goes on sending reads why it was refused',
  async (skynet) => {
    await using server = await serve(skynet)
    const client = await LineClient.connect(server.port)
    await client.next()
    client.send(`!!!!\n${'QUFBQUFBQUE=\n'.repeat(50_000)}`)
    assert.equal(await client.rest(), '401 Unauthorized\n')
    client.close()
  },
)

serviceTest(
  import.meta.url,
  'lines that come before they are due are read in turn',
  async (skynet) => {
    await using server = await serve(skynet)
    const client = await LineClient.connect(server.port)
    const key = crypt.base64Encode(crypt.dhExchange(crypt.randomKey()))
    client.send(`${key}\n${key}\n${key}\n`)
    client.end()
    assert.match(await client.rest(), /^\S+\n\S+\n401 Unauthorized\n$/)
    client.close()
  },
)

serviceTest(import.meta.url, 'clients that go away at any moment leave nothing', async (skynet) => {
  const began = gate<void>()
  const end = gate<number>()
  await using server = await serve(skynet, {
    login: () => {
      began.open()
      return end.promise
    },
  })
  for (const sent of ['', 'QUFB', 'QUFBQUFBQUE=\n']) {
    const client = await LineClient.connect(server.port)
    await client.next()
    client.send(sent)
    client.socket.resetAndDestroy()
  }
  const login = logIn(server.port, TOKEN)
  login.catch(() => {})
  await began.promise
  await until('the others', () => server.pending === 1)
  await server.close()
  end.open(1)
  assert.equal((await login).subid, '1')
  await isRest(server)
  await noSocket(skynet)
})

// --- handlers ----------------------------------------------------------------------------------

// Proves: docs/login.md#login-handlers
serviceTest(
  import.meta.url,
  'what handlers throw, or return wrongly, is an answer',
  async (skynet) => {
    const fails = (): never => {
      throw new Error('on purpose')
    }
    for (const auth of [fails, async () => fails(), () => undefined, () => ({ uid: 'me' })]) {
      await using server = await serve(skynet, { auth: auth as never })
      await assert.rejects(logIn(server.port, TOKEN), /: 401 Unauthorized$/)
    }
    for (const login of [fails, async () => fails(), () => undefined, () => ({})]) {
      await using server = await serve(skynet, { login: login as never })
      await assert.rejects(logIn(server.port, TOKEN), /: 403 Forbidden$/)
    }
  },
)

// Proves: docs/login.md#login-handlers
serviceTest(import.meta.url, 'a game server that is killed meanwhile is a 403', async (skynet) => {
  const host = await skynet.newService<typeof loginHost>('../fixtures/login-host.ts', { on: 1 })
  await using server = await serve(skynet, { login: () => host.call.never() as Promise<never> })
  const login = logIn(server.port, TOKEN)
  login.catch(() => {})
  await until('its call', () => host.call.calls())
  await skynet.kill(host.handle)
  await assert.rejects(login, /: 403 Forbidden$/)
})

// Proves: docs/login.md#login-end
serviceTest(import.meta.url, 'logins end with the service that serves them', async (skynet) => {
  const host = await skynet.newService<typeof loginHost>('../fixtures/login-host.ts', { on: 1 })
  const port = await host.call.serve()
  const half = await LineClient.connect(port)
  await half.next()
  const login = logIn(port, TOKEN)
  login.catch(() => {})
  await until('its login', () => host.call.calls())
  await skynet.kill(host.handle)
  await half.rest()
  half.close()
  await assert.rejects(login, /closed without an answer/)
  await noSocket(skynet)
})

serviceTest(import.meta.url, 'wrong options are refused by name', async (skynet) => {
  const wrong: readonly [Partial<LoginServerOptions>, RegExp][] = [
    [{ auth: undefined as never }, /'auth' must be a function/],
    [{ login: 1 as never }, /'login' must be a function/],
    [{ multiLogin: 1 as never }, /'multiLogin' must be true or false/],
    [{ loginTimeoutMs: 0 }, /'loginTimeoutMs'.*0/],
    [{ maxLogins: 0 }, /'maxLogins'.*0/],
    [{ mulitLogin: true } as never, /'mulitLogin'.*did you mean 'multiLogin'/],
    [{ port: 70_000 }, /'port'/],
  ]
  for (const [more, expected] of wrong) await assert.rejects(serve(skynet, more), expected)
  await assert.rejects(loginServer(skynet, undefined as never), /'options' must be a plain object/)
  await using server = await serve(skynet)
  await assert.rejects(serve(skynet, { port: server.port }), { code: 'ERR_LISTEN' })
})
