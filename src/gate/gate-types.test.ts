import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Skynet } from '../skynet/skynet.ts'
import { testNode } from '../testing/test-node.ts'
import { gateServer } from './gate-server.ts'
import type { GateRef } from './gate-service.ts'
import { onClient } from './on-client.ts'
import { watchdog } from './watchdog.ts'

/** Never called: that it compiles is the test. */
export function wrongUses(skynet: Skynet, gate: GateRef): void {
  // @ts-expect-error A gate is told messages.
  gateServer(skynet, () => ({ connect() {} }))
  gateServer(skynet, (own) => ({
    // @ts-expect-error A client is a number.
    connect: (fd) => own.openClient(`${fd}`),
    // @ts-expect-error A message is bytes, or text.
    message: (fd) => own.send(fd, { text: 'hello' }),
  }))
  const methods = gateServer(skynet, () => ({
    connect() {},
    message() {},
    options: ['name'],
    open(_source, _options: { name: string }) {},
    command: { double: (of: number) => of * 2 },
  }))
  methods.double(2).toFixed()
  // @ts-expect-error There is no such command.
  methods.halve(2)
  // @ts-expect-error An option of its own is missing.
  void methods.open({ port: 0 })

  // @ts-expect-error There is no such event.
  watchdog({ opened() {} })
  // @ts-expect-error An address is a string.
  watchdog({ open: (_fd, address: number) => address })
  watchdog({ data: (_fd, message) => message.readUInt8(0) })

  // @ts-expect-error There is no such option.
  void gate.call.open({ port: 0, maxClients: 3 })
  // @ts-expect-error A client is a number.
  void gate.call.kick('7')
  void gate.call.forward(7, 0, gate)

  // @ts-expect-error What is sent back is bytes, or text.
  onClient(skynet, (message) => ({ message }))
  const codec = { decode: (bytes: Buffer) => bytes.length, encode: (value: number) => `${value}` }
  const writer = onClient(skynet, (count) => count + 1, { codec })
  // @ts-expect-error The codec has numbers.
  writer.send(7, 'hello')
}

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
