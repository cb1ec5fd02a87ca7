/** References travel: they arrive as references of who got them, and name services everywhere. */
import assert from 'node:assert/strict'
import { type ServiceRef, type Skynet, supervise } from 'skynet-ts'
import type child from '../fixtures/child.ts'
import type referrer from '../fixtures/referrer.ts'
import type { Asked } from '../fixtures/referrer.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, type Handlers, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const PLACES = ['same', 1] as const

const launch = (skynet: Skynet, on: 'same' | number) =>
  skynet.newService<typeof referrer>('./referrer.ts', { on })

/** This service can be asked, too. */
function askable(skynet: Skynet, handlers: Handlers): ServiceRef<Asked> {
  handlers.who = () => skynet.context().source
  return skynet.selfRef<Asked>()
}

// Proves: docs/messages.md#references
check('a reference is one of who got it: that service calls by it', async (skynet, handlers) => {
  const self = askable(skynet, handlers)
  for (const on of PLACES) {
    for (const other of PLACES) {
      const [peer, third] = [await launch(skynet, on), await launch(skynet, other)]
      assert.equal(await peer.call.ask(self), peer.handle)
      assert.equal(await peer.call.ask(third), peer.handle)
      assert.equal(await peer.call.ask(peer), peer.handle, 'itself')
      const back = await peer.call.self()
      assert.equal(back.handle, peer.handle)
      assert.equal(await back.call.who(), skynet.self)
      assert.deepEqual(back, peer)
      assert.equal(String(back), peer.address)
    }
  }
})

// Proves: docs/messages.md#references
check('references travel inside of other values, and shared ones stay one', async (skynet, has) => {
  const self = askable(skynet, has)
  for (const on of PLACES) {
    const peer = await launch(skynet, on)
    const table = new Map([
      ['self', self],
      ['peer', peer],
    ])
    const given = { list: [self, peer, self], table }
    assert.deepEqual(await peer.call.askAll(given), new Array(5).fill(peer.handle))
    assert.deepEqual(
      [await peer.call.isSame(self, self), await peer.call.isSame(self, skynet.selfRef())],
      [true, false],
    )
    const large = { bytes: Buffer.alloc(1024 * 1024), refs: new Set([self]), at: [[{ self }]] }
    const got = (await peer.call.echo(large)) as typeof large
    assert.equal(got.at[0]![0]!.self, [...got.refs][0])
    assert.equal(await got.at[0]![0]!.self.call.who(), skynet.self)
    const error: unknown = await peer.call.fail(self).catch((thrown: unknown) => thrown)
    const { code, cause } = error as { code: typeof self; cause: { ref: typeof self } }
    assert.equal(code, cause.ref)
    assert.equal(await code.call.who(), skynet.self)
  }
})

// Proves: docs/messages.md#references
check('references in arguments of a launch are those of the new service', async (skynet, has) => {
  const self = askable(skynet, has)
  for (const on of [...PLACES, 'dedicated'] as const) {
    const args = [self, new Map([['again', self]])] as [typeof self, Map<string, typeof self>]
    const peer = await skynet.newService<typeof referrer>('./referrer.ts', { on, args })
    assert.deepEqual(await peer.call.asked(), [peer.handle, peer.handle])
  }
  const path = `./referrer.ts`
  const unique = await skynet.uniqueService<typeof referrer>(path, { on: 1, args: [self] })
  assert.deepEqual(await unique.call.asked(), [unique.handle])
  const children = [{ name: 'one', path, args: [self], on: 1 }]
  const supervisor = await supervise(skynet, { strategy: 'one-for-one', children })
  const one = supervisor.child<{ asked(): number[] }>('one')!
  assert.deepEqual(await one.call.asked(), [one.handle])
  await supervisor.stop()
})

// Proves: docs/messages.md#references
check('references travel through channels, protocols and traces', async (skynet, handlers) => {
  const self = askable(skynet, handlers)
  const peers = [await launch(skynet, 'same'), await launch(skynet, 1)]
  const channel = skynet.multicast.new<{ ref: typeof self }>()
  const own = channel.subscribe()
  for (const peer of peers) await peer.call.subscribe(channel.id)
  channel.publish({ ref: self })
  for (const peer of peers) {
    await until('the message of the channel', async () => (await peer.call.askKept()).length === 1)
    assert.deepEqual(await peer.call.askKept(), [peer.handle])
    const traced = await skynet.debug.traced('refs', () => peer.call.ask(self))
    assert.equal(traced, peer.handle)
    assert.equal(await skynet.rawCall(peer, 'lua', ['ask', self]), peer.handle)
  }
  const { value } = await own.next()
  assert.equal(await value!.ref.call.who(), skynet.self)
  const told: number[] = []
  handlers.told = (from: number) => told.push(from)
  for (const peer of peers) peer.send.tell(skynet.selfRef())
  await until('both have told', () => told.length === 2)
  assert.deepEqual(told.sort(), peers.map(({ handle }) => handle).sort())
})

// Proves: docs/sharing.md#references
check('the datacenter keeps references, shared data refuses them', async (skynet, handlers) => {
  const self = askable(skynet, handlers)
  await skynet.datacenter.set('a reference', self)
  for (const on of PLACES) {
    const peer = await launch(skynet, on)
    assert.equal(await peer.call.askShared('a reference'), peer.handle)
    assert.deepEqual(await peer.call.shared('a reference'), self)
  }
  assert.throws(() => skynet.shareData.new('refs', { list: [1, self] }), {
    code: 'ERR_SHARE_MUTABLE',
    info: { path: 'value.list[1]', type: 'ServiceRef' },
  })
})

// Proves: docs/semantics.md#address
check('whatever takes a handle takes a reference, by handle or by name', async (skynet) => {
  for (const on of PLACES) {
    const name = `.addressed-${on}`
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    skynet.name(name, peer)
    const protocol = skynet.registerProtocol<unknown>({ name: `any-${on}`, id: on === 1 ? 40 : 41 })
    for (const ref of [peer, skynet.named<typeof subject>(name), skynet.ref(peer)] as const) {
      assert.equal(skynet.ref(ref).handle, peer.handle)
      assert.equal(skynet.isAlive(ref), true)
      assert.equal(await skynet.call(ref, 'echo', 5), 5)
      assert.equal(skynet.send(ref, 'see', 1), true)
      assert.equal(await skynet.rawCall(ref, 'lua', ['echo', 6]), 6)
      assert.equal(skynet.rawSend(ref, 'lua', ['see', 2]), true)
      assert.deepEqual(await skynet.call(ref, 'seen'), [1, 2])
      assert.equal((await skynet.mailbox(ref)).length, 0)
      await skynet.room(ref)
      assert.equal(await skynet.signal(ref, 3), true)
      await skynet.debug.profile(true, ref)
      await skynet.debug.profile(false, ref)
      await assert.rejects(protocol.call(ref, 1), { code: 'ERR_PROTOCOL_UNKNOWN' })
      assert.equal(protocol.send(ref, 1), true)
      await assert.rejects(skynet.logOn(ref), { code: 'ERR_MESSAGE_LOG' })
      assert.equal(await skynet.logOff(ref), true)
    }
    const told = skynet.monitor(peer)
    assert.equal(await skynet.kill(skynet.named(name)), true)
    assert.deepEqual(await told, { handle: peer.handle, reason: 'kill' })
    assert.equal(await skynet.kill(peer), false)
    assert.equal(skynet.isAlive(peer), false)
    await assert.rejects(peer.call.echo(1), { code: 'ERR_CALL_DEAD' })
  }
})

// Proves: docs/semantics.md#address
check('link() and redirect() take references', async (skynet, handlers) => {
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  const bound = await skynet.newService<typeof child>('./child.ts', { on: 1, onFault: 'end' })
  await bound.call.link(peer as never)
  const told = skynet.monitor(peer)
  bound.send.fault()
  assert.equal((await told).reason, 'linked')
  const end = await launch(skynet, 1)
  handlers.passOn = (value: unknown) => {
    const context = skynet.context()
    skynet.ignoreRet()
    skynet.redirect(end, context, 'lua', ['echo', value])
  }
  const asker = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  assert.equal(await asker.call.call(skynet.self, 'passOn', 7), 7)
})

// Proves: docs/semantics.md#named
check('named() follows the name, and says when nobody has it', async (skynet) => {
  const board = skynet.named<typeof subject>('.followed')
  const unknown = { code: 'ERR_NAME_UNKNOWN', message: /\.followed/ }
  for (const on of PLACES) {
    await assert.rejects(board.call.echo(1), unknown)
    await assert.rejects(board.with({ timeoutMs: 1000 }).call.echo(1), unknown)
    assert.equal(board.send.see(1), false)
    assert.throws(() => board.handle, unknown)
    assert.equal(skynet.isAlive(board), false)
    await assert.rejects(skynet.monitor(board), unknown)
    assert.equal(board.address, '.followed')
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    await peer.call.register('.followed')
    assert.equal(board.handle, peer.handle)
    assert.equal(await board.call.echo(on), on)
    assert.equal(await board.with({ timeoutMs: 60_000 }).call.echo(on), on)
    assert.equal(board.send.see(1), true)
    await skynet.kill(board)
  }
})

// Proves: docs/semantics.md#named
check('a named reference that was sent follows the name there', async (skynet, handlers) => {
  const self = askable(skynet, handlers)
  skynet.register('.here')
  const there = await launch(skynet, 1)
  await there.call.keep(skynet.named<typeof referrer>('.asked'))
  await assert.rejects(there.call.askKept(), { code: 'ERR_NAME_UNKNOWN' })
  for (const on of PLACES) {
    const peer = await launch(skynet, on)
    await peer.call.register('.asked')
    assert.deepEqual(await there.call.askKept(), [there.handle])
    assert.equal(await there.call.isAlive(skynet.named<typeof referrer>('.asked')), true)
    await skynet.kill(peer)
  }
  assert.equal(await there.call.ask(skynet.named<typeof referrer>('.here')), there.handle)
  assert.equal(self.handle, skynet.self)
})

// Proves: docs/semantics.md#named
check('named() follows a service that its supervisor launches again', async (skynet) => {
  const name = '.again'
  const children = [{ name: 'child', path: './named-child.ts', args: [name], on: 1 }]
  const supervisor = await supervise(skynet, { strategy: 'one-for-one', children })
  const ref = skynet.named<typeof import('../fixtures/named-child.ts').default>(name)
  const first = await ref.call.self()
  ref.send.crash()
  await until('the next child', () => (skynet.localName(name) ?? first) !== first)
  assert.notEqual(await ref.call.self(), first)
  await supervisor.stop()
})

// Proves: docs/semantics.md#address
check('what names no service is refused by its value', async (skynet) => {
  for (const wrong of [{}, { target: 5 }, null, Symbol('x'), 5n]) {
    const message = /'address' must be a handle, a name or a reference of a service/
    assert.throws(() => skynet.isAlive(wrong as never), { code: 'ERR_INVALID_ARG_TYPE', message })
  }
  for (const wrong of ['board', '.', '', ':0000000a']) {
    const message = /'name' must be a local name, which begins with a dot: current value is "/
    assert.throws(() => skynet.named(wrong), { code: 'ERR_INVALID_ARG_VALUE', message })
  }
  assert.throws(() => skynet.named(5 as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
