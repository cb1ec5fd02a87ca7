import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { moved } from '../../bench/peers/threads-peer.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url))

interface Report {
  readonly benches: readonly {
    readonly name: string
    readonly rows: readonly {
      readonly what: string
      readonly ours: number
      readonly other: number
      readonly ratio: { readonly median: number }
      readonly completed: { readonly ours: number; readonly other: number }
    }[]
  }[]
}

const runBoth = (...args: string[]) => promisify(execFile)(process.execPath, [MAIN, ...args])

const run = async (...args: string[]): Promise<string> => (await runBoth(...args)).stdout

/** Name, and how many rows it reports. */
const BENCHES = {
  echo: 8,
  udp: 4,
  broadcast: 6,
  gate: 2,
  accept: 6,
  call: 5,
  send: 3,
  spawn: 4,
  start: 1,
  rest: 3,
  timer: 4,
  stores: 3,
  codec: 8,
  link: 3,
  idle: 1,
  connections: 5,
  channel: 3,
  cluster: 40,
  session: 3,
  tls: 6,
  // Only Linux has both kinds of epoll.
  ...(process.platform === 'linux' ? { edge: 3 } : {}),
}

for (const [name, rows] of Object.entries(BENCHES)) {
  test(`bench ${name} reports what both sides completed`, async (t) => {
    const { stdout, stderr } = await runBoth(name, '--quick', '--json')
    // It needs a program, or a package of others, that is not there.
    if (stderr.startsWith('left out')) return t.diagnostic(stderr)
    const { benches } = JSON.parse(stdout) as Report

    assert.deepEqual(
      benches.map((bench) => [bench.name, bench.rows.length]),
      [[name, rows]],
    )
    for (const { what, ours, other, ratio, completed } of benches[0]!.rows) {
      assert.ok(completed.ours > 0 && completed.other > 0, what)
      assert.ok(ours > 0 && other > 0 && ratio.median > 0, what)
    }
  })
}

test('bench names those there are when it is asked for another one', async () => {
  const failed = run('nothing').catch((error: { stderr: string; code: number }) => error)

  const { stderr, code } = (await failed) as { stderr: string; code: number }
  assert.equal(code, 1)
  assert.match(stderr, /^Cannot find a bench named 'nothing'\n/)
  for (const name of Object.keys(BENCHES)) assert.match(stderr, RegExp(`^ {2}${name} `, 'm'))
})

test('a wake-up that moved nothing is none for the threads beside ours', async () => {
  const cells = new Int32Array(new SharedArrayBuffer(4))
  let isMoved = false
  const waiting = moved(cells, 0, 0).then(() => {
    isMoved = true
  })
  const beside = Atomics.waitAsync(cells, 0, 0)
  assert.equal(Atomics.notify(cells, 0), 2)
  await beside.value
  await new Promise(setImmediate)
  assert.equal(isMoved, false)
  Atomics.add(cells, 0, 1)
  assert.equal(Atomics.notify(cells, 0), 1)
  await waiting
})
