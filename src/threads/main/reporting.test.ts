import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ThreadState } from './crash-report.ts'
import { Reporting } from './reporting.ts'
import type { Thread } from './thread.ts'

/** A thread that answers when it is told to. */
function askedThread(name: string) {
  let answer!: () => void
  const answered = new Promise<{ kind: 'inspected'; mailboxes: [] }>((resolve) => {
    answer = () => resolve({ kind: 'inspected', mailboxes: [] })
  })
  return { thread: { name, ask: () => answered } as unknown as Thread, answer }
}

function rig(threads: readonly Thread[], isOn = true) {
  const events: string[] = []
  const begin = (what: string) => {
    events.push(`begin ${what}`)
    const write = (states: readonly ThreadState[] = []): undefined => {
      events.push(`write ${what}: ${states.map(({ thread }) => thread).join(' ')}`)
    }
    return { write }
  }
  const crashes = { isOn, begin }
  const reporting = new Reporting({ crashes, inspectMs: 1, stackMs: 1, workers: () => threads })
  return { events, reporting }
}

test('begin() of Reporting takes down at once what is known, and adds the answers', async () => {
  const { thread, answer } = askedThread('a')
  const { events, reporting } = rig([thread])
  reporting.begin('b', new Error('it died'))
  assert.deepEqual(events, ['begin b'])
  answer()
  await reporting.done
  assert.deepEqual(events, ['begin b', 'write b: a'])
})

test('done of Reporting waits for every report that has begun', async () => {
  const { thread, answer } = askedThread('a')
  const threads = [thread]
  const { events, reporting } = rig(threads)
  reporting.begin('b', new Error('it died'))
  threads.pop()
  reporting.begin('c', new Error('it died too'))
  const done = reporting.done
  answer()
  await done
  assert.deepEqual(events, ['begin b', 'begin c', 'write c: ', 'write b: a'])
})

test('begin() of Reporting does nothing where no reports are wanted', async () => {
  const { events, reporting } = rig([], false)
  reporting.begin('b', new Error('it died'))
  await reporting.done
  assert.deepEqual(events, [])
})
