/** Local names: who has one, and until when. */
import assert from 'node:assert/strict'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest } from '../support/run.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

// Proves: docs/semantics.md#name
check('register() makes a service known by name on every worker', async (skynet) => {
  const there = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  await there.call.register('.far')
  assert.equal(skynet.localName('.far'), there.handle)
  assert.equal(await skynet.call('.far', 'echo', 'by name'), 'by name')
  assert.equal(skynet.ref('.far').handle, there.handle)
  assert.equal(skynet.ref(`:${there.handle.toString(16).padStart(8, '0')}`).handle, there.handle)
  skynet.register('.near')
  assert.equal(await there.call.lookUp('.near'), skynet.self)
  assert.equal(skynet.isAlive('.far'), true)
})

// Proves: docs/semantics.md#name-refused
check('register() refuses a name that is taken, or is none', async (skynet) => {
  const there = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  await there.call.register('.taken')
  assert.throws(() => skynet.register('.taken'), { code: 'ERR_NAME_TAKEN' })
  await assert.rejects(there.call.register('.taken'), { code: 'ERR_NAME_TAKEN' })
  for (const name of ['plain', '', '.', '.with space', `.${'x'.repeat(53)}`, '.\ud800']) {
    assert.throws(() => skynet.register(name), { code: 'ERR_NAME_INVALID' }, name)
  }
  skynet.register(`.${'x'.repeat(52)}`)
})

// Proves: docs/semantics.md#name-free
check('a name is free once its service has ended', async (skynet) => {
  for (const on of ['same', 1] as const) {
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    const ref = skynet.ref<typeof subject>(peer.handle)
    await peer.call.register('.brief')
    await peer.call.register('.brief-too')
    await skynet.kill('.brief')
    assert.equal(skynet.localName('.brief'), undefined)
    assert.equal(skynet.localName('.brief-too'), undefined)
    assert.throws(() => skynet.ref('.brief'), { code: 'ERR_NAME_UNKNOWN' })
    await assert.rejects(skynet.call('.brief', 'echo'), { code: 'ERR_NAME_UNKNOWN' })
    await assert.rejects(ref.call.echo(1), { code: 'ERR_CALL_DEAD' })
    const heir = await skynet.newService<typeof subject>('./subject.ts', { on: 0, args: [] })
    await heir.call.register('.brief')
    assert.equal(skynet.localName('.brief'), heir.handle)
    const next = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    await assert.rejects(next.call.register('.brief'), { code: 'ERR_NAME_TAKEN' })
    await next.call.register(`.brief-${on}`)
    assert.equal(skynet.localName(`.brief-${on}`), next.handle)
    await skynet.kill(heir.handle)
  }
})

// Proves: docs/semantics.md#handle
check('a handle is not given to another service after its end', async (skynet) => {
  const handles = new Set<number>()
  for (let i = 0; i < 200; i++) {
    const peer = await skynet.newService('./subject.ts', { on: i % 2 })
    assert.ok(!handles.has(peer.handle))
    handles.add(peer.handle)
    await skynet.kill(peer.handle)
  }
})
