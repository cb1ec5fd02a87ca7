import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from '../codec/json.ts'
import type { StandardSchema } from '../codec/standard-schema.ts'
import {
  type CallsOf,
  type ClientProtocolOptions,
  clientProtocol,
  type EventsOf,
  type LoginOf,
  unchecked,
  type ValidLoginOf,
} from './client-protocol.ts'
import { FULL } from './full.ts'

/** A validator that makes numbers of texts. */
const number: StandardSchema<string, number> = {
  '~standard': { version: 1, vendor: 'test', validate: (text) => ({ value: Number(text) }) },
}

const game = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: {
    move: { request: number, response: unchecked<{ at: number }>() },
    clear: {},
    say: { request: unchecked<string>() },
    top: { response: unchecked<string[]>() },
  },
  events: { line: unchecked<[number, number]>() },
})
type Game = typeof game

/** Compiles when both are the same type. */
function same<A, B>(
  _is: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false,
): void {}

test('types of a protocol are those that its validators take and give', () => {
  same<LoginOf<Game>, { name: string }>(true)
  same<ValidLoginOf<Game>, { name: string }>(true)
  same<keyof CallsOf<Game>, 'move' | 'clear' | 'say' | 'top'>(true)
  same<CallsOf<Game>['move']['request'], string>(true)
  same<CallsOf<Game>['move']['validRequest'], number>(true)
  same<CallsOf<Game>['move']['response'], { at: number }>(true)
  same<CallsOf<Game>['clear']['request'], undefined>(true)
  same<CallsOf<Game>['clear']['response'], undefined>(true)
  same<CallsOf<Game>['top']['request'], undefined>(true)
  same<CallsOf<Game>['say']['response'], undefined>(true)
  same<EventsOf<Game>, { readonly line: [number, number] }>(true)
  const bare = clientProtocol({})
  same<LoginOf<typeof bare>, undefined>(true)
  same<keyof CallsOf<typeof bare>, never>(true)
  same<keyof EventsOf<typeof bare>, never>(true)
  const never = (_use: () => unknown): void => {}
  // @ts-expect-error a validator is wanted
  never(() => clientProtocol({ login: 1 }))
  // @ts-expect-error a codec makes bytes
  never(() => clientProtocol({ codec: { encode: () => 'text', decode: 1 } }))
})

test('clientProtocol() refuses what is wrong, and names the field', { skip: !FULL }, () => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /'options' must be a plain object: current value is undefined/],
    [[], /'options' must be a plain object: current value is of type object/],
    [{ call: {} }, /with option 'call': there are login, calls, events, codec$/],
    [{ login: 1 }, /'login' must be a validator \(Standard Schema\): current value is 1/],
    [{ login: null }, /'login' must be a validator/],
    [{ calls: [] }, /'calls' must be a plain object/],
    [{ calls: { '': {} } }, /'calls' must be of names that are not empty/],
    [{ calls: { draw: 1 } }, /'calls\.draw' must be a plain object: current value is 1/],
    [
      { calls: { draw: { requst: 1 } } },
      /with option 'requst' of calls\.draw: there are request, response$/,
    ],
    [{ calls: { draw: { request: {} } } }, /'calls\.draw\.request' must be a validator/],
    [{ calls: { draw: { response: 'x' } } }, /'calls\.draw\.response' .*"x"/],
    [{ events: () => {} }, /'events' must be a plain object: current value is of type function/],
    [{ events: { '': number } }, /'events' must be of names/],
    [{ events: { line: {} } }, /'events\.line' must be a validator/],
    [{ codec: null }, /'codec\.encode' must be a function: current value is undefined/],
    [{ codec: { encode() {}, decode: 2 } }, /'codec\.decode' must be a function.* 2$/],
  ]
  for (const [options, message] of rows) {
    const define = () => clientProtocol(options as ClientProtocolOptions)
    assert.throws(define, (error) => error instanceof TypeError && message.test(error.message))
  }
})

test('clientProtocol() has validators for all, and finds nothing that is no call', () => {
  const { login, calls, events, bodies } = clientProtocol({ calls: { draw: {} } })
  assert.deepEqual(login['~standard'].validate(undefined), { value: undefined })
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.equal((calls as Record<string, unknown>)[name], undefined)
    assert.equal((events as Record<string, unknown>)[name], undefined)
  }
  assert.deepEqual(Object.keys(calls), ['draw'])
  assert.equal(bodies, undefined, 'each end has a JSON of its own')
})

test('clientProtocol() has the bodies of its codec; nothing is no bytes', () => {
  const bodies = clientProtocol({ codec: json() }).bodies!
  assert.equal(bodies.encode('event', 'line', undefined).length, 0)
  assert.equal(bodies.decode('request', 'move', new Uint8Array(0)), undefined)
  const bytes = bodies.encode('login', '', { name: 'bob' })
  assert.deepEqual(bodies.decode('login', '', bytes), { name: 'bob' })
})
