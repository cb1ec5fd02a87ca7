import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Answers } from './answers.ts'

/** More than a test takes. */
const LONG_MS = 60_000

/** What a thread is asked; how often. */
function rig() {
  const answers = new Answers('it')
  const asked: string[] = []
  const ask = (ms: number) => answers.ask('drained', ms, () => asked.push('drain'))
  return { answers, asked, ask }
}

test('next() of Answers is the first report of these kinds that comes after it', async () => {
  const { answers } = rig()
  answers.heard({ kind: 'stopped' })
  const next = answers.next('stopped', 'drained')
  answers.heard({ kind: 'ready' })
  answers.heard({ kind: 'drained' })
  answers.heard({ kind: 'stopped' })
  assert.deepEqual(await next, { kind: 'drained' })
})

test('next() of Answers rejects with the end of the thread, before or after it', async () => {
  const { answers } = rig()
  const cause = new Error('exit code 1')
  const before = answers.next('ready')
  answers.over(cause)
  for (const next of [before, answers.next('ready')]) {
    await assert.rejects(next, { code: 'ERR_THREAD_DIED', message: /it.*exit code 1/, cause })
  }
})

test('ask() of Answers puts one question at a time, whose answer is that of all', async () => {
  const { answers, asked, ask } = rig()
  const both = [ask(LONG_MS), ask(LONG_MS)]
  answers.heard({ kind: 'drained' })
  assert.deepEqual(await Promise.all(both), [{ kind: 'drained' }, { kind: 'drained' }])
  const next = ask(LONG_MS)
  answers.heard({ kind: 'drained' })
  await next
  assert.deepEqual(asked, ['drain', 'drain'])
})

test('ask() of Answers that is late leaves nothing of its wait, but the question', async () => {
  const { answers, asked, ask } = rig()
  assert.equal(await ask(1), undefined)
  const next = ask(LONG_MS)
  answers.heard({ kind: 'drained' })
  assert.deepEqual(await next, { kind: 'drained' })
  assert.deepEqual(asked, ['drain'])
})

test('ask() of Answers is over with the thread, and puts nothing to one that is', async () => {
  const { answers, asked, ask } = rig()
  const before = ask(LONG_MS)
  answers.over(new Error('exit code 1'))
  assert.deepEqual([await before, await ask(LONG_MS)], [undefined, undefined])
  assert.deepEqual(asked, ['drain'])
})
