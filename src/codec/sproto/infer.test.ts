/** What the compiler knows of a schema. Most of it holds as soon as this file compiles. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Sproto, type SprotoIn, type SprotoOut, sproto } from './sproto.ts'

/** Both are the same, and not just assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

const game = sproto(
  `
# A comment with { braces }, a colon: and a .point
.Person {
	name 0 : string   # tight
	.Phone { number 0 : string kind 1 : integer }
	id 1:integer
	phones 3 : *Phone
	phone 4 : Person.Phone
	height 5 : integer(2)
	data 6 : binary
	isBot 7 : boolean
	weight 8 : double
	byNumber 9 : *Phone( number )
	friend 10 : Person
	list 11 : *integer
	prices 12 : *integer( 2 )
	flags 13 : *boolean  names 14 : *string  blobs 15 : *binary  ds 16 : *double
	dict 17 : *Named()
	late 18 : *Late()
	ignored 19 : Phone(number)
	alsoIgnored 20 : integer(x)
}
.Empty {}.Tight{a 0:integer b 1:Empty}
.Named { k 0 : string v 1 : Person }
.Late { value 10 : integer key 9 : boolean }
`,
  `
.Phone { elsewhere 0 : boolean }
.Other {
.Deep {
.Deeper { x 0 : integer }
d 0 : Deeper
}
deep 0 : Deep
phone 1 : Phone
}
.package { type 0 : integer session 1 : integer ud 2 : Named }
login 1 {
  request { user 0 : string  who 1 : Person }
  response Other.Deep   # a type by its name
}
ping 2 {}
quit 3 { request Tight response nil }
told 4 { response { ok 0 : boolean } }
`,
)

interface Phone {
  number?: string
  kind?: number
}
interface Person {
  name?: string
  id?: number
  phones?: { number?: string; kind?: number }[]
  phone?: { number?: string; kind?: number }
  height?: number
  data?: Buffer
  isBot?: boolean
  weight?: number
  byNumber?: Map<string, Phone>
  friend?: Person
  list?: number[]
  prices?: number[]
  flags?: boolean[]
  names?: string[]
  blobs?: Buffer[]
  ds?: number[]
  dict?: Map<string, { k?: string; v?: Person } | Person>
  late?: Map<boolean, number>
  ignored?: Phone
  alsoIgnored?: number
}
type Out<N extends string> = SprotoOut<typeof game, N>

test('decode() gives the types of the schema', () => {
  holds<Same<keyof Out<'Person'>, keyof Person>>()
  holds<Same<Out<'Person.Phone'>, { number?: string; kind?: number }>>()
  holds<Same<NonNullable<Out<'Person'>['byNumber']>, Map<string, Out<'Person.Phone'>>>>()
  holds<Same<NonNullable<Out<'Person'>['dict']>, Map<string, Out<'Person'>>>>()
  holds<Same<NonNullable<Out<'Person'>['late']>, Map<boolean, number>>>()
  holds<Same<NonNullable<Out<'Person'>['friend']>, Out<'Person'>>>()
  holds<Same<Out<'Empty'>, Record<never, never>>>()
  holds<Same<Out<'Tight'>, { a?: number; b?: Out<'Empty'> }>>()
  holds<Same<Out<'Other.Deep'>, { d?: { x?: number } }>>()
  holds<Same<Out<'Other'>, { deep?: { d?: { x?: number } }; phone?: { elsewhere?: boolean } }>>()
  holds<Same<Out<'login.request'>, { user?: string; who?: Out<'Person'> }>>()
  holds<Same<Out<'told.response'>, { ok?: boolean }>>()
  const person: Person = game.decode('Person', game.encode('Person', { name: 'Ann' }))
  assert.deepEqual(person, { name: 'Ann' })
})

test('types and protocols have their full names', () => {
  type Types = (typeof game)['types'][number]
  type Deep = 'Other' | 'Other.Deep' | 'Other.Deep.Deeper'
  type Bodies = 'login.request' | 'told.response'
  type Flat = 'Person' | 'Person.Phone' | 'Empty' | 'Tight' | 'Named' | 'Late' | 'Phone' | 'package'
  holds<Same<Types, Flat | Deep | Bodies>>()
  holds<Same<(typeof game)['protocols'][number], 'login' | 'ping' | 'quit' | 'told'>>()
  const names: readonly string[] = game.types
  for (const name of ['Other.Deep.Deeper', 'login.request', 'Late']) assert.ok(names.includes(name))
  assert.equal(names.length, 13)
})

test('integers are numbers, and bigints as well where all their bits are asked for', () => {
  const wide = game.withBigInts()
  type Wide = SprotoOut<typeof wide, 'Person'>
  holds<Same<Wide['id'], number | bigint | undefined>>()
  holds<Same<Wide['height'], number | undefined>>()
  holds<Same<Out<'Person'>['id'], number | undefined>>()
  const phone: SprotoIn<typeof game, 'Person.Phone'> = { kind: 5n }
  assert.deepEqual(game.decode('Person.Phone', game.encode('Person.Phone', phone)), { kind: 5 })
})

test('encode() takes what a type holds, and undefined for what is not there', () => {
  game.encode('Person', { name: undefined, list: [1, 2n], data: new Uint8Array(2) })
  game.encode('Person', { byNumber: [{ number: '1' }], phones: [] as readonly [] })
  game.encode('Person', { byNumber: new Map([['1', { number: '1' }]]) })
  game.encode('Person', { dict: new Map([['a', { name: 'x' }]]), friend: { friend: {} } })
})

/** Never called: what does not compile here need not run. */
export function wrong(): void {
  // @ts-expect-error There is no such type.
  game.encode('Persn', {})
  // @ts-expect-error Protocols are no types.
  game.encode('login', {})
  // @ts-expect-error There is no such type.
  game.decode('Deep', Buffer.alloc(0))
  // @ts-expect-error There is no field `nmae`.
  game.encode('Person', { nmae: 'x' })
  // @ts-expect-error A number is no string.
  game.encode('Person', { name: 5 })
  // @ts-expect-error A string is no integer.
  game.encode('Person', { id: '5' })
  // @ts-expect-error A bigint is no decimal.
  game.encode('Person', { height: 5n })
  // @ts-expect-error A string is no binary.
  game.encode('Person', { data: 'x' })
  // @ts-expect-error null is not nothing.
  game.encode('Person', { name: null })
  // @ts-expect-error There is no field `x` in a friend.
  game.encode('Person', { friend: { x: 1 } })
  // @ts-expect-error Items are phones.
  game.encode('Person', { phones: [{ elsewhere: true }] })
  // @ts-expect-error The nearest Phone is not the one of a person.
  game.encode('Other', { phone: { number: 'x' } })
  // @ts-expect-error A dictionary is a Map.
  game.encode('Person', { dict: { a: {} } })
  // @ts-expect-error Its keys are strings.
  game.encode('Person', { dict: new Map([[1, {}]]) })
  // @ts-expect-error The key is a boolean: it has the smaller tag.
  game.encode('Person', { late: new Map([[1, true]]) })
  // @ts-expect-error Whatever is decoded may be missing.
  game.decode('Person', Buffer.alloc(0)).name.length
  // @ts-expect-error A field that holds one struct has no default.
  game.defaults('Person').friend
  game.defaults('Person').name.length
  // @ts-expect-error Texts only.
  sproto(5)
}

/** Never called. */
export function wrongRequests(): void {
  const peer = game.host('package').attach(game)
  // @ts-expect-error There is no such type.
  game.host('packet')
  // @ts-expect-error There is no such protocol.
  peer.request('logn', {})
  // @ts-expect-error A request that has a body needs it.
  peer.request('login')
  // @ts-expect-error There is no field `usr`.
  peer.request('login', { usr: 'x' }, 1)
  // @ts-expect-error A ping has no body.
  peer.request('ping', {})
  // @ts-expect-error A session is a number.
  peer.request('ping', undefined, '1')
  // @ts-expect-error The user data is a Named.
  peer.request('ping', undefined, 1, 'text')
  peer.request('ping', undefined, 1, { k: 'x' })
  const message = peer.dispatch(Buffer.alloc(0))
  // @ts-expect-error A response has none.
  message.respond
  if (message.type === 'response') {
    if (message.name === 'login') message.response.d?.x?.toFixed()
    // @ts-expect-error The response of a ping has no body.
    if (message.name === 'ping') message.response.x
    return
  }
  if (message.name === 'login') {
    message.request.who?.friend?.name?.length
    // @ts-expect-error It may have come without a session.
    message.respond({})
    // @ts-expect-error The response is a Deep.
    message.respond?.({ x: 1 })
    message.respond?.({ d: { x: 1 } }, { k: 'data' })
  }
  // @ts-expect-error A quit is confirmed, and no more.
  if (message.name === 'quit') message.respond?.({})
  if (message.name === 'quit') message.respond?.()
  // @ts-expect-error There is no such protocol.
  message.name === 'nothing'
}

test('layout is free, for the compiler as well', () => {
  const odd = sproto(
    '.A\r\n{\r\n\tx\r\n0\t:integer#{ : }\r\n#}\n\ty 1:*A(\tx )\r\n}\r\n# }\n.B{.C{z 0:A}c 0:C}',
    'p\n1\t{response\n{\tok\t0\t:boolean}request\tA}q 2{}',
  )
  type Odd<N extends string> = SprotoOut<typeof odd, N>
  holds<Same<keyof Odd<'A'>, 'x' | 'y'>>()
  holds<Same<NonNullable<Odd<'A'>['y']>, Map<number, Odd<'A'>>>>()
  holds<Same<Odd<'B'>, { c?: { z?: Odd<'A'> } }>>()
  holds<Same<Odd<'p.response'>, { ok?: boolean }>>()
  holds<Same<(typeof odd)['types'][number], 'A' | 'B' | 'B.C' | 'p.response'>>()
  assert.deepEqual(odd.types, ['A', 'B', 'B.C', 'p.response'])
  assert.deepEqual(odd.protocols, ['p', 'q'])
  odd.protocol('p').request.encode({ y: [{ x: 1 }] })
})

test('a text that is known when the program runs has no types, and works', () => {
  const name: string = 'A'
  const made: Sproto<string> = sproto(`.${name} { x 0 : integer }`)
  holds<Same<ReturnType<typeof made.decode<'A'>>, Record<string, unknown>>>()
  assert.deepEqual(made.decode('A', made.encode('A', { x: 1 })), { x: 1 })
})
