import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STORE_DELETED_MAX, STORE_ENTRIES_MAX, STORE_VALUE_BYTES_MAX } from '../../base/limits.ts'
import type { StoreEntry } from './store.ts'
import { StoreTable } from './store-table.ts'

const VALUE = Uint8Array.of(1)
const textOf = ({ key, revision, value }: StoreEntry): string =>
  `${key} ${revision}${value === undefined ? ' gone' : ''}`

test('StoreTable writes only over the revision that is named', () => {
  const table = new StoreTable(1)
  assert.equal(table.cas('a', VALUE, 0), 1)
  assert.throws(() => table.cas('a', VALUE, 0), { code: 'ERR_STORE_CONFLICT' })
  assert.throws(() => table.cas('a', VALUE, 2), { code: 'ERR_STORE_CONFLICT' })
  assert.throws(() => table.cas('b', undefined, 1), { code: 'ERR_STORE_CONFLICT' })
  assert.equal(table.cas('a', VALUE, 1), 2)
  assert.equal(table.cas('a', undefined, 2), 3)
  assert.equal(table.get('a'), undefined)
  assert.equal(table.cas('a', VALUE, 0), 4, 'revisions rise, also of a key that was gone')
})

test('StoreTable tells a watch what there is, what has gone, and what comes', () => {
  const table = new StoreTable(1)
  table.cas('a', VALUE, 0)
  table.cas('b', VALUE, 0)
  table.cas('a', undefined, 1)
  const told: string[] = []
  const end = table.watch((entry) => told.push(textOf(entry)))
  table.cas('c', VALUE, 0)
  end()
  table.cas('d', VALUE, 0)
  assert.deepEqual(told, ['b 2', 'a 3 gone', 'c 4'])
})

test('StoreTable tells all watches in order when one of them writes', () => {
  const table = new StoreTable(1)
  const told: string[][] = [[], []]
  table.watch((entry) => {
    told[0]!.push(textOf(entry))
    if (entry.key === 'a') table.cas('b', VALUE, 0)
    if (entry.key === 'b') table.cas('c', VALUE, 0)
  })
  table.watch((entry) => told[1]!.push(textOf(entry)))
  table.cas('a', VALUE, 0)
  assert.deepEqual(told, [
    ['a 1', 'b 2', 'c 3'],
    ['a 1', 'b 2', 'c 3'],
  ])
})

test('StoreTable tells a watch that begins within another one everything once', () => {
  const table = new StoreTable(1)
  const told: string[] = []
  table.watch(({ key }) => {
    if (key !== 'a') return
    table.cas('b', VALUE, 0)
    table.watch((entry) => {
      told.push(textOf(entry))
      if (entry.key === 'b') table.cas('c', VALUE, 0)
    })
  })
  table.cas('a', VALUE, 0)
  assert.deepEqual(told, ['a 1', 'b 2', 'c 3'])
})

test('StoreTable tells nothing more to a watch that ends while it is told', () => {
  const table = new StoreTable(1)
  const told: string[] = []
  const end = table.watch((entry) => {
    told.push(textOf(entry))
    table.cas('b', VALUE, 0)
    end()
  })
  table.cas('a', VALUE, 0)
  assert.deepEqual(told, ['a 1'])
})

test('StoreTable refuses what is too long, and one entry too many', () => {
  const table = new StoreTable(1)
  const longest = new Uint8Array(STORE_VALUE_BYTES_MAX)
  table.cas('long', longest, 0)
  const longer = new Uint8Array(STORE_VALUE_BYTES_MAX + 1)
  assert.throws(() => table.cas('longer', longer, 0), { code: 'ERR_STORE_FULL' })
  for (let i = 1; i < STORE_ENTRIES_MAX; i++) table.cas(`${i}`, VALUE, 0)
  assert.throws(() => table.cas('more', VALUE, 0), { code: 'ERR_STORE_FULL' })
  const { revision } = table.get('1')!
  table.cas('1', VALUE, revision)
  table.cas('2', undefined, table.get('2')!.revision)
  table.cas('more', VALUE, 0)
})

test('StoreTable forgets those that went first of too many that have gone', () => {
  const table = new StoreTable(1)
  for (let i = 0; i <= STORE_DELETED_MAX; i++)
    table.cas(`${i}`, undefined, table.cas(`${i}`, VALUE, 0))
  const told: string[] = []
  table.watch(({ key }) => told.push(key))
  assert.equal(told.length, STORE_DELETED_MAX)
  assert.equal(told[0], '1')
})
