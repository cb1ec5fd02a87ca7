import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collector } from '../base/collector.ts'
import { SESSION_ADDRESSES_MAX } from '../base/limits.ts'
import { type AddressLimits, type AddressPlace, ClientAddresses } from './client-addresses.ts'

const A = '10.0.0.1:5000'

const NONE = { connections: 0, opensPerSecond: 0, strangers: 0 }

/** Addresses, and who comes from them: a code, or his place. */
function addressesOf(limits: Partial<AddressLimits>, now = (): number => 0) {
  const addresses = new ClientAddresses({ ...NONE, ...limits }, now)
  /** Undefined: he is in. */
  const refusal = (address: string): string | undefined => {
    const place = addresses.enter(address)
    return typeof place === 'string' ? place : undefined
  }
  const enter = (address: string): AddressPlace => {
    const place = addresses.enter(address)
    assert.ok(typeof place !== 'string', String(place))
    return place
  }
  const comeAndGo = (address: string): string | undefined => {
    const place = addresses.enter(address)
    if (typeof place === 'string') return place
    place.known()
    place.leave()
    return undefined
  }
  return { addresses, refusal, enter, comeAndGo }
}

// Proves: docs/session.md#per-address
test('so many are there from an address, and no more, until one of them leaves', () => {
  const { refusal, enter } = addressesOf({ connections: 2 })
  const first = enter(A)
  first.known()
  assert.equal(refusal('10.0.0.1:5001'), undefined)
  assert.equal(refusal('10.0.0.1:5002'), 'address')
  assert.equal(refusal('10.0.0.2:5000'), undefined)
  first.leave()
  assert.equal(refusal(A), undefined)
  assert.equal(refusal(A), 'address')
})

// Proves: docs/session.md#per-address
test('so many strangers are there from an address: those who are known are none', () => {
  const { addresses, refusal, enter } = addressesOf({ strangers: 2 })
  const [first, second] = [enter(A), enter('10.0.0.1:5001')]
  assert.equal(refusal(A), 'address')
  assert.equal(refusal('10.0.0.2:5000'), undefined)
  first.known()
  assert.equal(refusal(A), undefined)
  assert.equal(refusal(A), 'address')
  // His connection is over, and his login goes on.
  second.leave()
  assert.equal(refusal(A), 'address')
  second.known()
  const third = enter(A)
  assert.equal(refusal(A), 'address')
  first.leave()
  assert.equal(addresses.size, 2)
  third.known()
  third.leave()
})

// Proves: docs/session.md#per-address
test('who comes over a path has no address, and is never one too many', () => {
  const { addresses, refusal } = addressesOf({ connections: 1, opensPerSecond: 1, strangers: 1 })
  for (const address of ['unix:', 'unix:', 'unix:/run/x.sock']) {
    assert.equal(refusal(address), undefined)
  }
  assert.equal(addresses.size, 0)
})

// Proves: docs/session.md#per-address
test('so many come in a second from an address, whether they stay or not', () => {
  let now = 0
  const { comeAndGo } = addressesOf({ opensPerSecond: 4 }, () => now)
  for (let i = 0; i < 4; i++) assert.equal(comeAndGo(A), undefined)
  assert.equal(comeAndGo(A), 'opens')
  now = 249
  assert.equal(comeAndGo(A), 'opens')
  now = 250
  assert.equal(comeAndGo(A), undefined)
  assert.equal(comeAndGo(A), 'opens')
  now = 60_000
  for (let i = 0; i < 4; i++) assert.equal(comeAndGo(A), undefined)
  assert.equal(comeAndGo(A), 'opens')
})

test('who is refused is not counted', () => {
  const { refusal, enter } = addressesOf({ connections: 1, opensPerSecond: 1 })
  const place = enter(A)
  for (let i = 0; i < 9; i++) assert.equal(refusal(A), 'opens')
  place.leave()
  assert.equal(refusal(A), 'opens')
})

const at = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:1`

// Proves: docs/limits.md#session-addresses
test('of too many addresses the one is forgotten that was left first', () => {
  const { addresses, refusal, enter } = addressesOf({ connections: 1, opensPerSecond: 9 })
  const places = Array.from({ length: SESSION_ADDRESSES_MAX }, (_, i) => enter(at(i)))
  for (const i of [5, 2]) {
    places[i]!.known()
    places[i]!.leave()
  }
  assert.equal(refusal(at(SESSION_ADDRESSES_MAX)), undefined)
  assert.equal(addresses.size, SESSION_ADDRESSES_MAX)
  assert.equal(refusal(at(0)), 'address')
  assert.equal(refusal(at(0)), 'address')
  // It is not known any more, and takes the place of the one that was left after it.
  assert.equal(refusal(at(5)), undefined)
  assert.equal(addresses.size, SESSION_ADDRESSES_MAX)
  assert.equal(refusal(at(2)), undefined)
  assert.equal(addresses.size, SESSION_ADDRESSES_MAX + 1)
})

test('a new address costs the same, however many are there', () => {
  const { addresses, enter, comeAndGo } = addressesOf({ connections: 1, opensPerSecond: 9 })
  for (let i = 0; i < SESSION_ADDRESSES_MAX; i++) enter(at(i))
  for (let i = SESSION_ADDRESSES_MAX; i < 2 * SESSION_ADDRESSES_MAX; i++) comeAndGo(at(i))
  // With a walk over those that are there: four billion steps.
  assert.equal(addresses.size, SESSION_ADDRESSES_MAX + 1)
})

test('nothing is kept of each time that somebody comes', () => {
  const collect = collector()
  const heapBytes = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const times = 50_000
  for (const limits of [{ strangers: 9 }, { opensPerSecond: 2 * times }]) {
    const { comeAndGo } = addressesOf(limits)
    comeAndGo(A)
    const before = heapBytes()
    for (let i = 0; i < times; i++) comeAndGo(A)
    const each = (heapBytes() - before) / times
    assert.ok(each < 16, `${each} bytes each time`)
    assert.equal(comeAndGo(A), undefined)
  }
})

test('nobody is remembered without a reason: no limit, or none of how often he comes', () => {
  for (const limits of [{}, { connections: 5, strangers: 5 }]) {
    const { addresses, comeAndGo } = addressesOf(limits)
    for (let i = 0; i < 100; i++) assert.equal(comeAndGo(at(i)), undefined)
    assert.equal(addresses.size, 0)
  }
})
