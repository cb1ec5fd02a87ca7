/** The cases that every poller must pass: `epoll.test.ts` and its like run them. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ERRNO, isAgain } from '../errno.ts'
import type { Os } from '../os.ts'
import { INTEREST, type Poller, READY } from './poller.ts'

/** Longer than any event of this machine takes; a case that waits this long has failed. */
const PATIENCE_MS = 60_000
const BYTE = new Uint8Array(1)

export function pollerSuite(name: string, create: () => Poller, os: Os): void {
  const open = (t: TestContext) => {
    const poller = create()
    t.after(() => poller.close())
    return poller
  }
  readinessCases(name, open, os)
  failureCases(name, open, os)
  bookCases(name, open, os)
  waitCases(name, open, os)
  manyCases(name, open, os)
}

type Open = (t: TestContext) => Poller

function readinessCases(name: string, open: Open, os: Os): void {
  test(`${name} wait() reports readable, again and again until it is read`, (t) => {
    const [poller, { near, far }] = [open(t), connection(t, os)]
    poller.add(near, 7, INTEREST.read)
    assert.deepEqual(events(poller, 0), [])

    os.write(far, BYTE, 0, 1)
    assert.deepEqual(events(poller), [[7, READY.read]])
    assert.deepEqual(events(poller), [[7, READY.read]])
    os.read(near, os.region(new SharedArrayBuffer(8)), 0, 8)
    assert.deepEqual(events(poller, 0), [])
  })

  test(`${name} wait() reports writable, and not once the buffer is full`, (t) => {
    const [poller, { near }] = [open(t), connection(t, os)]
    poller.add(near, 7, INTEREST.write)
    assert.deepEqual(events(poller), [[7, READY.write]])

    const chunk = new Uint8Array(65_536)
    while (os.write(near, chunk, 0, chunk.length) > 0);
    assert.deepEqual(events(poller, 0), [])
  })

  test(`${name} wait() reports both bits of one descriptor in one event`, (t) => {
    const [poller, { near, far }] = [open(t), connection(t, os)]
    os.write(far, BYTE, 0, 1)
    poller.add(near, 7, INTEREST.read)
    events(poller)
    poller.change(near, 7, INTEREST.read | INTEREST.write)
    assert.deepEqual(events(poller), [[7, READY.read | READY.write]])
  })

  test(`${name} wait() reports the end of the stream as readable`, (t) => {
    const [poller, { near, far }] = [open(t), connection(t, os)]
    poller.add(near, 7, INTEREST.read)
    os.shutdown(far, 'write')
    const [[tag, ready]] = events(poller) as [[number, number]]
    assert.equal(tag, 7)
    assert.ok(ready & READY.read)
  })

  test(`${name} wait() reports a pipe or eventfd`, (t) => {
    const [poller, { readFd, writeFd }] = [open(t), wakeup(t, os)]
    poller.add(readFd, 7, INTEREST.read)
    os.signalWakeup(writeFd)
    assert.deepEqual(events(poller), [[7, READY.read]])
    os.clearWakeup(readFd)
    assert.deepEqual(events(poller, 0), [])
  })

  test(`${name} change() replaces interest and tag`, (t) => {
    const [poller, { near, far }] = [open(t), connection(t, os)]
    poller.add(near, 7, INTEREST.read)
    assert.equal(poller.change(near, 8, INTEREST.write), 0)
    assert.deepEqual(events(poller), [[8, READY.write]])

    assert.equal(poller.change(near, 9, INTEREST.none), 0)
    os.write(far, BYTE, 0, 1)
    assert.deepEqual(events(poller, 0), [])
    assert.equal(poller.change(near, 9, INTEREST.read), 0)
    assert.deepEqual(events(poller), [[9, READY.read]])
  })
}

function failureCases(name: string, open: Open, os: Os): void {
  for (const interest of ['none', 'read', 'write'] as const) {
    test(`${name} wait() reports a reset by the peer with interest ${interest}`, (t) => {
      const [poller, { near, far, reset }] = [open(t), connection(t, os)]
      assert.ok(far >= 0)
      poller.add(near, 7, INTEREST[interest])
      reset()
      const [tag, ready] = waitFor(poller, READY.error | READY.hangup)
      assert.equal(tag, 7)
      assert.ok(ready & (READY.error | READY.hangup))
    })
  }

  test(`${name} remove() ends the events, also of a hangup`, (t) => {
    const [poller, { near, reset }] = [open(t), connection(t, os)]
    poller.add(near, 7, INTEREST.write)
    assert.equal(events(poller).length, 1)
    assert.equal(poller.remove(near, 7), 0)
    reset()
    assert.deepEqual(events(poller, 0), [])
    assert.equal(poller.add(near, 8, INTEREST.read), 0)
    assert.equal(events(poller)[0]?.[0], 8)
  })

  test(`${name} close() ends it, and can be repeated`, (t) => {
    const poller = open(t)
    poller.close()
    poller.close()
    assert.ok(poller.wait(new Uint32Array(1), new Uint8Array(1), 0) < 0)
  })
}

function bookCases(name: string, open: Open, os: Os): void {
  test(`${name} add() twice and change() or remove() of the unknown are refused`, (t) => {
    const [poller, { readFd }] = [open(t), wakeup(t, os)]
    assert.equal(poller.change(readFd, 7, INTEREST.read), -ERRNO.ENOENT)
    assert.equal(poller.remove(readFd, 7), -ERRNO.ENOENT)
    assert.equal(poller.add(readFd, 7, INTEREST.read), 0)
    assert.equal(poller.add(readFd, 8, INTEREST.read), -ERRNO.EEXIST)
    assert.equal(poller.remove(readFd, 7), 0)
    assert.equal(poller.remove(readFd, 7), -ERRNO.ENOENT)
    assert.equal(poller.add(readFd, 9, INTEREST.read), 0)
  })

  test(`${name} add(), change() and remove() of no descriptor are -EBADF`, (t) => {
    const poller = open(t)
    assert.equal(poller.add(-1, 7, INTEREST.read), -ERRNO.EBADF)
    assert.equal(poller.add(0x7fff_ffff, 7, INTEREST.read), -ERRNO.EBADF)
    assert.equal(poller.change(-1, 7, INTEREST.read), -ERRNO.EBADF)
    assert.equal(poller.remove(-1, 7), -ERRNO.EBADF)
    assert.deepEqual(events(poller, 0), [])
  })

  test(`${name} add() takes a number that an earlier descriptor had`, (t) => {
    const poller = open(t)
    const { readFd, writeFd } = os.createWakeup()
    poller.add(readFd, 7, INTEREST.read)
    assert.equal(poller.remove(readFd, 7), 0)
    for (const fd of [readFd, writeFd]) os.close(fd)

    const second = wakeup(t, os)
    os.signalWakeup(second.writeFd)
    assert.equal(poller.add(second.readFd, 8, INTEREST.read), 0)
    assert.deepEqual(events(poller), [[8, READY.read]])
  })

  test(`${name} wait() does not report the end of the stream without interest`, (t) => {
    const [poller, { near, far }] = [open(t), connection(t, os)]
    poller.add(near, 7, INTEREST.read)
    poller.change(near, 7, INTEREST.none)
    os.shutdown(far, 'write')
    assert.deepEqual(events(poller, 20), [])
    poller.change(near, 7, INTEREST.read)
    assert.ok(events(poller)[0]![1] & READY.read)
  })
}

/** Many descriptors at once: the books of a poller must stay right in any order. */
function manyCases(name: string, open: Open, os: Os): void {
  test(`${name} wait() reports as many as the arrays have room for, also above 64`, (t) => {
    const poller = open(t)
    const tags = new Set<number>()
    for (let tag = 1000; tag < 1100; tag++) {
      const { readFd, writeFd } = wakeup(t, os)
      poller.add(readFd, tag, INTEREST.read)
      os.signalWakeup(writeFd)
      tags.add(tag)
    }
    const got = events(poller, PATIENCE_MS, 200)
    assert.deepEqual(new Set(got.map(([tag]) => tag)), tags)
  })

  test(`${name} keeps each descriptor with its tag, whichever others come and go`, (t) => {
    const poller = open(t)
    const pool = Array.from({ length: 80 }, () => wakeup(t, os))
    for (const { writeFd } of pool) os.signalWakeup(writeFd)
    const watched = new Map<number, number>()
    let seed = 12_345
    for (let step = 0; step < 2000; step++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      const { readFd } = pool[(seed >>> 8) % pool.length]!
      const interest = seed & 0x10_0000 ? INTEREST.read : INTEREST.none
      if (!watched.has(readFd)) assert.equal(poller.add(readFd, step, interest), 0)
      else if (seed & 0x20_0000) assert.equal(poller.change(readFd, step, interest), 0)
      else assert.equal(poller.remove(readFd, 0), 0)

      if (watched.has(readFd) && !(seed & 0x20_0000)) watched.delete(readFd)
      else watched.set(readFd, interest === INTEREST.read ? step : -1)
      if (step % 50 !== 0) continue
      const wanted = [...watched.values()].filter((tag) => tag >= 0).sort((a, b) => a - b)
      const got = events(poller, 0, 100).map(([tag]) => tag)
      assert.deepEqual(
        got.sort((a, b) => a - b),
        wanted,
        `step ${step}`,
      )
    }
  })

  test(`${name} wait() gives all a turn when a few fit, also while some leave`, (t) => {
    const poller = open(t)
    const pool = Array.from({ length: 20 }, () => wakeup(t, os))
    pool.forEach(({ readFd, writeFd }, tag) => {
      poller.add(readFd, tag, INTEREST.read)
      os.signalWakeup(writeFd)
    })
    const turns = new Array<number>(20).fill(0)
    for (let round = 0; round < 60; round++) {
      for (const [tag] of events(poller, PATIENCE_MS, 3)) turns[tag]!++
      if (round === 20) for (const tag of [0, 7, 19]) poller.remove(pool[tag]!.readFd, tag)
    }
    // 180 turns: each of the 17 that stayed has its share, but for the rounds around the removal.
    for (const [tag, count] of turns.entries()) {
      if (![0, 7, 19].includes(tag)) assert.ok(count >= 8 && count <= 13, `${tag}: ${count} turns`)
    }
  })
}

function waitCases(name: string, open: Open, os: Os): void {
  test(`${name} wait() returns 0 at once with timeout 0, and after 10 ms with 10`, (t) => {
    const [poller, { readFd }] = [open(t), wakeup(t, os)]
    poller.add(readFd, 7, INTEREST.read)
    assert.deepEqual(events(poller, 0), [])
    const start = performance.now()
    assert.deepEqual(events(poller, 10), [])
    const elapsed = performance.now() - start
    assert.ok(elapsed >= 9 && elapsed < PATIENCE_MS, `${elapsed} ms`)
  })

  test(`${name} wait() keeps a tag above 2^31`, (t) => {
    const [poller, { readFd, writeFd }] = [open(t), wakeup(t, os)]
    os.signalWakeup(writeFd)
    poller.add(readFd, 0xffff_fffe, INTEREST.read)
    assert.deepEqual(events(poller), [[0xffff_fffe, READY.read]])
    poller.change(readFd, 0x8000_0000, INTEREST.read)
    assert.deepEqual(events(poller), [[0x8000_0000, READY.read]])
  })

  test(`${name} wait() reports in later waits what the arrays had no room for`, (t) => {
    const poller = open(t)
    for (let tag = 0; tag < 5; tag++) {
      const { readFd, writeFd } = wakeup(t, os)
      poller.add(readFd, tag, INTEREST.read)
      os.signalWakeup(writeFd)
    }
    // Nobody reads, so all five stay ready: none may be starved by the others.
    const seen = new Set<number>()
    for (let turn = 0; turn < 10 && seen.size < 5; turn++) {
      const got = events(poller, PATIENCE_MS, 2)
      assert.equal(got.length, 2)
      for (const [tag] of got) seen.add(tag)
    }
    assert.equal(seen.size, 5)
  })

  test(`${name} wait() writes nothing beyond the events it counts`, (t) => {
    const [poller, { readFd, writeFd }] = [open(t), wakeup(t, os)]
    poller.add(readFd, 7, INTEREST.read)
    os.signalWakeup(writeFd)
    const [tags, ready] = [new Uint32Array(3).fill(99), new Uint8Array(3).fill(99)]
    assert.equal(poller.wait(tags, ready, PATIENCE_MS), 1)
    assert.deepEqual([...tags], [7, 99, 99])
    assert.deepEqual([...ready], [READY.read, 99, 99])
  })
}

/** One wait: [tag, ready] of each event. */
function events(poller: Poller, timeoutMs = PATIENCE_MS, room = 8): [number, number][] {
  const [tags, ready] = [new Uint32Array(room), new Uint8Array(room)]
  const count = poller.wait(tags, ready, timeoutMs)
  assert.ok(count >= 0 && count <= room, `wait() returned ${count}`)
  return Array.from({ length: count }, (_, i) => [tags[i]!, ready[i]!])
}

/** Wait until an event has one of `bits`: others may come first. */
function waitFor(poller: Poller, bits: number): [number, number] {
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline) {
    const event = events(poller).find(([, ready]) => ready & bits)
    if (event !== undefined) return event
  }
  return assert.fail(`no event with a bit of ${bits}`)
}

/** Both ends of a TCP connection on loopback; `reset` makes the far end send an RST. */
function connection(t: TestContext, os: Os) {
  const listener = os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 1)
  assert.ok(listener >= 0, os.errorText(listener))
  const near = os.socket(4)
  os.connect(near, os.localAddress(listener)!)
  const deadline = performance.now() + PATIENCE_MS
  let far = os.accept(listener)
  while (far < 0 && isAgain(far) && performance.now() < deadline) far = os.accept(listener)
  assert.ok(far >= 0, os.errorText(far))
  os.close(listener)

  let farIsOpen = true
  const closeFar = () => {
    if (farIsOpen) os.close(far)
    farIsOpen = false
  }
  t.after(() => {
    closeFar()
    os.close(near)
  })
  /** A close with bytes unread is answered by a reset, not by the end of the stream. */
  const reset = () => {
    os.write(near, BYTE, 0, 1)
    closeFar()
  }
  return { near, far, reset }
}

function wakeup(t: TestContext, os: Os) {
  const fds = os.createWakeup()
  t.after(() => {
    os.close(fds.readFd)
    os.close(fds.writeFd)
  })
  return fds
}
