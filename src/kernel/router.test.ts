import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Budget } from '../base/budget.ts'
import { isSkynetError } from '../base/errors.ts'
import {
  CLUSTER_BURST_BYTES_MAX,
  LINK_QUEUE_BYTES_MAX,
  RING_PAYLOAD_BYTES_MAX,
} from '../base/limits.ts'
import { createDoorbellMemory, Doorbells } from '../shm/doorbell.ts'
import { ManyRing } from '../shm/ring.ts'
import { CountedBlocks } from '../testing/sim/blocks.ts'
import { VirtualClock } from '../testing/timers.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { UNBOUND } from '../wire/service-id.ts'
import { unpack } from '../wire/unpack.ts'
import { Context } from './context.ts'
import { createHandleMemory, Handles } from './handles.ts'
import type { Message, SystemMessage, WorkerOrder } from './message.ts'
import { Outbox } from './outbox.ts'
import { Router } from './router.ts'
import type { Scheduler } from './scheduler.ts'

const CAPACITY = 1024 * 1024
const WORKERS = 2

/** Two workers in one thread: what each delivers, and what its runtime is told. */
function setUp() {
  const memory = createHandleMemory(1000, WORKERS, true)
  const bells = new Doorbells(createDoorbellMemory(WORKERS + 1), { thread: WORKERS, wake() {} })
  const blocks = new CountedBlocks()
  const rings = Array.from({ length: WORKERS }, () => {
    const buffer = new SharedArrayBuffer(ManyRing.bytes(CAPACITY))
    const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
    return { region, ring: new ManyRing(region, 0, CAPACITY) }
  })
  const workers = rings.map((inbox, worker) => {
    const handles = new Handles(memory, 0)
    const packer = new Packer()
    const shared = { bells, self: worker, packer, blocks }
    const outboxes = rings.map(({ ring }, to) => new Outbox(to, ring, shared))
    const delivered: [Context, Message][] = []
    const system: Message[] = []
    const faults: string[] = []
    const published: [number, number, Buffer][] = []
    const deliver = (context: Context, message: Message): void => {
      delivered.push([context, message])
    }
    const router = new Router({
      worker,
      handles,
      scheduler: { deliver } as unknown as Scheduler,
      contexts: new Map(),
      outboxes,
      packer,
      inbox,
      blocks,
      bells,
      onSystem: (message) => system.push(message),
      newBinder: () => UNBOUND,
      onPublished: (...each) => published.push(each),
      onFault: (text) => faults.push(text),
    })
    const launch = (): Context => {
      const context = new Context(handles.register(worker), 'service', { receive() {}, ...UNBOUND })
      router.add(context)
      return context
    }
    const values = (): unknown[] => delivered.map(([, message]) => message.value)
    const seen = { delivered, system, faults, published }
    return { worker, router, handles, outboxes, packer, ...seen, launch, values, ...inbox }
  })
  return { here: workers[0]!, there: workers[1]!, blocks }
}

test('send brings a message with all its facts to a service here and on another worker', () => {
  for (const isLocal of [true, false]) {
    const { here, there } = setUp()
    const home = isLocal ? here : there
    const context = home.launch()
    const value = ['method', { deep: [1n, new Date(5)] }]
    assert.equal(here.router.send(PTYPE.LUA, context.handle, 0xff000001, 7.5, value), true)
    home.router.drain(10)
    assert.equal(home.delivered.length, 1)
    const [[to, message]] = home.delivered as [[Context, Message]]
    assert.equal(to, context)
    assert.deepEqual({ ...message }, { type: PTYPE.LUA, source: 0xff000001, session: 7.5, value })
    assert.notEqual(message.value, value, 'a value of its own')
  }
})

test('send says false for a service that is not there, wherever it was', () => {
  const { here, there } = setUp()
  const gone = there.launch().handle
  there.handles.retire(gone)
  for (const handle of [0, 999, gone]) {
    assert.equal(here.router.send(PTYPE.LUA, handle, 1, 1, ['x']), false)
  }
  const removed = here.launch()
  here.router.remove(removed)
  assert.equal(here.router.send(PTYPE.LUA, removed.handle, 1, 1, ['x']), false)
})

test('who waits for an answer is told why the one it has asked is gone', () => {
  const { here, there } = setUp()
  const asker = here.launch()
  const gone = there.launch()
  const sent = [PTYPE.LUA, PTYPE.RESPONSE].map((type) =>
    here.router.send(type, gone.handle, asker.handle, 7, ['m']),
  )
  here.router.send(PTYPE.LUA, gone.handle, asker.handle, 0, ['m'])
  assert.deepEqual(sent, [true, true])
  there.router.remove(gone)
  const asked: unknown[] = []
  there.router.whyGone = ({ type, source, session }, to) => {
    asked.push([type, source, session, to])
    return 'gone'
  }
  there.router.drain(10)
  assert.deepEqual(
    asked,
    [
      [PTYPE.LUA, 7],
      [PTYPE.RESPONSE, 7],
      [PTYPE.LUA, 0],
    ].map(([type, session]) => [type, asker.handle, session, gone.handle]),
  )
  here.router.drain(10)
  assert.deepEqual(
    here.delivered.map(([, { type, session, value }]) => [type, session, value]),
    [[PTYPE.ERROR, 7, 'gone']],
  )
})

test('send refuses what cannot be a message before anything has left', () => {
  const { here, there } = setUp()
  for (const context of [here.launch(), there.launch()]) {
    const bad = ['method', () => {}]
    assert.throws(() => here.router.send(PTYPE.LUA, context.handle, 1, 1, bad), {
      code: 'ERR_MESSAGE_UNSUPPORTED',
    })
  }
  there.router.drain(10)
  assert.deepEqual([here.delivered, there.delivered], [[], []])
})

test('large messages keep their place among small ones, and their blocks are freed', () => {
  const { here, there, blocks } = setUp()
  const { handle } = there.launch()
  const sizes = [1, RING_PAYLOAD_BYTES_MAX * 3, 5, RING_PAYLOAD_BYTES_MAX + 1, 0]
  for (const size of sizes) here.router.send(PTYPE.TEXT, handle, 1, 0, 'x'.repeat(size))
  assert.equal(blocks.outstanding, 2)
  there.router.drain(10)
  assert.deepEqual(
    there.values().map((value) => String(value).length),
    sizes,
  )
  assert.equal(blocks.outstanding, 0)
})

test('drain ends with its budget, by the bytes of what it read, and goes on in order', () => {
  const { here, there, blocks } = setUp()
  const { handle } = there.launch()
  const big = 'x'.repeat(RING_PAYLOAD_BYTES_MAX * 2)
  const values = ['a', 'b', big, 'c', big, big, 'd']
  for (const value of values) here.router.send(PTYPE.TEXT, handle, 1, 0, value)
  const clock = new VirtualClock()
  const budget = new Budget(clock, 100, 1)
  const counts: number[] = []
  while (!there.router.isEmpty) {
    budget.begin(clock.now())
    counts.push(there.router.drain(1000, budget))
  }
  assert.deepEqual(counts, [3, 2, 1, 1])
  assert.deepEqual(there.values(), values)
  assert.equal(blocks.outstanding, 0)
})

test('Outbox sends what waited as long as its budget lasts, and says that there is more', () => {
  const { here, there } = setUp()
  const { handle } = there.launch()
  const [, outbox] = here.outboxes as [Outbox, Outbox]
  const text = 'x'.repeat(RING_PAYLOAD_BYTES_MAX - 100)
  while (outbox.waiting < 3) here.router.send(PTYPE.TEXT, handle, 1, 0, text)
  while (there.router.drain(1) > 0);
  const clock = new VirtualClock()
  const budget = new Budget(clock, 1, 1)
  const ends: boolean[] = []
  while (outbox.waiting > 0) {
    budget.begin(clock.now())
    ends.push(outbox.retry(budget))
  }
  assert.deepEqual(ends, [true, true, false])
})

test('Outbox keeps what finds no room in order, and sends it when there is some', () => {
  const { here, there } = setUp()
  const { handle } = there.launch()
  const outbox = here.outboxes[1]!
  const count = 300
  for (let i = 0; i < count; i++) {
    here.router.send(PTYPE.TEXT, handle, 1, 0, `${i} ${'x'.repeat(i % 2 === 0 ? 9000 : 90)}`)
  }
  assert.ok(outbox.waiting > 0)
  const before = here.router.waitingBytesTo(handle)
  assert.ok(before > outbox.waiting * 90)
  here.router.send(PTYPE.TEXT, handle, 1, 0, `${count} ${'x'.repeat(RING_PAYLOAD_BYTES_MAX)}`)
  // A large one is in a block, which is memory as well.
  assert.ok(here.router.waitingBytesTo(handle) > before + RING_PAYLOAD_BYTES_MAX)
  while (outbox.waiting > 0) {
    there.router.drain(20)
    outbox.retry()
  }
  there.router.drain(count)
  assert.equal(here.router.waitingBytesTo(handle), 0)
  const numbers = there.values().map((value) => Number.parseInt(String(value), 10))
  assert.deepEqual(numbers, [...numbers.keys()])
  assert.equal(numbers.length, count + 1)
  assert.equal(there.router.isEmpty, true)
})

test('a request to a service that ended on its way is answered by ERROR; a send is not', () => {
  const { here, there } = setUp()
  const caller = here.launch()
  const callee = there.launch()
  here.router.send(PTYPE.LUA, callee.handle, caller.handle, 5, ['method'])
  here.router.send(PTYPE.LUA, callee.handle, caller.handle, 0, ['method'])
  here.router.send(PTYPE.RESPONSE, callee.handle, caller.handle, 6, 'answer')
  there.router.remove(callee)
  there.router.drain(10)
  here.router.drain(10)
  const answers = here.delivered.map(([, { type, session }]) => [type, session])
  assert.deepEqual(answers, [[PTYPE.ERROR, 5]])
})

test('what cannot be unpacked is a fault and an ERROR to its sender, never a crash', () => {
  const { here, there } = setUp()
  const caller = here.launch()
  const callee = there.launch()
  const words = new Int32Array([-1, -1])
  const bytes = new Uint8Array(words.buffer)
  there.ring.write(PTYPE.LUA, callee.handle, caller.handle, 9, bytes, words, 8)
  there.router.drain(10)
  assert.equal(there.faults.length, 1)
  here.router.drain(10)
  const answers = here.delivered.map(([, { type, session }]) => [type, session])
  assert.deepEqual(answers, [[PTYPE.ERROR, 9]])
})

test('sendToWorker reaches the worker itself, here and there', () => {
  const { here, there } = setUp()
  here.router.sendToWorker(0, 1, 2, { order: 'a' })
  here.router.sendToWorker(1, 1, 3, { order: 'b' })
  there.router.drain(10)
  const facts = ({ type, source, session, value }: Message) => [type, source, session, value]
  assert.deepEqual(here.system.map(facts), [[PTYPE.SYSTEM, 1, 2, { order: 'a' }]])
  assert.deepEqual(there.system.map(facts), [[PTYPE.SYSTEM, 1, 3, { order: 'b' }]])
})

test('sendToWorker brings what a user gave as a value of its own', () => {
  const { here, there } = setUp()
  for (const [worker, { router, system }] of [here, there].entries()) {
    const args = [{ deep: new Date(5) }]
    here.router.sendToWorker(worker, 1, 2, { order: 'a', args })
    router.drain(10)
    const [message] = system as [SystemMessage]
    const { args: own } = message.value as WorkerOrder
    assert.deepEqual(own, args)
    assert.ok(own !== args && own![0] !== args[0])
    assert.notEqual(message.binder, undefined, 'of the references in it')
  }
  const wrong = { order: 'a', args: [1, { f() {} }] }
  for (const worker of [0, 1]) {
    assert.throws(() => here.router.sendToWorker(worker, 1, 2, wrong), /value\.args\[1\]\.f/)
  }
})

test('sendPacked brings the bytes of the packer to a worker itself, small and large', () => {
  const { here, there, blocks } = setUp()
  for (const size of [0, 10, RING_PAYLOAD_BYTES_MAX * 2]) {
    const bytes = size === 0 ? 0 : here.packer.pack('x'.repeat(size))
    const expected = Buffer.from(here.packer.bytes.subarray(0, bytes))
    here.outboxes[1]!.sendPacked(PTYPE.MULTICAST, 0, 0xff000001, 2 ** 47 + 1, bytes)
    there.router.drain(10)
    const [channel, source, packed] = there.published.pop()!
    assert.deepEqual([channel, source], [2 ** 47 + 1, 0xff000001])
    assert.ok(packed.equals(expected) && packed.buffer !== there.region.buffer)
  }
  assert.equal(blocks.outstanding, 0)
})

test('a block is taken once, also when its record is read again after a death', () => {
  const { here, there, blocks } = setUp()
  const { handle } = there.launch()
  here.router.send(PTYPE.LUA, handle, 1, 5, ['x', 'y'.repeat(70_000)])
  // The worker dies when it has the message and the record is not freed yet.
  let left: Buffer | undefined
  there.delivered.push = () => {
    left = Buffer.from(there.region.bytes)
    return 1
  }
  there.router.drain(10)
  assert.equal(blocks.outstanding, 0)
  there.region.bytes.set(left!)
  there.handles.retire(handle)
  assert.equal(there.router.drain(10), 1, 'the next worker meets it again')
  assert.deepEqual(there.faults, [])
})

/** What a forwarder got: all its facts, and the value in its bytes. */
type Forwarded = [
  type: number,
  source: number,
  session: number,
  timeoutMs: number,
  value: unknown,
  isGiven: boolean,
]

function launchForwarder(home: ReturnType<typeof setUp>['here']) {
  const taken: Forwarded[] = []
  const nobody = { receive: () => assert.fail('it has a forwarder'), ...UNBOUND }
  const context = new Context(home.handles.register(home.worker), 'forwarder', nobody, {
    forward(to, type, source, session, timeoutMs, bytes, at, length, isGiven) {
      assert.equal(to, context.handle)
      taken.push([type, source, session, timeoutMs, unpack(bytes, at, length), isGiven])
    },
  })
  home.router.add(context)
  return { handle: context.handle, taken }
}

test('a forwarder gets messages as they are packed, from here and from another worker', () => {
  for (const isLocal of [true, false]) {
    const { here, there, blocks } = setUp()
    const home = isLocal ? here : there
    const { handle, taken } = launchForwarder(home)
    const large = ['m', 'x'.repeat(RING_PAYLOAD_BYTES_MAX + 1)]
    assert.equal(here.router.send(PTYPE.LUA, handle, 0xff000001, 5, ['m', 1], 2500), true)
    assert.equal(here.router.send(PTYPE.LUA, handle, 2, 0, large), true)
    here.router.send(255, handle, 3, 2 ** 40, undefined, 3e6)
    home.router.drain(10)
    assert.deepEqual(taken, [
      [PTYPE.LUA, 0xff000001, 5, 2500, ['m', 1], false],
      // What came in a block need not be copied.
      [PTYPE.LUA, 2, 0, 0, large, !isLocal],
      [255, 3, 2 ** 40, isLocal ? 3e6 : Math.ceil(3e6 / 1024) * 1024, undefined, false],
    ])
    assert.deepEqual([home.delivered, blocks.outstanding], [[], 0])
  }
})

test('what is for other harbors goes to who takes it, from here and from another worker', () => {
  const { here, there } = setUp()
  const to = 0x05000007
  const send = (worker: typeof here): boolean =>
    worker.router.send(PTYPE.LUA, to, 3, 4, ['method'], 500)
  assert.deepEqual([send(here), send(there)], [false, false], 'nobody takes it')
  const taken: unknown[] = []
  const forwarder = {
    forward(...[at, type, source, session, timeoutMs, bytes, from, length]: unknown[]): void {
      const value = unpack(bytes as Buffer, from as number, length as number, UNBOUND)
      taken.push([at, type, source, session, timeoutMs, value])
    },
  }
  there.router.abroad = new Context(
    0,
    'abroad',
    { receive: () => assert.fail(), ...UNBOUND },
    forwarder,
  )
  assert.equal(there.handles.openAbroad(1), true)
  assert.deepEqual([send(here), send(there)], [true, true])
  here.router.send(PTYPE.LUA, 999, 3, 4, ['nobody'])
  there.router.drain(10)
  assert.equal(taken.length, 2)
  for (const each of taken) {
    assert.deepEqual((each as unknown[]).toSpliced(4, 1), [to, PTYPE.LUA, 3, 4, ['method']])
  }
  // Behind the end of who took it.
  send(here)
  there.router.abroad = undefined
  there.handles.closeAbroad(1)
  const caller = here.launch()
  here.router.send(PTYPE.LUA, to, caller.handle, 4, ['method'])
  there.router.drain(10)
  assert.equal(taken.length, 2)
})

test('a deadline is no part of what a service gets', () => {
  const { here, there } = setUp()
  const { handle } = there.launch()
  here.router.send(PTYPE.LUA, handle, 1, 5, ['m', 'x'.repeat(RING_PAYLOAD_BYTES_MAX)], 1e9)
  here.router.send(PTYPE.LUA, handle, 1, 6, ['m'], 1)
  there.router.drain(10)
  assert.deepEqual(
    there.delivered.map(([, { type, session }]) => [type, session]),
    [
      [PTYPE.LUA, 5],
      [PTYPE.LUA, 6],
    ],
  )
})

test('sendPacked brings bytes from anywhere to a service here and on another worker', () => {
  for (const isLocal of [true, false]) {
    const { here, there, packer, blocks } = { ...setUp(), packer: new Packer() }
    const home = isLocal ? here : there
    const { handle } = home.launch()
    const values = [['m'], ['m', 'y'.repeat(300)], ['m', 'z'.repeat(RING_PAYLOAD_BYTES_MAX)]]
    for (const [i, value] of values.entries()) {
      const length = packer.pack(value)
      for (const at of [0, 1, 7]) {
        const bytes = Buffer.alloc(at + length + 3, 0xee)
        packer.bytes.copy(bytes, at, 0, length)
        assert.ok(here.router.sendPacked(PTYPE.LUA, handle, 9, i, bytes, at, length))
      }
    }
    home.router.drain(100)
    const expected = values.flatMap((value) => [value, value, value])
    assert.deepEqual(home.values(), expected)
    assert.equal(blocks.outstanding, 0)
    assert.equal(here.router.sendPacked(PTYPE.LUA, 999, 9, 1, Buffer.alloc(2), 0, 2), false)
  }
})

test('sendPacked of what is no message tells its source, and gives it to a forwarder', () => {
  for (const isLocal of [true, false]) {
    const { here, there } = setUp()
    const home = isLocal ? here : there
    const source = launchForwarder(here)
    const { handle } = home.launch()
    const wrong = Buffer.from([9, 9, 9])
    assert.ok(here.router.sendPacked(PTYPE.LUA, handle, source.handle, 4, wrong, 0, 3))
    home.router.drain(10)
    here.router.drain(10)
    assert.deepEqual(home.delivered, [])
    assert.equal(home.faults.length, 1)
    const [[type, , session, , error]] = source.taken as [Forwarded]
    assert.deepEqual([type, session], [PTYPE.ERROR, 4])
    assert.equal((error as { code: string }).code, 'ERR_MESSAGE_MALFORMED')
  }
})

// Proves: docs/cluster.md#sends
// Proves: docs/limits.md#link-queue
test('a send to a node that is full throws; calls, and sends to others, go on', () => {
  const { here, there } = setUp()
  const [local, proxy, other] = [there.launch(), there.launch(), there.launch()]
  there.handles.markRemote(proxy.handle, 'b', 9)
  there.handles.markRemote(other.handle, 'c', 9)
  const sent = (to: Context, session = 0): boolean =>
    here.router.send(PTYPE.LUA, to.handle, 1, session, ['m'])
  assert.equal(sent(proxy), true)
  there.handles.remotes!.setFull('b', true)
  assert.throws(
    () => sent(proxy),
    (error) => {
      assert.ok(isSkynetError(error, 'ERR_LINK_FULL'))
      assert.deepEqual(error.info, { node: 'b', limit: LINK_QUEUE_BYTES_MAX, sent: 'no' })
      return true
    },
  )
  assert.deepEqual([sent(proxy, 7), sent(other), sent(local)], [true, true, true])
  there.handles.remotes!.setFull('b', false)
  assert.equal(sent(proxy), true)
  assert.equal(there.router.drain(10), 5)
})

// Proves: docs/limits.md#cluster-burst
test('what one worker sends to other nodes at once has a limit, to services here none', () => {
  const { here, there } = setUp()
  const [local, proxy] = [there.launch(), there.launch()]
  there.handles.markRemote(proxy.handle, 'b', 9)
  const bytes = Buffer.alloc(8 * 1024 * 1024)
  const sent = (to: Context): boolean => here.router.send(PTYPE.LUA, to.handle, 1, 0, ['m', bytes])
  const text = 'x'.repeat(RING_PAYLOAD_BYTES_MAX / 2)
  while (here.outboxes[1]!.waiting === 0) here.router.send(PTYPE.TEXT, local.handle, 1, 0, text)
  while (here.outboxes[1]!.waitingBytes <= CLUSTER_BURST_BYTES_MAX) sent(local)
  assert.throws(
    () => sent(proxy),
    (error) => {
      assert.ok(isSkynetError(error, 'ERR_LINK_FULL'))
      assert.deepEqual(error.info, { node: 'b', limit: CLUSTER_BURST_BYTES_MAX, sent: 'no' })
      return true
    },
  )
  assert.equal(sent(local), true)
})
