import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatHandle, isSkynetError } from '../base/errors.ts'
import { HANDLE_ID_MAX, LINK_ERROR_BYTES_MAX } from '../base/limits.ts'
import type { Router } from '../kernel/router.ts'
import type { Fence } from '../service/life.ts'
import type { ServiceRef } from '../service/ref.ts'
import { defineService } from '../skynet/define-service.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { MemoryCluster, serviceOf } from './border.kit.ts'
import { FENCED, type FencedOwner, Fencing, fenced } from './fencing.ts'
import { PackedSlot } from './packed.ts'

/** As errors call a service of node `b`. */
const addressOf = ({ handle }: { readonly handle: number }): string =>
  `b${formatHandle(handle & HANDLE_ID_MAX)}`

type Handler = (...args: never[]) => unknown
/** A service of which the compiler knows nothing. */
type Far = ServiceRef<Record<string, (...args: unknown[]) => unknown>>

/** Node `a` and node `b`, on `b` a service of these methods; how `a` calls it. */
async function pair(methods: Record<string, Handler>) {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const service = await b.launch(
    defineService((skynet) => {
      skynet.register('.there')
      return methods
    }),
  )
  const handle = cluster.handle('a', 'b', service.handle)
  const ref = a.skynet.ref(handle) as Far
  return { cluster, a, b, service, handle, ref }
}

test('a call of a service on another node is answered, and its errors arrive as any', async () => {
  const { cluster, ref } = await pair({
    add: (x: number, y: number) => x + y,
    fail: () => {
      throw new RangeError('no')
    },
  })
  assert.equal(await ref.call.add!(2, 3), 5)
  await assert.rejects(ref.call.fail!(), (error: Error) => {
    return error instanceof RangeError && error.message === 'no'
  })
  await assert.rejects(ref.call.nothing!(), (error) => {
    return isSkynetError(error, 'ERR_METHOD_UNKNOWN') && error.info.sent === 'no'
  })
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#order
test('sends, calls and answers of a pair of services keep one order', async () => {
  const seen: number[] = []
  const { cluster, ref } = await pair({
    note: (i: number) => void seen.push(i),
    ask: (i: number) => {
      seen.push(i)
      return i
    },
  })
  const answers: Promise<unknown>[] = []
  for (let i = 0; i < 100; i++) {
    if (i % 3 === 0) answers.push(ref.call.ask!(i))
    else assert.equal(ref.send.note!(i), true)
  }
  await Promise.all(answers)
  await cluster.settled()
  assert.deepEqual(seen, [...Array(100).keys()])
  await cluster[Symbol.asyncDispose]()
})

test('the same service is the same handle, whoever has named it', async () => {
  const { cluster, a, b, handle, service } = await pair({ who: () => 1 })
  assert.equal(cluster.handle('a', 'b', service.handle), handle)
  const holder = await b.launch(defineService(() => ({ give: () => service })))
  const given = (await a.skynet.call(cluster.handle('a', 'b', holder.handle), 'give')) as Far
  assert.equal(given.handle, handle)
  assert.equal(await given.call.who!(), 1)
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#references
test('references in messages: mine, yours, of a third node, and names of each', async () => {
  const { cluster, a, b, handle } = await pair({
    call: (ref: Far) => ref.call.who!(),
    back: (ref: Far) => ref,
  })
  const c = await cluster.add('c')
  const who = (name: string) =>
    defineService((skynet) => {
      skynet.register('.who')
      return { who: () => name }
    })
  const nodes = { a, b, c }
  const refs: Record<string, Far> = {}
  for (const [name, node] of Object.entries(nodes))
    refs[name] = (await node.launch(who(name))) as Far
  const own = await a.skynet.ref(refs.a!.handle)
  const ofB = a.skynet.ref(cluster.handle('a', 'b', refs.b!.handle))
  const ofC = a.skynet.ref(cluster.handle('a', 'c', refs.c!.handle))
  for (const [ref, name] of [
    [own, 'a'],
    [ofB, 'b'],
    [ofC, 'c'],
    [a.skynet.named('.who'), 'a'],
  ] as const) {
    assert.equal(await a.skynet.call(handle, 'call', ref), name, name)
    const back = (await a.skynet.call(handle, 'back', ref)) as Far
    if (typeof ref.target === 'number') assert.equal(back.handle, ref.handle)
    assert.equal(await back.call.who!(), name)
  }
  const named = a.skynet.ref(cluster.handle('a', 'b', '.who')) as Far
  assert.equal(await named.call.who!(), 'b')
  assert.equal(await a.skynet.call(handle, 'call', named), 'b')
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#call-ends, #sent
test('a call of what is not there ends with sent no, a name of nobody is unknown', async () => {
  const { cluster, a, b, service, ref } = await pair({ stay: () => new Promise(() => {}) })
  const waiting = ref.call.stay!()
  waiting.catch(() => {})
  await cluster.settled()
  await b.skynet.kill(service.handle)
  await assert.rejects(waiting, {
    code: 'ERR_CALL_DEAD',
    info: { to: addressOf(service), method: 'stay', sent: 'maybe' },
  })
  await assert.rejects(ref.call.stay!(), (error) => {
    return isSkynetError(error, 'ERR_CALL_DEAD') && error.info.sent === 'no'
  })
  await cluster.settled()
  const unknown = a.skynet.ref(cluster.handle('a', 'b', '.nobody')) as Far
  const info = { name: 'b.nobody', sent: 'no' }
  await assert.rejects(unknown.call.x!(), { code: 'ERR_NAME_UNKNOWN', info })
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#sends
test('sends to a service that its node says is full are refused, and to no other', async () => {
  const { cluster, a, b, service, handle } = await pair({ ask: () => 1 })
  const other = await b.launch(defineService(() => ({ ask: () => 2 })))
  const otherHandle = cluster.handle('a', 'b', other.handle)
  const { remotes } = serviceOf(a.skynet).runtime.handles
  const full = (): boolean[] => [handle, otherHandle].map((each) => remotes!.isFull(each))
  const border = cluster.border('a')
  const peer = border.peer({ node: 'b', epoch: 8 })!
  const packer = new Packer()
  for (const [word, isFull] of [
    ['full', true],
    ['room', false],
    ['full', true],
  ] as const) {
    const length = packer.pack([word, [service.handle & HANDLE_ID_MAX]])
    const slot = new PackedSlot()
    border.deliver(peer, slot.set(PTYPE.SYSTEM, 0, 0, 0, 0, packer.bytes, 0, length))
    assert.deepEqual(full(), [isFull, false])
  }
  cluster.reset('a', 'b')
  assert.deepEqual(full(), [false, false], 'the link began anew')
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#addresses, #held
test('a service of another node is called as there, in errors, logs and texts', async () => {
  const clock = new FakeClock()
  const cluster = new MemoryCluster()
  const a = await cluster.add('a', { clock })
  const b = await cluster.add('b', { clock })
  const stay = await b.launch(defineService(() => ({ stay: () => new Promise(() => {}) })))
  const own = await a.launch(defineService(() => ({})))
  const ref = a.skynet.ref(cluster.handle('a', 'b', stay.handle)) as Far
  const to = addressOf(stay)
  assert.deepEqual([`${ref}`, `${own}`], [to, own.address])
  const named = a.skynet.ref(cluster.handle('a', 'b', '.stay'))
  assert.equal(`${named}`, 'a name of b')
  const late = ref.with({ timeoutMs: 50 }).call.stay!()
  late.catch(() => {})
  await cluster.settled()
  await clock.advance(50)
  await assert.rejects(late, {
    message: `Cannot wait longer for stay of ${to}: no answer within 50 ms`,
  })
  const waiting = ref.call.stay!()
  waiting.catch(() => {})
  await cluster.settled()
  const peer = { node: 'b', epoch: 8 }
  const [source, session] = [...cluster.open('a')].at(-1)!
  cluster.storeLost = new Error('the seed is down')
  cluster.border('a').lost(peer, source, session, 'maybe', 'late')
  await assert.rejects(waiting, {
    message: `Cannot wait longer for stay of ${to}: no answer within 10000 ms`,
    cause: cluster.storeLost,
  })
  await cluster.kill('b')
  assert.equal(`${ref}`, to, 'also when it is gone')
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#sent
test('what has not left when a node is down ends with ERR_NODE_LOST, sent no', async () => {
  const { cluster, a, service, handle } = await pair({ ask: () => 1 })
  const { router } = serviceOf(a.skynet).runtime as unknown as { router: Router }
  const why = (to: number, session: number): unknown =>
    router.whyGone!({ type: PTYPE.LUA, source: 1, session, value: undefined }, to)
  const other = cluster.handle('a', 'b', '.x')
  assert.equal(why(1, 5), undefined, 'no service of another node')
  cluster.border('a').peerUp({ node: 'b', epoch: 8 })
  await cluster.kill('b')
  const lost = why(handle, 5)
  assert.ok(isSkynetError(lost, 'ERR_NODE_LOST'))
  assert.deepEqual(lost.info, { node: 'b', epoch: 8, sent: 'no' })
  assert.ok(isSkynetError(why(other, 5), 'ERR_NODE_LOST'))
  why(handle, 0)
  cluster.border('a').sweep()
  await cluster.settled()
  const lines = a.log.all.map(({ text }) => text)
  assert.ok(lines.includes('1 message to node b did not leave: it is not there'), `${lines}`)
  // Back, as another epoch: who has ended there cannot be told.
  cluster.border('a').peerUp({ node: 'b', epoch: 80 })
  const dead = why(handle, 5)
  assert.ok(isSkynetError(dead, 'ERR_CALL_DEAD'))
  assert.equal(dead.info.sent, 'no')
  assert.ok(service.handle > 0)
  await cluster[Symbol.asyncDispose]()
})

test('a link is given the deadline of a caller, else that of the cluster', async () => {
  const { cluster, ref } = await pair({ ask: () => 1 })
  const given: number[] = []
  cluster.onPost = ({ type, ms }) => {
    if (type === PTYPE.LUA) given.push(ms)
    return undefined
  }
  await ref.call.ask!()
  await ref.with({ timeoutMs: 2500 }).call.ask!()
  ref.send.ask!()
  assert.deepEqual(given, [10_000, 2500, 0])
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#sent
test('a link that is full, or down, refuses calls with sent no; sends are counted', async () => {
  const { cluster, a, ref } = await pair({ ask: () => 1 })
  for (const [why, code] of [
    ['full', 'ERR_LINK_FULL'],
    ['down', 'ERR_NODE_LOST'],
  ] as const) {
    cluster.onPost = () => why
    await assert.rejects(ref.call.ask!(), (error) => {
      return (
        isSkynetError(error) &&
        error.code === code &&
        (error.info as { sent: string }).sent === 'no'
      )
    })
    // Only what nobody is there to take is lost: see `Posted` of a link.
    if (why === 'down') ref.send.ask!()
  }
  cluster.onPost = undefined
  cluster.border('a').sweep()
  await cluster.settled()
  const lines = a.log.all.map(({ text }) => text)
  // Of what nodes tell each other, and of calls, no line speaks.
  assert.deepEqual(
    lines.filter((text) => text.includes('did not leave')),
    ['1 message to node b did not leave: it is not there'],
  )
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/limits.md#link-error
test('who asked is told when the answer finds the link full', async () => {
  const { cluster, ref } = await pair({ ask: () => 'x'.repeat(2000) })
  let bytes = 0
  cluster.onPost = ({ type, length }, from) => {
    if (from === 'b' && type === PTYPE.ERROR) bytes = length
    return from === 'b' && type === PTYPE.RESPONSE ? 'full' : undefined
  }
  await assert.rejects(ref.call.ask!(), (error) => {
    assert.ok(isSkynetError(error, 'ERR_LINK_FULL'))
    assert.deepEqual(error.info, { node: 'a', limit: 8, sent: 'maybe' })
    return true
  })
  assert.ok(bytes > 0 && bytes <= LINK_ERROR_BYTES_MAX, `${bytes}`)
  await cluster[Symbol.asyncDispose]()
})

test('a link that is reset ends what waits with sent maybe, and goes on', async () => {
  let asked = 0
  const { cluster, ref } = await pair({ ask: () => (++asked > 1 ? asked : new Promise(() => {})) })
  const waiting = ref.call.ask!()
  waiting.catch(() => {})
  await cluster.settled()
  cluster.reset('a', 'b')
  await assert.rejects(waiting, (error) => {
    return isSkynetError(error, 'ERR_NODE_LOST') && error.info.sent === 'maybe'
  })
  assert.equal(await ref.call.ask!(), 2)
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#monitor
test('monitor tells how a service of another node has ended, also after a reset', async () => {
  const { cluster, a, b, service, handle } = await pair({})
  const ending = a.skynet.monitor(handle)
  await cluster.settled()
  await b.skynet.kill(service.handle)
  assert.deepEqual(await ending, { handle, reason: 'kill' })
  await cluster.settled()
  assert.equal(a.skynet.isAlive(handle), false)
  const other = await b.launch(defineService(() => ({})))
  const remote = cluster.handle('a', 'b', other.handle)
  const lost = a.skynet.monitor(remote)
  await cluster.settled()
  cluster.reset('a', 'b')
  await cluster.settled()
  await b.skynet.kill(other.handle)
  assert.deepEqual(await lost, { handle: remote, reason: 'kill' })
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#monitor
test('monitor tells an end whose news a full link did not take, either way', async () => {
  const { cluster, a, b, service, handle } = await pair({})
  const sweepBoth = async (): Promise<void> => {
    for (const name of ['a', 'b']) cluster.border(name).sweep()
    await cluster.settled()
  }
  cluster.onPost = ({ type }) => (type === PTYPE.SYSTEM ? 'full' : undefined)
  const ending = a.skynet.monitor(handle)
  await sweepBoth()
  cluster.onPost = undefined
  await sweepBoth()
  cluster.onPost = ({ type }) => (type === PTYPE.SYSTEM ? 'full' : undefined)
  await b.skynet.kill(service.handle)
  await sweepBoth()
  cluster.onPost = undefined
  await sweepBoth()
  assert.equal((await ending).reason, 'kill')
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#monitor
test('monitor says node down once the node is dead, and not when its link is reset', async () => {
  const { cluster, a, handle, ref } = await pair({ stay: () => new Promise(() => {}) })
  const endings: unknown[] = []
  for (let i = 0; i < 2; i++) a.skynet.monitor(handle).then((ending) => endings.push(ending.reason))
  const call = ref.call.stay!()
  call.catch(() => {})
  await cluster.settled()
  cluster.reset('a', 'b')
  await cluster.settled()
  assert.deepEqual(endings, [])
  await assert.rejects(call, { code: 'ERR_NODE_LOST' })
  await cluster.kill('b')
  await cluster.settled()
  assert.deepEqual(endings, ['node down', 'node down'])
  await assert.rejects(ref.call.stay!(), { code: 'ERR_CALL_DEAD' })
  assert.equal(ref.send.stay!(), false)
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#monitor
test('link ends a service with one of another node, both ways, and with its node', async () => {
  for (const how of ['there', 'here', 'node'] as const) {
    const { cluster, a, b, service, handle } = await pair({})
    const linked = await a.launch(
      defineService((skynet) => {
        skynet.link(handle)
        return {}
      }),
    )
    await cluster.settled()
    if (how === 'there') await b.skynet.kill(service.handle)
    else if (how === 'here') await a.skynet.kill(linked.handle)
    else await cluster.kill('b')
    await cluster.settled()
    assert.equal(a.skynet.isAlive(linked.handle), false, how)
    if (how !== 'node') assert.equal(b.skynet.isAlive(service.handle), false, how)
    await cluster[Symbol.asyncDispose]()
  }
})

test('kill, mailbox and signal reach another node; what a node needs is refused', async () => {
  const signals: number[] = []
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const service = await b.launch(
    defineService((skynet) => {
      skynet.onSignal((signal) => signals.push(signal))
      skynet.boundMailbox(9)
    }),
  )
  const handle = cluster.handle('a', 'b', service.handle)
  assert.equal((await a.skynet.mailbox(handle)).limit, 9)
  assert.equal(await a.skynet.signal(handle, 4), true)
  assert.deepEqual(signals, [4])
  assert.equal(await a.skynet.kill(handle), true)
  assert.equal(b.skynet.isAlive(service.handle), false)
  assert.equal(await a.skynet.kill(handle), false)
  const manager = cluster.handle('a', 'b', b.skynet.localName('.service')!)
  await assert.rejects(a.skynet.kill(manager), { code: 'ERR_SERVICE_NEEDED' })
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#redirect
test('a request that is passed on to another node is answered to who asked, wherever', async () => {
  const cluster = new MemoryCluster()
  const [a, b, c] = [await cluster.add('a'), await cluster.add('b'), await cluster.add('c')]
  const last = await c.launch(
    defineService(() => ({ who: (x: unknown) => (x === 9 ? new Promise(() => {}) : ['c', x]) })),
  )
  const middle = await b.launch(
    defineService((skynet) => ({
      pass(x: unknown) {
        const context = skynet.context()
        skynet.ignoreRet()
        const to = cluster.handle('b', 'c', last.handle)
        assert.ok(skynet.redirect(to, context, 'lua', ['who', x]))
      },
      passBack(x: unknown, to: Far) {
        const context = skynet.context()
        skynet.ignoreRet()
        assert.ok(skynet.redirect(to, context, 'lua', ['who', x]))
      },
    })),
  )
  const own = await a.launch(defineService(() => ({ who: (x: unknown) => ['a', x] })))
  const ref = a.skynet.ref(cluster.handle('a', 'b', middle.handle)) as Far
  assert.deepEqual(await ref.call.pass!(1), ['c', 1])
  assert.deepEqual(await ref.call.passBack!(2, a.skynet.ref(own.handle)), ['a', 2])
  assert.deepEqual(await Promise.all([1, 2, 3].map((x) => ref.call.pass!(x))), [
    ['c', 1],
    ['c', 2],
    ['c', 3],
  ])
  const waiting = ref.call.pass!(9)
  waiting.catch(() => {})
  await cluster.settled()
  await cluster.kill('c')
  await assert.rejects(waiting, { code: 'ERR_NODE_LOST' })
  await cluster[Symbol.asyncDispose]()
})

test('proxies of services that have ended are given back, those of others stay', async () => {
  const clock = new FakeClock()
  const cluster = new MemoryCluster()
  const a = await cluster.add('a', { clock })
  const b = await cluster.add('b', { clock })
  const echo = await b.launch(defineService(() => ({ echo: () => 1 })))
  const to = cluster.handle('a', 'b', echo.handle)
  const askers: number[] = []
  for (let i = 0; i < 10; i++) {
    const asker = await a.launch(
      defineService((skynet) => ({ ask: () => skynet.call(to, 'echo') })),
    )
    assert.equal(await asker.call.ask(), 1)
    askers.push(asker.handle)
  }
  const known = () => askers.filter((handle) => b.skynet.isAlive(cluster.handle('b', 'a', handle)))
  assert.equal(known().length, 10)
  const proxies = askers.map((handle) => cluster.handle('b', 'a', handle))
  for (const handle of askers.slice(0, 7)) await a.skynet.kill(handle)
  await clock.advance(2000)
  await cluster.settled()
  assert.deepEqual(
    proxies.map((handle) => b.skynet.isAlive(handle)),
    [...Array(10).keys()].map((i) => i >= 7),
  )
  // Also those whose end was told over a link that was reset.
  for (const handle of askers.slice(7, 9)) await a.skynet.kill(handle)
  cluster.border('a').sweep()
  cluster.reset('a', 'b')
  await cluster.settled()
  assert.deepEqual(
    proxies.slice(7).map((handle) => b.skynet.isAlive(handle)),
    [false, false, true],
  )
  await cluster[Symbol.asyncDispose]()
})

test('beyond its limit of proxies a node refuses services that it does not know', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b', { proxiesMax: 2 })
  const echo = await b.launch(defineService(() => ({ echo: (x: unknown) => x })))
  const to = cluster.handle('a', 'b', echo.handle)
  const asker = defineService((skynet) => ({ ask: (x: unknown) => skynet.call(to, 'echo', x) }))
  const refs = [await a.launch(asker), await a.launch(asker), await a.launch(asker)]
  assert.equal(await refs[0]!.call.ask(1), 1)
  assert.equal(await refs[1]!.call.ask(1), 1)
  await assert.rejects(refs[2]!.call.ask(1), {
    code: 'ERR_PROXY_LIMIT',
    // Of the call of `ask`: that has run.
    info: { node: 'a', limit: 2, sent: 'maybe' },
  })
  const direct = a.skynet.ref(to) as Far
  await assert.rejects(direct.call.echo!(1), { info: { node: 'a', limit: 2, sent: 'no' } })
  await assert.rejects(refs[0]!.call.ask(a.skynet.ref(refs[2]!.handle)), {
    code: 'ERR_PROXY_LIMIT',
  })
  assert.equal(await refs[0]!.call.ask(2), 2)
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#one-owner
test('of an owner that was overtaken nothing is taken: calls, sends and answers', async () => {
  const cluster = new MemoryCluster()
  const owners = new Map<number, FencedOwner>()
  let highest: Fence = [1, 5]
  cluster.owners = {
    ownerOf: (handle) => owners.get(handle),
    accepts: (name, token) => name === 'lobby' && token[1] >= highest[1],
    current: () => highest,
  }
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const seen: unknown[] = []
  const note = await b.launch(
    defineService(() => ({
      note: (x: unknown) => {
        seen.push(x)
        return x
      },
    })),
  )
  const far = cluster.handle('a', 'b', note.handle)
  const lobby = await a.launch(
    defineService((skynet) => ({
      tell: (x: unknown) => skynet.call(far, 'note', x),
      send: (x: unknown) => skynet.send(far, 'note', x),
      answer: () => 'mine',
    })),
  )
  const lobbyThere = b.skynet.ref(cluster.handle('b', 'a', lobby.handle)) as Far
  owners.set(lobby.handle, { name: 'lobby', token: [1, 5] })
  assert.equal(await lobby.call.tell(1), 1)
  assert.equal(await lobbyThere.call.answer!(), 'mine')
  highest = [1, 6]
  const info = { name: 'lobby', token: [1, 5], current: [1, 6], sent: 'maybe' }
  const overtaken = { code: 'ERR_FENCED', info }
  await assert.rejects(lobby.call.tell(2), overtaken)
  await assert.rejects(lobbyThere.call.answer!(), overtaken)
  lobby.send.send(3)
  await cluster.settled()
  assert.deepEqual(seen, [1])
  assert.ok(b.log.all.some(({ text }) => text.includes("Cannot go on as 'lobby'")))
  await cluster[Symbol.asyncDispose]()
})

test('a message of an owner that is cut short is refused', () => {
  const fencing = new Fencing({ accepts: () => true, current: () => undefined })
  const owner: FencedOwner = { name: 'lobby', token: [3, 4] }
  const whole = fenced(owner, Buffer.from([9, 0, 7, 9]), 1, 2)
  const slot = new PackedSlot()
  const open = (length: number) => fencing.open(slot.set(FENCED | 10, 1, 2, 3, 4, whole, 0, length))
  const { type, bytes, at, length } = open(whole.length)
  assert.deepEqual([type, [...bytes.subarray(at, at + length)]], [10, [0, 7]])
  for (let cut = 0; cut < whole.length - 1; cut++) {
    assert.throws(() => open(cut), { code: 'ERR_MESSAGE_MALFORMED' }, `${cut}`)
  }
})

test('a trace goes on in services of other nodes', async () => {
  const cluster = new MemoryCluster()
  const [a, b] = [await cluster.add('a'), await cluster.add('b')]
  const last = await b.launch(defineService(() => ({ last: () => 1 })))
  const middle = await b.launch(
    defineService((skynet) => ({ pass: () => skynet.call(last.handle, 'last') })),
  )
  const first = await a.launch(
    defineService((skynet) => ({
      begin: () => {
        const id = skynet.trace('from here')
        return skynet.call(cluster.handle('a', 'b', middle.handle), 'pass').then(() => id)
      },
    })),
  )
  const id = await first.call.begin()
  await cluster.settled()
  const traced = (node: typeof a) =>
    node.log.all.map(({ text }) => text).filter((text) => text.startsWith(`<TRACE ${id}>`))
  assert.match(traced(a).join('\n'), /call pass of/)
  assert.match(traced(b).join('\n'), /request pass from .*\n.*call last of/)
  await cluster[Symbol.asyncDispose]()
})

test('the callers of a service whose worker has died are told by its border', async () => {
  const { cluster, a, b, service, ref } = await pair({ stay: () => new Promise(() => {}) })
  const waiting = ref.call.stay!()
  waiting.catch(() => {})
  await cluster.settled()
  cluster.border('b').workerDied(new Set([service.handle]))
  await assert.rejects(waiting, {
    code: 'ERR_CALL_DEAD',
    info: { to: addressOf(service), method: 'stay', sent: 'maybe' },
  })
  assert.ok(a.skynet.isAlive(ref.handle) && b.skynet.isAlive(service.handle), 'it lives in truth')
  await cluster[Symbol.asyncDispose]()
})

test('words between borders that are none, or not for nodes, change nothing', async () => {
  const { cluster, a, b, service, ref } = await pair({ ask: () => 1 })
  const border = cluster.border('b')
  const peer = border.peer({ node: 'a', epoch: 7 })!
  const packer = new Packer()
  const tell = (to: number, value: unknown): void => {
    const length = packer.pack(value)
    const { bytes } = packer
    const slot = new PackedSlot()
    border.deliver(peer, slot.set(PTYPE.SYSTEM, to, 5, 0, 0, bytes, 0, length))
  }
  const id = service.handle & 0xffffff
  for (const value of [
    ['watch', 0],
    ['watch', 'lobby'],
    ['ended', 1, { reason: 'because' }],
    ['gone', [1, -1]],
    ['gone', 'all'],
    ['known'],
    ['__proto__', 1],
    {},
    7,
  ]) {
    tell(0, value)
  }
  for (const order of [
    'launch',
    'adopt',
    'hold',
    'fence',
    'handOver',
    'circle',
    'stats',
    'monitor',
  ]) {
    tell(id, { order, handle: service.handle, isOn: true })
  }
  tell(id, undefined)
  await cluster.settled()
  assert.equal(await ref.call.ask!(), 1)
  assert.equal(await a.skynet.call(ref.handle, 'ask'), 1)
  assert.ok(b.log.all.every(({ text }) => text.startsWith('message of node a: ')))
  await cluster[Symbol.asyncDispose]()
})
