/**
 * Skynet's examples/share.lua, test/testdatasheet.lua, testsharetable.lua, testsm.lua and
 * teststm.lua: what they print, as assertions. All of them are `shareData` here.
 */
import assert from 'node:assert/strict'
import type reader from '../fixtures/reader.ts'
import { type Body, serviceTest } from '../support/run.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

// Proves: docs/skynet.md#examples-share
check('share: a reader follows updates, and goes on after the delete', async (skynet) => {
  const host = await skynet.newService<typeof reader>('./reader.ts', { on: 1 })
  await host.call.update('foobar', { a: 1, b: ['hello', 'world'] })
  const obj = skynet.shareData.query<{ a: number; b?: string[] }>('foobar')
  const { b } = obj.value
  assert.deepEqual({ ...obj.value, b: [...b!] }, { a: 1, b: ['hello', 'world'] })
  const echo = await host.call.query('foobar')
  assert.deepEqual(echo, { a: 1, b: ['hello', 'world'] }, 'it can be sent')
  await host.call.update('foobar', { a: 2 })
  assert.deepEqual(Object.keys(obj.latest()), ['a'])
  assert.equal(obj.latest().a, 2)
  await host.call.update('foobar', { a: 3, b: ['change'] })
  assert.deepEqual(obj.latest(), { a: 3, b: ['change'] })
  await host.call.remove('foobar')
  assert.deepEqual(obj.latest(), { a: 3, b: ['change'] }, 'it stays at the last version')
  assert.deepEqual(b, ['hello', 'world'], 'what was taken before is not invalid, but old')
})

// Proves: docs/skynet.md#testdatasheet
check(
  'testdatasheet: a child reads the same sheet, and a branch may become a number',
  async (skynet) => {
    skynet.shareData.new('sheet', { a: 1, b: 2, c: [3] })
    const child = await skynet.newService<typeof reader>('./reader.ts', { on: 1 })
    assert.deepEqual(await child.call.query('sheet'), { a: 1, b: 2, c: [3] })
    const sheet = skynet.shareData.query('sheet')
    skynet.shareData.update('sheet', { b: 4, c: [5] })
    assert.deepEqual(sheet.latest(), { b: 4, c: [5] })
    skynet.shareData.update('sheet', { a: 6, c: 7, d: 8 })
    assert.deepEqual(sheet.latest(), { a: 6, c: 7, d: 8 })
    assert.deepEqual(await child.call.latest(), { a: 6, c: 7, d: 8 })
    skynet.shareData.delete('sheet')
  },
)

// Proves: docs/skynet.md#testsharetable
check('testsharetable: several tables, each under its name', async (skynet) => {
  const tables = { test_one: { message: 'hello one', x: 1 }, test_two: { 'hello world': true } }
  for (const [name, table] of Object.entries(tables)) skynet.shareData.new(name, table)
  for (const [name, table] of Object.entries(tables)) {
    assert.deepEqual(skynet.shareData.query(name).value, table)
    skynet.shareData.delete(name)
  }
})

// Proves: docs/skynet.md#testsm
check('testsm: a slave sees each commit when it updates', async (skynet) => {
  skynet.shareData.new('map', { x: 0, y: 0, s: 'hello' })
  const slave = await skynet.newService<typeof reader>('./reader.ts', { on: 1 })
  await slave.call.query('map')
  const commits = [
    { x: 1, y: 0, s: 'hello' },
    { x: 1, y: 2, s: 'hello' },
    { x: 1, y: 2, s: 'world' },
  ]
  for (const commit of commits) {
    skynet.shareData.update('map', commit)
    assert.deepEqual(await slave.call.latest(), commit)
  }
  skynet.shareData.delete('map')
})

// Proves: docs/skynet.md#teststm
check('teststm: a version is new once', async (skynet) => {
  skynet.shareData.new('stm', [1, 2, 3, 4, 5])
  const copy = skynet.shareData.query('stm')
  const isNew = () => {
    const before = copy.version
    copy.latest()
    return copy.version !== before
  }
  assert.equal(isNew(), false)
  for (let i = 1; i <= 5; i++) {
    skynet.shareData.update('stm', ['hello world', i])
    assert.deepEqual([isNew(), copy.value, isNew()], [true, ['hello world', i], false])
  }
  skynet.shareData.delete('stm')
})
