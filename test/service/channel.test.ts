/** Channels over real sockets, to servers of node:net: what the unit tests have in memory. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { isSkynetError } from 'skynet-ts'
import { type AnswerReader, type SessionReader, socketChannel } from 'skynet-ts/channel'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

type Serve = (socket: Socket) => void

/** A server and its connections, the oldest first. */
class Peer {
  readonly sockets: Socket[] = []
  readonly server: Server
  #port = 0

  constructor(serve: Serve = () => {}) {
    this.server = createServer((socket) => {
      this.sockets.push(socket)
      socket.on('error', () => {})
      serve(socket)
    })
  }

  static async start(serve?: Serve, where: object = { port: 0, host: '127.0.0.1' }): Promise<Peer> {
    const peer = new Peer(serve)
    await peer.listen(where)
    return peer
  }

  async listen(where: object = { port: this.#port, host: '127.0.0.1' }): Promise<void> {
    this.server.listen(where)
    await once(this.server, 'listening')
    const address = this.server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  get port(): number {
    return this.#port
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    if (this.server.listening) await once(this.server, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Answers each line with itself, as `+line`. */
const echo: Serve = (socket) => {
  let rest = ''
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    socket.write(lines.map((line) => `+${line}\n`).join(''))
  })
}

const line: AnswerReader<{ ok: true; data: string }> = async (input) => ({
  ok: true,
  data: (await input.readLine()).slice(1),
})

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (isSkynetError(error) ? error.code : error))

// Proves: docs/channel.md#order, #connects
serviceTest(import.meta.url, 'requests of many tasks share one connection', async (skynet) => {
  await using peer = await Peer.start(echo)
  await using channel = socketChannel(skynet, { port: peer.port })
  const asked = Array.from({ length: 1000 }, (_, i) => channel.request(`${i}\n`, line))
  assert.deepEqual(
    await Promise.all(asked),
    asked.map((_, i) => `${i}`),
  )
  assert.equal(peer.sockets.length, 1)
})

// Proves: docs/channel.md#lost, #connects
serviceTest(
  import.meta.url,
  'a server that ends is noticed at once, asked or not, and connected to anew',
  async (skynet) => {
    await using peer = await Peer.start(echo)
    await using channel = socketChannel(skynet, { port: peer.port })
    assert.equal(await channel.request('a\n', line), 'a')
    peer.sockets[0]!.end()
    await until('the end is noticed', () => !channel.isOpen)
    assert.equal(await channel.request('b\n', line), 'b')
    peer.sockets[1]!.removeAllListeners('data')
    const waiting = ['c\n', 'd\n'].map((data) => code(channel.request(data, line)))
    await until('they are sent', () => channel.pending === 2 && channel.bufferedAmount === 0)
    peer.sockets[1]!.resetAndDestroy()
    const lost = 'ERR_SOCKETCHANNEL_LOST'
    assert.deepEqual(await Promise.all(waiting), [lost, lost])
    assert.equal(await channel.request('e\n', line), 'e')
    assert.equal(peer.sockets.length, 3)
  },
)

// Proves: docs/channel.md#refused, #backup, #connect
serviceTest(
  import.meta.url,
  'a server that is not there is told at once; a backup stands in; connect() waits',
  async (skynet) => {
    const peer = await Peer.start(echo)
    const { port } = peer
    await peer.stop()
    await using channel = socketChannel(skynet, { port, retryMs: 5 })
    await assert.rejects(channel.request('a\n', line), {
      code: 'ERR_CONNECT',
      message: RegExp(`^Cannot connect to 127.0.0.1:${port}: ECONNREFUSED`),
    })
    await using second = await Peer.start(echo)
    channel.changeBackup([{ host: '127.0.0.1', port: second.port }])
    assert.equal(await channel.request('b\n', line), 'b')
    assert.equal(channel.address, `127.0.0.1:${second.port}`)
    channel.changeBackup([])
    channel.changeHost('127.0.0.1', port)
    const connected = channel.connect()
    await skynet.sleep(20)
    await peer.listen()
    await connected
    assert.equal(await channel.request('c\n', line), 'c')
    await peer.stop()
  },
)

// Proves: docs/channel.md#session
serviceTest(import.meta.url, 'packets with sessions, over a Unix socket', async (skynet) => {
  const path = join(skynet.getenv('folder') as string, 'channel.sock')
  const packet = (session: number, text: string): Buffer => {
    const bytes = Buffer.alloc(8 + text.length, text)
    bytes.writeUInt32BE(4 + text.length)
    bytes.writeUInt32BE(session, 4)
    bytes.write(text, 8)
    return bytes
  }
  // All of a turn are answered the last first, in pieces of three bytes.
  const backwards: Serve = (socket) => {
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      const answers: Buffer[] = []
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
        const end = 4 + rest.readUInt32BE()
        answers.unshift(rest.subarray(0, end))
        rest = rest.subarray(end)
      }
      const all = Buffer.concat(answers)
      for (let at = 0; at < all.length; at += 3) socket.write(all.subarray(at, at + 3))
    })
  }
  await using _peer = await Peer.start(backwards, { path })
  const response: SessionReader<number, { ok: true; data: string }> = async (input) => {
    const bytes = await input.read((await input.read(4)).readUInt32BE())
    return { session: bytes.readUInt32BE(), ok: true, data: bytes.toString('utf8', 4) }
  }
  await using channel = socketChannel(skynet, { path, response })
  const asked = Array.from({ length: 100 }, (_, i) => channel.request(packet(i, `answer ${i}`), i))
  assert.deepEqual(
    await Promise.all(asked),
    asked.map((_, i) => `answer ${i}`),
  )
})

// Proves: docs/channel.md#overload, #full
serviceTest(
  import.meta.url,
  'a server that does not read: overload is told, and what is too much is refused',
  async (skynet) => {
    await using peer = await Peer.start((socket) => void socket.pause())
    const told: boolean[] = []
    const overload = (is: boolean): unknown => told.push(is)
    const maxBytes = 8 * 1024 * 1024
    await using channel = socketChannel(skynet, { port: peer.port, overload, maxBytes })
    const data = Buffer.alloc(1024 * 1024)
    const sent: Promise<unknown>[] = []
    let full: unknown
    for (let i = 0; i < 100 && full === undefined; i++) {
      const each = code(channel.send(data))
      sent.push(each)
      const now = await each
      if (now === 'ERR_SOCKETCHANNEL_FULL') full = now
    }
    assert.equal(full, 'ERR_SOCKETCHANNEL_FULL')
    assert.deepEqual(told, [true])
    assert.ok(channel.isOpen && channel.bufferedAmount <= maxBytes)
    // The system has taken the connection: the server may not have seen it yet.
    const [socket] = await until('it is seen', () => peer.sockets.length > 0 && peer.sockets)
    socket!.resume()
    await until('all has left', () => told.length === 2)
    assert.deepEqual([told, channel.bufferedAmount], [[true, false], 0])
  },
)

// Proves: docs/channel.md#service-end
serviceTest(
  import.meta.url,
  'a channel ends with its service, and so does its connection',
  async (skynet) => {
    await using peer = await Peer.start()
    const { port } = peer
    const tenant = await skynet.newService<typeof import('../fixtures/channel-user.ts').default>(
      '../fixtures/channel-user.ts',
    )
    const asked = tenant.call.ask(port).catch((error: unknown) => (error as { code: string }).code)
    const [socket] = await until('it is connected', () => peer.sockets.length > 0 && peer.sockets)
    const ended = once(socket!, 'end')
    socket!.resume()
    await skynet.kill(tenant.handle)
    await ended
    assert.equal(await asked, 'ERR_CALL_DEAD')
  },
)
