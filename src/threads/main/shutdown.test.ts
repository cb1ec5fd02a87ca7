import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StuckWorker } from '../../kernel/busy.ts'
import type { Control } from '../protocol.ts'
import { type ShutdownHost, shutDown } from './shutdown.ts'

const NEVER = new Promise<never>(() => {})

function ending() {
  let end!: () => void
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { ended, end }
}

/** A node of one worker that notes what is done with it, and whose threads leave when told to. */
function rig(more: Partial<ShutdownHost> = {}) {
  const events: string[] = []
  const note = (text: string): void => void events.push(text)
  const worker = ending()
  const socket = ending()
  const thread = {
    ended: worker.ended,
    tell: ({ kind }: Control) => {
      note(`tell ${kind}`)
      worker.end()
    },
    kill: async (reason: string) => note(`kill: ${reason}`),
  }
  const node: ShutdownHost = {
    exitMs: 1000,
    flushMs: 1,
    tellAll: async ({ kind }) => note(kind),
    workers: () => [thread],
    socketThread: () => socket,
    unwatch: () => note('unwatch'),
    stuck: () => [],
    unwritten: () => 0,
    orderExit: (flushMs) => {
      note(`exit ${flushMs}`)
      socket.end()
    },
    release: () => note('release'),
    reported: async () => note('reported'),
    pause: async () => {},
    print: note,
    ...more,
  }
  return { events, node }
}

const ALL = ['unwatch', 'stop', 'stopLogger', 'exit 1', 'tell leave', 'release', 'reported']

test('shutDown() ends services, then the logger, then the threads', async () => {
  const { events, node } = rig()
  assert.equal(await shutDown(node, 0), true)
  assert.deepEqual(events, ALL)
})

test('shutDown() drains first when there is time for that, also when nobody answers', async () => {
  for (const answer of [Promise.resolve(), NEVER]) {
    const { events, node } = rig()
    const { tellAll } = node
    const late: ShutdownHost['tellAll'] = async (control, kind) => {
      await tellAll(control, kind)
      if (control.kind === 'drain') await answer
    }
    assert.equal(await shutDown({ ...node, tellAll: late }, 1), true)
    assert.deepEqual(events, ['drain', ...ALL])
  }
})

test('shutDown() says who did not come back, and is then not in good order', async () => {
  const stuck = [{ destination: 10 } as StuckWorker]
  const { events, node } = rig({ exitMs: 1, stuck: () => stuck })
  const { tellAll } = node
  const held: ShutdownHost['tellAll'] = async (control, kind) => {
    await tellAll(control, kind)
    if (control.kind !== 'bringBack') await NEVER
  }
  assert.equal(await shutDown({ ...node, tellAll: held }, 0), false)
  const line = 'Cannot stop in good order within 1 ms: :0000000a did not come back'
  assert.deepEqual(events, ['unwatch', 'stop', line, ...ALL.slice(2)])
})

test('shutDown() says that the log is not written, and how much of it is lost', async () => {
  const left = [5, 3]
  const { events, node } = rig({ unwritten: () => left.shift()! })
  const { tellAll } = node
  const slow: ShutdownHost['tellAll'] = async (control, kind) => {
    await tellAll(control, kind)
    if (control.kind === 'stopLogger') await NEVER
  }
  assert.equal(await shutDown({ ...node, exitMs: 0, tellAll: slow }, 0), true)
  assert.deepEqual(events.slice(2, 6), [
    'stopLogger',
    'Cannot write all of the log before the end',
    'bringBack',
    '3 lines for the log were lost: not written before the end',
  ])
})

test('shutDown() kills workers that do not leave, and releases what they use later', async () => {
  const { ended, end } = ending()
  const { events, node } = rig()
  const deaf = { ended, tell: () => {}, kill: async (why: string) => void events.push(why) }
  assert.equal(await shutDown({ ...node, workers: () => [deaf] }, 0), true)
  assert.deepEqual(events.slice(3), ['exit 1', 'it did not leave', 'reported'])
  end()
  await new Promise(setImmediate)
  assert.equal(events.at(-1), 'release')
})

test('shutDown() of a node that has no threads yet waits for none', async () => {
  const { events, node } = rig({ workers: () => [], socketThread: () => undefined })
  assert.equal(await shutDown(node, 0), true)
  assert.deepEqual(
    events,
    ALL.filter((each) => each !== 'tell leave'),
  )
})
