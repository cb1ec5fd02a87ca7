/** What comes of a call of another node that is not answered as it should be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import type { ServiceRef } from '../service/ref.ts'
import { defineService } from '../skynet/define-service.ts'
import { Skynet } from '../skynet/skynet.ts'
import { tellsEndOf } from '../skynet/when-ended.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { MemoryCluster } from './border.kit.ts'
import { PackedSlot } from './packed.ts'

const nothing = (): void => {}

const failure = async (answer: Promise<unknown>): Promise<SkynetError> => {
  const error = await answer.then(nothing, (error: unknown) => error)
  assert.ok(isSkynetError(error))
  return error
}

/** A service of which the compiler knows nothing. */
type Far = ServiceRef<Record<string, (...args: unknown[]) => unknown>>

const codeAndSent = (error: unknown): unknown[] => {
  assert.ok(isSkynetError(error))
  return [error.code, (error.info as { sent?: unknown }).sent]
}

// Proves: docs/cluster.md#sent
test('a handler that has run is never told as one that has not, whatever it threw', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  let runs = 0
  const between = await b.launch(
    defineService(() => ({
      async go(dead: Far) {
        runs++
        await dead.call.nothing!()
      },
    })),
  )
  const gone = await a.launch(defineService((skynet) => ({ end: () => skynet.exit() })))
  const ref = a.skynet.ref(cluster.handle('a', 'b', between.handle)) as Far
  gone.send.end()
  await a.settled()
  await assert.rejects(ref.call.go!(gone), (error) => {
    assert.deepEqual(codeAndSent(error), ['ERR_CALL_DEAD', 'maybe'])
    return true
  })
  assert.equal(runs, 1)
  // On its own node it is the same.
  await assert.rejects(b.skynet.call(between.handle, 'go', b.skynet.ref(0xffffff)), (error) => {
    assert.deepEqual(codeAndSent(error), ['ERR_CALL_DEAD', 'maybe'])
    return true
  })
  assert.equal(runs, 2)
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#sent
test('a request that was passed on to nobody has run, where it was passed on', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const c = await cluster.add('c')
  let runs = 0
  const dead = await c.launch(defineService((skynet) => ({ end: () => skynet.exit() })))
  const far = cluster.handle('b', 'c', dead.handle)
  const between = await b.launch(
    defineService((skynet) => ({
      go() {
        runs++
        const context = skynet.context()
        skynet.ignoreRet()
        skynet.redirect(far, context, 'lua', ['nothing'])
      },
    })),
  )
  dead.send.end()
  await c.settled()
  const isTold = (error: unknown): true => {
    assert.deepEqual(codeAndSent(error), ['ERR_CALL_DEAD', 'maybe'])
    return true
  }
  const ref = a.skynet.ref(cluster.handle('a', 'b', between.handle)) as Far
  await assert.rejects(ref.call.go!(), isTold)
  assert.equal(runs, 1)
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#sent
test('an answer that is none ends its call', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const service = await b.launch(defineService(() => ({ ask: () => new Promise(() => {}) })))
  const ref = a.skynet.ref(cluster.handle('a', 'b', service.handle)) as Far
  const border = cluster.border('a')
  const peer = border.peer({ node: 'b', epoch: 8 })!
  const asked = { source: 0, session: 0 }
  cluster.onPost = ({ source, session }) => {
    if (session !== 0) Object.assign(asked, { source, session })
    return undefined
  }
  const bytes = Buffer.from([0, 0xff, 0xff])
  for (const type of [PTYPE.RESPONSE, PTYPE.ERROR, PTYPE.RESPONSE | 0x100, PTYPE.ERROR | 0x400]) {
    const answer = ref.call.ask!()
    answer.catch(() => {})
    await cluster.settled()
    const { source, session } = asked
    border.deliver(peer, new PackedSlot().set(type, source, 0, session, 0, bytes, 0, 3))
    await assert.rejects(answer, (error) => {
      assert.deepEqual(codeAndSent(error), ['ERR_MESSAGE_MALFORMED', 'maybe'], `type ${type}`)
      return true
    })
  }
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#addresses
test('what has no such method is named as its own node calls it, also when passed on', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const sink = await b.launch(defineService(() => ({})))
  const between = await b.launch(
    defineService((skynet) => ({
      go() {
        const context = skynet.context()
        skynet.ignoreRet()
        skynet.redirect(sink, context, 'lua', ['nope'])
      },
    })),
  )
  const isNamed = (error: unknown): true => {
    assert.ok(isSkynetError(error, 'ERR_METHOD_UNKNOWN'))
    assert.match(error.info.service, new RegExp(` b${sink.address}$`))
    return true
  }
  const far = a.skynet.ref(cluster.handle('a', 'b', sink.handle)) as Far
  await assert.rejects(far.call.nope!(), isNamed)
  const ref = a.skynet.ref(cluster.handle('a', 'b', between.handle)) as Far
  await assert.rejects(ref.call.go!(), isNamed)
  // To its own node it is what it always was.
  await assert.rejects(b.skynet.call(sink.handle, 'nope'), (error) => {
    assert.ok(isSkynetError(error, 'ERR_METHOD_UNKNOWN'))
    assert.match(error.info.service, new RegExp(` ${sink.address}$`))
    return true
  })
  assert.deepEqual(
    [`${far}`, inspect({ far })],
    [`b${sink.address}`, `{ far: ServiceRef b${sink.address} }`],
  )
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#addresses
test('an error that has come through another service names whom as its node does', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const c = await cluster.add('c')
  const mortal = defineService((skynet) => ({
    end: () => skynet.exit(),
    wait: () => new Promise(nothing),
  }))
  const last = await b.launch(mortal)
  const third = await c.launch(mortal)
  const methods = (skynet: Skynet) => ({
    go: (to: Far, method: string) => to.with({ timeoutMs: 50 }).call[method]!(),
    async launch(to: Far) {
      const cause = await failure(skynet.call(to.handle, 'nope'))
      throw new SkynetError('ERR_SERVICE_LAUNCH', { path: 'x', reason: cause.message }, { cause })
    },
    async crash(to: Far) {
      Skynet.serviceOf(skynet).crash(await failure(skynet.call(to.handle, 'nope')))
    },
  })
  const between = await b.launch(defineService(methods))
  const ref = a.skynet.ref(cluster.handle('a', 'b', between.handle)) as Far
  const to = a.skynet.ref(cluster.handle('a', 'b', last.handle)) as Far
  const far = a.skynet.ref(cluster.handle('a', 'c', third.handle)) as Far
  const told = async (answer: Promise<unknown>): Promise<string> => {
    const error = await failure(answer)
    const { message, stack = '', cause } = error
    // Of a text each part says the same.
    assert.ok(stack.includes(message), stack)
    const named = [message, JSON.stringify(error.info), (cause as Error | undefined)?.message]
    return [...new Set(named.join(' ').match(/\w*:[0-9a-f]{8}\b/g))].join()
  }
  const own = `b${last.address}`
  const asked = [
    await told(ref.call.go!(to, 'nope')),
    await told(ref.call.go!(to, 'wait')),
    await told(ref.call.launch!(to)),
    await told(ref.call.go!(to, 'end')),
    await told(ref.call.go!(far, 'nope')),
  ]
  assert.deepEqual(asked, [own, own, own, own, `c${third.address}`])
  const ending = a.skynet.monitor(ref)
  const another = await b.launch(mortal)
  ref.send.crash!(a.skynet.ref(cluster.handle('a', 'b', another.handle)))
  const { cause } = await ending
  assert.match((cause as Error).message, new RegExp(` b${another.address}`))
  await cluster[Symbol.asyncDispose]()
})

test('the end of a service of another node is told from that of whom it has asked', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const mortal = defineService((skynet) => ({
    end: () => skynet.exit(),
    ask: (of: Far) => of.call.end!(),
  }))
  const [one, other] = [await b.launch(mortal), await b.launch(mortal)]
  const [ref, far] = [one, other].map(
    ({ handle }) => a.skynet.ref(cluster.handle('a', 'b', handle)) as Far,
  ) as [Far, Far]
  const tells = (answer: Promise<unknown>): Promise<boolean> =>
    answer.then(
      () => false,
      (error: unknown) => tellsEndOf(a.skynet, ref.handle, error),
    )
  const told = [await tells(ref.call.ask!(far)), await tells(ref.call.end!())]
  assert.deepEqual(told, [false, true])
  // What stood for it here is gone.
  cluster.border('b').sweep()
  await cluster.settled()
  assert.equal(await tells(ref.call.end!()), true)
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#redirect
test('only who was asked answers a request that was passed on, whatever others guess', async () => {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const c = await cluster.add('c')
  const d = await cluster.add('d')
  const guess = await d.launch(defineService(() => ({})))
  const last = await c.launch(defineService(() => ({ late: () => answer })))
  let give!: (value: string) => void
  const answer = new Promise((resolve) => {
    give = resolve
  })
  const to = cluster.handle('b', 'c', last.handle)
  const between = await b.launch(
    defineService((skynet) => ({
      go() {
        const context = skynet.context()
        skynet.ignoreRet()
        skynet.redirect(to, context, 'lua', ['late'])
      },
    })),
  )
  const relay = { source: 0, session: 0 }
  cluster.onPost = ({ source, session }, from, node) => {
    if (from === 'b' && node === 'c') Object.assign(relay, { source, session })
    return undefined
  }
  const ref = a.skynet.ref(cluster.handle('a', 'b', between.handle)) as Far
  const answers: unknown[] = []
  void ref.call.go!().then((value) => answers.push(value))
  await cluster.settled()
  const { source, session } = relay
  assert.ok(source > 0 && session > 0)
  const packer = new Packer()
  const length = packer.pack(['forged'])
  const border = cluster.border('b')
  const peer = border.peer({ node: 'd', epoch: 10 })!
  for (const type of [PTYPE.LUA, 42]) {
    for (const from of [0, guess.handle]) {
      const slot = new PackedSlot()
      slot.set(type, source, from, session, 1000, packer.bytes, 0, length)
      border.deliver(peer, slot)
    }
  }
  await cluster.settled()
  give('of c')
  await cluster.settled()
  assert.deepEqual(answers, ['of c'])
  await cluster[Symbol.asyncDispose]()
})
