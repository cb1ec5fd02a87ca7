/** What makes no sense is refused at the call that gets it: by name, with a code. */
import assert from 'node:assert/strict'
import { defineService, isSkynetError, type Skynet, supervise } from 'skynet-ts'
import { LAUNCH_ARGS_MAX } from '../../src/base/limits.ts'
import type child from '../fixtures/child.ts'
import type spread from '../fixtures/spread.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest } from '../support/run.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const TYPE = 'ERR_INVALID_ARG_TYPE'
const VALUE = 'ERR_INVALID_ARG_VALUE'
const RANGE = 'ERR_OUT_OF_RANGE'
const NO_OPTIONS = [null, 5, 'x', 5n, Symbol('x'), [], new Date()]
const NO_STRING = [undefined, null, 5, 5n, Symbol('x'), {}]

/** Each of `values` makes `call` throw, or reject, with that code and the name of the argument. */
async function refused(
  call: (value: never) => unknown,
  values: readonly unknown[],
  code: string,
  name: string,
): Promise<void> {
  for (const value of values) {
    const called = async (): Promise<unknown> => call(value as never)
    const message = new RegExp(`'${name}'`)
    await assert.rejects(called, { code, message }, `${name}: ${String(value)}`)
  }
}

const launch = (skynet: Skynet) => skynet.newService<typeof subject>('./subject.ts', { args: [] })

check('options that are none are refused wherever one waits', async (skynet) => {
  const ref = await launch(skynet)
  const { handle } = ref
  skynet.shareData.new('arguments', 1)
  const view = skynet.shareData.query('arguments')
  const rows: ((options: never) => unknown)[] = [
    (options) => ref.with(options).call.worker(),
    (options) => skynet.mailbox(handle, options),
    (options) => skynet.room(handle, options),
    (options) => skynet.rawCall(handle, 'lua', ['worker'], options),
    (options) => skynet.newService('./subject.ts', options),
    (options) => skynet.uniqueService('./subject.ts', options),
    (options) => skynet.queryService('./subject.ts', options),
    (options) => skynet.datacenter.with(options),
    (options) => skynet.select([], options),
    (options) => view.monitor(options),
  ]
  for (const call of rows) await refused(call, NO_OPTIONS, TYPE, 'options')
  await refused((timeoutMs) => ref.with({ timeoutMs }).call.worker(), [5n, 'x'], TYPE, 'timeoutMs')
})

check('newService() names the option that is wrong', async (skynet) => {
  const start = (options: object) => skynet.newService('./subject.ts', options as never)
  await refused((args) => start({ args }), [null, 5n, 'ab', {}], TYPE, 'args')
  await refused((onFault) => start({ onFault }), [null, 5n, 'die', {}], VALUE, 'onFault')
  await refused((on) => start({ on }), [null, 5n, 'there', -1, 2, 1.5], RANGE, 'on')
  await refused((key) => start({ on: { key } }), [undefined, null, 5], TYPE, 'on.key')
  await refused((onn) => start({ onn }), [1], VALUE, 'onn')
  await refused((worker) => start({ on: { key: 'k', worker } }), [1], VALUE, 'worker')
  await refused((on) => start({ on, memoryLimitMb: 64 }), ['same'], VALUE, 'on')
})

// Proves: docs/semantics.md#launch-argument
check(
  'newService() and its like say what a path is, and how a definition is launched',
  async (skynet) => {
    const definition = defineService(() => ({}))
    const ways: ((path: never) => unknown)[] = [
      (path) => skynet.newService(path),
      (path) => skynet.uniqueService(path),
      (path) => skynet.queryService(path),
      (path) => supervise(skynet, { strategy: 'one-for-one', children: [{ name: 'a', path }] }),
    ]
    for (const launchIt of ways) {
      await refused(launchIt, [undefined, null, 5, {}, [], new Date(), definition], TYPE, 'path')
      await refused(launchIt, [''], VALUE, 'path')
      await assert.rejects(async () => launchIt(definition as never), {
        message: /must be that of the module whose default export is this definition.*testNode/,
      })
    }
    const url = new URL('../fixtures/subject.ts', import.meta.url)
    assert.equal(await (await skynet.newService<typeof subject>(url)).call.echo(1), 1)
  },
)

// Proves: docs/semantics.md#launch-argument
check('a method of skynet that was taken off says so', async (skynet) => {
  const { log, newService, call } = skynet
  const words = {
    name: 'TypeError',
    message: /method of skynet by itself: call it as skynet\.log\(…\)/,
  }
  assert.throws(() => log('x'), words)
  await assert.rejects(async () => newService('./subject.ts'), words)
  await assert.rejects(async () => call(skynet.self, 'x'), words)
  const launched = skynet.newService('../fixtures/destructured.ts')
  await assert.rejects(launched as Promise<unknown>, {
    code: 'ERR_SERVICE_LAUNCH',
    message: /Cannot use a method of skynet by itself/,
  })
})

check('options of a unique service are honoured like those of any', async (skynet) => {
  const path = '../fixtures/child.ts'
  const service = await skynet.uniqueService<typeof child>(path, {
    on: 1,
    onFault: 'end',
    args: ['unique'],
  })
  assert.deepEqual([await service.call.ping(), await service.call.worker()], ['unique', 1])
  const told = skynet.monitor(service.handle)
  service.send.fault()
  assert.equal((await told).reason, 'crash')
})

check('a method name that is no string is refused, and nothing is sent', async (skynet) => {
  const { handle } = await launch(skynet)
  const before = (await skynet.debug.services()).find((row) => row.handle === handle)!.message
  await refused((method) => skynet.call(handle, method, 1), NO_STRING, TYPE, 'method')
  await refused((method) => skynet.send(handle, method, 1), NO_STRING, TYPE, 'method')
  await refused((method) => skynet.send('.nobody', method), NO_STRING, TYPE, 'method')
  const after = (await skynet.debug.services()).find((row) => row.handle === handle)!.message
  assert.equal(after, before)
  await assert.rejects(skynet.call(handle, ''), { code: 'ERR_METHOD_UNKNOWN' })
})

check('names, variables, counts and tasks are checked', async (skynet) => {
  await refused((name) => skynet.localName(name), NO_STRING, TYPE, 'name')
  await refused((key) => skynet.getenv(key), NO_STRING, TYPE, 'key')
  await refused((value) => skynet.setenv('k', value), [undefined, null, 5n, {}], TYPE, 'value')
  await refused((value) => skynet.setenv('k', value), [Number.NaN, Infinity], RANGE, 'value')
  assert.equal(skynet.getenv('k'), undefined)
  await refused((what) => skynet.stat(what), [...NO_STRING, 'all', 'toString'], VALUE, 'what')
  await refused((isOn) => skynet.traceTasks(isOn), [null, 1, 'x', 5n], TYPE, 'isOn')
  await refused((id) => skynet.killTask(id), [undefined, null, 'x', 5n], TYPE, 'id')
  await refused((requests) => skynet.select(requests), [undefined, null, 5, {}], TYPE, 'requests')
  await refused((id) => skynet.multicast.open(id), [undefined, 5n, Symbol('x'), {}], TYPE, 'id')
  await refused((key) => skynet.datacenter.get(key), [null, 5n, {}], TYPE, 'path')
  await refused((to) => skynet.call(to, 'worker'), [null, 5n, Symbol('x'), {}], TYPE, 'address')
})

check('what is put into arguments after a launch was ordered is not given', async (skynet) => {
  // More than begin in one turn, and the first while their module is loaded.
  const launched = Array.from({ length: 400 }, (_, i) => {
    const args: unknown[] = i % 2 === 0 ? [] : [1]
    const launch = skynet.newService<typeof spread>('./spread.ts', { args, on: 'same' })
    args.push(() => {})
    return launch
  })
  const counts = (await Promise.all(launched)).map((ref) => ref.call.count())
  for (const [i, count] of (await Promise.all(counts)).entries()) assert.equal(count, i % 2)
})

check('arguments may be as deep on each worker', async (skynet) => {
  const reach = async (on: 'same' | number): Promise<number> => {
    let deep: unknown = 1
    for (let depth = 1; ; depth++) {
      deep = [deep]
      try {
        await skynet.newService('./spread.ts', { args: [deep], on })
      } catch (error) {
        assert.ok(isSkynetError(error, 'ERR_MESSAGE_TOO_DEEP'))
        return depth
      }
    }
  }
  assert.equal(await reach('same'), await reach(1))
})

// Proves: docs/limits.md#launch-args
check(
  'a setup gets as many arguments as may be, and more are refused by their number',
  async (skynet) => {
    const args = new Array(LAUNCH_ARGS_MAX + 1).fill(1)
    const path = './spread.ts'
    const long = [args, new Array(500_000).fill(1)]
    await refused((given) => skynet.newService(path, { args: given }), long, RANGE, 'args.length')
    const counted = await skynet.newService<typeof spread>(path, { args: args.slice(1) })
    assert.equal(await counted.call.count(), LAUNCH_ARGS_MAX)
  },
)
