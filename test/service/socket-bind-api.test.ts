/** Bound descriptors of a service, and the standard input of a node. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readlinkSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipe } from '../support/pipe.ts'
import { type Body, serviceTest, test } from '../support/run.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

// Proves: docs/semantics.md#bind
check('T31 bind() reads a pipe to its end, and close() leaves it open', async (skynet) => {
  const { readFd, writeFd } = pipe()
  const connection = await skynet.socket.bind(readFd)
  writeSync(writeFd, 'one\ntwo')
  assert.equal(await connection.readLine(), 'one')
  closeSync(writeFd)
  assert.equal(await connection.readLine(), 'two')
  assert.equal(await connection.readLine(), null)
  await connection.close()
  assert.equal(connection.isOpen, false)
  assert.equal(readSync(readFd, Buffer.alloc(1)), 0)
  closeSync(readFd)
})

check(
  'bind() writes to a pipe, in order; a bound descriptor has no half to end',
  async (skynet) => {
    const { readFd, writeFd } = pipe()
    const [input, output] = [await skynet.socket.bind(readFd), await skynet.socket.bind(writeFd)]
    const shown = skynet.socket.netstat().find(({ id }) => id === output.id)!
    assert.deepEqual([shown.protocol, shown.state], ['FILE', 'BIND'])
    assert.throws(() => output.end(), { code: 'ERR_SOCKET_STATE', message: /close it/ })
    output.write('x'.repeat(500_000))
    output.write('end')
    assert.equal(`${await input.read(500_003)}`, `${'x'.repeat(500_000)}end`)
    await assert.rejects(skynet.socket.start(input.id + 1_000_000), { code: 'ERR_SOCKET_INVALID' })
    await output.close()
    await input.close()
    writeSync(writeFd, 'still open')
    closeSync(writeFd)
    closeSync(readFd)
  },
)

// Proves: docs/semantics.md#bind
check('bind() rejects what is no descriptor, or is bound already', async (skynet) => {
  const { readFd, writeFd } = pipe()
  const connection = await skynet.socket.bind(readFd)
  const failed = (message: RegExp) => ({ code: 'ERR_BIND', message })
  await assert.rejects(skynet.socket.bind(readFd), failed(/bound already/))
  await assert.rejects(skynet.socket.bind(1_000_000), failed(/EBADF/))
  for (const fd of [-1, 1.5, '0', null, undefined]) {
    const name = typeof fd === 'number' ? 'RangeError' : 'TypeError'
    const refused = { name, message: /'fd' must be a whole number/ }
    await assert.rejects(skynet.socket.bind(fd as number), refused)
  }
  writeSync(writeFd, 'not harmed')
  assert.equal(`${await connection.read(10)}`, 'not harmed')
  await connection.close()
  closeSync(writeFd)
  closeSync(readFd)
})

/** Descriptors by which threads of this process are woken, libuv's pipes to itself too. */
function wakeups(): number[] {
  if (process.platform !== 'linux') return []
  const folder = '/proc/self/fd'
  const all = readdirSync(folder).flatMap((fd): [number, string][] => {
    try {
      return [[Number(fd), readlinkSync(join(folder, fd))]]
    } catch {
      return [] // what the folder itself was read by
    }
  })
  const ends = (pipe: string) => all.filter(([fd, what]) => fd > 2 && what === pipe).length
  const isOne = (what: string) =>
    what.startsWith('anon_inode:') || (what.startsWith('pipe:') && ends(what) > 1)
  return all.filter(([, what]) => isOne(what)).map(([fd]) => fd)
}

// Proves: docs/semantics.md#bind
check('bind() rejects what Node.js and the node wake their threads by', async (skynet) => {
  const fds = wakeups()
  assert.ok(fds.length > 10 || process.platform !== 'linux', `${fds}`)
  for (const fd of fds) {
    const reason = 'it is no socket, pipe or terminal, or one of Node.js itself'
    const message = `Cannot bind descriptor ${fd}: ${reason}`
    await assert.rejects(skynet.socket.bind(fd), { code: 'ERR_BIND', message })
  }
})

// Proves: docs/semantics.md#bind
check('bind() of what never has anything says so', async (skynet) => {
  const fd = openSync('/dev/null', 'r')
  // poll(2) takes it.
  const bound = skynet.socket.bind(fd).then(async (connection) => {
    assert.equal(await connection.read(), null)
    await connection.close()
  })
  await bound.catch((error) => {
    const reason = 'the system cannot wait for it, as it is always ready'
    assert.equal(error.message, `Cannot bind descriptor ${fd}: ${reason}`)
  })
  closeSync(fd)
})

// Proves: docs/semantics.md#bind
test('stdin() reads what is typed, line by line, up to the end', async () => {
  const fixture = (name: string) => join(import.meta.dirname, '../fixtures', name)
  const file = fixture('run-node.ts').replace(/\.ts$/, import.meta.url.slice(-3))
  const child = spawn(process.execPath, [file, fixture('typist.ts')])
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  child.stdin.write('one\ntw')
  child.stdin.end('o\n')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  assert.deepEqual([out, await code], ['ONE\nTWO\nthe end\n', 0], err)
})
