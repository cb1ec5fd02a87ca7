import assert from 'node:assert/strict'
import { test } from 'node:test'
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
