/** What nobody catches, in a node of a test. Alone: it listens to the process. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers'
import { SkynetError } from '../base/errors.ts'
import { delay, setImmediate } from '../base/event-loop.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'
import type { Skynet } from './skynet.ts'

const turns = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
}

/** What the runner would be told of: messages of errors. */
function strays(t: TestContext): string[] {
  const seen: string[] = []
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    const listeners = process.listeners(event as 'uncaughtException')
    process.removeAllListeners(event)
    process.on(event as 'uncaughtException', (error) => seen.push((error as Error).message))
    t.after(() => {
      process.removeAllListeners(event)
      for (const each of listeners) process.on(event as 'uncaughtException', each)
    })
  }
  return seen
}

const errorsOf = (node: TestNode): string[] =>
  node.log.all.filter(({ level }) => level === 'error').map(({ text }) => text)

const WAITS: Readonly<Record<string, (skynet: Skynet) => unknown>> = {
  sleep: (skynet) => skynet.sleep(1000),
  wait: (skynet) => skynet.wait('for ever'),
  call: (skynet) => skynet.call(skynet.self, 'never'),
  'socket.listen': (skynet) => skynet.socket.listen({ port: 0 }),
  'a function that waits': async (skynet) => {
    await skynet.sleep(1000)
  },
  'a wait that begins after the end': async (skynet) => {
    await turns()
    await skynet.sleep(1)
  },
  'exit() in a timer of Node.js': (skynet) => {
    setTimeout(() => skynet.exit(), 0)
  },
}

for (const [name, wait] of Object.entries(WAITS)) {
  // Proves: docs/semantics.md#end-takes
  // Proves: docs/testing.md#test-strays
  test(`the end of a service that nobody awaits needs no handling: ${name}`, async (t) => {
    const seen = strays(t)
    await using node = await testNode()
    const service = defineService((skynet) => ({
      go: () => {
        void wait(skynet)
        if (!name.startsWith('exit')) skynet.exit()
      },
      never: () => new Promise(() => {}),
    }))
    const { handle, send } = await node.launch(service)
    const ended = node.skynet.monitor(handle)
    send.go()
    assert.equal((await ended).reason, 'exit')
    await turns()
    assert.deepEqual([seen, errorsOf(node)], [[], []])
  })
}

// Proves: docs/testing.md#test-strays
test('what a service does after the end of its node needs no handling', async (t) => {
  const seen = strays(t)
  const { promise, resolve } = withResolvers()
  const node = await testNode()
  const service = defineService((skynet) => {
    void promise.then(() => skynet.sleep(1))
    return { ping: () => 'pong' }
  })
  await node.launch(service)
  void node.skynet.sleep(1000)
  await node.stop()
  resolve()
  await turns()
  assert.deepEqual(seen, [])
})

// Proves: docs/semantics.md#fault-call, #on-fault
// Proves: docs/testing.md#test-strays
test('a call that fails and no service awaits is a fault of its caller', async (t) => {
  const seen = strays(t)
  await using node = await testNode()
  const callee = await node.launch(
    defineService(() => ({
      fail: () => {
        throw new RangeError('told to nobody')
      },
    })),
  )
  const caller = defineService((skynet) => ({
    ask: () => void skynet.call(callee, 'fail'),
  }))
  const calm = await node.launch(caller)
  await calm.call.ask()
  const line = await node.log.find(({ text }) => text.includes('told to nobody'))
  assert.equal(line.handle, calm.handle)
  assert.match(line.text, /^unhandled rejection \(call fail of :\w+( at .*)?\): RangeError: told/)
  const tense = await node.launch(caller, { onFault: 'end' })
  const ended = node.skynet.monitor(tense.handle)
  await tense.call.ask()
  assert.equal((await ended).reason, 'crash')
  assert.deepEqual(seen, [])
})

// Proves: docs/testing.md#test-strays
test('all else that nobody catches is told to the runner', async (t) => {
  const seen = strays(t)
  await using node = await testNode()
  const thrower = defineService((skynet) => ({
    reject: () => void Promise.reject(new Error('of a library')),
    throwLater: () => {
      setTimeout(() => {
        throw new Error('in a timer of Node.js')
      }, 0)
    },
    fail: () => {
      throw new Error('of a call of the test')
    },
    leave: () => skynet.exit(),
  }))
  const service = await node.launch(thrower)
  await service.call.reject()
  await service.call.throwLater()
  void service.call.fail()
  await delay(2)
  service.send.leave()
  await node.settled()
  void Promise.reject(new Error('of the test'))
  const { handle } = service
  const exited = new SkynetError('ERR_SERVICE_EXITED', { handle })
  void Promise.reject(exited)
  void service.call.fail()
  await turns()
  const { message: dead } = new SkynetError('ERR_CALL_DEAD', {
    to: service.address,
    method: 'fail',
  })
  assert.deepEqual(seen.sort(), [
    dead,
    exited.message,
    'in a timer of Node.js',
    'of a call of the test',
    'of a library',
    'of the test',
  ])
})

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((then) => {
    resolve = then
  })
  return { promise, resolve }
}
