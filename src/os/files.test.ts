import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ERRNO } from './errno.ts'
import { linux as os } from './rig.kit.ts'

test('lockFile() keeps out whoever opened the file too, until the last descriptor closes', (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'lock-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const open = (): number => fs.openSync(join(folder, 'file'), 'a')
  const [first, second] = [open(), open()]
  assert.equal(os.lockFile(first), 0)
  assert.equal(os.lockFile(first), 0, 'its own lock keeps nobody out')
  assert.equal(os.lockFile(second), -ERRNO.EAGAIN)
  fs.closeSync(first)
  assert.equal(os.lockFile(second), 0)
  fs.closeSync(second)
  assert.equal(os.lockFile(second), -ERRNO.EBADF)
})

test('duplicate() makes a descriptor lead to another file', (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'duplicate-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const files = ['from', 'to'].map((name) => join(folder, name))
  const [from, to] = files.map((file) => fs.openSync(file, 'a'))
  assert.equal(os.duplicate(from!, to!), 0)
  fs.closeSync(from!)
  fs.writeSync(to!, 'text')
  fs.closeSync(to!)
  assert.deepEqual(
    files.map((file) => fs.readFileSync(file, 'utf8')),
    ['text', ''],
  )
  assert.equal(os.duplicate(from!, to!), -ERRNO.EBADF)
})
