import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { luaNumber } from './lua-number.ts'

const NUMBERS: Readonly<Record<string, number | bigint>> = {
  '1': 1n,
  ' 7\t': 7n,
  '-3': -3n,
  '+3': 3n,
  '007': 7n,
  '9007199254740993': 9007199254740993n,
  '9223372036854775807': 9223372036854775807n,
  '9223372036854775808': 2 ** 63,
  '3.5': 3.5,
  '3.': 3,
  '.5': 0.5,
  '1e3': 1000,
  '1E-2': 0.01,
  '1e999': Number.POSITIVE_INFINITY,
  '0x10': 16n,
  '-0xA': -10n,
  '0xffffffffffffffff': -1n,
  '0x1ffffffffffffffff': -1n,
  '0x.8': 0.5,
  '0xA.8p1': 21,
  '0x1p4': 16,
  '0x0p99999': 0,
  '-0x0.0p99999': -0,
  '0x1p99999': Number.POSITIVE_INFINITY,
  '0x1p-99999': 0,
  '0x1p-1074': 5e-324,
  '0x1000p-1080': 2 ** -1068,
  '0x0.0001p1030': 2 ** 1014,
  [`0x.${'f'.repeat(300)}`]: 1,
  [`0x.${'0'.repeat(300)}1p1204`]: 1,
  [`0x1${'0'.repeat(300)}.p-1200`]: 1,
}
const OTHERS = [
  '',
  ' ',
  'abc',
  '1 2',
  '1,5',
  '0x',
  '0x.',
  '0xg',
  '1e',
  'inf',
  'nan',
  '--1',
  '1n',
  '1_000',
  '0b1',
  '١',
  '1\u00a0',
  '.',
  '9'.repeat(401),
]

test('luaNumber() reads what Lua reads', () => {
  for (const [text, number] of Object.entries(NUMBERS)) {
    assert.equal(luaNumber(text), number, text)
  }
})

test('luaNumber() takes nothing else for a number', () => {
  for (const text of OTHERS) assert.equal(luaNumber(text), undefined, text)
})

test('luaNumber() looks at a text once, however long', () => {
  const spaces = ' '.repeat(2 ** 20)
  assert.equal(luaNumber(`${spaces}7${spaces}`), 7n)
  // Where each space is a begin to be tried, this takes an hour.
  assert.equal(luaNumber(`1${spaces}x`), undefined)
})

test('luaNumber() never makes a NaN', () => {
  const digits = '[0-9a-f]{0,300}'
  const text = fc.stringMatching(new RegExp(`^-?0x${digits}\\.?${digits}(p-?[0-9]{1,30})?$`))
  fc.assert(fc.property(text, (each) => !Number.isNaN(Number(luaNumber(each) ?? 0))))
})
