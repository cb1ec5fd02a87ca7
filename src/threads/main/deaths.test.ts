import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerEnded } from './deaths.ts'
import { type NodeInput, NodeState } from './node-state.ts'
import type { Thread } from './thread.ts'

/** What follows in a node of one worker for anybody, after `inputs`. */
function follows(inputs: readonly NodeInput[], worker: number, isReady: boolean): string[] {
  const events: string[] = []
  const state = new NodeState()
  for (const input of inputs) state.move(input)
  const thread = { name: 'it', isReady } as Thread
  const host = {
    state,
    shared: 1,
    forgetAsker: () => events.push('forget'),
    replace: () => events.push('replace'),
    vacate: () => events.push('vacate'),
    endNode: () => events.push('end'),
  }
  workerEnded(host, worker, thread, new Error('exit code 1'))
  return events
}

test('workerEnded() ends a node that starts, ready or not', () => {
  assert.deepEqual(follows([], 0, false), ['forget', 'end'])
  assert.deepEqual(follows([], 0, true), ['forget', 'end'])
})

test('workerEnded() replaces a worker for anybody, and vacates that of a dedicated one', () => {
  assert.deepEqual(follows(['launched'], 0, true), ['forget', 'replace'])
  assert.deepEqual(follows(['launched'], 1, true), ['forget', 'vacate'])
  // The first service may have one before it is ready.
  assert.deepEqual(follows([], 1, true), ['forget', 'vacate'])
})

test('workerEnded() leaves to who has started it a thread that never was ready', () => {
  assert.deepEqual(follows(['launched'], 0, false), ['forget'])
  assert.deepEqual(follows(['launched'], 1, false), ['forget'])
})
