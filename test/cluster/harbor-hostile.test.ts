/** Masters and slaves of harbors that are none, or go wrong: the node lives on, nobody hangs. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { test as nodeTest, type TestContext } from 'node:test'
import { isSkynetError } from 'skynet-ts'
import { HARBOR_STRANGERS_MAX } from '../../src/base/limits.ts'
import { packValues } from '../../src/codec/seri/writer.ts'
import { FrameParser } from '../../src/frames/frame-parser.ts'
import {
  CONTROL_FORMAT,
  encodeControl,
  readToSlave,
  type ToMaster,
  type ToSlave,
} from '../../src/harbor/control.ts'
import { encodeRemote } from '../../src/harbor/remote-message.ts'
import { aCluster, aNode } from '../support/harbors.ts'
import { until } from '../support/until.ts'

const test = (title: string, body: (t: TestContext) => Promise<void>) =>
  nodeTest(title, { timeout: 120_000 }, body)

const frame = (message: ToMaster | ToSlave): Buffer => CONTROL_FORMAT.encode(encodeControl(message))
const address = '127.0.0.1:0'

function aSocket(t: TestContext, where: string): Socket {
  const socket = connect(Number(where.split(':')[1]), '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return socket
}

/** However it ends: it may be reset. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((done) => void socket.on('close', () => done()))

async function aServer(
  t: TestContext,
  serve: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly where: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { server, where: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** What a master says to this slave, as it comes. */
function heardBy(socket: Socket): ToSlave[] {
  const parser = new FrameParser(CONTROL_FORMAT)
  const heard: ToSlave[] = []
  socket.on('data', (chunk: Buffer) => parser.take(chunk, (body) => heard.push(readToSlave(body)!)))
  return heard
}

const joinFails = (reason: RegExp) => (error: unknown) => {
  assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'), String(error))
  assert.ok(isSkynetError(error.cause, 'ERR_HARBOR_JOIN'), String(error.cause))
  assert.match(error.cause.message, reason)
  return true
}

// Proves: docs/harbor.md#hostile
test('a master closes what is no slave, and lets others join', async (t) => {
  const { nodes, master } = await aCluster(t, 1)
  const wrong = [
    Buffer.from('00', 'hex'),
    Buffer.from('01ff', 'hex'),
    frame(['Q', 'LOBBY']),
    frame(['H', 1, '127.0.0.1:1']),
    CONTROL_FORMAT.encode(packValues(['H', 0, '127.0.0.1:1'])),
    CONTROL_FORMAT.encode(packValues(['H', 7])),
    CONTROL_FORMAT.encode(packValues([1, 2, 3])),
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20)),
  ]
  for (const bytes of wrong) {
    const socket = aSocket(t, master)
    socket.write(bytes)
    socket.resume()
    await closed(socket)
  }
  // One that is a slave, and then none, is down; the others are told.
  const [slave, other] = [aSocket(t, master), aSocket(t, master)]
  const heard = heardBy(other)
  other.write(frame(['H', 9, '127.0.0.1:1']))
  await until('the other is let in', () => heard.length > 0)
  slave.write(Buffer.concat([frame(['H', 8, '127.0.0.1:1']), Buffer.from('0100', 'hex')]))
  slave.resume()
  await closed(slave)
  await until('the other is told', () => heard.some(([what, id]) => what === 'D' && id === 8))
  await nodes[0]!.test.logged(/ends its connection to harbor 8: .*no known kind/)
  const four = await aNode(t, 4)
  // The other one stands in the way: it should connect to the new one, and does not.
  other.destroy()
  await until('it is down', async () =>
    (await nodes[0]!.user.call.harbors()).some(
      ({ harbor, state }) => harbor === 9 && state === 'down',
    ),
  )
  await four.user.call.join({ master, address })
  assert.equal(await four.user.call.call(await nodes[0]!.user.call.launch(0), 'echo', 1), 1)
})

// Proves: docs/limits.md#harbor-strangers
test('a master has room for so many that do not say who they are', async (t) => {
  const { master } = await aCluster(t, 1)
  const sockets = Array.from({ length: HARBOR_STRANGERS_MAX }, () => aSocket(t, master))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const beyond = aSocket(t, master)
  beyond.resume()
  await closed(beyond)
  assert.equal(sockets.filter(({ closed }) => closed).length, 0)
  // Room again.
  sockets[0]!.destroy()
  const two = await aNode(t, 2)
  await until('it joins', () =>
    two.user.call.join({ master, address, joinTimeoutMs: 30_000 }).then(
      () => true,
      () => false,
    ),
  )
})

test('joining ends when the master ends, says nothing, or others do not come', async (t) => {
  const { user } = await aNode(t, 3)
  const ends = await aServer(t, (socket) => socket.end())
  const join = (where: string, joinTimeoutMs: number) =>
    user.call.join({ master: where, address, joinTimeoutMs })
  await assert.rejects(join(ends.where, 30_000), joinFails(/connection has ended: it has ended/))
  const talks = await aServer(
    t,
    (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n'.repeat(9)),
  )
  await assert.rejects(join(talks.where, 30_000), joinFails(/connection has ended: .*no values/))
  const silent = await aServer(t, () => {})
  await assert.rejects(
    join(silent.where, 50),
    joinFails(/within 50 ms the master has not answered/),
  )
  const lonely = await aServer(t, (socket) => void socket.write(frame(['W', 2])))
  await assert.rejects(join(lonely.where, 50), joinFails(/0 of 2 harbors have connected/))
})

/** A node of ours that joins this test: a master, and a harbor 5 that is there already. */
async function joined(t: TestContext) {
  const node = await aNode(t, 3)
  let told: Socket | undefined
  let where = ''
  const master = await aServer(t, (socket) => {
    told = socket
    const parser = new FrameParser(CONTROL_FORMAT)
    socket.on('data', (chunk: Buffer) =>
      parser.take(chunk, (body) => {
        const text = body.toString('latin1')
        const port = /127\.0\.0\.1:\d+/.exec(text)
        if (port !== null) where = port[0]
      }),
    )
    socket.write(frame(['W', 1]))
  })
  const options = { master: master.where, address, joinTimeoutMs: 30_000, callTimeoutMs: 30_000 }
  const joining = node.user.call.join(options)
  await until('it says hello', () => where !== '')
  return { node, joining, where, tell: (message: ToSlave) => told!.write(frame(message)) }
}

// Proves: docs/harbor.md#hostile
test('a slave takes no harbor for another, and closes what sends no messages', async (t) => {
  const { node, joining, where } = await joined(t)
  for (const bytes of ['00', '03']) {
    const odd = aSocket(t, where)
    odd.write(Buffer.from(bytes, 'hex'))
    odd.resume()
    await closed(odd)
  }
  await node.test.logged(/Cannot let 127\.0\.0\.1:\d+ in as harbor 3/)
  const five = aSocket(t, where)
  const got: Buffer[] = []
  five.on('data', (chunk: Buffer) => got.push(chunk))
  five.write(Buffer.of(5))
  await joining
  // It listens no more.
  const late = aSocket(t, where)
  await closed(late)
  const handle = await node.user.call.launch(0)
  const request = { type: 10, source: 0x05000007, session: 1 }
  const ask = (to: number, ...values: unknown[]): Buffer =>
    encodeRemote({ ...request, to, payload: packValues(values) })
  // Our number comes first, then the answers: to what is none, to nobody, to a service.
  const all = Buffer.concat([ask(handle, 5), ask(0x03ffffff, 'echo'), ask(handle, 'echo', 'hi')])
  for (const byte of all) {
    five.write(Buffer.of(byte))
    if (byte === 0) await new Promise((done) => setImmediate(done))
  }
  const expected = Buffer.concat([
    Buffer.of(3),
    encodeRemote({
      ...request,
      type: 7,
      to: request.source,
      source: handle,
      payload: Buffer.alloc(0),
    }),
    encodeRemote({
      ...request,
      type: 7,
      to: request.source,
      source: 0x03ffffff,
      payload: Buffer.alloc(0),
    }),
    encodeRemote({
      ...request,
      type: 1,
      to: request.source,
      source: handle,
      payload: packValues(['hi']),
    }),
  ])
  await until('its answers', () => Buffer.concat(got).length >= expected.length)
  assert.equal(Buffer.concat(got).toString('hex'), expected.toString('hex'))
  // A frame that is too long, as the first byte tells.
  await node.user.call.begin(0x05000007, 'anything')
  await until('our call', () => Buffer.concat(got).length > expected.length)
  five.write(Buffer.from('01000000', 'hex'))
  const [end] = await until('our call ends', async () => {
    const ends = (await node.user.call.ends()) as { code: string; message: string }[]
    return ends.length > 0 && ends
  })
  assert.equal(end?.code, 'ERR_HARBOR_LOST')
  assert.match(end?.message ?? '', /frame of 16777216 bytes/)
})

test('a harbor that cannot be connected to, or is another, is down', async (t) => {
  const { node, joining, where, tell } = await joined(t)
  aSocket(t, where).write(Buffer.of(5))
  await joining
  const other = await aServer(t, (socket) => void socket.write(Buffer.of(66)))
  tell(['C', 6, other.where])
  tell(['C', 7, '127.0.0.1:1'])
  tell(['C', 8, 'nonsense'])
  for (const harbor of [6, 7, 8]) {
    await assert.rejects(node.user.call.connect(harbor), { code: 'ERR_HARBOR_LOST' })
  }
  await node.test.logged(/it says that it is harbor 66/)
  await assert.rejects(node.user.call.call(0x06000001, 'echo'), { code: 'ERR_HARBOR_LOST' })
  // Whom the master says to be gone is down, whatever its connection does.
  tell(['D', 5])
  await node.user.call.link(5)
  await assert.rejects(node.user.call.call(0x05000007, 'echo'), { code: 'ERR_HARBOR_LOST' })
})
