import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LogWriter } from './log-writer.ts'

// Proves: docs/node.md#output-json
test('LogWriter drops what is beyond 4 MiB, and counts it in an entry of its own', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'log')
  const writer = await LogWriter.open(file, {
    onFault: assert.fail,
    entryOf: (text) => JSON.stringify({ text }),
  })
  const line = 'x'.repeat(1024 * 1024)
  // With its end of line each is a little more than 1 MiB: the fourth is beyond.
  for (let i = 0; i < 6; i++) writer.add(line)
  await writer.close()
  const entries = readFileSync(file, 'utf8').trimEnd().split('\n')
  assert.deepEqual(entries, [line, line, line, line, '{"text":"2 lines were dropped"}'])
})

// Proves: docs/node.md#output-counted
test('LogWriter tells a new file how many lines the full one before it lacks', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'log')
  symlinkSync('/dev/full', file)
  let fail = (_text: string): void => {}
  const failed = new Promise<string>((resolve) => {
    fail = resolve
  })
  const writer = await LogWriter.open(file, { onFault: fail, entryOf: (text) => `<${text}>` })
  void writer.add('lost')
  void writer.add('lost too')
  assert.match(await failed, /^cannot write to \S*\/log: ENOSPC/)
  rmSync(file)
  await writer.reopen()
  void writer.add('there')
  await writer.close()
  assert.match(readFileSync(file, 'utf8'), /^<2 lines were dropped: ENOSPC.*>\nthere\n$/)
})
