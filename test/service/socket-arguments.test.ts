/** What makes no sense is refused at the call that gets it, by name, and nothing is changed. */
import assert from 'node:assert/strict'
import type { Connection, Skynet, WaitOptions } from 'skynet-ts'
import { type Body, serviceTest } from '../support/run.ts'
import { ours } from '../support/sockets.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const bad = (value: unknown): never => value as never
const TYPE = 'ERR_INVALID_ARG_TYPE'
const VALUE = 'ERR_INVALID_ARG_VALUE'
const RANGE = 'ERR_OUT_OF_RANGE'
const ENDPOINT = { host: '127.0.0.1', port: 0 }

type Code = typeof TYPE | typeof VALUE | typeof RANGE

/** The call throws, or rejects, with this code, and names the argument. */
async function refuses(call: () => unknown, code: Code, argument: string): Promise<void> {
  const isNamed = (thrown: unknown): boolean => {
    const error = thrown as Error & { code?: string }
    assert.equal(error.code, code, error.message)
    assert.ok(error.message.includes(`'${argument}'`), error.message)
    return error instanceof (code === RANGE ? RangeError : TypeError)
  }
  const called = async (): Promise<void> => {
    await call()
  }
  await assert.rejects(called, isNamed)
}

/** Neither undefined nor an object that somebody wrote down. */
const NO_OPTIONS = [null, 5, 'x', true, Symbol('x'), [], new Date(), () => {}]

check('reusePort and ipv6Only are true or false', async ({ socket }) => {
  for (const name of ['reusePort', 'ipv6Only']) {
    for (const value of [null, 0, 1, 'no', {}]) {
      const options = { ...ENDPOINT, [name]: value }
      await refuses(() => socket.listen(bad(options)), TYPE, name)
      await refuses(() => socket.udp(bad(options)), TYPE, name)
    }
    const listener = await socket.listen({ ...ENDPOINT, [name]: undefined })
    listener.close()
  }
})

// Proves: docs/semantics.md#socket-arguments
check('what is no plain object is no options', async (skynet) => {
  const { socket } = skynet
  const [near, far] = await ours(skynet)
  for (const value of NO_OPTIONS) {
    await refuses(() => socket.listen(bad(value)), TYPE, 'options')
    await refuses(() => socket.listen({ ...ENDPOINT, options: bad(value) }), TYPE, 'options')
    await refuses(() => socket.connect(bad(value)), TYPE, 'options')
    await refuses(() => socket.connect({ port: 1, options: bad(value) }), TYPE, 'options')
    await refuses(() => socket.udp(bad(value)), TYPE, 'options')
    await refuses(() => socket.udpDial(bad(value)), TYPE, 'options')
    await refuses(() => near.configure(bad(value)), TYPE, 'options')
    await refuses(() => near.write('x', bad(value)), TYPE, 'options')
  }
  await far.close()
})

check('a name that is misspelt is told before what is missing for it', async ({ socket }) => {
  const wrong = bad({ prot: 7 })
  await refuses(() => socket.listen(wrong), VALUE, 'prot')
  await refuses(() => socket.connect(wrong), VALUE, 'prot')
  await refuses(() => socket.udp(wrong), VALUE, 'prot')
})

// Proves: docs/semantics.md#socket-arguments
check(
  'an option that there is not is refused by name, and those there are are listed',
  async (skynet) => {
    const { socket } = skynet
    const [near] = await ours(skynet)
    const wrong = { idleTimeout: 5 }
    const calls: (() => unknown)[] = [
      () => socket.listen({ ...ENDPOINT, ...wrong }),
      () => socket.connect({ port: 1, ...wrong }),
      () => socket.udp(bad({ ...ENDPOINT, ...wrong })),
      () => near.configure(bad(wrong)),
    ]
    for (const call of calls) {
      await refuses(call, VALUE, 'idleTimeout')
      await assert.rejects(async () => void (await call()), /there are .*idleTimeoutMs/)
    }
    await refuses(() => socket.udpDial(bad({ port: 9, ...wrong })), VALUE, 'idleTimeout')
    await near.close()
  },
)

/** Smallest and largest value of each option of the system. */
const INT_MAX = 0x7fffffff
const OPTIONS = {
  noDelay: [0, 1],
  keepAlive: [0, 1],
  keepIdleSeconds: [1, 32_767],
  keepIntervalSeconds: [1, 32_767],
  keepCount: [1, 127],
  userTimeoutMs: [0, INT_MAX],
  sendBufferBytes: [1, INT_MAX],
  receiveBufferBytes: [1, INT_MAX],
  receiveLowWaterBytes: [1, INT_MAX],
  lingerSeconds: [-1, INT_MAX],
  broadcast: [0, 1],
} as const

// Proves: docs/semantics.md#socket-arguments
check('an option of the system has a range of its own', async (skynet) => {
  const { socket } = skynet
  const [near, far] = await ours(skynet)
  for (const [key, [min, max]] of Object.entries(OPTIONS)) {
    const name = key as keyof typeof OPTIONS
    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN]) {
      await refuses(() => near.setOption(name, value), RANGE, name)
      await refuses(() => socket.listen({ ...ENDPOINT, options: { [name]: value } }), RANGE, name)
      await refuses(() => socket.connect({ port: 1, options: { [name]: value } }), RANGE, name)
    }
    await refuses(() => near.setOption(name, bad('1')), TYPE, name)
    if (process.platform !== 'linux') continue
    near.setOption(name, max)
    near.setOption(name, min)
  }
  const nope = { nope: 1 }
  await refuses(() => socket.listen({ ...ENDPOINT, options: bad(nope) }), VALUE, 'nope')
  await refuses(() => socket.connect({ port: 1, options: bad(nope) }), VALUE, 'nope')
  await refuses(() => near.setNoDelay(bad(1)), TYPE, 'on')
  near.shutdown()
  await far.close()
})

/** Everything that may wait. `serve` sees to it that nothing has to be waited for. */
type Wait = (options: WaitOptions) => unknown

async function waits(skynet: Skynet): Promise<{ all: Record<string, Wait>; ends: Connection[] }> {
  const { socket } = skynet
  const listener = await socket.listen(ENDPOINT)
  const ends = await ours(skynet)
  const [near, far] = ends
  const udp = await socket.udp(ENDPOINT)
  far.write('line\n'.repeat(100))
  await near.read(1)
  const all: Record<string, Wait> = {
    read: (options) => near.read(undefined, options),
    'read of a number': (options) => near.read(1, options),
    readLine: (options) => near.readLine(options),
    readAll: (options) => near.readAll(options),
    lines: (options) => near.lines(options),
    drain: (options) => near.drain(options),
    accept: (options) => listener.accept(options),
    start: (options) => socket.start(near.id, options),
    receive: (options) => udp.receive(options),
    'drain of datagrams': (options) => udp.drain(options),
  }
  return { all, ends }
}

// Proves: docs/semantics.md#socket-arguments
check('options of a wait are checked, also when there is nothing to wait for', async (skynet) => {
  const { all, ends } = await waits(skynet)
  for (const [name, wait] of Object.entries(all)) {
    for (const value of NO_OPTIONS) await refuses(() => wait(bad(value)), TYPE, 'options')
    for (const timeoutMs of ['x', null, Symbol('x'), 5n]) {
      await refuses(() => wait({ timeoutMs: bad(timeoutMs) }), TYPE, 'timeoutMs')
    }
    for (const timeoutMs of [-1, Number.NaN, 2 ** 32]) {
      await refuses(() => wait({ timeoutMs }), RANGE, 'timeoutMs')
    }
    await refuses(() => wait({ signal: bad(5) }), TYPE, 'signal')
    assert.ok(
      ends.every((end) => end.isOpen),
      name,
    )
  }
  for (const max of [null, '5', {}]) {
    await refuses(() => ends[0]!.readLine({ max: bad(max) }), TYPE, 'max')
    await refuses(() => ends[0]!.lines({ max: bad(max) }), TYPE, 'max')
  }
  for (const max of [0, 1.5, Number.NaN]) {
    await refuses(() => ends[0]!.readLine({ max }), RANGE, 'max')
  }
  await refuses(() => ends[0]!.read(bad('1')), TYPE, 'count')
  assert.equal(await ends[0]!.readLine({ max: 10 }), 'ine')
})

check('start() and write() say what is no id', async ({ socket }) => {
  for (const id of ['x', '5', null, undefined, {}, Symbol('x'), 5n]) {
    await refuses(() => socket.start(bad(id)), TYPE, 'id')
    await refuses(() => socket.write(bad(id), 'x'), TYPE, 'id')
  }
  for (const id of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
    await refuses(() => socket.start(id), RANGE, 'id')
    await refuses(() => socket.write(id, 'x'), RANGE, 'id')
  }
  await refuses(() => socket.write(1_000_000, bad(5)), TYPE, 'data')
  assert.equal(socket.write(1_000_000, 'x'), false)
})

check('onWarning is a function, or nothing', async (skynet) => {
  const [near] = await ours(skynet)
  for (const value of [5, null, 'x', {}]) {
    await refuses(() => Object.assign(near, { onWarning: value }), TYPE, 'onWarning')
  }
  assert.equal(near.onWarning, undefined)
  const warn = (): void => {}
  near.onWarning = warn
  assert.equal(near.onWarning, warn)
  near.onWarning = undefined
  near.shutdown()
})

check('connect() with an option that makes no sense opens nothing', async ({ socket }) => {
  const listener = await socket.listen(ENDPOINT)
  // Sockets of an earlier test may still be closing: new ones count.
  const before = new Set(socket.netstat().map(({ id }) => id))
  const { port } = listener
  await refuses(
    () => socket.connect({ port, options: { keepIdleSeconds: 0 } }),
    RANGE,
    'keepIdleSeconds',
  )
  await refuses(() => socket.connect({ port, options: bad({ nope: 1 }) }), VALUE, 'nope')
  const opened = socket.netstat().filter(({ id }) => !before.has(id))
  assert.deepEqual(opened, [])
  listener.close()
})
