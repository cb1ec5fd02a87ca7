import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeEnd } from './node-end.ts'
import { NodeState } from './node-state.ts'

/** A node whose shut-down is over when it is told so. */
function rig() {
  const events: string[] = []
  const state = new NodeState()
  let over!: (isInOrder: boolean) => void
  const end = new NodeEnd({
    state,
    graceMs: 7,
    shutDown: (graceMs) => {
      events.push(`shut down ${state.name} within ${graceMs}`)
      return new Promise((resolve) => {
        over = resolve
      })
    },
    report: (thread) => events.push(`report ${thread}`),
    print: (text) => events.push(text.split('\n')[0]!),
  })
  return { events, state, end, over: (isInOrder: boolean) => over(isInOrder) }
}

test('stop() of a NodeEnd shuts down once, for all who want it, and ends with 0', async () => {
  const { events, end, over } = rig()
  const stopped = [end.stop(), end.stop(100)]
  end.abort()
  end.lostAll()
  end.died('a worker', new Error('late'))
  over(true)
  await Promise.all(stopped)
  assert.deepEqual(events, ['shut down stopping within 7'])
  assert.equal(await end.exited, 0)
  assert.equal(end.fault, undefined)
})

test('stop() of a NodeEnd ends with 1 what could not be stopped in good order', async () => {
  const { end, over } = rig()
  void end.stop(0)
  over(false)
  assert.equal(await end.exited, 1)
})

test('died() of a NodeEnd says so, begins a report and ends the node without grace', async () => {
  const { events, end, over } = rig()
  end.died('skynet socket', new Error('out of it'))
  assert.match(events.shift()!, /skynet socket.*out of it/)
  assert.deepEqual(events, ['report skynet socket', 'shut down failing within 0'])
  assert.equal(end.fault?.code, 'ERR_THREAD_DIED')
  // Whoever started it waits for the same end.
  const stopped = end.stop()
  over(true)
  await stopped
  assert.equal(await end.exited, 1)
})

test('lostAll() of a NodeEnd ends it with 1 and without a fault', async () => {
  const { events, state, end, over } = rig()
  state.move('launched')
  end.lostAll()
  over(true)
  assert.equal(await end.exited, 1)
  assert.deepEqual(events, ['shut down failing within 0'])
  assert.equal(end.fault, undefined)
})

test('abort() of a NodeEnd before the node runs is no fault of its start', async () => {
  const { state, end, over } = rig()
  end.abort()
  end.died('a worker', new Error('late'))
  over(true)
  assert.equal(await end.exited, 0)
  assert.deepEqual([state.name, end.fault], ['aborting', undefined])
})
