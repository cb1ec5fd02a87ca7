import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { defineService } from '../skynet/define-service.ts'
import { testNode } from '../testing/test-node.ts'
import { type Gate, gateServer } from './gate-server.ts'

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
