/** A node whose process is stopped for a while: SIGSTOP, `docker pause`, a machine that moves. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cli, scratchFolder } from '../support/cli.ts'
import { heard } from '../support/heard.ts'

const CLIENTS = 20
const IDLE_MS = 2000

/** Write, and wait for the echo. */
async function say(client: Socket, text: string): Promise<void> {
  const echo = heard(client, text.length)
  client.write(text)
  assert.equal(await echo, text)
}

/** A node whose service `start` connects to the test, and waits for `IDLE_MS` at most. */
async function patient(t: TestContext, start: string) {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const connected = once(server, 'connection') as Promise<[Socket]>
  const cli = new Cli(t, scratchFolder(t), { start, thread: 2, args: [port, IDLE_MS] })
  return { cli, connected, server }
}

// Proves: docs/semantics.md#stopped-process
test('a process that is stopped and goes on cuts no client that has written', async (t) => {
  const args = [IDLE_MS]
  const cli = new Cli(t, scratchFolder(t), { start: 'idle-echo.js', thread: 2, args })
  const [, port] = await cli.said(/port (\d+)/)
  const clients = Array.from({ length: CLIENTS }, () => connect(Number(port), '127.0.0.1'))
  t.after(() => {
    for (const client of clients) client.destroy()
  })
  await Promise.all(clients.map((client) => say(client, 'hello')))
  // The socket thread sleeps in its poller by then, as it mostly does.
  await sleep(IDLE_MS / 4)
  cli.child.kill('SIGSTOP')
  const answers = Promise.allSettled(clients.map((client) => say(client, 'still here')))
  await sleep(2 * IDLE_MS)
  cli.child.kill('SIGCONT')
  const cut = (await answers).flatMap((answer) =>
    answer.status === 'rejected' ? [String(answer.reason)] : [],
  )
  assert.deepEqual(cut, [], `${cut.length} of ${CLIENTS} clients were cut`)
  assert.equal((await cli.stop()).code, 0)
})

// Proves: docs/semantics.md#stopped-process
test('a read and an accept do not give up on what came in a stopped process', async (t) => {
  const { cli, connected } = await patient(t, 'patient.js')
  const [, listening] = await cli.said(/port (\d+)/)
  const [peer] = await connected
  t.after(() => peer.destroy())
  cli.child.kill('SIGSTOP')
  peer.write('here I am\n')
  const client = connect(Number(listening), '127.0.0.1')
  t.after(() => client.destroy())
  await sleep(2 * IDLE_MS)
  cli.child.kill('SIGCONT')
  const [, answers] = await cli.said(/got (.*)\n/)
  assert.equal(answers, 'here I am, accepted')
  assert.equal((await cli.stop()).code, 0)
})

// Proves: docs/semantics.md#stopped-waits
test('a call does not give up on a service that was stopped with its caller', async (t) => {
  const { cli, connected } = await patient(t, 'patient-caller.js')
  await cli.said(/it calls/)
  const [peer] = await connected
  t.after(() => peer.destroy())
  cli.child.kill('SIGSTOP')
  peer.write('the answer\n')
  await sleep(2 * IDLE_MS)
  cli.child.kill('SIGCONT')
  const [, answer] = await cli.said(/got (.*)\.\n/)
  assert.equal(answer, 'the answer')
  assert.equal((await cli.stop()).code, 0)
})

// Proves: docs/semantics.md#stopped-process
test('a request of a channel does not give up on what came in a stopped process', async (t) => {
  const { cli, connected, server } = await patient(t, 'patient-channel.js')
  const peers: Socket[] = []
  server.on('connection', (peer: Socket) => peers.push(peer))
  await connected
  await cli.said(/it asks/)
  t.after(() => {
    for (const peer of peers) peer.destroy()
  })
  // The third one is owed its answer, and its server is not silent but for the stop.
  cli.child.kill('SIGSTOP')
  for (const peer of peers) peer.write('here\n')
  await sleep(2 * IDLE_MS)
  cli.child.kill('SIGCONT')
  await cli.said(/it has two/)
  for (const peer of peers) peer.write('too\n')
  const [, answers] = await cli.said(/got (.*)\.\n/)
  assert.equal(answers, 'here, here, too')
  assert.equal((await cli.stop()).code, 0)
})
