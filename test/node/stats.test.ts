/** What every service of a node does and holds, told from anywhere. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceStats, Skynet } from 'skynet-ts'
import type busy from '../fixtures/busy.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, BodyNode, serviceTest, test } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const launch = (skynet: Skynet, on = 1) => skynet.newService<typeof busy>('./busy.ts', { on })

async function rowOf(skynet: Skynet, handle: number): Promise<ServiceStats> {
  const rows = await skynet.debug.services()
  return rows.find((row) => row.handle === handle)!
}

// Proves: docs/commands.md#debug
check('debug.services() tells what every service of the node holds', async (skynet) => {
  const peer = await launch(skynet)
  const before = await rowOf(skynet, peer.handle)
  assert.deepEqual(before, {
    handle: peer.handle,
    title: 'fixtures/busy',
    worker: 1,
    message: 0,
    mqlen: 0,
    task: 0,
    timers: 0,
    sockets: 0,
    cpuMs: undefined,
    memoryBytes: 0,
  })
  assert.equal(await peer.call.hold(), 4)
  await peer.call.listen()
  const { task, timers, sockets, message, memoryBytes } = await rowOf(skynet, peer.handle)
  // The request of `hold` is done; one that it made itself, its call and a sleep go on.
  assert.deepEqual({ task, timers, sockets }, { task: 3, timers: 2, sockets: 1 })
  assert.equal(memoryBytes, 3 * 400 + 2 * 64)
  assert.ok(message >= 3, String(message))
  const all = await skynet.debug.services()
  assert.ok(all.some(({ handle, worker }) => handle === skynet.self && worker === 0))
  const workers = await skynet.debug.workers()
  assert.deepEqual(
    workers.map(({ worker }) => worker),
    [0, 1],
  )
  for (const { heapUsedBytes, heapTotalBytes, externalBytes } of workers) {
    assert.ok(heapUsedBytes > 1e6 && heapTotalBytes >= heapUsedBytes && externalBytes > 0)
  }
})

check('debug.services() counts what waits in a mailbox', async (skynet, handlers) => {
  handlers.nothing = () => {}
  for (let i = 0; i < 7; i++) skynet.send(skynet.self, 'nothing')
  const { mqlen, memoryBytes, task } = await rowOf(skynet, skynet.self)
  // Its own question is a task; it is answered at once, as it is of this worker.
  assert.equal(mqlen, 7)
  assert.equal(memoryBytes, 7 * 400 + task * 400)
})

// Proves: docs/commands.md#debug
check('debug.workers() leaves out a worker that is held', async (skynet) => {
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  const file = join(String(skynet.getenv('folder')), 'hold')
  const held = peer.call.holdUntil(file)
  await until('it is held', () => existsSync(`${file}.held`))
  const workers = await skynet.debug.workers({ timeoutMs: 20 })
  writeFileSync(file, '')
  assert.deepEqual(
    workers.map(({ worker }) => worker),
    [0],
  )
  await held
  const abort = new AbortController()
  abort.abort()
  await assert.rejects(skynet.debug.workers({ signal: abort.signal }), { code: 'ABORT_ERR' })
})

// Proves: docs/commands.md#profile
check('profile measures what the code of a service takes, while it is on', async (skynet) => {
  const peer = await launch(skynet)
  await peer.call.spin(2)
  assert.equal(await peer.call.cpu(), 0)
  assert.equal(await peer.call.time(), 0)
  await skynet.debug.profile(true, peer.handle)
  const cpuMs = async (): Promise<number> => (await rowOf(skynet, peer.handle)).cpuMs!
  assert.equal(await cpuMs(), 0)
  await peer.call.spin(3)
  const one = await cpuMs()
  assert.ok(one >= 3, String(one))
  await peer.call.spinInTimer(3)
  await until('the timer is counted', async () => (await cpuMs()) >= one + 3)
  await peer.call.spinInFork(3)
  await until('the fork is counted', async () => (await cpuMs()) >= one + 6)
  const [begin, end] = await peer.call.timeInHandler()
  assert.ok(end! >= begin! + 2, `${begin} ${end}`)
  const [before, now, after] = [await cpuMs(), await peer.call.cpu(), await cpuMs()]
  assert.ok(before <= now && now <= after, `${before} ${now} ${after}`)
  await skynet.debug.profile(false, peer.address)
  assert.equal(await cpuMs(), undefined)
})

// Proves: docs/commands.md#profile
check('profile of all reaches services to come; of one it must be there', async (skynet) => {
  await skynet.debug.profile(true)
  const peer = await launch(skynet)
  assert.equal((await rowOf(skynet, peer.handle)).cpuMs, 0)
  assert.ok((await rowOf(skynet, skynet.self)).cpuMs! >= 0)
  await skynet.debug.profile(false)
  assert.equal((await rowOf(skynet, peer.handle)).cpuMs, undefined)
  await skynet.kill(peer.handle)
  await assert.rejects(skynet.debug.profile(true, peer.handle), { code: 'ERR_CALL_DEAD' })
  await assert.rejects(skynet.debug.profile(true, '.nobody'), { code: 'ERR_NAME_UNKNOWN' })
})

// Proves: docs/commands.md#profile
serviceTest(
  import.meta.url,
  'the config key profile measures from the beginning',
  async (skynet) => {
    const rows = await skynet.debug.services()
    assert.ok(rows.length >= 3)
    for (const { cpuMs } of rows) assert.ok(cpuMs! >= 0)
  },
  { profile: true },
)

// Proves: docs/commands.md#debug
test('node.workers() tells the main thread', async () => {
  const started = await BodyNode.start()
  const workers = await started.node.workers()
  assert.deepEqual(
    workers.map(({ worker }) => worker),
    [0, 1],
  )
  const titles = workers.flatMap(({ services }) => services.map(({ title }) => title))
  assert.ok(titles.includes('fixtures/runner') && titles.includes('services/logger'), `${titles}`)
  await started.stop()
})
