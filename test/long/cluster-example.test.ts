/** The example of three nodes, as a user sees it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ChatClient } from '../support/chat-client.ts'
import { freePorts } from '../support/free-port.ts'
import { isNatsInstalled, NATS_LEFT_OUT } from '../support/nats-server.ts'
import { until } from '../support/until.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const START = [`${ROOT}tools/run.mjs`, 'start']
const NAMES = ['a', 'b', 'c'] as const
/** Each listens to people, and but for NATS to the other nodes. */
const PORTS = 2 * NAMES.length

class Example {
  readonly child: ChildProcess
  out = ''

  constructor(child: ChildProcess) {
    this.child = child
    for (const output of [child.stdout!, child.stderr!]) {
      output.on('data', (chunk) => {
        this.out += chunk
      })
    }
  }

  static async start(t: TestContext, ...args: string[]): Promise<Example> {
    const port = await freePorts(PORTS)
    const env = { ...process.env, PORT: `${port}`, CLUSTER_PORT: `${port + NAMES.length}` }
    const example = new Example(
      spawn(process.execPath, [...START, 'examples/cluster', ...args], {
        env,
        cwd: ROOT,
        detached: true,
      }),
    )
    t.after(() => example.child.kill('SIGINT'))
    for (const name of NAMES) await example.said(new RegExp(`^${name} \\| .*to come in`, 'm'))
    return example
  }

  said(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const { stdout } = this.child
    const on = [[stdout!, 'data']] as const
    return until(`a line like ${pattern}`, () => pattern.exec(this.out.slice(from)), { on }).catch(
      (error) => assert.fail(`${error}\n${this.out}`),
    )
  }

  async lineOf(name: string): Promise<{ pid: number; port: number }> {
    const [, pid, port] = await this.said(
      RegExp(`^node ${name}: process (\\d+), nc .* (\\d+)$`, 'm'),
    )
    return { pid: Number(pid), port: Number(port) }
  }

  /** By a Ctrl-C of a terminal, which reaches the whole group, and comes from npm once more. */
  async ends(): Promise<void> {
    const ended = once(this.child, 'exit')
    for (let times = 0; times < 2; times++) process.kill(-this.child.pid!, 'SIGINT')
    assert.deepEqual(await ended, [0, null], this.out)
  }

  async visit(name: string): Promise<ChatClient> {
    return ChatClient.connect((await this.lineOf(name)).port)
  }
}

/** The next line that is so; others before it are passed over. */
async function hears(client: ChatClient, pattern: RegExp): Promise<string> {
  for (;;) {
    const line = await client.next()
    if (pattern.test(line)) return line
  }
}

for (const flags of [[], ['--nats']]) {
  const how = flags[0] ?? 'TCP'
  test(`examples/cluster goes on over ${how} when a node is killed`, async (t) => {
    if (how === '--nats' && !isNatsInstalled()) return t.diagnostic(NATS_LEFT_OUT)
    const example = await Example.start(t, ...flags)
    const bea = await example.visit('b')
    assert.match(await bea.next(), /^the room is on node b; here are b\d+$/)
    const ada = await example.visit('a')
    const cleo = await example.visit('c')
    for (const each of [ada, cleo]) await hears(each, /^the room is on node b; here are b\d+, /)
    ada.write('who is there?\n')
    for (const each of [bea, cleo]) await hears(each, /^a\d+: who is there\?$/)

    const from = example.out.length
    const { pid } = await example.lineOf('b')
    process.kill(pid, 'SIGKILL')
    for (const name of ['a', 'c'])
      await example.said(RegExp(`^${name} .*node b is down`, 'm'), from)
    for (const each of [ada, cleo]) await hears(each, /^the room is on node [ac]; here are /)
    await until('both are in the new room', async () => {
      cleo.write('it goes on\n')
      return ada.lines.some((line) => /^c\d+: it goes on$/.test(line))
    })
    for (const name of ['a', 'c']) await example.said(RegExp(`^${name} .*node b is up`, 'm'), from)
    await example.said(/^b \| .*to come in/m, from)
    const bob = await example.visit('b')
    await hears(bob, /^the room is on node [ac]; here are .*b\d+/)

    await example.ends()
    const pids = [...example.out.matchAll(/process (\d+)/g)].map(([, each]) => Number(each))
    assert.ok(pids.length >= NAMES.length)
    for (const each of pids) assert.throws(() => process.kill(each, 0), { code: 'ESRCH' })
  })
}

test('examples/cluster tells who is in the room that it is away, with the seed', async (t) => {
  const example = await Example.start(t)
  const ada = await example.visit('a')
  await hears(ada, /^the room is on node a; here are a\d+$/)
  const bea = await example.visit('b')
  await hears(bea, /^the room is on node a; here are a\d+, b\d+$/)
  process.kill((await example.lineOf('a')).pid, 'SIGKILL')
  assert.equal(await bea.next(), 'node a, where the room is, is not heard')
  await hears(bea, /^node a is (down|heard again)$/)
  await hears(bea, /^the room is on node [abc]; here are b\d+$/)
  await example.ends()
})

test('npm start names an example that there is not', async () => {
  const child = spawn(process.execPath, [...START, 'examples/none'], { cwd: ROOT })
  const [error, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  assert.equal(code, 1)
  assert.match(error, /Cannot start: no example is at examples\/none\n$/)
})
