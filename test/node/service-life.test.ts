/** How services begin, where they live, and what their end does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineService, isSkynetError, type MethodsOf, type Skynet } from 'skynet-ts'
import type counter from '../fixtures/counter.ts'
import type debtor from '../fixtures/debtor.ts'
import type lastAnswer from '../fixtures/last-answer.ts'
import type leaver from '../fixtures/leaver.ts'
import type starter from '../fixtures/starter.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, gate, type Handlers, serviceTest, test } from '../support/run.ts'
import { until } from '../support/until.ts'
import { drawing, VALUES } from '../support/values.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const PLACES = ['same', 1] as const

// Proves: docs/semantics.md#launch
check('newService() hands every kind of value to setup', async (skynet) => {
  for (const on of PLACES) {
    const args = Object.values(VALUES).map((make) => make())
    const peer = await skynet.newService<typeof subject>('./subject.ts', { args, on })
    assert.equal(drawing(await peer.call.args()), drawing(args))
  }
})

// Proves: docs/semantics.md#service-place
check('newService() places a service where it is told', async (skynet) => {
  for (const [on, worker] of [
    [0, 0],
    [1, 1],
    ['same', skynet.worker],
  ] as const) {
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    assert.equal(await peer.call.worker(), worker)
  }
})

// Proves: docs/semantics.md#service-place
check('newService() takes the worker with the fewest services', async (skynet) => {
  const launch = async () => {
    const peer = await skynet.newService<typeof subject>('./subject.ts', { args: [] })
    return peer.call.worker()
  }
  const workers: number[] = []
  for (let i = 0; i < 20; i++) workers.push(await launch())
  const counts = [0, 1].map((worker) => workers.filter((each) => each === worker).length)
  assert.ok(Math.min(...counts) >= 5, `both workers are used: ${counts}`)
  const tail = workers.slice(-4)
  assert.equal(
    tail.reduce((sum, worker) => sum + worker),
    2,
    'in balance they take turns',
  )
})

// Proves: docs/semantics.md#service-place
check('newService() refuses a worker that is not there', async (skynet) => {
  for (const on of [2, -1, 0.5, Number.NaN, 'elsewhere' as 'same']) {
    await assert.rejects(skynet.newService('./subject.ts', { on }), RangeError)
  }
})

// Proves: docs/semantics.md#launch-fails
check('newService() of a module that is no service rejects', async (skynet) => {
  const cases = [
    ['./no-such-module.ts', /no such module/],
    ['no-such-name', /no such module/],
    ['./no-service.ts', /not made by defineService/],
    ['./broken.ts', /this module is broken/],
  ] as const
  for (const [path, reason] of cases) {
    for (const on of PLACES) {
      await assert.rejects(skynet.newService(path, { on }), (error) => {
        assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'), String(error))
        assert.match(error.message, reason)
        return true
      })
    }
  }
})

// Proves: docs/semantics.md#launch-fails
check('newService() names the place that is wrong in a module, or none', async (skynet) => {
  const folder = String(skynet.getenv('folder'))
  const path = join(folder, 'wrong.mjs')
  const library = JSON.stringify(import.meta.resolve('skynet-ts'))
  const refused = `import { defineService } from ${library}
export default defineService((skynet) => skynet.timeout('soon', () => {}))`
  const rows = [
    ['let a = {', /wrong\.mjs: SyntaxError: Unexpected end of input \(\S+wrong\.mjs:1\)$/],
    [`import './broken.cjs'`, /SyntaxError: Unexpected number \(\S+broken\.cjs:2\)$/],
    [refused, /TypeError: Cannot set a timer .* \(\S+wrong\.mjs:2:49\)$/],
    [`\nnull.x`, /TypeError: .* \(\S+wrong\.mjs:2:6\)$/],
  ] as const
  writeFileSync(join(folder, 'broken.cjs'), '\nlet a = 1 2')
  for (const [i, [text, message]] of rows.entries()) {
    writeFileSync(path, text)
    // A query: another module each time.
    const launch = skynet.newService(new URL(`?${i}`, pathToFileURL(path)))
    await assert.rejects(launch, { code: 'ERR_SERVICE_LAUNCH', message })
  }
})

/** Launch a starter whose setup does `what`. */
async function start(skynet: Skynet, handlers: Handlers, what: string, on: 'same' | number) {
  handlers.gate = () => what
  const args: [string, number] = [`.${what}`, skynet.self]
  return skynet.newService<typeof starter>('./starter.ts', { args, on })
}

// Proves: docs/semantics.md#launch-fails
check('newService() rejects with the error of setup as its cause', async (skynet, handlers) => {
  for (const on of PLACES) {
    await assert.rejects(start(skynet, handlers, 'fail', on), (error) => {
      assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'))
      assert.match(error.message, /starter.*not today/)
      assert.ok(error.cause instanceof TypeError && error.cause.message === 'not today')
      return true
    })
    await assert.rejects(start(skynet, handlers, 'exit', on), { code: 'ERR_SERVICE_LAUNCH' })
    assert.equal(skynet.localName('.fail'), undefined, 'its name is free')
  }
})

// Proves: docs/semantics.md#launch-gives-up
check('newService() gives up on a setup that never ends', async (skynet, handlers) => {
  handlers.gate = () => 'hang'
  for (const on of PLACES) {
    const args: [string, number] = ['.hangs', skynet.self]
    const options = { args, on, timeoutMs: 50 }
    const launched = skynet.newService<typeof starter>('./starter.ts', options)
    await assert.rejects(launched, { code: 'ERR_CALL_TIMEOUT' })
    await until('it has begun', () => skynet.localName('.hangs'))
    assert.equal(await skynet.kill('.hangs'), true)
  }
  const args: [string, number] = ['.hangs', skynet.self]
  const controller = new AbortController()
  const options = { args, on: 1, signal: controller.signal }
  const launched = skynet.newService<typeof starter>('./starter.ts', options)
  await until('it has begun', () => skynet.localName('.hangs'))
  controller.abort()
  await assert.rejects(launched, { code: 'ABORT_ERR' })
  await skynet.kill('.hangs')
})

// Proves: docs/semantics.md#launch-fails
check(
  'newService() rejects when the service is killed during its setup',
  async (skynet, handlers) => {
    handlers.gate = () => 'hang'
    const args: [string, number] = ['.victim', skynet.self]
    const launched = skynet.newService<typeof starter>('./starter.ts', { args, on: 1 })
    const rejected = assert.rejects(launched, { code: 'ERR_SERVICE_LAUNCH' })
    await until('it has begun', () => skynet.localName('.victim'))
    assert.equal(await skynet.kill('.victim'), true)
    await rejected
  },
)

check('newService() launches a class instance as methods', async (skynet) => {
  const peer = await skynet.newService('./methods.ts', { on: 1 })
  assert.equal(await skynet.call(peer.handle, 'add', 2), 2)
  assert.equal(await skynet.call(peer.handle, 'add', 3), 5)
})

// Proves: docs/semantics.md#unique
check('uniqueService() launches one instance for all who ask at once', async (skynet, handlers) => {
  const begun: unknown[] = []
  const setup = gate<string>()
  handlers.begin = (handle: number) => {
    begun.push(handle)
    return setup.promise
  }
  const there = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  const queried = there.call.query('./counter.ts')
  const asked = [
    skynet.uniqueService<typeof counter>('./counter.ts', { args: [skynet.self] }),
    skynet.uniqueService<typeof counter>('./counter.ts', { args: [skynet.self] }),
  ].map(async (each) => (await each).handle)
  asked.push(there.call.unique('./counter.ts', skynet.self))
  asked.push(there.call.unique('./counter.ts', skynet.self), queried)
  await until('it begins', () => begun.length > 0)
  setup.open('go')
  assert.deepEqual(await Promise.all(asked), Array(5).fill(begun[0]))
  const later = await skynet.queryService<typeof counter>('./counter.ts')
  assert.equal(await later.call.self(), begun[0])
  assert.equal(begun.length, 1)
  await skynet.kill(later.handle)
})

// Proves: docs/semantics.md#unique-again
check(
  'uniqueService() launches anew after a failure and after an end',
  async (skynet, handlers) => {
    const answers = ['fail', 'go', 'go']
    handlers.begin = () => answers.shift()
    const ask = () =>
      skynet.uniqueService<typeof counter>('./counter-two.ts', { args: [skynet.self], on: 1 })
    const waiting = skynet.queryService<typeof counter>('./counter-two.ts')
    await assert.rejects(ask(), { code: 'ERR_SERVICE_LAUNCH' })
    const first = await ask()
    assert.equal((await waiting).handle, first.handle, 'who waits is not told of the failure')
    assert.equal((await ask()).handle, first.handle)
    await skynet.kill(first.handle)
    const second = await ask()
    assert.notEqual(second.handle, first.handle)
    assert.equal(await second.call.self(), second.handle)
  },
)

// Proves: docs/semantics.md#unique
check('queryService() gives up in time', async (skynet) => {
  const path = './subject.ts'
  await assert.rejects(skynet.queryService(path, { timeoutMs: 20 }), { code: 'ERR_CALL_TIMEOUT' })
})

/** A leaver, and what it tells: `left`, in order. */
async function launchLeaver(skynet: Skynet, handlers: Handlers, on: 'same' | number) {
  const left: string[] = []
  const leave = gate<string>()
  const asked = gate<void>()
  handlers.left = (what: string) => void left.push(what)
  handlers.mayLeave = () => {
    asked.open()
    return leave.promise
  }
  handlers.never = () => new Promise(() => {})
  const peer = await skynet.newService<typeof leaver>('./leaver.ts', { args: [skynet.self], on })
  return { peer, left, leave, asked }
}

// Proves: docs/semantics.md#exit
check(
  'exit() runs the hooks, which may still call, while requests are refused',
  async (skynet, handlers) => {
    for (const on of PLACES) {
      const { peer, left, leave, asked } = await launchLeaver(skynet, handlers, on)
      peer.send.exit()
      await asked.promise
      assert.equal(skynet.isAlive(peer.handle), true, 'it is still there for its answers')
      await assert.rejects(peer.call.ping(), { code: 'ERR_CALL_DEAD' })
      leave.open('yes')
      await until('it is gone', () => !skynet.isAlive(peer.handle))
      await until('both hooks ran', () => left.length === 2)
      assert.deepEqual(left, ['first exit', 'second yes'])
    }
  },
)

// Proves: docs/semantics.md#exit
check('exit() waits no longer than its limit for a hook', async (skynet, handlers) => {
  const { peer, asked } = await launchLeaver(skynet, handlers, 1)
  peer.send.exit()
  await asked.promise
  await until('it is gone', () => !skynet.isAlive(peer.handle))
})

// Proves: docs/semantics.md#order-exit
check('a service that ends by a timeout of 0 has answered before', async (skynet) => {
  for (const on of [skynet.worker, 1 - skynet.worker]) {
    for (const method of ['now', 'later'] as const) {
      const { handle, call } = await skynet.newService<typeof lastAnswer>('./last-answer.ts', {
        on,
      })
      assert.equal(await call[method](7), 7)
      await until('it has ended', () => !skynet.isAlive(handle))
    }
  }
})

// Proves: docs/semantics.md#kill
check('kill() ends a service at once, its hooks told so', async (skynet, handlers) => {
  for (const on of PLACES) {
    const { peer, left } = await launchLeaver(skynet, handlers, on)
    assert.equal(await skynet.kill(peer.handle), true)
    assert.equal(skynet.isAlive(peer.handle), false)
    await until('the hook ran', () => left.length === 1)
    assert.deepEqual(left, ['first kill'])
    assert.equal(await skynet.kill(peer.handle), false)
    assert.equal(await skynet.kill('.nobody'), false)
  }
})

// Proves: docs/semantics.md#kill
check('kill() ends a service whose exit hook still waits', async (skynet, handlers) => {
  const { peer, asked } = await launchLeaver(skynet, handlers, 1)
  peer.send.exit()
  await asked.promise
  assert.equal(await skynet.kill(peer.handle), true)
  assert.equal(skynet.isAlive(peer.handle), false)
})

// Proves: docs/semantics.md#call-caller-ends, #end-takes
check(
  'a service that ends takes its sockets, timers and waits with it',
  async (skynet, handlers) => {
    for (const on of PLACES) {
      const { peer, left } = await launchLeaver(skynet, handlers, on)
      const port = await peer.call.waitFor(0)
      await until('the timeout fired', () => left.includes('timeout'))
      const client = connect(port, '127.0.0.1')
      const closed = new Promise((resolve) => client.once('close', resolve))
      client.on('error', () => {})
      // Not in the middle of the handshake: Linux may then leave a client connected to nobody.
      await once(client, 'connect')
      await skynet.kill(peer.handle)
      await closed
      const refused = skynet.socket.connect({ port })
      await assert.rejects(refused, { code: 'ERR_CONNECT' })
      await skynet.sleep(20)
      assert.deepEqual(left.slice(1), ['first kill'], 'nothing of it runs afterwards')
      assert.equal(skynet.localName('.too-late'), undefined)
    }
  },
)

// Proves: docs/semantics.md#end-after
check('what a service does after its end rejects and reaches nobody', async (skynet, handlers) => {
  handlers.see = () => assert.fail('nothing may come')
  const ghost = await skynet.newService('./ghost.ts', { on: 'same' })
  const own = (globalThis as { ghost?: Skynet }).ghost!
  const late = () => assert.fail('its timers went with it')
  const timers = [own.timeout(2, late), own.interval(50, late), own.timeout(2 ** 32 - 1, late)]
  await skynet.kill(ghost.handle)
  assert.ok(timers.every(({ pending }) => !pending))
  const ended = { code: 'ERR_SERVICE_EXITED' }
  await assert.rejects(own.call(skynet.self, 'see'), ended)
  await assert.rejects(own.sleep(1), ended)
  await assert.rejects(own.newService('./subject.ts'), ended)
  await assert.rejects(own.socket.connect({ port: 1 }), ended)
  await assert.rejects(own.socket.listen({ port: 0 }), ended)
  assert.equal(own.send(skynet.self, 'see'), false)
  assert.throws(() => own.register('.ghost'), { code: 'ERR_NAME_UNKNOWN' })
  assert.equal(own.timeout(0, () => assert.fail('it has no timers')).pending, false)
  assert.equal(own.interval(1, () => assert.fail('it has no timers')).pending, false)
  own.fork(() => assert.fail('it has no tasks'))
  assert.throws(() => own.exit(), ended)
  await skynet.sleep(5)
})

// Proves: docs/semantics.md#launch-never
check('newService() of a service with a method then names it', async (skynet) => {
  for (const on of PLACES) {
    for (const how of ['object', 'class']) {
      const launch = skynet.newService('./thenable.ts', { on, args: [how], timeoutMs: 5000 })
      await assert.rejects(launch, { code: 'ERR_SERVICE_LAUNCH', message: /method.*'then'/ })
    }
  }
})

// Proves: docs/semantics.md#launch-never
check('a setup that will never be done is logged, and goes on', async (skynet) => {
  for (const [i, on] of PLACES.entries()) {
    const collector = await skynet.newService<typeof debtor>('./debtor.ts', { on })
    const stop = new AbortController()
    const options = { on, args: ['async'], signal: stop.signal }
    const launch = skynet.newService('./thenable.ts', options)
    const log = String(skynet.getenv('logger'))
    const lines = () => readFileSync(log, 'utf8').match(/thenable\] error: setup will never/g) ?? []
    await until('it is found out', async () => {
      await collector.call.collect()
      return lines().length === i + 1
    })
    stop.abort()
    await assert.rejects(launch, { name: 'AbortError' })
  }
})

// Proves: docs/semantics.md#launch-never
test('TypeScript refuses a method called then', async () => {
  class Thenable {
    // biome-ignore lint/suspicious/noThenProperty: what this is about
    then(): void {}
  }
  const then = (): void => {}
  // @ts-expect-error: of an object
  defineService(() => ({ then }))
  // @ts-expect-error: of a class
  defineService(() => new Thenable())
  // @ts-expect-error: of what an async setup returns
  defineService(async () => ({ then }))
  // Methods are inferred as ever.
  const service = defineService(async (_skynet, by: number) => ({ add: (n: number) => n + by }))
  const add: MethodsOf<typeof service>['add'] = (n) => n
  assert.equal(add(1), 1)
})
