/** The commands of a service's context: names, variables, counts, logs, signals. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { COMMANDS } from '../../src/debug/commands.ts'
import type signalled from '../fixtures/signalled.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest, test } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const ROOT = new URL('../../../', import.meta.url)

// Proves: docs/commands.md#commands
test('docs/commands.md lists every command and what it is called', async () => {
  const rows = readFileSync(new URL('docs/commands.md', ROOT), 'utf8').matchAll(
    /^\| `([A-Z]+)` \| `(?:skynet\.)?(\w+)/gm,
  )
  const listed = [...rows].map(([, name, api]) => `${name} ${api}`)
  const known = Object.entries(COMMANDS).map(([name, { api }]) => `${name} ${api}`)
  assert.deepEqual(listed.sort(), known.sort())
})

// Proves: docs/semantics.md#env
check('setenv() sets a variable once, for every worker', async (skynet) => {
  const peer = await skynet.newService<typeof signalled>('./signalled.ts', { on: 1 })
  assert.equal(skynet.getenv('color'), undefined)
  await peer.call.setenv('color', 'red')
  assert.equal(skynet.getenv('color'), 'red')
  assert.throws(() => skynet.setenv('color', 'blue'), { code: 'ERR_ENV_TAKEN' })
  skynet.setenv('count', 3)
  assert.equal(await peer.call.getenv('count'), 3)
  const isTaken = { code: 'ERR_ENV_TAKEN' }
  await assert.rejects(peer.call.setenv('count', 4), isTaken)
  // What the config says is set, too.
  assert.throws(() => skynet.setenv('folder', 'x'), isTaken)
  for (const [key, value] of [
    ['', 1],
    ['k', {}],
    ['k', undefined],
    [1, 1],
  ] as const) {
    assert.throws(() => skynet.setenv(key as string, value as string), TypeError)
  }
})

check('name() gives another service a name, register() oneself', async (skynet) => {
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  skynet.name('.given', peer.handle)
  skynet.name('.given-too', '.given')
  assert.equal(skynet.localName('.given-too'), peer.handle)
  assert.throws(() => skynet.name('.given', skynet.self), { code: 'ERR_NAME_TAKEN' })
  assert.throws(() => skynet.name('.x', '.nobody'), { code: 'ERR_NAME_UNKNOWN' })
  await skynet.kill(peer.handle)
  assert.equal(skynet.localName('.given'), undefined)
  assert.throws(() => skynet.name('.y', peer.handle), { code: 'ERR_NAME_UNKNOWN' })
})

check('startTime and now() give the time of the day', (skynet) => {
  const difference = Date.now() - (skynet.startTime + skynet.now())
  // The clock of the system may be adjusted meanwhile; by a minute it is not.
  assert.ok(Math.abs(difference) < 60_000, String(difference))
})

check('stat() counts messages and tasks', async (skynet, handlers) => {
  handlers.nothing = () => {}
  const before = skynet.stat('message')
  for (let i = 0; i < 10; i++) skynet.send(skynet.self, 'nothing')
  assert.equal(skynet.stat('mqlen'), 10)
  // A turn may have time for one of them alone.
  await until('the mail has been handled', () => skynet.stat('mqlen') === 0)
  assert.equal(skynet.stat('message'), before + 10)
  const sleep = skynet.sleep(1)
  assert.equal(skynet.stat('task'), 1)
  const call = skynet.rawCall(skynet.self, 'lua', ['nothing'], { timeoutMs: 60_000 })
  assert.equal(skynet.stat('task'), 2)
  await Promise.all([sleep, call])
  assert.equal(skynet.stat('task'), 0)
})

// Proves: docs/commands.md#signal
check('signal() reaches the hook of a service, or its log', async (skynet) => {
  const peer = await skynet.newService<typeof signalled>('./signalled.ts', { on: 1 })
  assert.equal(await skynet.signal(peer.handle, 7), true)
  const log = String(skynet.getenv('logger'))
  await until('it is logged', () => /signalled\] recv a signal 7$/m.test(readFileSync(log, 'utf8')))
  await peer.call.hook()
  await skynet.signal(peer.address)
  await skynet.signal(peer.handle, 1)
  assert.deepEqual(await peer.call.signals(), [0, 1])
  for (const number of [-1, 1.5, 2 ** 31])
    await assert.rejects(skynet.signal(peer.handle, number), RangeError)
  await skynet.kill(peer.handle)
  assert.equal(await skynet.signal(peer.handle), false)
})

// Proves: docs/commands.md#message-log
check('logOn() writes every message of a service to a file, until logOff()', async (skynet) => {
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  const file = join(String(skynet.getenv('folder')), `${peer.address.slice(1)}.log`)
  await assert.rejects(skynet.logOn(peer.handle), { code: 'ERR_MESSAGE_LOG' })
  skynet.setenv('logpath', String(skynet.getenv('folder')))
  assert.equal(await skynet.logOn(peer.handle), true)
  assert.equal(await skynet.logOn(peer.handle), true)
  await peer.call.echo('with\na line')
  peer.send.see(1)
  await peer.call.seen()
  await skynet.logOff(peer.handle)
  await peer.call.echo('unseen')
  const self = `:${skynet.self.toString(16).padStart(8, '0')}`
  const lines = readFileSync(file, 'utf8').split('\n')
  assert.match(lines[0]!, /^open time: \d+\.\d{3} \d{4}-/)
  assert.match(
    lines[1]!,
    RegExp(`^${self} 10 \\d+ \\d+\\.\\d{3} \\[ 'echo', 'with\\\\na line' \\]$`),
  )
  assert.match(lines[2]!, RegExp(`^${self} 10 0 \\d+\\.\\d{3} \\[ 'see', 1 \\]$`))
  assert.match(lines[4]!, /^close time: /)
  assert.deepEqual(lines.slice(5), [''])
  // Its end closes the file, and a second time appends.
  await skynet.logOn(peer.handle)
  await skynet.kill(peer.handle)
  assert.match(readFileSync(file, 'utf8'), /close time: .*\nopen time: .*\nclose time: .*\n$/)
  assert.equal(await skynet.logOn(peer.handle), false)
  assert.equal(existsSync(file), true)
})
