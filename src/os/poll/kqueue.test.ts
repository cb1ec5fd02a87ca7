import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRNO } from '../errno.ts'
import { C, type Libc, type Memory, openLibc } from '../libc.ts'
import { posixOs } from '../posix.ts'
import { createKqueue, EV, FILTER, keventLayout, NOTE_LOWAT } from './kqueue.ts'
import { pollerSuite } from './poller.suite.ts'
import { INTEREST, READY } from './poller.ts'

const libc = openLibc()
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const LOW_AT = LITTLE ? 0 : 4
const RDHUP = 0x2000

if (libc.bsd !== undefined) {
  pollerSuite('kqueue', () => createKqueue(libc), posixOs({ poller: 'kqueue' }))
}
if (libc.linux !== undefined) {
  // The same cases over real descriptors, with the rules of kevent(2) played on top of poll(2).
  for (const platform of ['darwin', 'freebsd']) {
    const create = () => createKqueue(simulated(platform).libc, platform)
    pollerSuite(`kqueue of ${platform}, simulated,`, create, posixOs({ poller: 'poll' }))
  }
}

interface Knote {
  readonly fd: number
  readonly filter: number
  readonly isEdge: boolean
  /** Edge: what was reported last. */
  last: number
}

/** A change as the kernel got it. */
interface Change {
  readonly fd: number
  readonly filter: number
  readonly flags: number
  readonly filterFlags: number
  readonly data: number
}

/**
 * `libc` of a platform with kqueue. Its kernel is strict where real ones differ: whether a filter
 * is edge-triggered is fixed when it is added, and NOTE_LOWAT is ignored as for pipes.
 */
function simulated(platform: string) {
  const kernel = new Kernel(platform)
  const bsd: NonNullable<Libc['bsd']> = {
    // A descriptor of its own, so that close(2) and EBADF are real.
    kqueue: () => libc.socket(C.AF_INET, C.SOCK_STREAM, 0),
    kevent: (...args) => kernel.kevent(...args),
  }
  return { kernel, libc: { ...libc, linux: undefined, bsd, errno: () => kernel.errno } }
}

class Kernel {
  errno = 0
  readonly changes: Change[] = []
  /** In the order in which they are looked at: what was reported goes to the end. */
  readonly #knotes = new Map<string, Knote>()
  readonly #layout: ReturnType<typeof keventLayout>
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(platform: string) {
    this.#layout = keventLayout(platform)
    this.#bytes = new Uint8Array(this.#layout.BYTES)
    this.#view = new DataView(this.#bytes.buffer)
  }

  kevent(
    fd: number,
    changes: Memory,
    count: number,
    events: Memory,
    room: number,
    timeout: Memory,
  ): number {
    if (libc.fcntl(fd, C.F_GETFD) < 0) {
      this.errno = ERRNO.EBADF
      return -1
    }
    let receipts = 0
    for (let i = 0; i < count; i++) {
      const change = this.#load((changes as number) + i * this.#layout.BYTES)
      this.changes.push(change)
      const errno = this.#apply(change)
      assert.ok(change.flags & EV.receipt && receipts < room)
      this.#store(events as number, receipts++, change, EV.error, 0, errno)
    }
    if (receipts > 0) return receipts
    const deadline = performance.now() + milliseconds(timeout as number)
    for (;;) {
      const found = this.#collect(events as number, room)
      if (found > 0 || performance.now() >= deadline) return found
      libc.poll(0, 0, 1)
    }
  }

  #apply({ fd, filter, flags }: Change): number {
    const key = `${fd}:${filter}`
    if (libc.fcntl(fd, C.F_GETFD) < 0) return ERRNO.EBADF
    if (flags & EV.delete) return this.#knotes.delete(key) ? 0 : ERRNO.ENOENT
    assert.ok(flags & EV.add)
    if (this.#knotes.has(key)) return 0
    this.#knotes.set(key, { fd, filter, isEdge: (flags & EV.clear) !== 0, last: 0 })
    return 0
  }

  #collect(events: number, room: number): number {
    let found = 0
    for (const [key, knote] of [...this.#knotes]) {
      if (found === room) break
      const ready = readiness(knote.fd)
      const hasFailed = (ready & 8) !== 0
      const isWrite = knote.filter === FILTER.write
      const isEnd = (ready & (isWrite ? 8 | 16 : 8 | 16 | RDHUP)) !== 0
      const isActive = isEnd || (ready & (isWrite ? 4 : 1)) !== 0
      if (!isActive || (knote.isEdge && ready === knote.last)) continue
      knote.last = ready
      this.#knotes.delete(key)
      this.#knotes.set(key, knote)
      this.#store(events, found++, knote, isEnd ? EV.eof : 0, hasFailed ? ERRNO.ECONNRESET : 0)
    }
    return found
  }

  #load(address: number): Change {
    libc.memcpy(this.#bytes, address, this.#bytes.length)
    const { ident, filter, flags, filterFlags, data } = this.#layout
    return {
      fd: this.#view.getUint32(ident + LOW_AT, LITTLE),
      filter: this.#view.getInt16(filter, LITTLE),
      flags: this.#view.getUint16(flags, LITTLE),
      filterFlags: this.#view.getUint32(filterFlags, LITTLE),
      data: this.#view.getUint32(data + LOW_AT, LITTLE),
    }
  }

  #store(
    events: number,
    i: number,
    { fd, filter: kind }: { readonly fd: number; readonly filter: number },
    flagBits: number,
    error: number,
    errno = 0,
  ): void {
    const { ident, filter, flags, filterFlags, data } = this.#layout
    this.#bytes.fill(0)
    this.#view.setUint32(ident + LOW_AT, fd, LITTLE)
    this.#view.setInt16(filter, kind, LITTLE)
    this.#view.setUint16(flags, flagBits, LITTLE)
    this.#view.setUint32(filterFlags, error, LITTLE)
    this.#view.setUint32(data + LOW_AT, errno, LITTLE)
    libc.memcpy(events + i * this.#bytes.length, this.#bytes, this.#bytes.length)
  }
}

/** What poll(2) says of one descriptor: IN 1, OUT 4, ERR 8, HUP 16, RDHUP. */
function readiness(fd: number): number {
  const cells = Int32Array.of(fd, 0)
  const shorts = new Int16Array(cells.buffer)
  shorts[2] = 1 | 4 | RDHUP
  libc.poll(new Uint8Array(cells.buffer), 1, 0)
  return shorts[3]!
}

/** A timespec; NULL is no limit. */
function milliseconds(address: number): number {
  if (address === 0) return Number.POSITIVE_INFINITY
  const cells = new BigInt64Array(2)
  libc.memcpy(new Uint8Array(cells.buffer), address, 16)
  return Number(cells[0]) * 1000 + Number(cells[1]) / 1e6
}

test('keventLayout() is that of 64-bit systems, and longer on FreeBSD', () => {
  const fields = { ident: 0, filter: 8, flags: 10, filterFlags: 12, data: 16 }
  assert.deepEqual(keventLayout('darwin'), { BYTES: 32, ...fields })
  assert.deepEqual(keventLayout('openbsd'), { BYTES: 32, ...fields })
  assert.deepEqual(keventLayout('freebsd'), { BYTES: 64, ...fields })
})

test('createKqueue() without kqueue, or without descriptors, says so', () => {
  assert.throws(() => createKqueue({ ...libc, bsd: undefined }), { code: 'ERR_PLATFORM' })
  const bsd = { kqueue: () => -1, kevent: () => -1 }
  assert.throws(() => createKqueue({ ...libc, bsd, errno: () => ERRNO.EMFILE }), {
    code: 'ERR_SYSCALL',
    message: /^Cannot create a kqueue: EMFILE/,
  })
})

test('a simulated kqueue', { skip: libc.linux === undefined }, async (t) => {
  const os = posixOs({ poller: 'poll' })
  const pipe = os.createWakeup()
  const fd = pipe.readFd
  t.after(() => [pipe.readFd, pipe.writeFd].map((each) => os.close(each)))
  const level = { fd, filter: FILTER.read, flags: EV.add | EV.receipt, filterFlags: 0, data: 0 }
  const edge = {
    ...level,
    flags: EV.add | EV.clear | EV.receipt,
    filterFlags: NOTE_LOWAT,
    data: 0x7fff_ffff,
  }
  const gone = { ...level, flags: EV.delete | EV.receipt }
  const write = { ...level, filter: FILTER.write }

  await t.test('gets the changes that each call means, and no others', () => {
    const { kernel, libc: own } = simulated('darwin')
    const poller = createKqueue(own, 'darwin')
    const changes = () => kernel.changes.splice(0)
    poller.add(fd, 7, INTEREST.none)
    assert.deepEqual(changes(), [edge])
    poller.change(fd, 8, INTEREST.read | INTEREST.write)
    assert.deepEqual(changes(), [gone, level, write])
    poller.change(fd, 9, INTEREST.read | INTEREST.write)
    assert.deepEqual(changes(), [])
    poller.change(fd, 9, INTEREST.write)
    assert.deepEqual(changes(), [gone, edge])
    poller.remove(fd, 9)
    assert.deepEqual(changes(), [gone, { ...gone, filter: FILTER.write }])
    poller.close()
  })

  await t.test('that refuses the second filter leaves nothing of the first', () => {
    const { kernel, libc: own } = simulated('darwin')
    const kevent: typeof own.bsd.kevent = (queue, changes, count, events, room, timeout) => {
      const result = kernel.kevent(queue, changes, count, events, room, timeout)
      if (count !== 2 || kernel.changes.at(-1)!.flags & EV.delete) return result
      // The receipt of the second change says why.
      const errno = new Uint8Array(Int32Array.of(ERRNO.EINVAL).buffer)
      libc.memcpy((events as number) + 32 + 16 + LOW_AT, errno, 4)
      return result
    }
    const poller = createKqueue({ ...own, bsd: { ...own.bsd, kevent } }, 'darwin')
    assert.equal(poller.add(fd, 7, INTEREST.read | INTEREST.write), -ERRNO.EINVAL)
    os.signalWakeup(pipe.writeFd)
    assert.equal(poller.wait(new Uint32Array(1), new Uint8Array(1), 0), 0)
    assert.equal(poller.change(fd, 7, INTEREST.read), -ERRNO.ENOENT)
    poller.close()
  })
})

test('wait() of kqueue repeats a failure until it is handled, also once its error was read', {
  skip: libc.linux === undefined,
}, (t) => {
  const os = posixOs({ poller: 'poll' })
  const listener = os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 1)
  const near = os.socket(4)
  os.connect(near, os.localAddress(listener)!)
  const far = os.accept(listener)
  const poller = createKqueue(simulated('darwin').libc, 'darwin')
  t.after(() => {
    poller.close()
    for (const fd of [listener, near]) os.close(fd)
  })
  poller.add(near, 7, INTEREST.none)
  os.setOption(far, 'lingerSeconds', 0)
  os.close(far)
  const [tags, ready] = [new Uint32Array(4), new Uint8Array(4)]
  for (let turn = 0; turn < 3; turn++) {
    assert.equal(poller.wait(tags, ready, 2000), 1)
    assert.equal(ready[0], READY.error | READY.hangup)
    if (turn === 1) assert.equal(os.socketError(near), -ERRNO.ECONNRESET)
  }
  assert.equal(poller.change(near, 8, INTEREST.write), 0)
  assert.equal(poller.wait(tags, ready, 2000), 1)
  assert.equal(tags[0], 8)
  assert.ok(ready[0]! & READY.hangup)
})

test('wait() of kqueue tells EINTR apart from failure', () => {
  let errno: number = ERRNO.EINTR
  const bsd = { kqueue: () => libc.socket(C.AF_INET, C.SOCK_STREAM, 0), kevent: () => -1 }
  const poller = createKqueue({ ...libc, bsd, errno: () => errno }, 'darwin')
  const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
  assert.equal(poller.wait(tags, ready, -1), 0)
  errno = ERRNO.EFAULT
  assert.equal(poller.wait(tags, ready, -1), -ERRNO.EFAULT)
  poller.close()
})

test('each kevent of a kqueue is counted as a system call', () => {
  const os = posixOs({ poller: 'poll' })
  const own = { ...simulated('darwin').libc, tally: { calls: 0 } }
  const poller = createKqueue(own, 'darwin')
  const { readFd, writeFd } = os.createWakeup()
  const counts: number[] = [own.tally.calls]
  const step = (result: number, wanted: number): void => {
    assert.equal(result, wanted)
    counts.push(own.tally.calls)
  }
  step(poller.add(readFd, 7, INTEREST.read), 0)
  step(poller.change(readFd, 7, INTEREST.read), 0)
  step(poller.change(readFd, 7, INTEREST.none), 0)
  step(poller.wait(new Uint32Array(1), new Uint8Array(1), 0), 0)
  step(poller.remove(readFd, 7), 0)
  for (let time = 0; time < 2; time++) poller.close()
  counts.push(own.tally.calls)
  for (const fd of [readFd, writeFd]) os.close(fd)
  // To begin: kqueue(2) and fcntl(2). A change that changes nothing is none.
  assert.deepEqual(counts, [2, 3, 3, 4, 5, 6, 7])
})
