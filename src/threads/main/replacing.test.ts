import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import type { Report } from '../protocol.ts'
import { type Replacement, Replacing, type ReplacingHost } from './replacing.ts'

const NAME = 'skynet worker 1'
const SHORTAGE = new Error('EAGAIN')
const noThread = (cause: Error): SkynetError<'ERR_THREAD_DIED'> =>
  new SkynetError('ERR_THREAD_DIED', { thread: NAME, reason: cause.message }, { cause })

/** A thread that answers `restore` with `answer`; none: when it dies. */
function replacement(events: string[], answer: Report['kind'] | undefined): Replacement {
  return {
    tell: ({ kind }) => events.push(`tell ${kind}`),
    next: async () => {
      if (answer === undefined) throw noThread(new Error('exit code 1'))
      return { kind: answer } as Report
    },
  }
}

/** A node that notes what is done with it. Each start finds the next of `found`. */
function rig(
  found: readonly (Error | Report['kind'] | undefined)[],
  more: Partial<ReplacingHost> = {},
) {
  const events: string[] = []
  const left = [...found]
  const replacing = new Replacing({
    isEnding: () => false,
    isEmpty: () => false,
    nameOf: () => NAME,
    bury: async (worker, cause) => events.push(`bury ${worker}: ${(cause as Error).message}`),
    start: async () => {
      const next = left.shift()
      events.push('start')
      return next instanceof Error ? noThread(next) : replacement(events, next)
    },
    open: () => events.push('open'),
    close: (worker, cause) => events.push(`close ${worker}: ${(cause as Error).message}`),
    holdBack: () => events.push('hold back'),
    pause: async (ms) => events.push(`pause ${ms}`),
    print: (text) => events.push(text),
    failed: (_name, cause) => events.push(`failed: ${(cause as Error).message}`),
    done: () => events.push('done'),
    ...more,
  })
  return { events, replacing }
}

const DEATH = new Error('exit code 1')

test('replace() buries a worker, starts another, and has it restore what is lost', async () => {
  const { events, replacing } = rig(['bootstrapped'])
  const replaced = replacing.replace(1, DEATH)
  assert.equal(replacing.isDone, false)
  await replaced
  assert.equal(replacing.isDone, true)
  assert.deepEqual(events, ['bury 1: exit code 1', 'start', 'open', 'tell restore', 'done'])
})

test('replace() is done also when the worker in the place of the other dies', async () => {
  const { events, replacing } = rig([undefined])
  await replacing.replace(1, DEATH)
  assert.deepEqual(events, ['bury 1: exit code 1', 'start', 'open', 'tell restore', 'done'])
})

test('replace() gives up what is no shortage, and a node without services', async () => {
  const cases = [rig([DEATH]), rig([SHORTAGE], { isEmpty: () => true })]
  for (const [i, { events, replacing }] of cases.entries()) {
    await replacing.replace(1, DEATH)
    const failed = `failed: ${[DEATH, SHORTAGE][i]!.message}`
    assert.deepEqual(events, ['bury 1: exit code 1', 'start', failed])
  }
})

test('replace() buries a worker and closes it once, however often it is tried again', async () => {
  const { events, replacing } = rig([...new Array<Error>(10).fill(SHORTAGE), 'bootstrapped'])
  await replacing.replace(1, DEATH)
  const waits = [20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000]
  const first = [`Cannot start ${NAME} again, which goes on: EAGAIN`, 'close 1: EAGAIN']
  assert.deepEqual(events, [
    'bury 1: exit code 1',
    ...waits.flatMap((ms, i) => ['start', ...(i === 0 ? first : []), 'hold back', `pause ${ms}`]),
    'start',
    'open',
    `${NAME} runs again, after 11 tries`,
    'tell restore',
    'done',
  ])
})

test('replace() of one worker does not wait for what another one restores', async () => {
  const events: string[] = []
  const hung: Replacement = { tell: () => {}, next: () => new Promise<never>(() => {}) }
  const { replacing } = rig([], {
    start: async (worker) => (worker === 0 ? hung : replacement(events, 'bootstrapped')),
    done: () => assert.fail('one is not there yet'),
  })
  void replacing.replace(0, DEATH)
  await replacing.replace(1, DEATH)
  assert.deepEqual([events, replacing.isDone], [['tell restore'], false])
})

// Proves: docs/semantics.md#death-node-services
test('replace() leaves it at that when the node stops while a worker starts', async () => {
  for (const found of ['bootstrapped', SHORTAGE, DEATH] as const) {
    let isStopping = false
    const { events, replacing } = rig([], {
      isEnding: () => isStopping,
      start: async () => {
        isStopping = true
        return found instanceof Error ? noThread(found) : replacement(events, found)
      },
    })
    await replacing.replace(1, DEATH)
    assert.deepEqual(events, ['bury 1: exit code 1'])
  }
})

test('replace() says that nothing is restored, but not of a node that stops', async () => {
  for (const stops of [false, true]) {
    let isStopping = false
    const { events, replacing } = rig([], {
      isEnding: () => isStopping,
      start: async () => ({
        tell: () => {},
        next: async () => {
          isStopping = stops
          return { kind: 'failed', error: new Uint8Array(0) }
        },
      }),
    })
    await replacing.replace(1, DEATH)
    const line = 'Cannot launch what launches the logger again'
    assert.deepEqual(events, ['bury 1: exit code 1', 'open', ...(stops ? [] : [line]), 'done'])
  }
})
