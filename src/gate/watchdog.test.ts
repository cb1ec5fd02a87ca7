import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import type { GateService } from './gate-service.ts'
import { type WatchdogHandlers, watchdog } from './watchdog.ts'

type Told = readonly unknown[]

/** A watchdog with handlers, what it is told besides, and a gate of its own. */
async function scene(node: TestNode, handlers: (skynet: Skynet) => WatchdogHandlers = () => ({})) {
  const told: Told[] = []
  const dog = await node.launch(
    defineService(async (skynet) => {
      const gate = await skynet.newService<GateService>('gate')
      return {
        gate: () => gate,
        start: (port: number) => gate.call.open({ port }),
        ...watchdog(skynet, {
          open: (fd) => void told.push(['open', fd]),
          data: (fd) => void told.push(['data', fd]),
          close: (fd) => void told.push(['close', fd]),
          error: (fd, reason) => void told.push(['error', fd, reason]),
          ...handlers(skynet),
        }),
      }
    }),
  )
  await dog.call.start(7000)
  return { told, dog, gate: await dog.call.gate() }
}

// Proves: docs/gate.md#events
test('watchdog() handles the events of one client one after the other', async () => {
  await using node = await testNode()
  const told: string[] = []
  let resolve!: () => void
  const launched = new Promise<void>((done) => {
    resolve = done
  })
  const dog = await node.launch(
    defineService((skynet) =>
      watchdog(skynet, {
        async open(fd) {
          await launched
          told.push(`open ${fd}`)
        },
        close: (fd) => void told.push(`close ${fd}`),
      }),
    ),
  )
  const { socket } = dog.call
  const opens = [socket('open', 1, '127.0.0.1:1'), socket('open', 2, '127.0.0.1:2')]
  const closes = [socket('close', 1), socket('close', 2)]
  await socket('close', 3)
  await socket('warning', 1, 64)
  assert.deepEqual(told, ['close 3'])
  resolve()
  await Promise.all([...opens, ...closes])
  assert.deepEqual(told, ['close 3', 'open 1', 'open 2', 'close 1', 'close 2'])
})

test('watchdog() knows events, and nothing else that an object has', async () => {
  await using node = await testNode()
  const dog = await node.launch(defineService((skynet) => watchdog(skynet, {})))
  for (const name of ['toString', 'hasOwnProperty', '__proto__', 'constructor']) {
    assert.equal(await dog.call.socket(name as 'open', 1, '127.0.0.1:1'), undefined, name)
  }
})

// Proves: docs/gate.md#open-fails
test('an open that throws, or rejects, closes its client, and is logged', async () => {
  for (const isLate of [false, true]) {
    await using node = await testNode()
    const fail = (): never => {
      throw new Error('no agent')
    }
    const { told, gate } = await scene(node, (skynet) => ({
      open: isLate ? () => skynet.sleep(1).then(fail) : fail,
    }))
    const client = await node.connect(7000)
    assert.equal((await client.readAll()).length, 0)
    await node.settled()
    assert.deepEqual(
      told.map(([event]) => event),
      ['close'],
    )
    assert.equal((await gate.call.stat()).clients, 0)
    assert.equal(node.log.all.filter(({ text }) => text.includes('no agent')).length, 1)
  }
})

// Proves: docs/gate.md#gate-gone
test('a gate that is killed: each client has its error and close behind what it said', async () => {
  await using node = await testNode()
  const { told, gate } = await scene(node)
  const clients = [await node.connect(7000), await node.connect(7000), await node.connect(7000)]
  await node.settled()
  const fds = told.splice(0).map(([, fd]) => fd as number)
  await gate.call.accept(fds[1]!)
  clients[1]!.write('\0\x01x')
  await node.settled()
  await clients[0]!.close()
  await gate.call.kick(fds[0]!)
  // What it says last is under way when it ends.
  await node.skynet.kill(gate)
  await node.settled()
  const why = `gate ${gate.address} has ended: kill`
  const of = (fd: number): Told[] => told.filter((event) => event[1] === fd)
  assert.deepEqual(of(fds[0]!).at(-1), ['close', fds[0]])
  assert.equal(of(fds[0]!).filter(([event]) => event === 'close').length, 1)
  assert.deepEqual(of(fds[1]!), [
    ['data', fds[1]],
    ['error', fds[1], why],
    ['close', fds[1]],
  ])
  assert.deepEqual(of(fds[2]!), [
    ['error', fds[2], why],
    ['close', fds[2]],
  ])
})

// Proves: docs/gate.md#gate-gone
test('the end of a gate waits for what open has begun, and says error once', async () => {
  await using node = await testNode()
  const told: string[] = []
  let resolve!: () => void
  const launched = new Promise<void>((done) => {
    resolve = done
  })
  const service = defineService((skynet) =>
    watchdog(skynet, {
      async open(fd) {
        await launched
        told.push(`open ${fd}`)
      },
      close: (fd) => void told.push(`close ${fd}`),
      error(fd, reason) {
        told.push(`error ${fd} ${reason}`)
        throw new Error('of the handler')
      },
    }),
  )
  const dog = await node.launch(service)
  // What is no gate tells as one does.
  const teller = await node.launch(
    defineService(async (skynet, handle: number) => {
      const { call, send } = skynet.ref<typeof service>(handle)
      send.socket('open', 1, 'here')
      send.socket('open', 2, 'there')
      send.socket('error', 2, 'its own')
      await call.socket('close', 3)
    }),
    { args: [dog.handle] },
  )
  await node.skynet.kill(teller)
  await node.settled()
  assert.deepEqual(told, ['close 3'])
  resolve()
  await node.settled()
  const of = (fd: number): string[] => told.filter((line) => line.split(' ')[1] === `${fd}`)
  const why = `gate ${teller.address} has ended: kill`
  assert.deepEqual(of(1), ['open 1', `error 1 ${why}`, 'close 1'])
  assert.deepEqual(of(2), ['open 2', 'error 2 its own', 'close 2'])
})
