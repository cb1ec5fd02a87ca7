import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BurialHost, bury } from './burial.ts'

const DEATH = new Error('exit code 1')

type Grave = NonNullable<ReturnType<BurialHost['threadAt']>>

/** A node that notes what is done with it, and has lost two services with worker 1. */
function rig(thread: Partial<Grave> = {}, more: Partial<BurialHost> = {}) {
  const events: string[] = []
  const node: BurialHost = {
    threadAt: (worker) => ({ name: `worker ${worker}`, past: undefined, isReady: true, ...thread }),
    report: (name) => events.push(`report ${name}`),
    unwatch: (worker) => events.push(`unwatch ${worker}`),
    mend: async (worker) => {
      events.push(`mend ${worker}`)
      return { place: 7, handles: [10, 11] }
    },
    isEmpty: () => false,
    buryLines: () => ({ sent: 5, lost: 0 }),
    tellOthers: (worker, control) => {
      assert.ok(control.kind === 'died')
      const { place, handles, linesSent } = control
      events.push(`tell all but ${worker}: ${place}, ${handles.join(' ')}, ${linesSent}`)
    },
    tellSocketThread: (worker) => events.push(`order ${worker}`) > 0,
    pause: async () => events.push('pause'),
    print: (text) => events.push(text),
    ...more,
  }
  return { events, node }
}

test('bury() reports before anything is mended, and tells others after it', async () => {
  const { events, node } = rig()
  assert.equal(await bury(node, 1, DEATH), true)
  assert.deepEqual(events, [
    'report worker 1',
    'unwatch 1',
    'mend 1',
    'worker 1 died: exit code 1; 2 services are gone',
    'tell all but 1: 7, 10 11, 5',
    'order 1',
  ])
})

test('bury() of a worker that was told to leave tells whom it had, and is no news', async () => {
  const { events, node } = rig({ past: [9] })
  await bury(node, 1, DEATH)
  assert.deepEqual(events, ['unwatch 1', 'mend 1', 'tell all but 1: 7, 10 11 9, 5', 'order 1'])
})

test('bury() of a worker that never was ready is no news', async () => {
  const { events, node } = rig({ isReady: false })
  await bury(node, 1, DEATH)
  assert.deepEqual(events.slice(0, 2), ['unwatch 1', 'mend 1'])
})

test('bury() looks whether any service is left before others hear of the death', async () => {
  let isEmpty = false
  const tellOthers = (): void => {
    isEmpty = true
  }
  const left = rig({}, { isEmpty: () => isEmpty, tellOthers })
  assert.equal(await bury(left.node, 1, DEATH), true)
  const none = rig({}, { isEmpty: () => true })
  assert.equal(await bury(none.node, 1, DEATH), false)
})

test('bury() says how many lines of the log are lost, and waits for room to order', async () => {
  const room = [false, false, true]
  const { events, node } = rig(
    {},
    { buryLines: () => ({ sent: 5, lost: 2 }), tellSocketThread: () => room.shift()! },
  )
  await bury(node, 1, DEATH)
  assert.deepEqual(events.slice(4), [
    '2 lines for the log were lost with worker 1',
    'tell all but 1: 7, 10 11, 5',
    'pause',
    'pause',
  ])
})
