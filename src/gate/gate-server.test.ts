import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { RECEIVE_BUFFER_BYTES_MAX } from '../base/limits.ts'
import { defineService } from '../skynet/define-service.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { testNode } from '../testing/test-node.ts'
import { crypt } from './crypt.ts'
import { type Gate, gateServer } from './gate-server.ts'
import { readAnswer } from './msg-frame.ts'
import { handshakeText, userIdOf } from './msg-handshake.ts'
import { msgServer } from './msg-server.ts'
import { clientWriter } from './on-client.ts'
import { watchdog } from './watchdog.ts'

const USER = { uid: 'hello', server: 'sample', subid: '1' }
const SECRET = Buffer.from('12345678')

/** A message is some words. */
const words = {
  encode: (all: string[]): string => all.join(' '),
  decode(bytes: Buffer): string[] {
    const text = bytes.toString()
    if (text.includes('!')) throw new Error('it is shouted')
    return text.split(' ')
  },
}

// Proves: docs/gate.md#stream
test('gateServer() has messages of the stream that its handler makes', async () => {
  await using node = await testNode()
  const told: string[] = []
  const gate = defineService((skynet) =>
    gateServer(skynet, (own: Gate<string[]>) => ({
      connect: (fd) => own.openClient(fd),
      message: (fd, message: string[]) => own.send(fd, message.reverse()),
      error: (_fd, reason) => told.push(reason),
      disconnect: () => told.push('disconnect'),
      stream: (connection) => connection.frames({ header: 'line', codec: words }),
    })),
  )
  const { port } = await (await node.launch(gate)).call.open({ port: 7000 })
  const [polite, rude] = [await node.connect(port), await node.connect(port)]
  polite.write('one two three\n')
  assert.equal(await polite.readLine(), 'three two one')
  rude.write('a\nb!\nc\n')
  // What the codec refuses ends its client.
  assert.equal((await rude.readAll()).toString(), 'a\n')
  await node.settled()
  assert.deepEqual(told, ['it is shouted', 'disconnect'])
  polite.write('four five\n')
  assert.equal(await polite.readLine(), 'five four')
})

// Proves: docs/gate.md#stream
test('a client for which there is no stream is closed, and the log says why', async () => {
  const streams = {
    'no sort of stream': () => {
      throw new Error('no sort of stream')
    },
    "'stream' must be a MessageStream: current value is undefined": () => undefined,
    "'stream.each' must be a function": () => ({}),
  } as unknown as Readonly<Record<string, () => MessageStream>>
  for (const [line, stream] of Object.entries(streams)) {
    await using node = await testNode()
    const told: string[] = []
    const gate = defineService((skynet) =>
      gateServer(skynet, (own) => ({
        connect: (fd) => own.openClient(fd),
        message() {},
        disconnect: () => told.push(`disconnect, ${own.count} are in`),
        stream,
      })),
    )
    await (await node.launch(gate)).call.open({ port: 7000 })
    const client = await node.connect(7000)
    assert.equal((await client.readAll()).length, 0)
    await node.settled()
    assert.deepEqual(told, ['disconnect, 0 are in'])
    const said = node.log.all.filter(({ text }) => text.includes(line))
    assert.equal(said.length, 1, line)
    assert.match(said[0]!.text, /stream of a client/)
  }
})

// Proves: docs/gate.md#gate-frames
test('gateServer() takes the frames that `open` names, and ends who sends too much', async () => {
  await using node = await testNode()
  const told: string[] = []
  const gate = defineService((skynet) =>
    gateServer(skynet, (own) => ({
      connect: (fd) => own.openClient(fd),
      message: (fd, message) => own.send(fd, message),
      error: (_fd, reason) => told.push(reason),
    })),
  )
  const frames = { header: 'u32be', max: 4 } as const
  await (await node.launch(gate)).call.open({ port: 7000, frames })
  const client = await node.connect(7000)
  client.write('\0\0\0\x04four\0\0\0\x05fi')
  assert.equal((await client.readAll()).toString(), '\0\0\0\x04four')
  assert.deepEqual(told, ['Cannot take a frame of 5 bytes: the limit is 4'])
})

// Proves: docs/gate.md#gate-open
test('gateServer() opens its gate itself, with options of its own', async () => {
  await using node = await testNode()
  const opened: [number, string, number][] = []
  const gate = defineService(async (skynet, name: string) => {
    const methods = gateServer(skynet, () => ({
      connect() {},
      message() {},
      options: ['name'],
      open(source, options: { name: string }, { port }) {
        if (options.name === '') throw new Error('it needs a name')
        opened.push([source, options.name, port])
      },
      command: { double: (of: number) => of * 2 },
    }))
    await methods.open({ port: 7000, name })
    return methods
  })
  const ref = await node.launch(gate, { args: ['game'] })
  assert.deepEqual(opened, [[ref.handle, 'game', 7000]])
  assert.equal(await ref.call.double(4), 8)
  await assert.rejects(ref.call.open({ port: 7001, name: 'again' }), (error) =>
    isSkynetError(error, 'ERR_GATE_OPEN'),
  )
  await ref.call.close()
  // A handler that throws leaves it closed.
  await assert.rejects(ref.call.open({ port: 7001, name: '' }), /it needs a name/)
  assert.equal((await ref.call.open({ port: 7001, name: 'again' })).port, 7001)
  await assert.rejects(ref.call.open({ port: 0, nmae: 'x' } as never), {
    message: /option 'nmae': .*\(did you mean 'name'\?\)$/,
  })
})

// Proves: docs/gate.md#gate-open
test('a gate that is closed while it opens lets nobody in, and says so', async () => {
  await using node = await testNode()
  const goOn: (() => void)[] = []
  const came: number[] = []
  const gate = await node.launch(
    defineService((skynet) =>
      gateServer(skynet, () => ({
        open: () => new Promise<void>((resolve) => goOn.push(resolve)),
        connect: (fd) => came.push(fd),
        message() {},
      })),
    ),
  )
  const isClosed = (error: unknown): boolean => isSkynetError(error, 'ERR_GATE_CLOSED')
  const opening = gate.call.open({ port: 7000 })
  await node.settled()
  await gate.call.close()
  assert.deepEqual(node.listeners, [])
  goOn.pop()!()
  await assert.rejects(opening, isClosed)
  const again = gate.call.open({ port: 7000 })
  // Behind each other: nothing has come of the first one when the second is handled.
  const closed = gate.call.close()
  await assert.rejects(again, isClosed)
  await closed
  assert.equal(goOn.length, 0)
  const third = gate.call.open({ port: 7000 })
  await node.settled()
  goOn.pop()!()
  await third
  await node.connect(7000)
  await node.settled()
  assert.equal(came.length, 1)
})

test('gateServer() refuses a handler that is none, at once and by name', async () => {
  await using node = await testNode()
  const { skynet } = node
  const make = (handler: unknown) => () => gateServer(skynet, () => handler as never)
  const whole = { connect() {}, message() {} }
  assert.throws(make(undefined), { message: /'handler' must be a plain object/ })
  assert.throws(make({ connect() {} }), { message: /'message' must be a function/ })
  assert.throws(make({ ...whole, disconnect: 1 }), { message: /'disconnect' must be a function/ })
  assert.throws(make({ ...whole, options: 'x' }), { message: /'options' must be an array/ })
  assert.throws(make({ ...whole, command: { open() {} } }), { message: /without 'open'/ })
  assert.throws(() => gateServer(skynet, 1 as never), { message: /'define' must be a function/ })
})

test('a gate refuses by name what it is made of, or opened with, and is none', async () => {
  await using node = await testNode()
  const { skynet } = node
  const needed = { connect() {}, message() {} }
  const made = (handler: unknown) => gateServer(skynet, () => handler as typeof needed)
  const served = (handler: object) => msgServer(skynet, () => ({ request() {}, ...handler }))
  const gate = made(needed)
  const open = (frames: object) => gate.open({ port: 0, frames })
  const openMsg = (frames: object) => served({}).open({ port: 0, frames })
  const revocable = Proxy.revocable({}, {})
  revocable.revoke()
  const writer = (frames: unknown) => clientWriter(skynet, { frames: frames as object })
  const CASES: readonly (readonly [pattern: RegExp, wrong: () => unknown])[] = [
    [
      /'disconect': there are .*did you mean 'disconnect'/,
      () => made({ ...needed, disconect() {} }),
    ],
    [/'handler' must be a plain object: current value is null/, () => made(null)],
    [/'options' must be names .*"host"/, () => made({ ...needed, options: ['host'] })],
    [/'options' must be a string, not empty: current value is 1/, () => served({ options: [1] })],
    [/'open' must be a function: current value is 5/, () => served({ open: 5 })],
    [/'open' must be a function: current value is null/, () => served({ open: null })],
    [/'header' must be one of .*"u17be"/, () => open({ header: 'u17be' })],
    [/'header.headerBytesMax' must be/, () => open({ header: {} })],
    [/'max' must be .*NaN/, () => open({ header: 'u32be', max: Number.NaN })],
    [/'max' must be .*-1/, () => open({ max: -1 })],
    [/'maxMessagesPerSecond' must be .*0\.5/, () => gate.open({ maxMessagesPerSecond: 0.5 })],
    [/'frames' must be a plain object/, () => open([])],
    [/'frames.header' must be .*"line"/, () => openMsg({ header: 'line' })],
    [/'frames.max' must be .*17/, () => openMsg({ max: 17 })],
    [/'frames' must be a plain object: current value is null/, () => writer(null)],
    [/'frames' must be a plain object: current value is 5/, () => writer(5)],
    [/'frames' must be a plain object/, () => writer(revocable.proxy)],
    [
      /'opne': there are .*did you mean 'open'/,
      () => watchdog(node.skynet, { opne() {} } as object),
    ],
    [
      /'open' must be a function: current value is 5/,
      () => watchdog(node.skynet, { open: 5 } as object),
    ],
    [
      /'handlers' must be a plain object: current value is null/,
      () => watchdog(node.skynet, null!),
    ],
    [/'index' must be a number/, () => handshakeText(USER, 'x' as never, SECRET)],
    [/'index' must be a finite number/, () => handshakeText(USER, Number.NaN, SECRET)],
    [/'user' must be/, () => handshakeText(undefined!, 1, SECRET)],
    [/'frame' must be a Buffer: current value is null/, () => readAnswer(null!)],
    [/'username' must be a string: current value is 5/, () => userIdOf(5 as never)],
    [/'key' must be one byte long, or more/, () => crypt.xorStr('text', '')],
    [/'frame' must be a Buffer/, () => readAnswer(revocable.proxy as never)],
  ]
  for (const [pattern, wrong] of CASES) {
    const isRefusal = (error: unknown): boolean => {
      assert.ok(error instanceof TypeError || error instanceof RangeError, String(error))
      assert.match(error.message, pattern)
      return true
    }
    await assert.rejects(async () => wrong(), isRefusal, String(pattern))
  }
  assert.deepEqual(node.listeners, [])
})

// Proves: docs/gate.md#gate-early
test('who is sent something before it is opened is read to a limit, and waits', async () => {
  await using node = await testNode()
  const fds: number[] = []
  const came: number[] = []
  const gate = defineService((skynet) =>
    gateServer(skynet, (own) => ({
      connect(fd) {
        own.send(fd, 'who are you?')
        fds.push(fd)
      },
      message: (_fd, message) => void came.push(message[0]!),
      command: { letIn: () => own.openClient(fds[0]!) },
    })),
  )
  const ref = await node.launch(gate)
  const { port } = await ref.call.open({ port: 0 })
  const client = (await node.connect(port)).frames({ header: 'u16be' })
  assert.equal(`${await client.receive()}`, 'who are you?')
  for (let i = 0; i < 64; i++) client.send(Buffer.alloc(60_000, i))
  await node.settled()
  const { received } = node.skynet.socket.totals()
  // And what the reads bring that are made before the pause is heard: not all that was sent.
  assert.ok(received < RECEIVE_BUFFER_BYTES_MAX + 16 * 64 * 1024, `${received}`)
  assert.deepEqual(came, [])
  await ref.call.letIn()
  await node.settled()
  assert.deepEqual(
    came,
    Array.from({ length: 64 }, (_, i) => i),
  )
})

// Proves: docs/gate.md#full
test('gate.drain() tells when a client whose policy refuses more takes it again', async () => {
  await using node = await testNode()
  let done!: () => void
  let failed!: (error: unknown) => void
  const isDone = new Promise<void>((resolve, reject) => {
    done = resolve
    failed = reject
  })
  const gate = defineService((skynet) =>
    gateServer(skynet, (own) => ({
      connect: (fd) => own.openClient(fd),
      async message(fd) {
        const isFull = (error: unknown): boolean => isSkynetError(error, 'ERR_SOCKET_FULL')
        assert.throws(() => {
          for (;;) own.send(fd, Buffer.alloc(60_000))
        }, isFull)
        await own.drain(fd)
        own.send(fd, 'last')
        own.closeClient(fd)
      },
      async disconnect(fd) {
        const isGone = (error: unknown): boolean => isSkynetError(error, 'ERR_CLIENT_UNKNOWN')
        await assert.rejects(own.drain(fd), isGone).then(done, failed)
      },
    })),
  )
  const policy = { sendPolicy: 'pause-producer', sendLimitBytes: 200_000 } as const
  const { port } = await (await node.launch(gate)).call.open({ port: 0, ...policy })
  const client = (await node.connect(port)).frames({ header: 'u16be' })
  client.send('go')
  let last = ''
  await client.each((message) => {
    last = message.length === 60_000 ? '' : message.toString()
  })
  assert.equal(last, 'last')
  await isDone
})
