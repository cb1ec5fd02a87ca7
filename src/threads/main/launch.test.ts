import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Packer } from '../../wire/pack.ts'
import { BUDGETS } from '../options.ts'
import type { Report } from '../protocol.ts'
import { type LaunchHost, launch } from './launch.ts'

/** More than begin at once, wherever this runs. */
const WORKERS = 1000
const NEVER = new Promise<never>(() => {})
const READY: Promise<Report> = Promise.resolve({ kind: 'ready' })

/** A node that notes what is done with it, and whose first service answers `answer`. */
function rig(answer: Promise<Report>, more: Partial<LaunchHost> = {}, startMs = 0) {
  const events: string[] = []
  const starts: number[] = []
  const node: LaunchHost = {
    config: {
      thread: WORKERS,
      memoryLimitMb: 0,
      logger: undefined,
      start: '/srv/first.js',
      logservice: undefined,
      cluster: undefined,
      startMs,
      budgets: BUDGETS,
    },
    isEnding: () => false,
    startSocketThread: () => {
      events.push('socket')
      return { next: () => READY }
    },
    startWorker: async (worker) => starts.push(worker),
    firstWorker: () => ({ tell: ({ kind }) => events.push(kind), next: () => answer }),
    print: (text) => events.push(text),
    ...more,
  }
  return { events, starts, node }
}

test('launch() starts each worker once, then the first service', async () => {
  const { events, starts, node } = rig(Promise.resolve({ kind: 'bootstrapped' }))
  await launch(node)
  assert.deepEqual(starts, [...Array(WORKERS).keys()])
  assert.deepEqual(events, ['socket', 'bootstrap'])
})

test('launch() rejects with what the first service has failed', async () => {
  const packer = new Packer()
  const size = packer.pack(new Error('no database'))
  const error = Uint8Array.from(packer.bytes.subarray(0, size))
  await assert.rejects(launch(rig(Promise.resolve({ kind: 'failed', error })).node), /no database/)
})

test('launch() rejects with the death of a worker that is being started', async () => {
  const { events, node } = rig(NEVER, {
    startWorker: (worker) => (worker === 1 ? Promise.reject(new Error('it died')) : NEVER),
  })
  await assert.rejects(launch(node), /it died/)
  assert.deepEqual(events, ['socket'])
})

test('launch() of a node that ends begins nothing more, and waits for the end', async () => {
  let isEnding = false
  const died = Promise.reject(new Error('exit code 0'))
  died.catch(() => {})
  const { events, starts, node } = rig(died, {
    isEnding: () => isEnding,
    startWorker: async (worker) => {
      starts.push(worker)
      isEnding = true
    },
  })
  await assert.rejects(launch(node), /exit code 0/)
  assert.deepEqual([starts, events], [[0], ['socket']])
})

test('launch() gives a first service that is not ready so much time', async () => {
  const { events, node } = rig(NEVER, {}, 5)
  await assert.rejects(launch(node), { code: 'ERR_SERVICE_LAUNCH', message: /within 5 ms/ })
  assert.deepEqual(events, ['socket', 'bootstrap'])
})

const NOT_READY = [
  [undefined, /^Still starting: the first service, .*first\.js, is not ready after 1 ms; what its/],
  [
    { name: 'a', listen: 'a:1', seed: 'a:1' },
    /after 1 ms; the node may not be in its cluster yet, or what its setup/,
  ],
] as const

for (const [cluster, said] of NOT_READY) {
  test(`launch() says that its first service is not ready, and goes on: ${said}`, async () => {
    let ready!: (report: Report) => void
    const answer = new Promise<Report>((resolve) => {
      ready = resolve
    })
    const { events, node } = rig(answer, {
      print: (text) => {
        events.push(text)
        ready({ kind: 'bootstrapped' })
      },
    })
    const budgets = { ...BUDGETS, startNoticeMs: 1 }
    await launch({ ...node, config: { ...node.config, budgets, cluster } })
    assert.match(events.at(-1)!, said)
  })
}
