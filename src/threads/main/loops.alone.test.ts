import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addLoop, type Loop, removeLoop } from './loops.ts'

/** Notes what it is told. */
function loop(name: string, events: string[]): Loop {
  return {
    exit: (flushMs) => events.push(`exit ${name} ${flushMs}`),
    awaitExit: () => events.push(`await ${name}`),
  }
}

/** The listeners of this process for its end that were not there before. */
function added(before: readonly unknown[]): NodeJS.ExitListener[] {
  return process.listeners('exit').filter((each) => !before.includes(each))
}

test('all loops are told to leave before any is awaited, when the process ends', () => {
  const before = process.listeners('exit')
  const events: string[] = []
  const [a, b] = [loop('a', events), loop('b', events)]
  addLoop(a)
  addLoop(b)
  const [leaveAll, ...others] = added(before)
  assert.equal(others.length, 0, 'one listener for all')
  leaveAll!(0)
  assert.deepEqual(events.splice(0), ['exit a 0', 'exit b 0', 'await a', 'await b'])
  removeLoop(a)
  leaveAll!(0)
  assert.deepEqual(events, ['exit b 0', 'await b'])
  removeLoop(b)
  assert.deepEqual(added(before), [], 'nothing is left of loops that are over')
})
