/** The bytes of version 1, as other programs of it expect them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ASK,
  answerBytes,
  askBytes,
  entryBytes,
  readAsk,
  readEntry,
  readStoreAnswer,
  STATUS,
} from './store-packets.ts'

const ENTRY = { key: 'node.a', revision: 5, value: Buffer.from('one') }
const NO_ENTRY = { number: 7, ageMs: 9, entry: undefined, reason: '' }
const hex = (bytes: Buffer): string => bytes.toString('hex')
/** Bytes in the middle of others, as they come. */
function amid<T>(bytes: Buffer, read: (bytes: Buffer, at: number, end: number) => T): T {
  return read(Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(3)]), 3, 3 + bytes.length)
}

test('a request, an answer and an entry have these bytes', () => {
  const entry = '0000000000001440' + '01' + '0600' + '6e6f64652e61' + '6f6e65'
  const ask = { id: 1, kind: ASK.cas, era: 1000, entry: ENTRY }
  assert.equal(hex(askBytes(ask)), `01000000020000000000408f40${entry}`)
  const numbers = '0000000000001c40' + '0000000000002240'
  const done = { ...NO_ENTRY, id: 2, status: STATUS.done }
  assert.equal(hex(answerBytes(done)), `0200000000${numbers}`)
  assert.equal(hex(answerBytes({ ...done, entry: ENTRY })), `0200000000${numbers}${entry}`)
  const full = { ...NO_ENTRY, id: 2, status: STATUS.full, reason: 'no' }
  assert.equal(hex(answerBytes(full)), `0200000002${numbers}6e6f`)
  assert.equal(hex(entryBytes(3, ENTRY)), `03000000${entry}`)
  const deleted = { ...ENTRY, value: undefined }
  assert.equal(
    hex(entryBytes(3, deleted)),
    '03000000' + '0000000000001440' + '00' + '0600' + '6e6f64652e61',
  )
})

const count = fc.maxSafeNat()
const id = fc.nat(0xffffffff)
const value = fc.option(
  fc.uint8Array({ maxLength: 99 }).map((bytes) => Buffer.from(bytes)),
  { nil: undefined },
)
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true })
const entry = record({
  key: fc.string({ maxLength: 60, unit: 'grapheme' }),
  revision: count,
  value,
})

test('requests, answers and entries come out as they went in', () => {
  fc.assert(
    fc.property(record({ id, kind: fc.nat(255), era: count, entry }), (ask) => {
      assert.deepEqual(amid(askBytes(ask), readAsk), ask)
    }),
  )
  const answer = record({ id, status: fc.constant(0), number: count, ageMs: count })
  fc.assert(
    fc.property(answer, fc.option(entry, { nil: undefined }), (head, found) => {
      const whole = { ...head, entry: found, reason: '' }
      assert.deepEqual(amid(answerBytes(whole), readStoreAnswer), whole)
    }),
  )
  fc.assert(
    fc.property(id, entry, (watch, told) => {
      assert.deepEqual(amid(entryBytes(watch, told), readEntry), [watch, told])
    }),
  )
})

test('a reason comes with each answer that says no', () => {
  const no = { ...NO_ENTRY, id: 2, status: STATUS.lost, reason: 'nö' }
  assert.deepEqual(amid(answerBytes(no), readStoreAnswer), no)
})

test('what is cut off anywhere in its head is malformed', () => {
  const entry = { ...ENTRY, value: undefined }
  const all = [
    [askBytes({ id: 1, kind: 1, era: 1, entry }), (cut: Buffer) => amid(cut, readAsk)],
    [answerBytes({ ...NO_ENTRY, id: 1, status: 0 }), (cut: Buffer) => amid(cut, readStoreAnswer)],
    [entryBytes(1, entry), (cut: Buffer) => amid(cut, readEntry)],
  ] as const
  for (const [bytes, read] of all) {
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => read(bytes.subarray(0, end)), { code: 'ERR_FRAME_MALFORMED' })
    }
  }
})

test('numbers that are no counts are malformed', () => {
  const bytes = entryBytes(1, ENTRY)
  for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    bytes.writeDoubleLE(wrong, 4)
    assert.throws(() => amid(bytes, readEntry), { code: 'ERR_FRAME_MALFORMED' })
  }
})
