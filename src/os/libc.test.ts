import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { ERRNO } from './errno.ts'
import { koffiFile, koffiOf, koffiPackage, openLibc } from './libc.ts'

test('openLibc() says what to do when the native library is missing', () => {
  const missing = () => {
    throw new Error('Cannot find the native Koffi module\nand more lines')
  }
  assert.throws(
    () => openLibc(missing),
    (error: unknown) => {
      assert.ok(isSkynetError(error, 'ERR_PLATFORM'))
      assert.match(error.message, /Cannot find the native Koffi module\)/)
      assert.match(error.message, /--omit=optional/)
      assert.ok(error.cause instanceof Error)
      return true
    },
  )
})

test('openLibc() refuses a platform without POSIX sockets before it loads anything', (t) => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!
  t.after(() => Object.defineProperty(process, 'platform', platform))
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' })
  assert.throws(() => openLibc(() => assert.fail('loaded')), {
    code: 'ERR_PLATFORM',
    message: /win32/,
  })
})

test('errno() is why the last call failed', () => {
  const libc = openLibc()
  assert.equal(libc.close(-1), -1)
  assert.equal(libc.errno(), ERRNO.EBADF)
  assert.equal(libc.connect(0x7fffffff, 0, 0), -1)
  assert.equal(libc.errno(), ERRNO.EBADF)
})

test('addressOf() of shared memory is the same for a view of another thread or time', () => {
  const libc = openLibc()
  const buffer = new SharedArrayBuffer(64)
  const address = libc.addressOf(new Uint8Array(buffer))
  assert.ok(Number.isSafeInteger(address) && address > 0)
  assert.equal(libc.addressOf(new Uint8Array(buffer, 16)), address + 16)

  libc.memcpy(address + 8, new Uint8Array([1, 2, 3]), 3)
  assert.deepEqual([...new Uint8Array(buffer, 8, 4)], [1, 2, 3, 0])
})

test('openLibc() runs nothing of koffi around its library where that is in its usual place', () => {
  openLibc()
  const { cache, resolve } = createRequire(import.meta.url)
  assert.ok(Object.hasOwn(cache, koffiFile()!))
  assert.equal(Object.hasOwn(cache, resolve('koffi')), false)
})

test('koffiPackage() leaves a library of another version to koffi', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-koffi-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const make = (name: string, text: string): void => {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true })
    writeFileSync(join(folder, 'node_modules', name, 'index.js'), text)
  }
  make('koffi', '')
  const load = createRequire(join(folder, 'x.js'))
  const name = `@koromix/koffi-${process.platform}-${process.arch}`
  const ofKoffi = createRequire(createRequire(import.meta.url).resolve('koffi'))
  const { version } = ofKoffi(name) as { version: string }
  make(name, `exports.version = '${version}'`)
  assert.deepEqual(koffiPackage(load), { version })
  const file = load.resolve(name)
  writeFileSync(file, `exports.version = '${version}0'`)
  delete load.cache[file]
  assert.equal(koffiPackage(load), undefined)
  rmSync(file)
  delete load.cache[file]
  assert.equal(koffiPackage(load), undefined)
})

test('koffiFile() is what another thread loads instead of koffi', () => {
  const libc = openLibc()
  const file = koffiFile()
  assert.match(file!, /\.node$/)
  const other = openLibc(koffiOf(file))
  const bytes = Buffer.from('as before')
  assert.equal(other.addressOf(bytes), libc.addressOf(bytes))
  assert.equal(other.close(-1), -1)
  assert.equal(other.errno(), libc.errno())
})
