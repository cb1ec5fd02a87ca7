/** Message types of one's own: sent, handled, passed on. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { Protocol, Skynet } from 'skynet-ts'
import type proxy from '../fixtures/proxy.ts'
import type speaker from '../fixtures/speaker.ts'
import { NUMBERS } from '../fixtures/speaker.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, gate, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const PLACES = ['same', 1] as const

type Speaker = typeof speaker

check('who sends an array raw, as a method call, may change it later', async (skynet, handlers) => {
  const got: unknown[] = []
  handlers.message = (value: number) => got.push(value)
  const watcher = (): void => {}
  for (const isWatched of [false, true]) {
    if (isWatched) subscribe('skynet-ts:call', watcher)
    try {
      const message = ['message', 1]
      assert.equal(skynet.rawSend(skynet.self, 'lua', message), true)
      const call = skynet.rawCall(skynet.self, 'lua', message)
      skynet.redirect(skynet.self, { source: 0, session: 0 }, 'lua', message)
      message[1] = 2
      await call
      await skynet.yield()
    } finally {
      unsubscribe('skynet-ts:call', watcher)
    }
    assert.deepEqual(got.splice(0), [1, 1, 1])
  }
  assert.equal(skynet.rawSend('.nobody', 'lua', ['message', () => {}]), false)
})

for (const on of PLACES) {
  const place = on === 'same' ? 'same' : 'other'
  // Proves: docs/semantics.md#protocol
  check(`a protocol packs, dispatches and unpacks, ${place} worker`, async (skynet) => {
    const peer = await skynet.newService<Speaker>('./speaker.ts', { on })
    const numbers = skynet.registerProtocol(NUMBERS)
    assert.deepEqual(
      [await numbers.call(peer.handle, 7), await numbers.call(peer.address, 1)],
      [70, 10],
    )
    await assert.rejects(numbers.call(peer.handle, 2), { name: 'RangeError', message: 'not two' })
    assert.equal(await numbers.call(peer.handle, 3), 33)
    assert.equal(await skynet.rawCall(peer.handle, 'numbers', '#5'), '#50')
    assert.equal(await skynet.rawCall(peer.handle, 100, '#5'), '#50')
    await peer.call.seen()
    assert.equal(numbers.send(peer.handle, 8), true)
    assert.equal(skynet.rawSend(peer.handle, 'numbers', '#9'), true)
    const seen = [
      [8, skynet.self, false],
      [9, skynet.self, false],
    ]
    assert.deepEqual(await peer.call.seen(), seen)
    await assert.rejects(numbers.call(peer.handle, 4), { code: 'ERR_CALL_DEAD' })
    await assert.rejects(numbers.call(peer.handle, 4), { code: 'ERR_CALL_DEAD' })
    assert.equal(numbers.send(peer.handle, 4), false)
  })

  // Proves: docs/semantics.md#forward-type
  check(`forwardType() makes a proxy of a service, ${place} worker`, async (skynet) => {
    const target = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
    for (const how of ['redirect', 'call'] as const) {
      const options = { on, args: [target.handle, how] as [number, 'redirect' | 'call'] }
      const { handle } = await skynet.newService<typeof proxy>('./proxy.ts', options)
      const ref = skynet.ref<typeof subject>(handle)
      assert.deepEqual(await ref.call.echo({ deep: [1] }), { deep: [1] })
      await assert.rejects(ref.call.failLater(), { name: 'TypeError', message: 'wrong, later' })
      ref.send.see(how)
      await until('it is seen', async () => (await target.call.seen()).includes(how))
    }
  })
}

// Proves: docs/semantics.md#forward-type
check('call() through a proxy ends when the one behind it is killed', async (skynet) => {
  const target = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  const args: [number, 'redirect'] = [target.handle, 'redirect']
  const { handle } = await skynet.newService<typeof proxy>('./proxy.ts', { on: 'same', args })
  const call = skynet.ref<typeof subject>(handle).call.never()
  const ended = assert.rejects(call, { code: 'ERR_CALL_DEAD' })
  await target.call.echo(1)
  await skynet.kill(target.handle)
  await ended
  // What cannot be passed on is logged: the proxy has taken the answer upon itself.
  skynet.ref<typeof subject>(handle).send.echo(1)
  const log = String(skynet.getenv('logger'))
  await until('it is logged', () =>
    /protocol raw from \S+ \S+: Error: nobody there/.test(readFileSync(log, 'utf8')),
  )
})

// Proves: docs/semantics.md#protocol-unknown
check('a type that nobody handles rejects the call, and a send of it is logged', async (skynet) => {
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  const numbers: Protocol<number> = skynet.registerProtocol(NUMBERS)
  await assert.rejects(numbers.call(peer.handle, 1), { code: 'ERR_PROTOCOL_UNKNOWN' })
  numbers.send(peer.handle, 1)
  const log = String(skynet.getenv('logger'))
  await until('it is logged', () =>
    /message of type 100.*Unknown protocol/.test(readFileSync(log, 'utf8')),
  )
})

// Proves: docs/semantics.md#protocol-order
check('messages of a protocol wait for the end of setup, like calls', async (skynet, handlers) => {
  const asked = gate<void>()
  const end = gate<void>()
  handlers.gate = () => {
    asked.open()
    return end.promise
  }
  const args: [string, number] = ['.early-protocol', skynet.self]
  const launched = skynet.newService('./starter.ts', { on: 1, args })
  await asked.promise
  const call = skynet.rawCall('.early-protocol', 99, 'too early')
  const refused = assert.rejects(call, { code: 'ERR_PROTOCOL_UNKNOWN' })
  const first = Promise.race([refused.then(() => 'refused'), skynet.sleep(5)])
  assert.equal(await first, undefined, 'its setup is not done')
  end.open()
  await Promise.all([refused, launched])
})

check('a redirect that is wrong throws, and cuts nobody off', async (skynet) => {
  const context = { source: skynet.self, session: 0 }
  const hostile = {
    valueOf() {
      throw new Error('no number')
    },
  }
  for (const on of PLACES) {
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    const { handle } = peer
    const rows: [redirect: [number, unknown, unknown], named: string, code: string][] = []
    for (const name of ['source', 'session']) {
      for (const odd of [5n, Symbol('x'), hostile, '1', undefined, null]) {
        rows.push([[handle, { ...context, [name]: odd }, 'lua'], name, 'ERR_INVALID_ARG_TYPE'])
      }
      for (const odd of [-1, 1.5, Number.NaN, 2 ** 53]) {
        rows.push([[handle, { ...context, [name]: odd }, 'lua'], name, 'ERR_OUT_OF_RANGE'])
      }
    }
    rows.push([[handle, { ...context, source: 2 ** 32 }, 'lua'], 'source', 'ERR_OUT_OF_RANGE'])
    for (const odd of [undefined, null, 5, 'x']) {
      rows.push([[handle, odd, 'lua'], 'context', 'ERR_INVALID_ARG_TYPE'])
    }
    for (const odd of [5n, Symbol('x'), null, {}]) {
      rows.push([[handle, context, odd], 'type', 'ERR_INVALID_ARG_TYPE'])
    }
    for (const [[to, from, type], named, code] of rows) {
      const message = new RegExp(`'${named}' must be`)
      const redirect = () => skynet.redirect(to, from as never, type as never, ['see', 'wrong'])
      assert.throws(redirect, { code, message })
    }
    // The edges, from a service that there is not: nobody is told anything.
    for (const source of [0, 0xffffffff]) {
      for (const session of [0, Number.MAX_SAFE_INTEGER]) {
        assert.equal(skynet.redirect(handle, { source, session }, 'lua', ['see', 'right']), true)
      }
    }
    assert.deepEqual(await peer.call.seen(), ['right', 'right', 'right', 'right'])
  }
})

check('a text that nobody handles is answered, and logged when it was sent', async (skynet) => {
  for (const on of PLACES) {
    const { handle } = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    for (const type of [0, 'text', 3, 'queue']) {
      const call = skynet.rawCall(handle, type, 'x', { timeoutMs: 5000 })
      await assert.rejects(call, { code: 'ERR_PROTOCOL_UNKNOWN' }, `${type}`)
    }
    skynet.rawSend(handle, 'text', 'x')
    const log = String(skynet.getenv('logger'))
    const address = skynet.ref(handle).address.slice(1)
    await until('it is logged', () =>
      new RegExp(`${address}.*message of type 0.*Unknown protocol`).test(readFileSync(log, 'utf8')),
    )
  }
})

check('forwardType() and registerProtocol() name what is wrong', async (skynet) => {
  const wrong = { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' }
  for (const odd of [null, undefined, 5, 'raw'] as never[]) {
    assert.throws(() => skynet.forwardType(odd), { ...wrong, message: /'map' must be/ })
    const message = /'definition' must be/
    assert.throws(() => skynet.registerProtocol(odd), { ...wrong, message })
  }
  for (const odd of [null, 5n, {}] as never[]) {
    assert.throws(() => skynet.forwardType({ lua: odd }), { ...wrong, message: /'type' must be/ })
  }
  assert.throws(() => skynet.rawSend(skynet.self, 'lua', 5n), {
    ...wrong,
    message: /'value' must be .*: current value is 5n$/,
  })
})

// Proves: docs/semantics.md#protocol
check('registerProtocol() refuses what is taken, and what is none', async (skynet: Skynet) => {
  skynet.registerProtocol({ name: 'mine', id: 99 })
  const taken = { code: 'ERR_PROTOCOL_TAKEN' }
  assert.throws(() => skynet.registerProtocol({ name: 'mine', id: 98 }), taken)
  assert.throws(() => skynet.registerProtocol({ name: 'other', id: 99 }), taken)
  for (const [name, id] of [
    ['lua', 10],
    ['mine too', 10],
    ['response', 1],
    ['socket', 6],
    ['multicast', 2],
    ['client', 4],
    ['trace', 12],
  ] as const) {
    assert.throws(() => skynet.registerProtocol({ name, id }), taken, name)
  }
  skynet.registerProtocol({ name: 'client', id: 3 })
  skynet.registerProtocol({ name: 'last', id: 255 })
  assert.throws(() => skynet.registerProtocol({ name: 'x', id: 256 }), RangeError)
  assert.throws(() => skynet.registerProtocol({ name: 'x', id: -1 }), RangeError)
  assert.throws(() => skynet.registerProtocol({ name: '', id: 90 }), TypeError)
  assert.throws(() => skynet.registerProtocol({ name: 'x', id: 90, pack: 1 as never }), TypeError)
  for (const type of [
    'response',
    'error',
    'socket',
    'system',
    'trace',
    'multicast',
    'no such',
    1,
    2,
    256,
    1.5,
  ]) {
    assert.throws(
      () => skynet.rawSend(skynet.self, type, 1),
      { code: 'ERR_PROTOCOL_UNKNOWN' },
      `${type}`,
    )
  }
  for (const value of [null, 'junk', [], [1]]) {
    assert.throws(() => skynet.rawSend(skynet.self, 'lua', value), TypeError)
    await assert.rejects(skynet.rawCall(skynet.self, 'lua', value), TypeError)
  }
})
