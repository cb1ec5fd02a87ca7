import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { GATE_ENDED_MS, PACE_MESSAGES, PACE_UNFINISHED_MAX } from '../base/limits.ts'
import { Service } from '../service/service.ts'
import { defineService } from '../skynet/define-service.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import type { Gate } from './gate-server.ts'
import type { GateService } from './gate-service.ts'
import { onClient } from './on-client.ts'
import { Switchboard } from './switchboard.ts'
import { type GateEvent, watchdog } from './watchdog.ts'

/** A watchdog that writes down what it is told. */
const recorder = (told: GateEvent[]) =>
  defineService((skynet) =>
    watchdog(skynet, {
      open: (fd, address) => void told.push(['open', fd, address]),
      close: (fd) => void told.push(['close', fd]),
      error: (fd, reason) => void told.push(['error', fd, reason]),
    }),
  )

/** A gate at port 7000, and what its watchdog is told. */
async function openGate(node: TestNode) {
  const told: GateEvent[] = []
  const watcher = await node.launch(recorder(told))
  const gate = await node.skynet.newService<GateService>('gate')
  await gate.call.open({ port: 7000, watchdog: watcher })
  return { told, watcher, gate }
}

// Proves: docs/gate.md#kit, #half-close
test('a gate on a testNode: clients without sockets, time by hand', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const told: GateEvent[] = []
  const watcher = await node.launch(recorder(told))
  const agent = await node.launch(
    defineService((skynet) => {
      onClient(skynet, (message) => `you said ${message}`)
    }),
  )
  const gate = await node.skynet.newService<GateService>('gate')
  await gate.call.open({ port: 7000, watchdog: watcher })

  const client = await node.connect(7000)
  client.write('\0\x05hello')
  await node.settled()
  const [, fd] = told[0]!
  assert.deepEqual(told, [['open', fd, client.localAddress]])
  await gate.call.forward(fd, 0, agent)
  assert.equal((await client.read(16)).toString(), '\0\x0eyou said hello')

  client.end()
  await node.settled()
  assert.deepEqual(told[1], ['close', fd])
  await clock.advance(GATE_ENDED_MS - 1)
  assert.equal(client.isOpen, true)
  const end = client.read()
  await clock.advance(1)
  assert.equal(await end, null)
  assert.deepEqual(await gate.call.stat(), { clients: 0, maxClient: 1024, refused: 0, lost: 0 })
})

// Proves: docs/gate.md#forward
test('forward refuses who is being closed, and a source that nobody is', async () => {
  await using node = await testNode()
  const { told, watcher, gate } = await openGate(node)
  const client = await node.connect(7000)
  await node.settled()
  const [, fd] = told[0]!
  const nobody = gate.call.forward(fd, '.nobody', watcher)
  await assert.rejects(nobody, (error) => isSkynetError(error, 'ERR_NAME_UNKNOWN'))
  gate.send.kick(fd)
  for (const late of [gate.call.forward(fd, 0, watcher), gate.call.accept(fd)]) {
    await assert.rejects(late, (error) => isSkynetError(error, 'ERR_CLIENT_UNKNOWN'))
  }
  assert.equal((await client.readAll()).length, 0)
  await node.settled()
  assert.deepEqual(told.slice(1), [['close', fd]])
})

// Proves: docs/gate.md#agent-gone
test('an agent that exits while it has messages takes its client along', async () => {
  await using node = await testNode()
  const { told, gate } = await openGate(node)
  const agent = await node.launch(
    defineService((skynet) => {
      onClient(skynet, () => skynet.exit())
    }),
  )
  const client = await node.connect(7000)
  await node.settled()
  const [, fd] = told[0]!
  await gate.call.forward(fd, 0, agent)
  client.write('\0\x01a\0\x01b\0\x01c')
  await client.readAll()
  await node.settled()
  assert.deepEqual(told.slice(1), [
    ['error', fd, `agent ${agent.address} has ended: exit`],
    ['close', fd],
  ])
  client.close()
})

// Proves: docs/gate.md#watchdog-full
test('a watchdog whose node takes no more costs the client its connection', async (t) => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { told, gate } = await openGate(node)
  const client = await node.connect(7000)
  await node.settled()
  await gate.call.accept(told[0]![1])
  const { sendMethod } = Service.prototype
  let isFull = true
  t.after(() => Object.assign(Service.prototype, { sendMethod }))
  Service.prototype.sendMethod = function (to, message) {
    if (isFull && message[0] === 'socket') {
      throw new SkynetError('ERR_LINK_FULL', { node: 'b', limit: 8, sent: 'no' })
    }
    return sendMethod.call(this, to, message)
  }
  client.write('\0\x05hello')
  await node.settled()
  await clock.advance(1)
  assert.equal((await client.readAll()).length, 0)
  await clock.advance(1000)
  assert.deepEqual(told.slice(1), [])
  isFull = false
  await clock.advance(250)
  assert.deepEqual(told.slice(1), [['close', told[0]![1]]])
  assert.deepEqual(await gate.call.stat(), { clients: 0, maxClient: 1024, refused: 0, lost: 0 })
})

// Proves: docs/gate.md#agent-gone
test('Switchboard counts messages that find their agent gone, and says so', async () => {
  await using node = await testNode()
  const closed: number[] = []
  const gate = { openClient: () => true, closeClient: (fd: number) => closed.push(fd) }
  const board = new Switchboard(node.skynet, gate as unknown as Gate)
  const agent = await node.launch(defineService(() => {}))
  board.connected(7, 'here')
  board.forward(7, 0, agent.handle)
  await node.skynet.kill(agent)
  for (let n = 0; n < 3; n++) await board.message(7, Buffer.from('hello'))
  await node.settled()
  assert.equal(board.lost, 3)
  assert.deepEqual(closed, [7])
  const lines = node.log.all.filter(({ text }) => text.includes('lost a message'))
  assert.equal(lines.length, 1)
  assert.match(lines[0]!.text, RegExp(`^gate: lost a message of client 7: ${agent.address} has`))
  board.gone(7)
  assert.equal(board.message(7, Buffer.from('late')), undefined)
})

// Proves: docs/gate.md#pace
test('a client that was accepted goes by the pace of the watchdog that there is', async () => {
  await using node = await testNode({ clock: new FakeClock() })
  const gate = await node.skynet.newService<GateService>('gate')
  const told: GateEvent[] = []
  const first = await node.launch(recorder(told))
  let unfinished = 0
  const slow = await node.launch(
    defineService(() => ({
      socket(...[event]: GateEvent) {
        if (event !== 'data') return undefined
        unfinished++
        return new Promise(() => {})
      },
    })),
  )
  await gate.call.open({ port: 7000, watchdog: first })
  const client = await node.connect(7000)
  await node.settled()
  await gate.call.accept(told[0]![1])
  await gate.call.close()
  await gate.call.open({ port: 7000, watchdog: slow })
  client.write('\0\x01x'.repeat(3000))
  await node.settled()
  const most = PACE_UNFINISHED_MAX + 2 * PACE_MESSAGES
  assert.ok(unfinished > PACE_MESSAGES && unfinished <= most, `${unfinished}`)
})

// Proves: docs/gate.md#agent-full
test('an answer of an agent for which there is no room is dropped, and logged', async () => {
  await using node = await testNode({ clock: new FakeClock() })
  const told: GateEvent[] = []
  const watcher = await node.launch(recorder(told))
  const agent = await node.launch(
    defineService((skynet) => {
      onClient(skynet, () => Buffer.alloc(60_000))
    }),
  )
  const gate = await node.skynet.newService<GateService>('gate')
  const policy = { sendPolicy: 'pause-producer', sendLimitBytes: 200_000 } as const
  await gate.call.open({ port: 7000, watchdog: watcher, ...policy })
  const client = await node.connect(7000)
  await node.settled()
  await gate.call.forward(told[0]![1], 0, agent)
  client.write('\0\0'.repeat(20))
  const { text } = await node.log.find(({ text }) => text.includes('was dropped'))
  assert.match(
    text,
    /^an answer to client \d+ was dropped: more waits for it than its policy allows$/,
  )
  assert.equal((await gate.call.stat()).clients, 1)
})

test('an answer to a client that has left is no loss', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const told: GateEvent[] = []
  const watcher = await node.launch(recorder(told))
  const agent = await node.launch(
    defineService((skynet) => {
      onClient(skynet, async () => {
        await skynet.sleep(GATE_ENDED_MS * 2)
        return 'late'
      })
    }),
  )
  const gate = await node.skynet.newService<GateService>('gate')
  await gate.call.open({ port: 7000, watchdog: watcher })
  const client = await node.connect(7000)
  await node.settled()
  await gate.call.forward(told[0]![1], 0, agent)
  client.write('\0\x01x')
  await node.settled()
  await client.close()
  await clock.advance(GATE_ENDED_MS * 3)
  assert.deepEqual(
    node.log.all.filter(({ level }) => level === 'error'),
    [],
  )
})
