/** Messages with names and validators, on a connection: what docs/codec.md shows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService, framed, isSkynetError } from 'skynet-ts'
import { defineProtocol, json, type StandardSchema, seri } from 'skynet-ts/codec'
import { testService } from 'skynet-ts/testing'

/** A validator of one field. */
const field = <K extends string, T>(
  key: K,
  type: 'number' | 'string',
): StandardSchema<Readonly<Record<K, T>>> => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const isGood = typeof (Object(value) as Record<K, unknown>)[key] === type
      if (isGood) return { value: value as Readonly<Record<K, T>> }
      return { issues: [{ message: `must be a ${type}`, path: [key] }] }
    },
  },
})

const fromClient = {
  move: field<'x', number>('x', 'number'),
  say: field<'text', string>('text', 'string'),
}
const fromServer = { did: field<'what', string>('what', 'string') }
const ofServer = defineProtocol({ codec: json(), sends: fromServer, receives: fromClient })
const ofClient = defineProtocol({ codec: json(), sends: fromClient, receives: fromServer })
const FRAMES = { header: 'u16be', max: 1024 } as const

const agent = defineService((skynet) => ({
  async serve(id: number): Promise<string> {
    const connection = await skynet.socket.start(id)
    const messages = connection.frames({ ...FRAMES, codec: ofServer })
    const did = (what: string) => messages.send({ type: 'did', value: { what } })
    try {
      for await (const message of messages) {
        switch (message.type) {
          case 'move':
            did(`moved to ${message.value.x.toFixed(1)}`)
            break
          case 'say':
            did(message.value.text.toUpperCase())
        }
      }
      return 'the client left'
    } catch (error) {
      return isSkynetError(error, 'ERR_MESSAGE_INVALID') ? error.message : `failed: ${error}`
    }
  },
  async lists(id: number): Promise<readonly unknown[]> {
    const connection = await skynet.socket.start(id)
    const messages = connection.frames({ ...FRAMES, codec: seri() })
    return (await messages.receive()) ?? []
  },
}))

// Proves: docs/codec.md#protocol, #protocol-two-way, #protocol-invalid
test('a service has typed messages on a connection, and refuses what is none of them', async () => {
  await using service = await testService(agent)
  const [client, id] = service.node.connection()
  const served = service.call.serve(id)
  const messages = framed(client, { ...FRAMES, codec: ofClient })
  messages.send({ type: 'move', value: { x: 3 } })
  messages.send({ type: 'say', value: { text: 'hi' } })
  const answers = [await messages.receive(), await messages.receive()]
  assert.deepEqual(
    answers.map((message) => message?.value.what),
    ['moved to 3.0', 'HI'],
  )
  messages.send({ type: 'move', value: { x: '3' } } as never)
  assert.equal(await served, "Cannot take message 'move' for its value.x: must be a number")
})

test('a connection carries lists of values of Lua', async () => {
  await using service = await testService(agent)
  const [client, id] = service.node.connection()
  const messages = framed(client, { ...FRAMES, codec: seri() })
  messages.send(['login', { uid: 7 }, undefined])
  assert.deepEqual(await service.call.lists(id), ['login', { uid: 7 }, undefined])
})
