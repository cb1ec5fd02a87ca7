import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder, openOwn } from './own-file.ts'

test('openOwn() opens plain files alone, and makes file and folder', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-own-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const at = (name: string): string => join(folder, name)
  const fd = openOwn(at('new/folder/file'), constants.O_WRONLY)
  writeSync(fd, 'text')
  closeSync(fd)
  assert.equal(readFileSync(at('new/folder/file'), 'utf8'), 'text')
  closeSync(openOwn(at('new/folder/file'), constants.O_WRONLY | constants.O_APPEND))

  writeFileSync(at('target'), 'of somebody')
  symlinkSync(at('target'), at('link'))
  symlinkSync(at('nothing'), at('dangling'))
  mkdirSync(at('folder'))
  spawnSync('mkfifo', [at('pipe')])
  const refused = [
    ['link', /^it is a symbolic link$/],
    ['dangling', /^it is a symbolic link$/],
    ['folder', /^it is a folder$/],
    ['pipe', /^it is a named pipe$/],
  ] as const
  for (const [name, message] of refused) {
    assert.throws(() => openOwn(at(name), constants.O_RDWR), { message })
  }
  assert.throws(() => openOwn('/dev/null', constants.O_RDWR), { message: 'it is a device' })
  assert.throws(() => openOwn(at('target/file'), constants.O_RDWR), { code: 'ENOTDIR' })
  assert.equal(readFileSync(at('target'), 'utf8'), 'of somebody')
})

test('makeFolder() makes what is missing, and ends where the system makes nothing', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-own-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const at = (name: string): string => join(folder, name)
  makeFolder(at('a/b/c'))
  makeFolder(at('a/b/c'))
  makeFolder(`${folder}/a/none/../b/d/`)
  symlinkSync(at('a'), at('link'))
  makeFolder(at('link/e'))
  assert.deepEqual(readdirSync(at('a')).sort(), ['b', 'e', 'none'])
  assert.deepEqual(readdirSync(at('a/b')).sort(), ['c', 'd'])
  writeFileSync(at('file'), '')
  assert.throws(() => makeFolder(at('file/in')), { code: 'ENOTDIR' })
  assert.throws(() => makeFolder(at('file')), { code: 'EEXIST' })
  assert.throws(() => makeFolder('/proc/none/folder'), /mkdir '\/proc/)
})
