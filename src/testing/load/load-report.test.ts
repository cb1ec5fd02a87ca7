import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoadBook } from './load-report.ts'

test('the result has a row for each call, and errors with who met them first', () => {
  const book = new LoadBook(['draw', 'clear'], ['line'])
  book.answered('ready', 3)
  for (let ms = 1; ms <= 100; ms++) book.answered('draw', ms)
  book.failed('draw')
  book.events.line! += 2000
  book.links.made = 3
  book.links.cut = 2
  book.resumed = 2
  book.rounds = 101
  for (const bot of [5, 2, 5]) book.thrown(new Error('no'), bot, 7)
  book.thrown(new TypeError('never'), 1, 0)
  const result = book.result(42, 10, 2000)
  assert.deepEqual(result.calls.clear, {
    ...{ count: 0, failed: 0, perSecond: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 },
  })
  const { count, failed, perSecond, p50Ms, maxMs } = result.calls.draw!
  assert.deepEqual([count, failed, perSecond, maxMs], [100, 1, 50, 100])
  assert.ok(p50Ms >= 50 && p50Ms < 51.1, `${p50Ms}`)
  assert.deepEqual(result.errors, [
    { text: 'Error: no', count: 3, bot: 5, round: 7 },
    { text: 'TypeError: never', count: 1, bot: 1, round: 0 },
  ])
  const lines = `${result}`.split('\n')
  assert.equal(lines[0], '10 bots, 101 rounds in 2.0 s, seed 42')
  assert.equal(lines[1], '3 connections: 2 cut on purpose, 2 resumed a session')
  assert.match(lines[5]!, /^draw +100 +1 +50\.0 +50\.\d +9\d\.\d +\d+\.\d +100\.0$/)
  assert.match(`${result}`, /line {3}2,000\n\n3 × Error: no \(first: bot 5, round 7\)/)
})

test('errors beyond a number are counted together', () => {
  const book = new LoadBook([], [])
  for (let i = 0; i < 1000; i++) book.thrown(new Error(`number ${i}`), i, 0)
  const { errors } = book.result(1, 1, 1)
  assert.equal(errors.length, 101)
  assert.deepEqual(errors[0], { text: 'other errors', count: 900, bot: 100, round: 0 })
  assert.match(`${book.result(1, 1, 1)}`, /and 91 others$/)
})
