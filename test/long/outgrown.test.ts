/** Services that outgrow the heap of their worker, in tables that V8 doubles. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Way } from '../fixtures/long-text.ts'
import type { Run } from '../fixtures/outgrown.ts'
import { inProcess } from '../support/process.ts'

/** A worker that outgrows its heap collects garbage for as long as it can. */
const HANG_MS = 280_000
const KINDS = ['map', 'set', 'object', 'array']

// Proves: docs/node.md#memory-limit
test('a table that grows from message to message ends its worker alone', async () => {
  const { code, out, err } = await inProcess('grower.ts', [KINDS, 32], { monitorMs: 0 })
  const lines = out.trimEnd().split('\n')
  assert.equal(lines.length, KINDS.length, err)
  for (const [i, kind] of KINDS.entries()) {
    const wanted = `^${kind}: .*its heap has \\d+ MiB, memoryLimitMb is 32$`
    assert.match(lines[i]!, new RegExp(wanted))
  }
  assert.equal(code, 0, err)
})

const RUNS: readonly Run[] = [
  'map',
  'set',
  'object of strings',
  'object of integers',
  'push',
  'fill',
  'concat',
  'string',
  'match',
  'message',
]

// Proves: docs/node.md#memory-limit
test('a table that grows in a single run of code ends its worker alone', async () => {
  for (const limitMb of [32, 128]) {
    const { code, out, err } = await inProcess(
      'outgrower.ts',
      [RUNS, limitMb],
      { monitorMs: 0 },
      HANG_MS,
    )
    const lines = out.trimEnd().split('\n')
    for (const [i, run] of RUNS.entries()) {
      assert.match(lines[i] ?? '', new RegExp(`^${run}: .*memoryLimitMb is ${limitMb}\\b`), err)
    }
    assert.equal(lines[RUNS.length], 'the node goes on')
    assert.equal(code, 0, err)
  }
})

const TOLD: Readonly<Record<Way, string>> = {
  'throws it': '<an error message of 314572800 characters>',
  'throws it later': '<an error message of 314572800 characters>',
  'sleeps for it':
    "Cannot sleep as 'ms' must be a number in 0..4294967295: " +
    'current value is Symbol(<a name of 314572800 characters>)',
  'registers it': '<an error message of 314572',
}

for (const [way, told] of Object.entries(TOLD)) {
  // Proves: docs/limits.md#text
  test(`a service ${way}, a text its worker has no memory for: the node goes on`, async () => {
    const { code, out, err } = await inProcess('long-text.ts', [[way]], { monitorMs: 0 })
    assert.ok(out.startsWith(`${way}: ${told}`), out + err)
    assert.equal(code, 0, err)
  })
}

// Proves: docs/node.md#memory-limit
test('a flag of Node.js that goes before memoryLimitMb is told, once', async () => {
  process.env.NODE_OPTIONS = '--max-old-space-size=512'
  try {
    const { code, err } = await inProcess('ender.ts', ['exit'], { memoryLimitMb: 64 })
    assert.equal(code, 0, err)
    assert.equal(err.match(/--max-old-space-size of Node.js goes before it/g)?.length, 1, err)
  } finally {
    delete process.env.NODE_OPTIONS
  }
  const { err } = await inProcess('ender.ts', ['exit'], { memoryLimitMb: 64 })
  assert.equal(err, '')
})
