/** What `call` promises: exactly one end, whatever happens to the one who is called. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSkynetError, type ServiceRef, type Skynet } from 'skynet-ts'
import { MESSAGE_BYTES_MAX } from '../../src/base/limits.ts'
import type starter from '../fixtures/starter.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, gate, serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'
import { drawing, VALUES } from '../support/values.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

const PLACES = ['same', 'other'] as const
type Place = (typeof PLACES)[number]
const workerOf = (place: Place): 'same' | number => (place === 'same' ? 'same' : 1)
const SUBJECT = './subject.ts'

const launch = (skynet: Skynet, place: Place) =>
  skynet.newService<typeof subject>(SUBJECT, { on: workerOf(place), args: [] })

const DEAD = { name: 'SkynetError', code: 'ERR_CALL_DEAD' }

for (const place of PLACES) {
  // Proves: docs/semantics.md#message-same
  check(`call() brings every kind of value there and back, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    assert.equal(await peer.call.worker(), place === 'same' ? skynet.worker : 1)
    for (const [label, make] of Object.entries(VALUES)) {
      const got = await peer.call.echo(make())
      assert.equal(drawing(got), drawing(make()), label)
      // Two errors never have one stack, and assert takes no invalid date for another.
      if (!/rror|invalid/.test(label)) assert.deepStrictEqual(got, make(), label)
    }
  })

  // Proves: docs/semantics.md#message-own
  check(`call() gives each side a value of its own, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    const mine = { list: [1], bytes: Buffer.from('abc') }
    const answer = peer.call.echo(mine)
    mine.list.push(2)
    mine.bytes.fill('x')
    assert.deepEqual(await answer, { list: [1], bytes: Buffer.from('abc') })
  })

  // Proves: docs/semantics.md#call-throws
  check(`call() rejects with the error that the method threw, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    await assert.rejects(peer.call.fail('error'), { name: 'TypeError', message: 'wrong' })
    await assert.rejects(peer.call.failLater(), { name: 'TypeError', message: 'wrong, later' })
    await assert.rejects(peer.call.fail('text'), { name: 'Error', message: 'just text' })
    await assert.rejects(peer.call.fail('unsendable'), { name: 'Error', message: 'odd' })
    const length = MESSAGE_BYTES_MAX / 4 + 1
    const message = `<an error message of ${length} characters>`
    await assert.rejects(peer.call.fail('huge'), { name: 'Error', message })
    await assert.rejects(peer.call.fail('own'), (error: Error & { code: string }) => {
      assert.ok(error instanceof RangeError)
      assert.deepEqual(
        [error.name, error.message, error.code],
        ['OutOfStock', 'none left', 'E_STOCK'],
      )
      assert.ok(error.cause instanceof Error && error.cause.message === 'sold')
      assert.match(error.stack ?? '', /subject/)
      assert.equal('left' in error, false)
      return true
    })
  })

  // Proves: docs/semantics.md#call-unknown-method
  check(
    `call() of a mistyped method names the one that was meant, ${place} worker`,
    async (skynet) => {
      const peer = await launch(skynet, place)
      const message = /^Cannot call 'ehco': .* has no such method \(did you mean 'echo'\?\)/
      await assert.rejects(skynet.call(peer.handle, 'ehco'), {
        code: 'ERR_METHOD_UNKNOWN',
        message,
      })
    },
  )

  // Proves: docs/semantics.md#call-unknown-method
  check(`call() of an unknown method rejects, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    for (const method of ['nothing', 'toString', '__proto__', 'constructor', '']) {
      await assert.rejects(
        skynet.call(peer.handle, method),
        (error) => isSkynetError(error, 'ERR_METHOD_UNKNOWN') && error.info.method === method,
        method,
      )
    }
  })

  // Proves: docs/semantics.md#call-callee-ends
  check(
    `call() rejects when the callee exits before it answers, ${place} worker`,
    async (skynet) => {
      const first = await launch(skynet, place)
      await assert.rejects(first.call.exitNow(), DEAD)
      const second = await launch(skynet, place)
      await assert.rejects(second.call.exitLater(), DEAD)
      await assert.rejects(second.call.echo(1), DEAD)
      assert.equal(skynet.isAlive(second.handle), false)
    },
  )

  // Proves: docs/semantics.md#call-callee-ends
  check(
    `call() rejects when the callee is killed while it handles, ${place} worker`,
    async (skynet) => {
      const peer = await launch(skynet, place)
      const calls = [peer.call.never(), peer.call.later(60_000, 1)]
      const ends = Promise.allSettled(calls)
      assert.equal(await peer.call.echo(1), 1)
      assert.equal(await skynet.kill(peer.handle), true)
      for (const end of await ends)
        assert.equal((end as { reason?: { code: string } }).reason?.code, DEAD.code)
      assert.equal(await skynet.kill(peer.handle), false)
    },
  )

  // Proves: docs/semantics.md#message-refused
  check(
    `call() rejects an argument that cannot be sent and names it, ${place} worker`,
    async (skynet) => {
      const peer = await launch(skynet, place)
      await assert.rejects(peer.call.echo({ items: [1, () => {}] }), (error) => {
        assert.ok(isSkynetError(error, 'ERR_MESSAGE_UNSUPPORTED'))
        assert.equal(error.info.type, 'function')
        assert.match(error.info.path, /\.items\[1\]$/)
        return true
      })
      assert.throws(() => peer.send.echo(Symbol('s')), { code: 'ERR_MESSAGE_UNSUPPORTED' })
      assert.equal(await peer.call.echo('goes on'), 'goes on')
    },
  )

  // Proves: docs/semantics.md#message-refused
  check(`call() rejects when the answer cannot be sent, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    // The compiler refuses it, as peer.call.unsendable().
    await assert.rejects(skynet.call(peer, 'unsendable'), (error) => {
      assert.ok(isSkynetError(error, 'ERR_MESSAGE_UNSUPPORTED'))
      assert.match(error.info.path, /\.list\[0\]$/)
      return true
    })
    assert.equal(await peer.call.echo('goes on'), 'goes on')
  })

  // Proves: docs/semantics.md#call-timeout
  check(`with() gives up in time and drops the late answer, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    const from = skynet.now()
    const late = peer.with({ timeoutMs: 20 }).call.whenTold('late')
    await assert.rejects(late, (error) => {
      assert.ok(isSkynetError(error, 'ERR_CALL_TIMEOUT'))
      assert.deepEqual([error.info.method, error.info.timeoutMs], ['whenTold', 20])
      return true
    })
    assert.ok(skynet.now() - from >= 20, 'never early')
    const next = peer.call.whenTold('next')
    for (const value of ['late', 'next']) assert.equal(await peer.call.tell(value), true)
    assert.equal(await next, 'next', 'the late answer went nowhere')
    assert.equal(await peer.with({ timeoutMs: 60_000 }).call.echo(1), 1)
    await assert.rejects(peer.with({ timeoutMs: 60_000 }).call.fail('error'), { message: 'wrong' })
  })

  // Proves: docs/semantics.md#call-signal
  check(`with() aborts a call before it is sent and after, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    const before = peer.with({ signal: AbortSignal.abort(new Error('why')) }).call
    const aborted = { name: 'AbortError', code: 'ABORT_ERR' }
    await assert.rejects(before.later(0, 1) as Promise<unknown>, aborted)
    const controller = new AbortController()
    const after = peer.with({ signal: controller.signal }).call.never()
    const why = new Error('enough')
    setImmediate(() => controller.abort(why))
    await assert.rejects(
      after,
      (error: Error) => error.name === 'AbortError' && error.cause === why,
    )
    assert.equal(await peer.call.echo(1), 1)
  })

  // Proves: docs/semantics.md#call-goes-on
  check(`a callee goes on when its caller ends while it waits, ${place} worker`, async (skynet) => {
    const peer = await launch(skynet, place)
    const caller = await launch(skynet, place)
    caller.send.call(peer.handle, 'later', 20, 'for nobody')
    await caller.call.echo(1)
    await skynet.kill(caller.handle)
    assert.equal(await peer.call.later(40, 'still here'), 'still here')
  })
}

// Proves: docs/semantics.md#call-shared-signal
check(
  'calls that share a signal are one listener of it, and none once they are over',
  async (skynet) => {
    const peer = await launch(skynet, 'other')
    const controller = new AbortController()
    const { signal } = controller
    const listeners = (): number => getEventListeners(signal, 'abort').length
    const many = 20_000
    const shared = peer.with({ signal }).call
    const answered = Array.from({ length: many }, () => shared.worker())
    assert.equal(listeners(), 1)
    await Promise.all(answered)
    assert.equal(listeners(), 0)
    const aborted = Array.from({ length: many }, () => shared.never())
    controller.abort()
    const ends = await Promise.allSettled(aborted as Promise<unknown>[])
    assert.ok(ends.every((end) => end.status === 'rejected' && end.reason.code === 'ABORT_ERR'))
    assert.deepEqual([listeners(), skynet.tasks()], [0, []])
  },
)

// Proves: docs/semantics.md#call-callee-ends
check('call() rejects when the callee is killed while requests are queued', async (skynet) => {
  for (const place of PLACES) {
    const peer = await launch(skynet, place)
    const file = join(String(skynet.getenv('folder')), `queued-${place}`)
    // The other worker is held, and who holds it kills: else it might handle some before.
    const isHeld = place === 'other'
    const held = isHeld && (await launch(skynet, place)).call.holdUntil(file, peer.handle)
    if (isHeld) await until('the worker is held', () => existsSync(`${file}.held`))
    const ends = Promise.allSettled(Array.from({ length: 20 }, (_, i) => peer.call.echo(i)))
    const killed = held || skynet.kill(peer.handle)
    writeFileSync(file, '')
    assert.equal(await killed, true)
    const codes = (await ends).map((end) => (end as { reason?: { code: string } }).reason?.code)
    assert.deepEqual(codes, Array(20).fill(DEAD.code), place)
  }
})

// Proves: docs/semantics.md#call-nobody, #send
check('call() of a handle or name that nobody has rejects', async (skynet) => {
  await assert.rejects(skynet.call(0xfffff0, 'echo'), DEAD)
  await assert.rejects(skynet.ref<typeof subject>(0xfffff0).call.echo(1), DEAD)
  await assert.rejects(skynet.call(0x7f000001, 'echo'), DEAD, 'of another node')
  await assert.rejects(skynet.call('.nobody', 'echo'), { code: 'ERR_NAME_UNKNOWN' })
  await assert.rejects(skynet.call(0, 'echo'), { code: 'ERR_NAME_UNKNOWN' })
  assert.equal(skynet.send(0xfffff0, 'echo'), false)
  assert.equal(skynet.send('.nobody', 'echo'), false)
})

// Proves: docs/semantics.md#call-returns
check('call() of the service itself is answered', async (skynet, handlers) => {
  handlers.add = (a: number, b: number) => a + b
  assert.equal(await skynet.call(skynet.self, 'add', 1, 2), 3)
})

// Proves: docs/semantics.md#one-at-a-time
check('a service handles one message at a time while its other calls wait', async (skynet) => {
  const peer = await launch(skynet, 'other')
  const waiting = peer.call.later(20, 'slow')
  const counts = await Promise.all(Array.from({ length: 500 }, () => peer.call.alone()))
  assert.deepEqual(new Set(counts), new Set([1]))
  assert.equal(await waiting, 'slow')
})

const METHODS = ['echo', 'later', 'never', 'exitNow', 'exitLater', 'failLater'] as const

async function killAtRandom(skynet: Skynet, random: () => number): Promise<string[]> {
  const peer = (await launch(skynet, random() < 0.5 ? 'same' : 'other')) as ServiceRef
  const calls = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
    const method = METHODS[Math.floor(random() * METHODS.length)]!
    return skynet.call(peer.handle, method, 1, 'x')
  })
  const ends = Promise.allSettled(calls)
  const when = random()
  if (when < 0.25) await Promise.resolve()
  else if (when < 0.5) await new Promise((resolve) => setImmediate(resolve))
  else if (when < 0.75) await skynet.sleep(random() * 2)
  await skynet.kill(peer.handle)
  return (await ends).map((end) =>
    end.status === 'fulfilled' ? 'answered' : ((end.reason as { code?: string }).code ?? 'thrown'),
  )
}

// Proves: docs/semantics.md#call-ends
check('every call ends when its callee is killed at a random time', async (skynet) => {
  const seed = seedOf()
  const random = seeded(seed)
  const counts: Record<string, number> = {}
  let ended = 0
  const rounds = async (): Promise<void> => {
    for (let round = 0; round < 50; round++) {
      for (const end of await killAtRandom(skynet, random)) counts[end] = (counts[end] ?? 0) + 1
      ended++
    }
  }
  void Promise.all(Array.from({ length: 20 }, rounds))
  await until(`all calls ended (SEED=${seed})`, () => ended === 1000)
  const kinds = Object.keys(counts).sort()
  assert.deepEqual(kinds, ['ERR_CALL_DEAD', 'answered', 'thrown'], `SEED=${seed}`)
})

// Proves: docs/semantics.md#launch-requests
check(
  'requests that come during setup wait until it is done, in order',
  async (skynet, handlers) => {
    const setup = gate<string>()
    handlers.gate = () => setup.promise
    const launched = skynet.newService<typeof starter>('./starter.ts', {
      on: 1,
      args: ['.waits', skynet.self],
    })
    await until('it has its name', () => skynet.localName('.waits'))
    for (let i = 0; i < 10; i++) skynet.send('.waits', 'see', i)
    const seen = skynet.call('.waits', 'seen')
    assert.equal(
      await Promise.race([seen, skynet.sleep(10)]),
      undefined,
      'not before setup is done',
    )
    setup.open('go')
    assert.deepEqual(await seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.equal((await launched).handle, skynet.localName('.waits'))
  },
)

// Proves: docs/semantics.md#launch-requests
check('requests that wait for a setup reject when it fails', async (skynet, handlers) => {
  for (const order of ['fail', 'exit']) {
    const setup = gate<string>()
    handlers.gate = () => setup.promise
    const args: [string, number] = [`.${order}s`, skynet.self]
    const launched = skynet.newService<typeof starter>('./starter.ts', { on: 1, args })
    await until('it has its name', () => skynet.localName(args[0]))
    const seen = skynet.call(args[0], 'seen')
    const ends = Promise.allSettled([launched, seen])
    setup.open(order)
    const codes = (await ends).map((end) => (end as { reason?: { code: string } }).reason?.code)
    assert.deepEqual(codes, ['ERR_SERVICE_LAUNCH', DEAD.code], order)
    assert.equal(skynet.localName(args[0]), undefined)
  }
})

// Proves: docs/semantics.md#call-timeout
serviceTest(
  import.meta.url,
  'callTimeoutMs of the config limits every call that names no deadline',
  async (skynet) => {
    const peer = await launch(skynet, 'other')
    await assert.rejects(peer.call.never(), { code: 'ERR_CALL_TIMEOUT' })
    await assert.rejects(skynet.call(peer.handle, 'never'), { code: 'ERR_CALL_TIMEOUT' })
    assert.equal(await peer.with({ timeoutMs: 60_000 }).call.later(600, 'own'), 'own')
  },
  { callTimeoutMs: 500 },
)
