/** What sockets and their API say when they, or their service, have ended; and how they say it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Skynet } from 'skynet-ts'
import { MESSAGE_BYTES_MAX } from '../../src/base/limits.ts'
import { portOf } from '../../src/os/address.ts'
import { posixOs } from '../../src/os/posix.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { ours, stretch } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const MB = 1024 * 1024

// Proves: docs/semantics.md#is-open
check('isOpen is false once both sides have ended', async (skynet) => {
  const [near, far] = await ours(skynet)
  near.end()
  assert.equal(await far.read(), null)
  assert.equal(far.isOpen, true, 'it may still answer')
  far.end()
  assert.equal(await near.read(), null)
  await until('both are gone', () => !near.isOpen && !far.isOpen)
})

// Proves: docs/semantics.md#is-open
check(
  'after close: read gives the end, setOption throws, setNoDelay does nothing',
  async (skynet) => {
    const [near] = await ours(skynet)
    await near.close()
    assert.equal(await near.read(), null)
    assert.throws(() => near.setOption('noDelay', 1), { code: 'ERR_SOCKET_CLOSED' })
    near.setNoDelay()
    const udp = await skynet.socket.udp()
    await udp.close()
    assert.throws(() => udp.setOption('broadcast', 1), { code: 'ERR_SOCKET_CLOSED' })
  },
)

// Proves: docs/semantics.md#read-max
check('read(count) takes at most 256 MiB', async (skynet) => {
  const [near] = await ours(skynet)
  const tooMuch = near.read(MESSAGE_BYTES_MAX + 1)
  await assert.rejects(tooMuch, { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
  const most = near.read(MESSAGE_BYTES_MAX, { timeoutMs: 10 })
  await assert.rejects(most, { code: 'ERR_SOCKET_TIMEOUT' })
})

check('a connect that takes too long tells the time that was asked for', async (skynet) => {
  const os = posixOs()
  const fds = [os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 0)]
  const address = os.localAddress(fds[0]!)!
  // Its queue is full: SYN is not answered.
  for (let filler = 0; filler < 2; filler++) {
    const fd = os.socket(4)
    os.connect(fd, address)
    fds.push(fd)
  }
  const late = skynet.socket.connect({ port: portOf(address), timeoutMs: 100 })
  await assert.rejects(late, { code: 'ERR_SOCKET_TIMEOUT', message: /nothing within 100 ms$/ })
  for (const fd of fds) os.close(fd)
})

check('a path too long, and a descriptor bound twice, are refused in words', async (skynet) => {
  const path = `/tmp/${'x'.repeat(200)}`
  await assert.rejects(skynet.socket.listen({ path }), /^RangeError: Cannot listen as 'path'/)
  const fd = posixOs().datagram(4)
  const bound = await skynet.socket.bind(fd)
  await assert.rejects(skynet.socket.bind(fd), /descriptor \d+ is bound already$/)
  await bound.close()
  posixOs().close(fd)
})

// Proves: docs/semantics.md#write-warning
check('warnings of many sockets are one line a second; onWarning hears of each', async (skynet) => {
  const log = String(skynet.getenv('logger'))
  const before = readFileSync(log, 'utf8').length
  const lines = (): string[] =>
    readFileSync(log, 'utf8')
      .slice(before)
      .match(/WARNING: .*/g) ?? []
  const told: number[] = []
  const loud = 4
  for (let i = 0; i <= loud; i++) {
    const [near] = await ours(skynet)
    if (i === loud) near.onWarning = (kib) => told.push(kib)
    near.write(stretch(0, 14 * MB))
  }
  await until('a warning', () => told.length > 0)
  // One line stands for itself, or for all that came within a second after another.
  const counted = (): number =>
    lines().reduce((sum, line) => sum + Number(/^WARNING: (\d+) more /.exec(line)?.[1] ?? 1), 0)
  await until('those of the others in the log', () => counted() >= loud)
  for (const line of lines()) assert.match(line, /K bytes need to send out|more of bytes that need/)
  assert.match(lines()[0]!, /K bytes need to send out/)
})

// Proves: docs/semantics.md#socket-service-ended
check('every call of skynet.socket throws once its service has ended', async (skynet) => {
  const ref = await skynet.newService('./ghost.ts', { on: 'same' })
  await skynet.kill(ref.handle)
  const { socket } = (globalThis as { ghost?: Skynet }).ghost!
  const [near] = await ours(skynet)
  const code = { code: 'ERR_SERVICE_EXITED' }
  assert.throws(() => socket.netstat(), code)
  assert.throws(() => socket.totals(), code)
  assert.throws(() => socket.write(near.id, 'x'), code)
  assert.throws(() => socket.broadcast([near.id], 'x'), code)
  await assert.rejects(socket.start(near.id), code)
  await assert.rejects(socket.bind(0), code)
  await assert.rejects(socket.udp(), code)
  await assert.rejects(socket.listen({ port: 0 }), code)
  await assert.rejects(socket.connect({ port: 1 }), code)
})
