import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NodeInput, NodeState, type NodeStateName } from './node-state.ts'

const INPUTS: readonly NodeInput[] = ['launched', 'stop', 'abort', 'fail']

const after = (...inputs: readonly NodeInput[]): NodeState => {
  const state = new NodeState()
  for (const input of inputs) state.move(input)
  return state
}

/** What leads to each state. */
const WAYS: { readonly [S in NodeStateName]: readonly NodeInput[] } = {
  starting: [],
  running: ['launched'],
  stopping: ['launched', 'stop'],
  aborting: ['abort'],
  failing: ['launched', 'fail'],
}

test('NodeState is ending from the first reason on, and keeps that one', () => {
  for (const [name, way] of Object.entries(WAYS)) {
    const state = after(...way)
    assert.equal(state.name, name)
    if (!state.isEnding) continue
    for (const input of INPUTS) {
      state.move(input)
      assert.equal(state.name, name, `${name} by ${input}`)
    }
  }
})

test('NodeState tells a service that aborts the start from one that ends a node that runs', () => {
  assert.equal(after('abort', 'launched').name, 'aborting')
  assert.equal(after('launched', 'abort').name, 'stopping')
})

test('move() of a NodeState asserts what cannot happen', () => {
  assert.throws(() => after('launched', 'launched'), /no move from running by launched/)
})
