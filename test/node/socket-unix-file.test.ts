/** The file of a Unix listener: only a socket that nobody has is in the way of nobody. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs, {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ERRNO } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'
import { posixOs } from '../../src/os/posix.ts'
import { library } from '../support/library.ts'
import { type Body, serviceTest } from '../support/run.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'skynet-unix-'))
  process.on('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** What somebody may have at a path, none of it ours to remove. */
const IN_THE_WAY: Readonly<Record<string, (path: string) => void>> = {
  'a file': (path) => writeFileSync(path, 'precious'),
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdirSync(path),
  'a link to a file': (path) => {
    writeFileSync(`${path}.target`, 'precious')
    symlinkSync(`${path}.target`, path)
  },
  'a link to a dead socket': (path) => {
    deadSocket(`${path}.target`)
    symlinkSync(`${path}.target`, path)
  },
}

/** As kill -9 leaves it. */
function deadSocket(path: string): void {
  const os = posixOs()
  os.close(os.listen({ family: 'unix', path }, 1))
  assert.ok(existsSync(path))
}

/** The file at `path`, whatever it is now. */
const inode = (path: string): bigint => lstatSync(path, { bigint: true }).ino

/** A socket that is bound to `path`, and no more. */
function bound(os: Os, path: string, type: 'stream' | 'datagram'): number {
  const fd = type === 'stream' ? os.socket('unix') : os.datagram('unix')
  assert.equal(os.bindDatagram(fd, { family: 'unix', path }), 0)
  return fd
}

for (const [what, put] of Object.entries(IN_THE_WAY)) {
  // Proves: docs/semantics.md#listen-where
  check(`listen() leaves ${what} where it is`, async (skynet) => {
    const path = join(folder(), 'path')
    put(path)
    const before = inode(path)
    await assert.rejects(skynet.socket.listen({ path }), { code: 'ERR_LISTEN', message: /EADDR/ })
    assert.equal(inode(path), before)
  })

  // Proves: docs/semantics.md#listen-where
  test(`the library leaves ${what} where it is`, (t) => {
    const path = join(folder(), 'path')
    put(path)
    const before = inode(path)
    const server = library(t)
    assert.throws(() => server.listen({ path }), { code: 'ERR_LISTEN', message: /EADDR/ })
    assert.equal(inode(path), before)
  })
}

for (const type of ['stream', 'datagram'] as const) {
  // Proves: docs/semantics.md#listen-where
  check(`listen() leaves a ${type} socket that is bound and listens not`, async (skynet) => {
    const path = join(folder(), 'path')
    const os = posixOs()
    const fd = bound(os, path, type)
    const before = inode(path)
    await assert.rejects(skynet.socket.listen({ path }), { code: 'ERR_LISTEN', message: /EADDR/ })
    assert.equal(inode(path), before)
    os.close(fd)
    const listener = await skynet.socket.listen({ path })
    listener.close()
    assert.equal(existsSync(path), false)
  })
}

/** Ways in which the file of a listener stops being at its path. */
const REPLACED: Readonly<Record<string, (path: string) => void>> = {
  'a file': (path) => {
    rmSync(path)
    writeFileSync(path, 'of somebody else')
  },
  'the socket of another': (path) => {
    renameSync(path, `${path}.old`)
    deadSocket(path)
  },
}

for (const [what, replace] of Object.entries(REPLACED)) {
  // Proves: docs/semantics.md#listen-where
  check(`a listener that ends leaves ${what} that took its path`, async (skynet) => {
    const path = join(folder(), 'path')
    const listener = await skynet.socket.listen({ path })
    replace(path)
    const taken = inode(path)
    listener.close()
    assert.equal(inode(path), taken)
  })

  const ENDS: Readonly<Record<string, (server: ReturnType<typeof library>, id: number) => void>> = {
    close: (server, id) => server.close(id),
    shutdown: (server, id) => server.shutdown(id),
    release: (server) => server.release(),
  }
  for (const [name, end] of Object.entries(ENDS)) {
    test(`the library: ${name}() leaves ${what} that took the path`, (t: TestContext) => {
      const path = join(folder(), 'path')
      const server = library(t)
      const id = server.listen({ path })
      replace(path)
      const taken = inode(path)
      end(server, id)
      assert.equal(inode(path), taken)
    })
  }
}

check('a listener that is closed and opened again at once has its file', async (skynet) => {
  const path = join(folder(), 'path')
  for (let round = 0; round < 20; round++) {
    const first = await skynet.socket.listen({ path })
    first.close()
    const second = await skynet.socket.listen({ path })
    const [client, peer] = await Promise.all([skynet.socket.connect({ path }), second.accept()])
    await Promise.all([client.close(), peer!.close()])
    second.close()
  }
  assert.equal(existsSync(path), false)
})

test('a dead socket is taken, and what is read through its path is ours', (t) => {
  const path = join(folder(), 'path')
  deadSocket(path)
  const server = library(t)
  const id = server.listen({ path })
  assert.throws(() => readFileSync(path), { code: 'ENXIO' })
  server.shutdown(id)
  assert.equal(existsSync(path), false)
})

/** The permissions of the file at `path`. */
const modeOf = (path: string): number => lstatSync(path).mode & 0o777

// Proves: docs/semantics.md#listen-where
check('listen() gives the file of a Unix socket the mode that is asked for', async (skynet) => {
  const path = join(folder(), 'path')
  for (const mode of [0o600, 0o660, 0o777, 0]) {
    const listener = await skynet.socket.listen({ path, mode })
    assert.equal(modeOf(path), mode)
    await listener.close()
    assert.equal(existsSync(path), false)
  }
  const listener = await skynet.socket.listen({ path })
  assert.equal(modeOf(path), 0o777 & ~process.umask())
  await listener.close()
})

check('listen() refuses a mode that is none, or of what has no file', async (skynet) => {
  const path = join(folder(), 'path')
  const { socket } = skynet
  await assert.rejects(socket.listen({ path, mode: 0o1000 }), RangeError)
  await assert.rejects(socket.listen({ path, mode: '600' as never }), TypeError)
  await assert.rejects(socket.listen({ port: 0, mode: 0o600 }), TypeError)
  await assert.rejects(socket.listen({ path: '\0name', mode: 0o600 }), TypeError)
  assert.equal(existsSync(path), false)
})

// Proves: docs/semantics.md#listen-where
check('listen() that fails behind bind(2) leaves no file', async (skynet) => {
  const path = join(folder(), 'path')
  // The kernel knows no such option of a Unix socket.
  const listening = skynet.socket.listen({ path, options: { noDelay: 1 } })
  await assert.rejects(listening, { code: 'ERR_LISTEN', message: /noDelay/ })
  assert.equal(existsSync(path), false)
})

// Proves: docs/semantics.md#listen-where
test('nobody can connect before the file of a Unix socket has its mode', () => {
  const os = posixOs()
  const path = join(folder(), 'path')
  let seen: number | undefined
  const { chmodSync } = fs
  fs.chmodSync = (...args) => {
    const probe = os.socket('unix')
    seen = os.connect(probe, { family: 'unix', path })
    os.close(probe)
    chmodSync(...args)
  }
  syncBuiltinESMExports()
  try {
    os.close(os.listen({ family: 'unix', path }, { backlog: 1, mode: 0o600 }))
  } finally {
    fs.chmodSync = chmodSync
    syncBuiltinESMExports()
  }
  assert.equal(seen, -ERRNO.ECONNREFUSED)
  assert.equal(modeOf(path), 0o600)
})

test('the library gives the file of a Unix socket its mode', (t) => {
  const path = join(folder(), 'path')
  const server = library(t)
  const id = server.listen({ path, mode: 0o640 })
  assert.equal(modeOf(path), 0o640)
  server.close(id)
  assert.throws(() => server.listen({ host: '127.0.0.1', port: 0, mode: 0o600 }), TypeError)
})
