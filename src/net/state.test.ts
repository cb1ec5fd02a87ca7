import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Input, nextState, STATE, stateName } from './state.ts'

const INPUTS: readonly Input[] = [
  'reserve',
  'listen',
  'connect',
  'accept',
  'start',
  'opened',
  'peerEnded',
  'writeFailed',
  'flush',
  'free',
]

test('every state but INVALID can be freed, and only INVALID can be reserved', () => {
  for (const state of Object.values(STATE)) {
    if (state === STATE.INVALID) assert.equal(nextState(state, 'reserve'), STATE.RESERVE)
    else {
      assert.equal(nextState(state, 'free'), STATE.INVALID)
      assert.throws(() => nextState(state, 'reserve'), /no move from/)
    }
  }
})

test('every state but BIND is reached from INVALID', () => {
  const reached = new Set<number>([STATE.INVALID])
  for (const state of reached) {
    for (const input of INPUTS) {
      try {
        reached.add(nextState(state, input))
      } catch {
        // No such move.
      }
    }
  }
  const missing = Object.values(STATE).filter((state) => !reached.has(state))
  assert.deepEqual(missing, [STATE.BIND])
})

test('nextState asserts on a move that cannot be, and names it', () => {
  assert.throws(() => nextState(STATE.LISTEN, 'peerEnded'), /no move from LISTEN by peerEnded/)
  assert.throws(() => nextState(99, 'free'))
})

test('stateName names every state', () => {
  for (const [name, state] of Object.entries(STATE)) assert.equal(stateName(state), name)
})
