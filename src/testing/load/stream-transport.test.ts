import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientLink } from '../../client/client-link.ts'
import { defineService } from '../../skynet/define-service.ts'
import { Probe } from '../probe.ts'
import { testNode } from '../test-node.ts'
import { streamTransport } from './stream-transport.ts'

/** Echoes messages, and ends at an empty one. */
const echo = defineService(async (skynet) => {
  const listener = await skynet.socket.listen({ port: 0 })
  skynet.fork(async () => {
    for await (const connection of listener) {
      const frames = connection.frames({ header: 'u16be' })
      skynet.fork(() =>
        frames.each((message) => {
          if (message.length === 0) void frames.close()
          else frames.send(message)
        }),
      )
    }
  })
})

// Proves: docs/load.md#stream-transport
test('streamTransport() tells what a stream does, and no more once it is closed', async () => {
  await using node = await testNode()
  await node.launch(echo)
  const [listener] = node.listeners
  const transport = streamTransport(async () => {
    return (await node.connect(listener!.port)).frames({ header: 'u16be' })
  })
  const told = new Probe<string>()
  const open = (): ClientLink =>
    transport.open({
      opened: () => told.add('opened'),
      heard: (message) => told.add(`heard ${Buffer.from(message)}`),
      closed: (reason) => told.add(`closed: ${reason}`),
    })
  const first = open()
  first.send(Buffer.from('too early'))
  await told.find((each) => each === 'opened')
  first.send(Buffer.from('a'))
  first.send(Buffer.from('b'))
  await told.find((each) => each === 'heard b')
  first.send(Buffer.alloc(0))
  await told.find((each) => each === 'closed: the server has ended it')
  first.send(Buffer.from('too late'))
  assert.deepEqual(told.all.slice(0, 3), ['opened', 'heard a', 'heard b'])

  const second = open()
  await told.find((each) => each === 'opened')
  const count = told.all.length
  second.send(Buffer.from('c'))
  second.close()
  await node.settled()
  assert.equal(told.all.length, count)
})

test('streamTransport() whose stream cannot be made is closed with the reason', async () => {
  await using node = await testNode()
  const told = new Probe<string>()
  const transport = streamTransport(async () => {
    return (await node.connect(1)).frames({ header: 'u16be' })
  })
  transport.open({
    opened: () => assert.fail('it is not'),
    heard: () => {},
    closed: (reason) => told.add(reason),
  })
  assert.match(await told.find(() => true), /ERR_CONNECT|Cannot connect/)
})
