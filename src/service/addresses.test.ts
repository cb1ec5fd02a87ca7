import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Names } from '../kernel/names.ts'
import { Addresses } from './addresses.ts'
import { ServiceRef } from './ref.ts'

const names = { query: (name: string) => (name === '.board' ? 12 : 0) } as Names
const addresses = new Addresses(names)
const caller = {} as ConstructorParameters<typeof ServiceRef>[0]

test('a service is found by its handle, that as text, its name, or a reference of either', () => {
  const found: [ConstructorParameters<typeof ServiceRef>[1] | ServiceRef, number][] = [
    [10, 10],
    [':0000000a', 10],
    [':ff000001', 0xff000001],
    ['.board', 12],
    ['.nobody', 0],
    [':none', 0],
    [new ServiceRef(caller, 0xff000001), 0xff000001],
    [new ServiceRef(caller, '.board'), 12],
    [new ServiceRef(caller, '.nobody'), 0],
  ]
  for (const [address, handle] of found) assert.equal(addresses.handleOf(address), handle)
})

test('what nobody has is refused by its name, what is no address by its value', () => {
  for (const address of ['.nobody', new ServiceRef(caller, '.nobody')]) {
    const unknown = { code: 'ERR_NAME_UNKNOWN', info: { name: '.nobody' } }
    assert.throws(() => addresses.knownHandle(address), unknown)
  }
  for (const [wrong, shown] of [
    [{ target: 10 }, /current value is an object \(Object\)$/],
    [undefined, /current value is undefined$/],
    ['', /current value is ""$/],
    [-1, /must be a whole number in 0\.\.4294967295: current value is -1$/],
    [Object.create(ServiceRef.prototype), /current value is/],
  ] as const) {
    assert.throws(() => addresses.handleOf(wrong as never), shown)
  }
})
