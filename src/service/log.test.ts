import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatJson, formatLine } from './log.ts'

test('formatLine writes handle, name and text, and marks errors', () => {
  const line = { at: 0, level: 'info', handle: 10, title: 'chat/agent', text: 'hello' } as const
  assert.equal(formatLine(line), '[:0000000a chat/agent] hello')
  assert.equal(formatLine({ ...line, level: 'error' }), '[:0000000a chat/agent] error: hello')
})

test('formatLine names nobody for the node itself', () => {
  const line = { at: 0, level: 'info', handle: 0, title: '', text: 'up' } as const
  assert.equal(formatLine(line), '[:00000000] up')
})

// Proves: docs/node.md#log-entry
test('formatLine indents what follows the first line, so that text forges no entry', () => {
  const line = { at: 0, level: 'info', handle: 10, title: 'a\n[:00000001 bank', text: '' } as const
  const text = 'no\n[:00000001 bank] paid\n    at stack\n\ufeff[:00000001 bank] paid\n\n\ttab\n'
  assert.equal(
    formatLine({ ...line, text }),
    '[:0000000a a\\x0a[:00000001 bank] no\n    [:00000001 bank] paid\n    at stack\n' +
      '    \ufeff[:00000001 bank] paid\n\n\ttab\n',
  )
})

// Proves: docs/node.md#log-entry
test('formatLine and formatJson escape what turns text round, or ends a line elsewhere', () => {
  const text = 'a\u202eb\u2066c\u2028d\u2029e\u200ff\u061cg\u0085h\u200di 🙂 ü'
  const line = { at: 0, level: 'info', handle: 10, title: text, text } as const
  const shown = 'a\\u202eb\\u2066c\\u2028d\\u2029e\\u200ff\\u061cg\\x85h\u200di 🙂 ü'
  assert.equal(formatLine(line), `[:0000000a ${shown}] ${shown}`)
  const json = formatJson(line)
  assert.match(json, /^[^\u2028-\u202e\u2066\u200f\u061c\u0085]+$/)
  assert.equal(JSON.parse(json).msg, text)
  assert.equal(JSON.parse(json).service, text)
})

test('formatLine and formatJson name what is no line, or misses something', () => {
  const line = { at: 0, level: 'info', handle: 10, title: 'a', text: 'b' } as const
  const wrong = [
    [true, 'line'],
    [undefined, 'line'],
    [{}, 'level'],
    [{ ...line, level: 'loud' }, 'level'],
    [{ ...line, handle: -1 }, 'handle'],
    [{ ...line, title: undefined }, 'title'],
    [{ ...line, text: Symbol('b') }, 'text'],
  ] as const
  for (const format of [formatLine, formatJson]) {
    for (const [given, name] of wrong) {
      const message = new RegExp(`^Cannot format a line as '${name}' must be `)
      assert.throws(() => format(given as never), { code: /^ERR_(INVALID_ARG|OUT_OF)/, message })
    }
  }
  for (const at of [Number.NaN, 8.65e15, '0', undefined]) {
    const message = /^Cannot format a line as 'at' must be milliseconds since 1970: current value/
    assert.throws(() => formatJson({ ...line, at } as never), { message })
  }
  assert.equal(formatLine({ ...line, at: undefined } as never), '[:0000000a a] b')
})
