import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Askers, askerOf } from '../service/askers.ts'
import type { Skynet } from './skynet.ts'

function setUp() {
  const dead = new Set<number>()
  const ended: number[] = []
  const skynet = { isAlive: (handle: number) => !dead.has(handle) } as unknown as Skynet
  const askers = new Askers<{ source: number }>(skynet, ({ source }) => {
    ended.push(source)
    askers.delete(askerOf({ source, session: 1 }))
  })
  const ask = (source: number): void => askers.add(askerOf({ source, session: 1 }), { source })
  return { askers, dead, ended, ask }
}

test('giveUp() ends the one who asked under that session, once', () => {
  const { askers, ended, ask } = setUp()
  for (const source of [1, 2, 3]) ask(source)
  askers.giveUp(2, 7)
  askers.giveUp(2, 1)
  askers.giveUp(2, 1)
  assert.deepEqual(ended, [2])
  assert.deepEqual(
    [...askers.values()].map(({ source }) => source),
    [1, 3],
  )
})

test('add() looks for the dead when askers have doubled since the last look', () => {
  const { askers, dead, ended, ask } = setUp()
  for (let source = 1; source <= 64; source++) ask(source)
  dead.add(5)
  ask(65)
  assert.deepEqual(ended, [5])
  dead.add(6)
  for (let source = 66; source <= 127; source++) ask(source)
  assert.deepEqual([ended, [...askers.values()].length], [[5], 126])
  ask(128)
  assert.deepEqual(ended, [5, 6])
})
