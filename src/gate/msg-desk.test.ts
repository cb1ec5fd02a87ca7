/** A message server without sockets: what Skynet's said, and what it keeps. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { crypt } from './crypt.ts'
import { MsgAnswers } from './msg-answers.ts'
import { type DeskRules, MsgDesk } from './msg-desk.ts'
import { readAnswer, requestFrame } from './msg-frame.ts'
import { handshakeText, usernameOf } from './msg-handshake.ts'
import { EchoOnDemand, MSG_ROWS, MSG_USERS, type MsgClient, replay } from './msg-replay.kit.ts'

const USER = { uid: 'hello', server: 'sample', subid: '1' }
const USERNAME = usernameOf(USER)
const HANDSHAKE_MS = 7777
const SECRET = Buffer.from('12345678')

interface Drain {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A gate in memory: its clients, and the desk behind it. */
class World {
  readonly game = new EchoOnDemand()
  readonly faults: string[] = []
  readonly said: string[] = []
  readonly left: string[] = []
  /** Of connections that have not said whose they are. */
  readonly timers = new Set<() => void>()
  readonly desk: MsgDesk
  readonly #clients = new Map<number, Client>()
  readonly #drains = new Set<Drain>()
  #fds = 0
  /** So many frames of each connection may still be sent before some have left. */
  room = Number.POSITIVE_INFINITY
  /** What cannot be sent, ever. */
  unsendable: Error | undefined

  constructor(rules: Partial<DeskRules> = {}) {
    const host = {
      hasEnded: false,
      say: (_level: string, text: string) => this.said.push(text),
      after: (ms: number, task: () => void) => {
        if (ms === HANDSHAKE_MS) this.timers.add(task)
        return { cancel: () => this.timers.delete(task) }
      },
      fault: (what: string, error: unknown) => this.faults.push(`${what}: ${error}`),
    }
    const gate = {
      openClient: () => true,
      closeClient: (fd: number) => this.#clients.get(fd)?.ended() ?? false,
      send: (fd: number, data: string | Uint8Array) => {
        const client = this.#clients.get(fd)
        if (client === undefined) return false
        if (this.unsendable !== undefined) throw this.unsendable
        const info = { id: fd, queued: 1, limit: 1 }
        if (this.room === 0) throw new SkynetError('ERR_SOCKET_FULL', info)
        this.room--
        client.frames.push(Buffer.from(data as string))
        return true
      },
      drain: async (fd: number) => {
        if (!this.#clients.has(fd)) throw new SkynetError('ERR_CLIENT_UNKNOWN', { fd })
        return new Promise<void>((resolve, reject) => this.#drains.add({ resolve, reject }))
      },
    }
    this.desk = new MsgDesk(host, gate, {
      request: this.game.request,
      disconnect: (username) => this.left.push(username),
      expiredNumber: 128,
      bytesMax: 1024 * 1024,
      pendingMax: 1024,
      handshakeMs: HANDSHAKE_MS,
      ...rules,
    })
  }

  /** All has left: there is room for so many. */
  async emptied(room: number): Promise<void> {
    this.room = room
    for (const { resolve } of this.#drains) resolve()
    this.#drains.clear()
    await turn()
  }

  connect(): Client {
    const fd = ++this.#fds
    const client = new Client(this.desk, fd, () => {
      this.#clients.delete(fd)
      for (const { reject } of this.#drains)
        reject(new SkynetError('ERR_SOCKET_CLOSED', { id: fd }))
    })
    this.#clients.set(fd, client)
    this.desk.connect(fd, `127.0.0.1:${fd}`)
    return client
  }

  /** A client of USER that has said so. */
  enter(index: number): Client {
    const client = this.connect()
    client.send(Buffer.from(handshakeText(USER, index, SECRET)))
    assert.equal(`${client.frames.shift()}`, '200 OK')
    return client
  }
}

class Client implements MsgClient {
  readonly frames: Buffer[] = []
  readonly #desk: MsgDesk
  readonly #fd: number
  readonly #gone: () => void
  isClosed = false
  /** What the last message waits for. */
  waits: Promise<void> | undefined

  constructor(desk: MsgDesk, fd: number, gone: () => void) {
    this.#desk = desk
    this.#fd = fd
    this.#gone = gone
  }

  send(frame: Buffer): void {
    if (!this.isClosed) this.waits = this.#desk.message(this.#fd, frame)
  }

  async next(): Promise<Buffer | undefined> {
    for (let turns = 0; this.frames.length === 0 && !this.isClosed; turns++) {
      assert.ok(turns < 100, 'no frame came')
      await turn()
    }
    return this.frames.shift()
  }

  /** @returns Was it there? */
  ended(): boolean {
    if (this.isClosed) return false
    this.isClosed = true
    this.#gone()
    this.#desk.disconnect(this.#fd)
    return true
  }

  close(): void {
    this.ended()
  }

  /** Send a request and take its answer, which the game gives at once. */
  async ask(game: EchoOnDemand, body: string, session: number): Promise<string> {
    this.send(requestFrame(body, session))
    game.answer(Buffer.from(body))
    const answer = readAnswer((await this.next())!)!
    assert.equal(answer.session, session)
    return `${answer.isOk ? '' : 'failed '}${answer.body}`
  }
}

function opened(rules: Partial<DeskRules> = {}): World {
  const world = new World(rules)
  world.desk.login(USERNAME, SECRET)
  return world
}

suite('a message server', () => {
  // Proves: docs/login.md#msg-wire
  test('says what that of Skynet said', async () => {
    assert.equal(MSG_ROWS.length, 24)
    const world = new World()
    for (const row of MSG_ROWS) {
      for (const { username, secret, from } of MSG_USERS) {
        if (from !== row.label) continue
        world.desk.logout(MSG_USERS[0].username)
        world.desk.login(username, secret)
      }
      const wait = async (look: () => boolean | Promise<boolean>): Promise<void> => {
        while (!(await look())) await turn()
      }
      await replay(row, async () => world.connect(), world.game, wait)
    }
    assert.equal(world.timers.size, 0)
  })

  // Proves: docs/login.md#msg-cache
  test('keeps the answers that Skynet keeps', async () => {
    const world = opened()
    const { game } = world
    assert.equal(await world.enter(1).ask(game, 'n', 1), 'n')
    const second = world.enter(2)
    for (let session = 0; session < 300; session++) {
      // That of the first connection is cached.
      const body = session === 1 ? 'n' : 'c'
      assert.equal(await second.ask(game, body, session), body)
    }
    const third = world.enter(3)
    const expected = { 0: 'R', 1: 'R', 43: 'R', 44: 'R', 45: 'R', 100: 'R', 171: 'c', 172: 'c' }
    const kept = { ...expected, 173: 'c', 255: 'c', 256: 'c', 257: 'c', 299: 'c' }
    for (const [session, body] of Object.entries(kept)) {
      assert.equal(await third.ask(game, 'R', Number(session)), body, session)
    }
  })

  // Proves: docs/login.md#msg-cache
  // Proves: docs/limits.md#msg-answers
  test('keeps no more answers than it may, and no fewer', () => {
    const answers = new MsgAnswers({ expiredNumber: 4, bytesMax: 1000 })
    const peer = { version: 1, send: () => {} }
    for (let session = 0; session < 50; session++) {
      answers.answer(answers.ask(session, peer)!, Buffer.from('x'))
      assert.ok(answers.size >= Math.min(4, session + 1) && answers.size < 8, `${answers.size}`)
    }
    const pending = Array.from({ length: 9 }, (_, n) => answers.ask(100 + n, peer)!)
    for (let session = 200; session < 250; session++) {
      answers.answer(answers.ask(session, peer)!, Buffer.from('x'))
    }
    assert.equal(answers.pending, 9)
    for (const request of pending) answers.answer(request, Buffer.from('x'))
    assert.equal(answers.pending, 0)
    assert.ok(answers.size < 8)
  })

  // Proves: docs/login.md#msg-cache
  // Proves: docs/limits.md#msg-answers
  test('keeps no more bytes of answers than it may, but the last answer', async () => {
    const long = opened({ bytesMax: 1000 })
    let client = long.enter(1)
    for (let session = 0; session < 50; session++) {
      await client.ask(long.game, 'x'.repeat(95), session)
    }
    client = long.enter(2)
    for (let session = 49; session >= 40; session--) {
      assert.equal((await client.ask(long.game, 'new', session)).length, 95)
    }
    assert.equal(await client.ask(long.game, 'new', 0), 'new')
    assert.equal((await client.ask(long.game, 'y'.repeat(5000), 1)).length, 5000)
    assert.equal((await long.enter(3).ask(long.game, 'new', 1)).length, 5000)
  })

  // Proves: docs/login.md#msg-once
  test('runs a request once, however often its client comes back before the answer', async () => {
    const world = opened()
    const body = Buffer.from('slow')
    for (let index = 1; index <= 5; index++) {
      const client = world.enter(index)
      client.send(requestFrame(body, 7))
      client.close()
    }
    const last = world.enter(6)
    last.send(requestFrame('other', 7))
    world.game.answer(body)
    assert.equal(readAnswer((await last.next())!)!.body.toString(), 'slow')
    assert.deepEqual(world.game.asked, ['slow'])
  })

  // Proves: docs/login.md#msg-once
  test('an answer to a connection that was lost is sent again, not made again', async () => {
    const world = opened()
    const first = world.enter(1)
    first.send(requestFrame('one', 7))
    // Back already, and has not asked yet.
    const second = world.enter(2)
    world.game.answer(Buffer.from('one'))
    assert.equal(readAnswer((await first.next())!)!.body.toString(), 'one')
    first.close()
    assert.equal(await second.ask(world.game, 'two', 7), 'one')
    assert.deepEqual(world.game.asked, ['one'])
  })

  // Proves: docs/login.md#msg-failure
  test('a request that fails, or has no answer that fits, is answered by that', async () => {
    const world = opened({
      request(_username, body) {
        if (`${body}` === 'throw') throw new Error('on purpose')
        if (`${body}` === 'reject') return Promise.reject(new Error('on purpose, later'))
        if (`${body}` === 'long') return Buffer.alloc(65_531)
        if (`${body}` === 'longest') return Buffer.alloc(65_530)
        if (`${body}` === 'number') return 7
        return undefined
      },
    })
    const client = world.enter(1)
    for (const body of ['throw', 'reject', 'long', 'number']) {
      assert.equal(await client.ask(world.game, body, 1), 'failed ', body)
    }
    assert.equal(world.faults.length, 4)
    assert.match(world.faults[2]!, /65531 bytes: the limit is 65530/)
    assert.equal((await client.ask(world.game, 'longest', 1)).length, 65_530)
    assert.equal(await client.ask(world.game, 'nothing', 1), '')
  })

  // Proves: docs/login.md#msg-pending
  // Proves: docs/limits.md#msg-pending
  test('a user with so many requests under way is not read', async () => {
    const world = opened({ pendingMax: 2 })
    const [first, second] = [world.enter(1), world.enter(2)]
    first.send(requestFrame('a', 1))
    assert.equal(first.waits, undefined)
    second.send(requestFrame('b', 2))
    first.send(requestFrame('c', 3))
    const waits = [first.waits, second.waits]
    for (const wait of waits) assert.ok(wait !== undefined)
    world.game.answer(Buffer.from('b'))
    await turn()
    assert.equal(await Promise.race([waits[0], 'still']), 'still')
    world.game.answer(Buffer.from('a'))
    await Promise.all(waits)
    // Nobody waits for a user that is gone.
    second.send(requestFrame('d', 4))
    const { waits: held } = second
    assert.ok(held !== undefined)
    world.desk.logout(USERNAME)
    await held
  })

  // Proves: docs/login.md#msg-full
  test('answers for which there is no room wait, in order, and count as under way', async () => {
    const world = opened({ pendingMax: 3, request: (_username, body) => Buffer.from(body) })
    const client = world.enter(1)
    world.room = 1
    for (const session of [1, 2, 3]) client.send(requestFrame(`n${session}`, session))
    assert.equal(client.waits, undefined)
    client.send(requestFrame('n4', 4))
    const { waits } = client
    assert.ok(waits !== undefined)
    assert.equal(client.frames.length, 1)
    await world.emptied(1)
    // Two wait still, so a third one may come.
    await waits
    client.send(requestFrame('n5', 5))
    await world.emptied(1)
    await world.emptied(9)
    const bodies = client.frames.map((frame) => `${readAnswer(frame)!.body}`)
    assert.deepEqual(bodies, ['n1', 'n2', 'n3', 'n4', 'n5'])
    assert.deepEqual(world.faults, [])
  })

  // Proves: docs/login.md#msg-full
  test('an answer that waits when its connection is lost is kept for who comes back', async () => {
    const world = opened({ pendingMax: 1 })
    const first = world.enter(1)
    world.room = 0
    first.send(requestFrame('one', 7))
    const { waits } = first
    world.game.answer(Buffer.from('one'))
    await turn()
    assert.equal(await Promise.race([waits, 'still']), 'still')
    first.close()
    await waits
    world.room = 9
    assert.equal(await world.enter(2).ask(world.game, 'again', 7), 'one')
    assert.deepEqual(world.game.asked, ['one'])
  })

  // Proves: docs/login.md#msg-full
  test('an answer that can never be sent ends its connection, and counts once', async () => {
    const world = opened({ pendingMax: 2 })
    const client = world.enter(1)
    world.unsendable = new Error('on purpose')
    client.send(requestFrame('one', 1))
    client.send(requestFrame('two', 2))
    world.game.answer(Buffer.from('one'))
    await turn()
    assert.equal(client.isClosed, true)
    assert.deepEqual(world.faults, [`answer to ${USERNAME}: Error: on purpose`])
    world.unsendable = undefined
    const second = world.enter(2)
    second.send(requestFrame('three', 3))
    // With the one from before there are two.
    assert.ok(second.waits !== undefined)
    world.game.answer(Buffer.from('two'))
    await second.waits
  })

  // Proves: docs/login.md#msg-handshake-time
  test('a connection that does not say whose it is is closed in time', () => {
    const world = opened()
    const silent = world.connect()
    assert.equal(world.timers.size, 1)
    for (const fire of world.timers) fire()
    assert.equal(silent.isClosed, true)
    world.enter(1)
    const gone = world.connect()
    gone.close()
    assert.equal(world.timers.size, 0)
  })

  // Proves: docs/login.md#msg-users
  test('a user is told of once, by its last connection, and not when it is logged out', () => {
    const world = opened()
    const [first, second] = [world.enter(1), world.enter(2)]
    assert.equal(world.desk.addressOf(USERNAME), '127.0.0.1:2')
    first.close()
    assert.deepEqual(world.left, [])
    second.close()
    assert.deepEqual(world.left, [USERNAME])
    assert.equal(world.desk.addressOf(USERNAME), undefined)
    const others = [world.enter(3), world.enter(4)]
    assert.equal(world.desk.logout(USERNAME), true)
    for (const { isClosed } of others) assert.equal(isClosed, true)
    assert.deepEqual(world.left, [USERNAME])
    assert.equal(world.desk.logout(USERNAME), false)
    assert.equal(world.desk.users, 0)
  })

  // Proves: docs/limits.md#msg-connections
  test('a user has 16 connections; one more closes the oldest', async () => {
    const world = opened()
    const clients = Array.from({ length: 16 }, (_, n) => world.enter(n + 1))
    assert.ok(clients.every(({ isClosed }) => !isClosed))
    clients.push(world.enter(17))
    assert.deepEqual(
      clients.filter(({ isClosed }) => isClosed),
      [clients[0]],
    )
    assert.equal(await clients[16]!.ask(world.game, 'x', 1), 'x')
    assert.deepEqual(world.left, [])
  })

  test('a user is logged in once, with a secret of eight bytes that is kept', () => {
    const world = new World()
    const secret = Buffer.from('12345678')
    world.desk.login(USERNAME, secret)
    secret.fill(0)
    world.enter(1)
    const isOnline = (error: unknown): boolean => isSkynetError(error, 'ERR_USER_ONLINE')
    assert.throws(() => world.desk.login(USERNAME, SECRET), isOnline)
    for (const odd of ['', 5, undefined]) {
      assert.throws(() => world.desk.login(odd as string, SECRET), /'username' must be a string/)
    }
    assert.throws(
      () => world.desk.login('other', 'short'),
      (error: unknown) => isSkynetError(error, 'ERR_CRYPT'),
    )
  })

  test('an index may be any number of Lua, and stays exact', () => {
    const world = opened()
    const enter = (index: string): string => {
      const text = `${USERNAME}:${index}`
      const client = world.connect()
      const code = crypt.base64Encode(crypt.hmacHash(SECRET, text))
      client.send(Buffer.from(`${text}:${code}`))
      return `${client.frames[0]}`
    }
    for (const index of ['0.5', '0x10', ' 17 ', '1e3', '1700000000000000001']) {
      assert.equal(enter(index), '200 OK', index)
    }
    assert.equal(enter('1700000000000000001'), '403 Index Expired')
    assert.equal(enter('1700000000000000002'), '200 OK')
    assert.equal(enter('nan'), '400 Bad Request')
    // What is not higher than any other number would let in whoever has overheard one.
    assert.equal(enter('0x0p99999'), '403 Index Expired')
    assert.equal(enter(`0x.${'f'.repeat(300)}`), '403 Index Expired')
    assert.equal(enter('17'), '403 Index Expired')
  })

  // Proves: docs/login.md#msg-first
  test('a stranger takes no time, whatever the first frame is', () => {
    const world = opened()
    const many = (text: string): string => text.repeat(2 ** 20 / text.length)
    // Where each byte is a begin to be tried, one of these takes an hour.
    const frames = {
      [many('a')]: '404 User Not Found',
      [`${many('a')}:${many('b')}`]: '404 User Not Found',
      [`${USERNAME}:1${many(' ')}x:`]: '400 Bad Request',
      [`${USERNAME}:${many('1')}:`]: '400 Bad Request',
      [`${USERNAME}:1:${many('= ')}`]: '400 Bad Request',
    }
    for (const [frame, answer] of Object.entries(frames)) {
      const client = world.connect()
      client.send(Buffer.from(frame))
      assert.equal(`${client.frames[0]}`, answer, frame.slice(0, 40))
    }
  })
})
