/** What a fault of a service does: a line in the log, and nothing to anybody else. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Skynet } from 'skynet-ts'
import type fault from '../fixtures/fault.ts'
import type odd from '../fixtures/odd.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const alone = (title: string, body: Body) =>
  serviceTest(import.meta.url, title, body, { thread: 2 })
const PLACES = ['same', 1] as const

const log = (skynet: Skynet) => readFileSync(String(skynet.getenv('logger')), 'utf8')

/** The entry of the log that has `text`: its first line, and what it says up to the next entry. */
async function entryOf(skynet: Skynet, text: string): Promise<string> {
  const find = () =>
    log(skynet)
      .split(/^(?=\d{4}-\d\d-\d\dT)/m)
      .find((entry) => entry.includes(text))
  await until(`'${text}' is in the log`, find)
  return find()!
}

const KINDS = [
  ['throwNow', 'method throwNow'],
  ['throwLater', 'method throwLater'],
  ['throwInFork', 'fork'],
  ['throwInTimeout', 'timeout'],
  ['throwInHook', 'exit hook'],
  ['rejectUnseen', 'unhandled rejection'],
  ['throwInNodeTimer', 'uncaught exception'],
] as const

for (const [method, what] of KINDS) {
  // Proves: docs/semantics.md#send-throws, #fault
  check(`a fault is logged with service, handle and stack: ${method}`, async (skynet) => {
    for (const on of PLACES) {
      const peer = await skynet.newService<typeof fault>('./fault.ts', { on })
      const text = `${method} on purpose on ${on}`
      peer.send[method](text)
      const entry = await entryOf(skynet, text)
      const who = `[${peer.address} fixtures/fault] error: ${what}`
      assert.ok(entry.includes(who), `${who} …\n${entry}`)
      assert.match(entry, /\n\s+at .*fault\.(js|ts)/)
      if (method === 'throwLater') assert.match(entry, /caused by TypeError: what lies below/)
      if (method !== 'throwInHook') assert.equal(await peer.call.ping(), 'pong', 'it goes on')
      await skynet.kill(peer.handle)
    }
  })
}

// Proves: docs/semantics.md#fault
check('a fault is logged whatever was thrown', async (skynet) => {
  for (const on of PLACES) {
    const peer = await skynet.newService<typeof fault>('./fault.ts', { on })
    for (const [value, text] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['', '""'],
    ]) {
      peer.send.rejectWith(value)
      await entryOf(skynet, `error: unhandled rejection: ${text}\n`)
    }
    peer.send.rejectRevoked()
    await entryOf(skynet, 'error: unhandled rejection: a value that cannot be printed\n')
    assert.equal(await peer.call.ping(), 'pong', 'it goes on')
  }
})

// Proves: docs/semantics.md#fault-whose
alone('a fault that may be of several services is logged as one of them', async (skynet) => {
  const launch = () => skynet.newService<typeof odd>('./odd.ts', { args: [], on: 1 })
  const [first, second] = [await launch(), await launch()]
  const suspects = async (text: string) => {
    first.send.failElsewhere(text)
    const entry = await entryOf(skynet, text)
    return /\[:0{8}\] error: uncaught exception (\(.*\)): /.exec(entry)?.[1]
  }
  assert.equal(await suspects('this or that'), '(one of 2 fixtures/odd)')
  await skynet.kill(second.handle)
  await skynet.newService('./fault.ts', { on: 1 })
  assert.equal(await suspects('of two kinds'), '(one of 2 fixtures/odd, fixtures/fault)')
})

// Proves: docs/semantics.md#fault-call
check('a call that fails and nobody awaits is the fault of who called', async (skynet) => {
  for (const on of PLACES) {
    const options = { on: 1, onFault: 'end' } as const
    const callee = await skynet.newService<typeof fault>('./fault.ts', options)
    const caller = await skynet.newService<typeof odd>('./odd.ts', { ...options, args: [], on })
    const told = skynet.monitor(caller.handle)
    caller.send.callUnseen(callee.handle, `told to nobody on ${on}`)
    assert.equal((await told).reason, 'crash')
    assert.equal(await callee.call.ping(), 'pong', 'it has told its caller')
    const entry = await entryOf(skynet, `told to nobody on ${on}`)
    assert.ok(entry.includes(`[${caller.address} fixtures/odd] error: unhandled rejection`), entry)
  }
})

// Proves: docs/semantics.md#fault-call
check('a call that nobody awaits is named, and its place is told once', async (skynet) => {
  for (const on of PLACES) {
    const callee = await skynet.newService<typeof fault>('./fault.ts', { on: 1 })
    const caller = await skynet.newService<typeof odd>('./odd.ts', { args: [], on })
    const entry = async (text: string) => {
      caller.send.callUnseen(callee.handle, text)
      return entryOf(skynet, text)
    }
    const call = `call throwNow of ${callee.address}`
    const first = await entry(`the first on ${on}`)
    assert.ok(first.includes(`unhandled rejection (${call}): Error`), first)
    const second = await entry(`the second on ${on}`)
    assert.match(second, /rejection \(call throwNow of :\w+ at \S*odd\.[jt]s:\d+:\d+\): Error/)
    assert.ok(second.includes(call), second)
    // To note it takes a stack: every call of that method would pay for what is known.
    const third = await entry(`the third on ${on}`)
    assert.ok(third.includes(`unhandled rejection (${call}): Error`), third)
    caller.send.callLate(callee.handle)
    const late = await entryOf(skynet, `(call sleepLong of ${callee.address}): SkynetError`)
    assert.ok(late.includes(`[${caller.address} fixtures/odd] error: unhandled rejection`), late)
  }
})

// Proves: docs/semantics.md#fault-call
check('a method whose calls go well again is noted no more after 1000 of them', async (skynet) => {
  const callee = await skynet.newService<typeof fault>('./fault.ts')
  const caller = await skynet.newService<typeof odd>('./odd.ts', { args: [] })
  const placeOf = async (text: string) => {
    caller.send.callUnseen(callee.handle, text)
    return /rejection \(call throwNow of :\w+(.*)\): /.exec(await entryOf(skynet, text))![1]
  }
  assert.equal(await placeOf('noted first'), '')
  await caller.call.callSeen(callee.handle, 1000)
  assert.equal(await placeOf('noted second'), '')
  assert.match((await placeOf('noted third'))!, /^ at \S*odd/)
})

// Proves: docs/semantics.md#fault-send
check('a fault of a message that was sent names its sender', async (skynet) => {
  const subject = await skynet.newService<typeof fault>('./fault.ts', { on: 1 })
  for (const on of PLACES) {
    const sender = await skynet.newService<typeof odd>('./odd.ts', { args: [], on })
    sender.send.sendTo(subject.handle, `misspelt${on}`)
    const entry = await entryOf(skynet, `method misspelt${on}`)
    // Another worker would have to be asked for its title.
    const name = on === 1 ? `${sender.address} fixtures/odd` : sender.address
    const about = `method misspelt${on} from ${name}: SkynetError`
    assert.ok(entry.includes(`[${subject.address} fixtures/fault] error: ${about}`), entry)
  }
  // It has ended before it could be asked for its title.
  const gone = await skynet.newService<typeof odd>('./odd.ts', { args: [], on: 0 })
  gone.send.sendAndExit(subject.handle, 'too late')
  const entry = await entryOf(skynet, 'method too late')
  assert.match(entry, /method too late from :\w+( fixtures\/odd)?: SkynetError/)
})

// Proves: docs/semantics.md#fault-send
check(
  'a fault of a message from another worker is logged in front of what follows',
  async (skynet) => {
    const subject = await skynet.newService<typeof fault>('./fault.ts', { on: 1 })
    const sender = await skynet.newService<typeof odd>('./odd.ts', { args: [], on: 'same' })
    sender.send.sendTo(subject.handle, 'comesFirst')
    sender.send.sendTo(subject.handle, 'throwInFork', 'comes second')
    await Promise.all([entryOf(skynet, 'method comesFirst'), entryOf(skynet, 'comes second')])
    assert.match(log(skynet), /method comesFirst.*comes second/s)
    // The end of the service makes no difference.
    sender.send.sendTo(subject.handle, 'comesThird')
    sender.send.sendTo(subject.handle, 'throwInHook', 'comes last')
    await Promise.all([entryOf(skynet, 'method comesThird'), entryOf(skynet, 'comes last')])
    assert.match(log(skynet), /method comesThird.*comes last/s)
  },
)

// Proves: docs/semantics.md#fault-told
check('a fault that a caller is told of is not logged', async (skynet) => {
  const peer = await skynet.newService<typeof fault>('./fault.ts', { on: 1 })
  await assert.rejects(peer.call.throwNow('told to the caller alone'))
  await assert.rejects(peer.call.throwLater('told to the caller alone'))
  peer.send.throwNow('after what was told')
  await entryOf(skynet, 'after what was told')
  assert.ok(!log(skynet).includes('told to the caller alone'))
})

// Proves: docs/semantics.md#message-refused
check('an answer that cannot be sent is logged where it was given', async (skynet) => {
  const peer = await skynet.newService<typeof fault>('./fault.ts', { on: 1 })
  const call = skynet.call(peer, 'unsendable')
  await assert.rejects(call, { code: 'ERR_MESSAGE_UNSUPPORTED' })
  const entry = await entryOf(skynet, 'method unsendable returned what cannot be sent')
  assert.ok(entry.includes(peer.address))
})

// Proves: docs/semantics.md#end-takes
check('exit() needs no handling and is no fault', async (skynet) => {
  const peer = await skynet.newService('./subject.ts', { on: 1 })
  skynet.send(peer.handle, 'exitNow')
  await until('it is gone', () => !skynet.isAlive(peer.handle))
  const late = await skynet.newService('./subject.ts', { on: 1 })
  skynet.send(late.handle, 'exitLater')
  await until('it is gone', () => !skynet.isAlive(late.handle))
  skynet.log('a line behind')
  await entryOf(skynet, 'a line behind')
  assert.ok(!log(skynet).includes(peer.address))
  assert.ok(!log(skynet).includes(late.address))
})

check('log() and error() write what they get', async (skynet) => {
  skynet.log('text', 1, { a: [1] }, undefined, 2n)
  const line = await entryOf(skynet, 'text 1')
  assert.match(line, /\[:[0-9a-f]{8} fixtures\/body\] text 1 \{ a: \[ 1 \] \} undefined 2n\n/)
  skynet.error('bad', new Error('with a stack'))
  const entry = await entryOf(skynet, 'with a stack')
  assert.match(entry, /error: bad Error: with a stack\n\s+at /)
})

// Proves: docs/limits.md#mailbox
// Proves: docs/skynet.md#testoverload
check('a mailbox of more than 1024 messages is reported', async (skynet) => {
  const peer = await skynet.newService('./subject.ts', { on: 'same' })
  for (let i = 0; i < 5000; i++) skynet.send(peer.handle, 'echo', i)
  await skynet.call(peer.handle, 'echo', 'last')
  skynet.log('behind the flood')
  await entryOf(skynet, 'behind the flood')
  const lines = log(skynet)
    .split('\n')
    .filter((line) => line.includes(peer.address))
  assert.deepEqual(
    lines.map((line) => /May overload, message queue length = (\d+)/.exec(line)?.[1]),
    ['5001'],
  )
})

const ODD = [
  'throwUnprintable',
  'throwRevoked',
  'throwHostile',
  'answerThenable',
  'answerGetter',
] as const
for (const method of ODD) {
  // Proves: docs/semantics.md#call-ends
  check(`a call ends whatever its method throws or answers: ${method}`, async (skynet) => {
    for (const on of PLACES) {
      const peer = await skynet.newService<typeof odd>('./odd.ts', { args: [], on })
      await assert.rejects(peer.call[method]() as Promise<unknown>, Error)
      assert.equal(await peer.call.ran(), 0, 'it goes on')
    }
  })
}

check('a launch ends when its setup throws what cannot be printed', async (skynet) => {
  for (const on of PLACES) {
    const launch = skynet.newService<typeof odd>('./odd.ts', { args: [true], on })
    await assert.rejects(launch, { code: 'ERR_SERVICE_LAUNCH' })
  }
})

check(
  'forks run after one that threw what cannot be printed, or causes in a cycle',
  async (skynet) => {
    const peer = await skynet.newService<typeof odd>('./odd.ts', { args: [] })
    peer.send.forkThree()
    await until('the third fork has run', async () => (await peer.call.ran()) === 1)
    assert.match(
      await entryOf(skynet, 'outer of a cycle'),
      /fixtures\/odd\] error: fork: Error: outer/,
    )
  },
)

check('log() escapes control characters', async (skynet) => {
  skynet.log('marked \u001b[31mred\u0007')
  const entry = await entryOf(skynet, 'marked')
  assert.ok(entry.includes('marked \\x1b[31mred\\x07'), entry)
})

// Proves: docs/semantics.md#fault-repeated
check('a fault that comes again and again is told a few times, then counted', async (skynet) => {
  const fault = new Error('tick failed')
  const ticking = skynet.interval(1, () => {
    throw fault
  })
  await entryOf(skynet, 'times more: timeout: Error: tick failed')
  ticking.cancel()
  const lines = log(skynet).split('\n')
  assert.equal(lines.filter((line) => /error: timeout: Error: tick failed/.test(line)).length, 3)
})
