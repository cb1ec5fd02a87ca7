/** Clients without a session: logins that take their time, and ends that are not heard. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeWire, FROM_SERVER } from '../client/wire.ts'
import type { ClientDoor, ClientTransport } from '../skynet/client-transport.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { gateOf, recorder, type TestOptions, TestUser } from './session.kit.ts'

const LOGIN_MS = 1000

/** A gate whose logins wait for nothing that comes; the signal of each. */
async function hanging(node: TestNode, options: TestOptions = {}) {
  const agent = await node.launch(recorder([]))
  const signals = new Map<string, AbortSignal>()
  const letIn = new Map<string, () => void>()
  const opened = await gateOf(node, agent, {
    loginTimeoutMs: LOGIN_MS,
    login: (_skynet, { name }, { signal }) => {
      signals.set(name, signal)
      return new Promise((resolve) => letIn.set(name, () => resolve({ user: name, agent })))
    },
    ...options,
  })
  return { ...opened, signals, letIn }
}

// Proves: docs/session.md#login-signal
test('a login is told when nobody waits for it any more, and not when it is done', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { port, signals, letIn } = await hanging(node)
  const users = ['gone', 'late', 'good'].map((name) => new TestUser(node, port, { name }))
  await node.settled()
  const aborted = (): string[] =>
    [...signals].filter(([, { aborted }]) => aborted).map(([name]) => name)
  assert.deepEqual([signals.size, aborted()], [3, []])
  users[0]!.core.close()
  await node.settled()
  assert.deepEqual(aborted(), ['gone'])
  letIn.get('good')!()
  await users[2]!.state('open')
  const good = signals.get('good')!
  await clock.advance(2 * LOGIN_MS)
  assert.equal(signals.get('late')!.aborted, true)
  users[2]!.core.close()
  await node.settled()
  assert.equal(good.aborted, false)
  users[1]!.core.close()
})

// Proves: docs/session.md#login-timeout
test('logins that go on for too long are a line in the log, and counted', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { gate, port, letIn } = await hanging(node)
  const lines = (): string[] =>
    node.log.all.map(({ text }) => text).filter((text) => text.includes('login'))
  const users = ['a', 'b', 'c'].map((name) => new TestUser(node, port, { name }))
  await node.settled()
  assert.equal((await gate.call.stat()).logins, 3)
  // Nobody is there any more: they go on all the same.
  for (const user of users) user.core.close()
  await clock.advance(LOGIN_MS - 1)
  assert.deepEqual(lines(), [])
  await clock.advance(LOGIN_MS)
  assert.match(
    lines()[0]!,
    /the login of 127\.0\.0\.1:\d+ has taken 1000 ms, and goes on: 3 do now/,
  )
  await clock.advance(LOGIN_MS)
  assert.match(lines()[1]!, /2 more logins go on for too long/)
  await clock.advance(10 * LOGIN_MS)
  assert.equal(lines().length, 2, 'each is said once')
  for (const end of letIn.values()) end()
  await node.settled()
  const { logins, strangers } = await gate.call.stat()
  assert.deepEqual([logins, strangers], [0, 0])
})

/** A client that says what nobody understands, and takes its time to hear the end. */
class Lingerer {
  readonly codes: string[] = []
  isOpen = true
  bufferedAmount = 0
  over!: () => void
  readonly #over = new Promise<void>((resolve) => {
    this.over = resolve
  })

  async each(take: (message: Buffer) => unknown): Promise<void> {
    await take(Buffer.from([99]))
  }

  send(bytes: Uint8Array): boolean {
    const message = decodeWire(FROM_SERVER, bytes)
    if (message.kind === 'close') this.codes.push(message.code)
    return true
  }

  close(): Promise<void> {
    this.isOpen = false
    return this.#over
  }
}

// Proves: docs/limits.md#session-lingering
test('clients that were sent away and linger are no strangers: others may come in', async () => {
  await using node = await testNode()
  let door!: ClientDoor
  const transport = {
    kind: 'test',
    async open(_skynet: unknown, given: ClientDoor) {
      door = given
      return { address: 'here', port: 1, close: async () => {} }
    },
  } as unknown as ClientTransport
  const { gate } = await hanging(node, { listen: transport, perAddress: { strangers: 3 } })
  const comes = (address: string): Lingerer => {
    const stream = new Lingerer()
    door.knock(address)!.enter(stream as unknown as MessageStream)
    return stream
  }
  const lingering = [1, 2, 3].map((port) => comes(`10.0.0.1:${port}`))
  await node.settled()
  assert.deepEqual(
    lingering.map(({ codes }) => codes),
    [['protocol'], ['protocol'], ['protocol']],
  )
  assert.equal((await gate.call.stat()).strangers, 0)
  assert.deepEqual(comes('10.0.0.1:4').codes, ['address'])
  lingering[0]!.over()
  await node.settled()
  comes('10.0.0.1:5')
  await node.settled()
  assert.equal((await gate.call.stat()).closed.address, 1)
})
