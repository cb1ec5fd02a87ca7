import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTPUT_CHARS_MAX } from './limits.ts'
import { LineWriter } from './line-writer.ts'

const fault = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

/** A descriptor of which a test says what the next write does: so many bytes, or an error. */
function descriptor() {
  const found = { text: '', faults: [] as string[] }
  const state = {
    next: [] as (number | string)[],
    always: undefined as string | undefined,
    timers: [] as (() => void)[],
  }
  const writer = new LineWriter({
    write: (bytes, done) => {
      const way = state.next.shift() ?? state.always ?? bytes.length
      if (typeof way === 'string') return done(fault(way), 0)
      const count = Math.min(way, bytes.length)
      found.text += Buffer.from(bytes.subarray(0, count)).toString()
      done(null, count)
    },
    after: (_ms, call) => state.timers.push(call),
    onFault: (error) => found.faults.push(error.message),
    entryOf: (text) => `<${text}>`,
  })
  return { writer, found, state }
}

test('LineWriter writes at once, in pieces where it must', () => {
  const { writer, found, state } = descriptor()
  writer.addLine('one')
  assert.equal(found.text, 'one\n')
  state.next = [1, 2]
  writer.addLine('twelve')
  writer.add(Buffer.from('a part, '))
  writer.add('and the rest\n')
  assert.equal(found.text, 'one\ntwelve\na part, and the rest\n')
  assert.ok(writer.isIdle)
})

// Proves: docs/node.md#output-counted
test('LineWriter counts what fails, and says so in front of the next line that is written', () => {
  const { writer, found, state } = descriptor()
  state.always = 'ENOSPC'
  writer.addLine('lost')
  writer.add(Buffer.from('lost\nlost\n'))
  assert.ok(writer.isIdle)
  state.always = undefined
  writer.addLine('there')
  writer.addLine('again')
  assert.equal(found.text, '<3 lines were dropped: ENOSPC>\nthere\nagain\n')
  assert.deepEqual(found.faults, ['ENOSPC'])
  state.next = ['EIO']
  writer.addLine('lost')
  assert.deepEqual(found.faults, ['ENOSPC', 'EIO'], 'each trouble is told once')
})

// Proves: docs/node.md#output-counted
test('LineWriter says how much was lost also when nothing comes behind it', () => {
  const { writer, found, state } = descriptor()
  state.always = 'ENOSPC'
  writer.addLine('lost')
  state.timers.shift()!()
  assert.equal(found.text, '')
  state.always = undefined
  state.timers.shift()!()
  assert.equal(found.text, '<1 lines were dropped: ENOSPC>\n')
  assert.deepEqual(state.timers, [])
})

test('LineWriter begins a line of its own behind one that was torn', () => {
  const { writer, found, state } = descriptor()
  state.next = [3, 'ENOSPC']
  writer.addLine('twelve')
  writer.addLine('next')
  assert.equal(found.text, 'twe\n<1 lines were dropped: ENOSPC>\nnext\n')
})

// Proves: docs/semantics.md#death-log
test('LineWriter has settled a line when its write is over, not when it begins', async () => {
  const { writer, state } = descriptor()
  const seen: string[] = []
  const settles = (what: string) => writer.settled().then(() => void seen.push(what))
  state.next = ['EAGAIN', 2, 'EAGAIN']
  writer.addLine('first')
  const first = settles('first')
  writer.goOn()
  writer.addLine('second')
  const second = settles('second')
  await Promise.resolve()
  assert.deepEqual(seen, [])
  writer.goOn()
  await Promise.all([first, second])
  state.always = 'ENOSPC'
  writer.addLine('counted')
  await settles('counted')
})

// Proves: docs/node.md#output-counted
test('LineWriter keeps a bounded amount for a reader that takes nothing', async () => {
  const { writer, found, state } = descriptor()
  state.always = 'EAGAIN'
  const line = 'x'.repeat(OUTPUT_CHARS_MAX / 4 - 1)
  writer.addLine('first')
  for (let i = 0; i < 10; i++) writer.addLine(line)
  assert.equal(found.text, '')
  const idle = writer.idle()
  state.always = undefined
  writer.goOn()
  await idle
  const dropped = '<5 lines were dropped>'
  assert.deepEqual(found.text.trimEnd().split('\n'), [
    'first',
    line,
    line,
    line,
    line,
    line,
    dropped,
  ])
})
