/** The chat example, sentence by sentence, over real connections. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ChatClient, startChat } from '../support/chat-client.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

const RUN = fileURLToPath(new URL('../../../tools/run.mjs', import.meta.url))

suite('chat', () => {
  test('a client is welcomed with one line, and is a guest in the lobby', async (t) => {
    const { port } = await startChat(t)
    const first = await ChatClient.connect(port)
    assert.match(await first.next(), /^welcome.* guest-1 /)
    const second = await ChatClient.connect(port)
    assert.match(await second.next(), /^welcome.* guest-2 /)
    assert.equal(await second.ask('/who'), 'lobby: guest-1, guest-2')
    assert.deepEqual(first.lines, [])
  })

  test('a line reaches every other member, and neither its sender nor other rooms', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob, cleo, dan] = await guests(port, 4)
    assert.match(await dan!.ask('/join den'), /^(?!error:).*den/)
    ada!.write('hello\n')
    assert.equal(await bob!.next(), 'guest-1: hello')
    assert.equal(await cleo!.next(), 'guest-1: hello')
    // What was said before would have come before these answers.
    assert.equal(await ada!.ask('/who'), 'lobby: guest-1, guest-2, guest-3')
    assert.equal(await dan!.ask('/who'), 'den: guest-4')
  })

  test('/nick changes the name that others see, and frees the old one', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob] = await guests(port, 2)
    assert.match(await ada!.ask('/nick ada'), /^(?!error:)/)
    assert.equal(await bob!.ask('/who'), 'lobby: ada, guest-2')
    ada!.write('hello\n')
    assert.equal(await bob!.next(), 'ada: hello')
    assert.match(await bob!.ask('/nick guest-1'), /^(?!error:)/)
    assert.match(await bob!.ask('/nick Øyvind-李_2'), /^(?!error:)/)
    assert.match(await bob!.ask('/nick Øyvind-李_2'), /^(?!error:)/)
    assert.equal(await ada!.ask('/who'), 'lobby: ada, Øyvind-李_2')
  })

  test('/nick answers error: for a nick that is taken anywhere, or is none', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob] = await guests(port, 2)
    await ada!.ask('/nick ada')
    await ada!.ask('/join den')
    for (const nick of ['ada', '', 'a b', 'a,b', 'a:', '\u001B[31m', 'x'.repeat(25)]) {
      assert.match(await bob!.ask(`/nick ${nick}`), /^error: /, `nick '${nick}'`)
    }
    assert.equal(await bob!.ask('/who'), 'lobby: guest-2')
  })

  test('a nick that looks like the next guest is stepped over', async (t) => {
    const { port } = await startChat(t)
    const [ada] = await guests(port, 1)
    await ada!.ask('/nick guest-2')
    const bob = await ChatClient.connect(port)
    assert.match(await bob.next(), / guest-3 /)
  })

  test('/join moves a client, and with it the lines after it, none before it', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob, cleo] = await guests(port, 3)
    await cleo!.ask('/join den')
    ada!.write('one\n/join den\ntwo\n/join lobby\nthree\n')
    assert.match(await ada!.next(), /den/)
    assert.match(await ada!.next(), /lobby/)
    assert.equal(await cleo!.next(), 'guest-1: two')
    assert.equal(await bob!.next(), 'guest-1: one')
    assert.equal(await bob!.next(), 'guest-1: three')
    assert.equal(await cleo!.ask('/who'), 'den: guest-3')
    assert.match(await ada!.ask('/join lobby'), /^(?!error:)/)
    assert.equal(await ada!.ask('/who'), 'lobby: guest-2, guest-1')
    for (const room of ['', 'a b', '../x']) {
      assert.match(await ada!.ask(`/join ${room}`), /^error: /)
    }
    assert.equal(await ada!.ask('/who'), 'lobby: guest-2, guest-1')
  })

  test('a join that meets a room which is just ending is not lost', async (t) => {
    const { port, node, assertNoFault } = await startChat(t)
    const clients = await guests(port, 4)
    const before = node.stats().services
    const rounds = 100
    // Each room is empty again and again while others are on their way into it.
    for (const [index, client] of clients.entries()) {
      const moves = Array.from({ length: rounds }, (_, n) => `/join r${(n + index) % 3}\n/who\n`)
      client.write(`${moves.join('')}/join lobby\n`)
    }
    for (const [index, client] of clients.entries()) {
      for (let n = 0; n < rounds; n++) {
        const room = `r${(n + index) % 3}`
        assert.match(await client.next(), new RegExp(`in ${room}$`))
        assert.match(await client.next(), new RegExp(`^${room}: .*\\bguest-${index + 1}\\b`))
      }
      assert.match(await client.next(), /in lobby$/)
    }
    await until('the end of every empty room', () => node.stats().services === before)
    assertNoFault()
  })

  test('/quit is answered by the end of the connection; the nick is free again', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob] = await guests(port, 2)
    await ada!.ask('/nick ada')
    ada!.write('/quit\nstill here\n')
    await ada!.closed()
    assert.deepEqual(ada!.lines, [])
    await becomes(bob!, 'ada')
    assert.equal(await bob!.ask('/who'), 'lobby: ada')
    assert.deepEqual(bob!.lines, [])
  })

  test('a client that dies leaves its room and frees its nick', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob, cleo] = await guests(port, 3)
    await ada!.ask('/nick ada')
    await bob!.ask('/nick bob')
    ada!.reset()
    bob!.end()
    await becomes(cleo!, 'ada')
    await becomes(cleo!, 'bob')
    assert.equal(await cleo!.ask('/who'), 'lobby: bob')
  })

  test('an unknown command is answered by a line that starts error:', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob] = await guests(port, 2)
    for (const command of ['/dance', '/', '/constructor', '/__proto__ x', '/WHO']) {
      assert.match(await ada!.ask(command), /^error: /, command)
    }
    assert.equal(await bob!.ask('/who'), 'lobby: guest-1, guest-2')
  })

  test('a line of 8 KiB is delivered, a longer one answers error: and closes', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob] = await guests(port, 2)
    const longest = 'x'.repeat(8192)
    ada!.write(`${longest}\r\n`)
    assert.equal(await bob!.next(), `guest-1: ${longest}`)
    assert.match(await ada!.ask(`${longest}y`), /^error: .*8 KiB/)
    await ada!.closed()
    assert.equal(await bob!.ask('/who'), 'lobby: guest-2')
  })

  test('a too long line is answered also while it goes on coming', async (t) => {
    const { port } = await startChat(t)
    const [ada] = await guests(port, 1)
    const { socket } = ada!
    const piece = Buffer.alloc(16 * 1024, 'x')
    const more = (): void => {
      while (!socket.writableEnded && socket.write(piece));
    }
    socket.on('drain', more)
    more()
    assert.match(await ada!.next(), /^error: /)
    socket.end()
    await ada!.closed()
  })

  test('lines may come in any pieces, and end in CR LF', async (t) => {
    const { port } = await startChat(t)
    const [ada, bob] = await guests(port, 2)
    ada!.write('one\r\ntwo\nthr')
    assert.equal(await bob!.next(), 'guest-1: one')
    assert.equal(await bob!.next(), 'guest-1: two')
    ada!.write('ee\r')
    // The answer to another client shows that nothing of the half line was sent.
    assert.equal(await bob!.ask('/who'), 'lobby: guest-1, guest-2')
    ada!.write('\nfour\n')
    assert.equal(await bob!.next(), 'guest-1: three')
    assert.equal(await bob!.next(), 'guest-1: four')
  })
})

suite('npm start', () => {
  test('prints the address and three things to try; --set env.PORT chooses the port', async (t) => {
    const port = await freePort()
    const chat = startCli(t, ['--set', `env.PORT=${port}`])
    await until('what to try', () => chat.out.includes('/quit'))
    assert.match(chat.out, new RegExp(`listens on 127\\.0\\.0\\.1:${port}\\b`))
    assert.match(chat.out, new RegExp(`nc 127\\.0\\.0\\.1 ${port}\\b[^]*/nick [^]*/join `))
    const ada = await ChatClient.open(port)
    assert.equal(await ada.ask('/who'), 'lobby: guest-1')
    assert.equal(chat.err, '')
  })

  test('a taken port ends with one line on stderr and exit code 1', async (t) => {
    const { port } = await startChat(t)
    const second = startCli(t, ['--set', `env.PORT=${port}`])
    assert.equal(await second.code, 1)
    assert.match(second.err, new RegExp(`^skynet: .*127\\.0\\.0\\.1:${port}.*in use.*\\n$`))
    assert.equal(second.out, '')
  })

  test('SIGTERM while clients are connected waits for none: exit code 0', async (t) => {
    // Longer than any test: nothing takes it.
    const chat = startCli(t, ['--set', 'env.PORT=0', '--set', 'graceMs=600000'])
    await until('the address', () => /listens on \S+:\d+/.test(chat.out))
    const port = Number(/listens on \S+:(\d+)/.exec(chat.out)![1])
    const clients = await guests(port, 10)
    chat.child.kill('SIGTERM')
    assert.equal(await chat.code, 0)
    for (const client of clients) await client.closed()
    assert.match(chat.err, /^skynet: SIGTERM: stopping, [^\n]*\nskynet: stopped\n$/)
  })
})

/** Clients in the lobby, in the order of their guest numbers. */
async function guests(port: number, count: number): Promise<ChatClient[]> {
  const clients: ChatClient[] = []
  while (clients.length < count) clients.push(await ChatClient.open(port))
  return clients
}

/** Take a nick that is about to become free. */
async function becomes(client: ChatClient, nick: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (!(await client.ask(`/nick ${nick}`)).startsWith('error:')) return
    await sleep(5)
  }
  assert.fail(`${nick} never became free`)
}

interface Cli {
  readonly child: ChildProcess
  readonly code: Promise<number | null>
  out: string
  err: string
}

/** `npm start`, in a process of its own. */
function startCli(t: TestContext, args: readonly string[]): Cli {
  const child = spawn(process.execPath, [RUN, 'start', ...args])
  const code = once(child, 'close').then(([exit]) => exit as number | null)
  const cli: Cli = { child, code, out: '', err: '' }
  child.stdout.on('data', (data: Buffer) => {
    cli.out += data
  })
  child.stderr.on('data', (data: Buffer) => {
    cli.err += data
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await code
  })
  return cli
}
