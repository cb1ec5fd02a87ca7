import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { defineProtocol } from './define-protocol.ts'
import { json } from './json.ts'
import type { Issue, StandardSchema, Validated } from './standard-schema.ts'

/** A validator as vendors make them. */
function schema<Input, Output = Input>(
  validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>,
): StandardSchema<Input, Output> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const issues = (message: string, ...path: NonNullable<Issue['path']>) => ({
  issues: [{ message, path }],
})

const move = schema<{ x: number; tags?: string[] }>((value) => {
  if (!isRecord(value)) return { issues: [{ message: 'no object' }] }
  if (typeof value.x !== 'number') return issues('no number', 'x')
  const { tags = [] } = value as { tags?: unknown[] }
  const bad = tags.findIndex((tag) => typeof tag !== 'string')
  if (bad >= 0) return issues('no string', { key: 'tags' }, bad)
  return { value: value as { x: number } }
})
/** What is sent is text, and what comes is a number. */
const wait = schema<string, number>((value) =>
  typeof value === 'string' ? { value: Number(value) } : { issues: [{ message: 'no text' }] },
)
const leave = schema<undefined>((value) =>
  value === undefined ? { value } : { issues: [{ message: 'it has a value' }] },
)

const protocol = defineProtocol({ codec: json(), messages: { move, wait, leave } })
const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

function refused(value: unknown, codec = protocol): unknown {
  try {
    codec.decode(bytesOf(value))
  } catch (error) {
    assert.ok(isSkynetError(error, 'ERR_MESSAGE_INVALID'), String(error))
    return error.info
  }
  return assert.fail('it is taken')
}

// Proves: docs/codec.md#protocol
test('defineProtocol() gives what the validator has made of a value, by its name', () => {
  const message = protocol.decode(protocol.encode({ type: 'wait', value: '100' }))
  assert.deepEqual(message, { type: 'wait', value: 100 })
  assert.deepEqual(protocol.decode(protocol.encode({ type: 'leave' })), {
    type: 'leave',
    value: undefined,
  })
  const came = protocol.decode(protocol.encode({ type: 'move', value: { x: 1 } }))
  switch (came.type) {
    case 'move':
      assert.equal(came.value.x.toFixed(1), '1.0')
      break
    case 'wait':
      came.value.toFixed()
      break
    default:
      assert.equal(came.value, undefined)
  }
})

// Proves: docs/codec.md#protocol-invalid
test('a value that is refused is an error that names message, field and issue', () => {
  const type = 'move'
  assert.deepEqual(refused({ type, value: 1 }), {
    message: type,
    path: 'value',
    issue: 'no object',
  })
  assert.deepEqual(refused({ type, value: { x: '1' } }), {
    message: type,
    path: 'value.x',
    issue: 'no number',
  })
  assert.deepEqual(refused({ type, value: { x: 1, tags: ['a', 2] } }), {
    message: type,
    path: 'value.tags[1]',
    issue: 'no string',
  })
  const text = "Cannot take message 'move' for its value.x: no number"
  assert.throws(() => protocol.decode(bytesOf({ type, value: {} })), { message: text })
})

// Proves: docs/codec.md#protocol-invalid
test('a message that there is not is refused, whatever its name is', () => {
  for (const message of ['none', 'constructor', '__proto', 'toString']) {
    const info = { message, path: 'type', issue: 'there is no such message' }
    assert.deepEqual(refused({ type: message, value: 1 }), info)
  }
  for (const value of [null, 1, 'move', [], {}, { type: 1 }, { value: 1 }]) {
    assert.deepEqual(refused(value), { message: '', path: 'type', issue: 'it is no string' })
  }
  const { message } = refused({ type: 'x'.repeat(1_000_000) }) as { message: string }
  assert.equal(message.length, 80)
  assert.throws(() => protocol.decode(Buffer.from('{')), { code: 'ERR_CODEC' })
})

// Proves: docs/codec.md#protocol-two-way
test('a protocol may have other messages in each direction', () => {
  const server = defineProtocol({ codec: json(), sends: { leave }, receives: { move } })
  const client = defineProtocol({ codec: json(), sends: { move }, receives: { leave } })
  const came = server.decode(client.encode({ type: 'move', value: { x: 3 } }))
  assert.deepEqual(came, { type: 'move', value: { x: 3 } })
  assert.equal(client.decode(server.encode({ type: 'leave' })).type, 'leave')
  assert.throws(() => server.encode({ type: 'move', value: { x: 3 } } as never), TypeError)
})

// Proves: docs/codec.md#protocol-sync
test('an asynchronous validator is refused when the protocol is defined', () => {
  const later = schema(async (value) => ({ value }))
  /** As zod with an asynchronous refinement: only a value that is good so far has to wait. */
  const inside = schema((value) => {
    if (!isRecord(value)) return { issues: [{ message: 'no object' }] }
    if (typeof value.name !== 'string') return issues('no text', 'name')
    return Promise.reject(new Error('nobody waits for this'))
  })
  const failing = schema(() => Promise.reject(new Error('nor for this')))
  for (const name of [later, inside, failing]) {
    assert.throws(() => defineProtocol({ codec: json(), messages: { name } }), {
      name: 'TypeError',
      message: /as 'messages\.name' must be a validator that answers at once/,
    })
  }
})

// Proves: docs/codec.md#protocol-sync
test('a validator that turns out to be asynchronous, or throws, refuses its message', () => {
  const hidden = schema((value) =>
    value === 'wait' ? Promise.reject(new Error('nobody waits')) : issues('no'),
  )
  const broken = schema(() => {
    throw new Error('a bug')
  })
  const silent = schema(() => undefined as never)
  const lost = schema(() => ({ issues: [{ message: 'no', path: [null as never] }] }))
  const codec = defineProtocol({ codec: json(), messages: { hidden, broken, silent, lost } })
  const info = { path: 'value', issue: 'its validator is asynchronous' }
  assert.deepEqual(refused({ type: 'hidden', value: 'wait' }, codec as never), {
    message: 'hidden',
    ...info,
  })
  assert.throws(() => codec.decode(bytesOf({ type: 'broken' })), {
    code: 'ERR_MESSAGE_INVALID',
    cause: new Error('a bug'),
  })
  for (const type of ['silent', 'lost']) {
    assert.throws(() => codec.decode(bytesOf({ type })), { code: 'ERR_MESSAGE_INVALID' })
  }
})

test('defineProtocol() refuses what is no codec, no validator, or no option', () => {
  const codec = json()
  const wrong: [object, RegExp][] = [
    [{ codec, messages: { move: {} } }, /'messages\.move' must be a validator \(Standard Schema\)/],
    [{ codec, messages: { move: null } }, /'messages\.move' must be a validator/],
    [{ codec, sends: {}, receives: { a: 1 } }, /'receives\.a' must be a validator/],
    [{ codec, sends: {} }, /'receives' must be a plain object/],
    [{ codec }, /'sends' must be a plain object/],
    [{ messages: {} }, /'codec\.encode' must be a function/],
    [{ codec: { encode: () => {} }, messages: {} }, /'codec\.decode' must be a function/],
    [{ codec, message: {} }, /option 'message'.*did you mean 'messages'/],
  ]
  for (const options of [undefined, null, 5, []]) {
    assert.throws(() => defineProtocol(options as never), {
      name: 'TypeError',
      code: /^ERR_INVALID/,
    })
  }
  for (const [options, message] of wrong) {
    assert.throws(() => defineProtocol(options as never), { name: 'TypeError', message })
  }
})

/** What must not compile; nobody calls it. */
export function misuse(): void {
  // @ts-expect-error there is no such message
  protocol.encode({ type: 'jump', value: 1 })
  // @ts-expect-error its value is an object
  protocol.encode({ type: 'move', value: 1 })
  // @ts-expect-error it has a value
  protocol.encode({ type: 'move' })
  // @ts-expect-error what is sent is the text, not what becomes of it
  protocol.encode({ type: 'wait', value: 100 })
  // @ts-expect-error it has none
  protocol.encode({ type: 'leave', value: 1 })
  const message = protocol.decode(Buffer.alloc(0))
  // @ts-expect-error which message it is has not been asked
  message.value.x
  // @ts-expect-error there is no such message
  if (message.type === 'jump') return
  const one = { codec: json(), sends: { move }, receives: { wait } }
  // @ts-expect-error that is what the other side sends
  defineProtocol(one).encode({ type: 'wait', value: '1' })
  // @ts-expect-error a validator has to be one
  defineProtocol({ codec: json(), messages: { move: (value: unknown) => value } })
  // @ts-expect-error of numbers no message can be made
  defineProtocol({ codec: json<number>(), messages: { move } })
}
