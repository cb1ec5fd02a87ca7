/**
 * The cases that every byte stream must pass: `test/service/byte-stream.test.ts` runs them over
 * sockets. A stream that is new hands in its own pairs.
 */
import assert from 'node:assert/strict'
import type { ByteStream } from './byte-stream.ts'

/** Two ends of one stream: what one writes the other reads. */
export interface StreamPair {
  readonly near: ByteStream
  readonly far: ByteStream
  /** Break the stream, so that `near` fails. Absent: its failures look like ends. */
  breakNear?(): void
}

/** Makes a new pair; whoever makes it sees to its end. */
export type OpenPair = () => Promise<StreamPair>
/** Registers a case: `body` runs where streams can be opened. */
export type Check = (title: string, body: (open: OpenPair) => Promise<void>) => void

/** @param canBreak Pairs of this stream have `breakNear`. */
export function byteStreamSuite(name: string, check: Check, canBreak = true): void {
  const named: Check = (title, body) => check(`${name} ${title}`, body)
  readCases(named)
  countCases(named)
  loopCases(named)
  writeCases(named)
  pressureCases(named)
  endCases(named)
  closeCases(named)
  argumentCases(named)
  if (canBreak) failureCases(named)
}

const text = (bytes: Uint8Array | null): string | undefined => bytes?.toString()
const CLOSED = { code: 'ERR_SOCKET_CLOSED' }
const TIMEOUT = { code: 'ERR_SOCKET_TIMEOUT' }
/** Waits that are given up are short; nothing is measured by them. */
const SOON = { timeoutMs: 5 }
const LARGE = 3 * 1024 * 1024
/** Neither a stream nor the systems on its way may hold so much of what nobody reads. */
const HELD_BYTES_MAX = 64 * 1024 * 1024

/** Bytes that tell their place. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 2_654_435_761) >>> 24
  return bytes
}

/** All that comes up to the end. */
async function readAll(stream: ByteStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) {
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function readCases(check: Check): void {
  check('read() gives bytes in order, then null, again and again', async (open) => {
    const { near, far } = await open()
    far.write('abc')
    assert.equal(text(await near.read()), 'abc')
    const next = near.read()
    far.write('def')
    assert.equal(text(await next), 'def')
    far.end()
    for (let i = 0; i < 3; i++) assert.equal(await near.read(), null)
  })

  check('read() gives all of much that was written, and nothing else', async (open) => {
    const { near, far } = await open()
    far.write(pattern(LARGE))
    far.end()
    assert.ok((await readAll(near)).equals(pattern(LARGE)))
  })

  check('read() gives a buffer that stays as it is', async (open) => {
    const { near, far } = await open()
    const kept: Buffer[] = []
    for (let i = 0; i < 50; i++) {
      far.write(`${i % 10}`.repeat(100))
      kept.push(await near.read(100))
    }
    kept.forEach((bytes, i) => {
      assert.equal(text(bytes), `${i % 10}`.repeat(100))
      bytes.fill(0)
    })
  })

  check('a second read at a time is refused, the first one goes on', async (open) => {
    const { near, far } = await open()
    const first = near.read()
    await assert.rejects(near.read(), { code: 'ERR_SOCKET_BUSY' })
    await assert.rejects(near.read(1), { code: 'ERR_SOCKET_BUSY' })
    far.write('x')
    assert.equal(text(await first), 'x')
  })
}

function countCases(check: Check): void {
  check('read(count) gives exactly so many bytes, however they come', async (open) => {
    const { near, far } = await open()
    for (const byte of 'abcdefgh') {
      far.write(byte)
      await far.drain()
    }
    assert.equal(text(await near.read(3)), 'abc')
    assert.equal(text(await near.read(0)), '')
    assert.equal(text(await near.read(5)), 'defgh')
    const large = near.read(LARGE)
    far.write(pattern(LARGE + 2))
    assert.ok((await large).equals(pattern(LARGE)))
    assert.equal((await near.read(2)).length, 2)
  })

  check('read(count) rejects when the peer ends first; what came stays readable', async (open) => {
    const { near, far } = await open()
    const read = near.read(3)
    far.write('ab')
    far.end()
    await assert.rejects(read, { code: 'ERR_SOCKET_ENDED' })
    assert.equal(text(await near.read(2)), 'ab')
    await assert.rejects(near.read(1), { code: 'ERR_SOCKET_ENDED' })
    assert.equal(await near.read(), null)
  })

  check('read() that gives up loses no byte', async (open) => {
    const { near, far } = await open()
    far.write('ab')
    await assert.rejects(near.read(3, SOON), TIMEOUT)
    const abort = new AbortController()
    const read = near.read(3, { signal: abort.signal })
    abort.abort()
    await assert.rejects(read, { code: 'ABORT_ERR' })
    await assert.rejects(near.read(3, { signal: AbortSignal.abort() }), { code: 'ABORT_ERR' })
    far.write('c')
    assert.equal(text(await near.read(3)), 'abc')
    await assert.rejects(near.read(undefined, SOON), TIMEOUT)
  })
}

function loopCases(check: Check): void {
  check('for await gives all bytes, and closes at the end', async (open) => {
    const { near, far } = await open()
    far.write(pattern(LARGE))
    far.end()
    const chunks: Buffer[] = []
    for await (const chunk of near) {
      assert.ok(chunk.length > 0)
      chunks.push(chunk)
    }
    assert.ok(Buffer.concat(chunks).equals(pattern(LARGE)))
    assert.equal(near.isOpen, false)
    assert.equal(await far.read(), null)
  })

  check('for await closes when it is left', async (open) => {
    const { near, far } = await open()
    far.write('abc')
    for await (const _chunk of near) break
    assert.equal(near.isOpen, false)
    assert.equal(await far.read(), null)
  })
}

function writeCases(check: Check): void {
  check('write() takes bytes in order, which are the writer’s again on return', async (open) => {
    const { near, far } = await open()
    const all: Buffer[] = []
    for (let i = 1; i <= 60; i++) {
      const bytes = pattern(i * 700)
      all.push(Buffer.from(bytes))
      near.write(bytes)
      bytes.fill(0)
    }
    near.end()
    assert.ok((await readAll(far)).equals(Buffer.concat(all)))
  })

  check('write() sends strings as UTF-8, and nothing for nothing', async (open) => {
    const { near, far } = await open()
    near.write('')
    near.write(new Uint8Array(0))
    near.write('界😀')
    near.write('é'.repeat(50_000))
    near.end()
    assert.equal(text(await readAll(far)), `界😀${'é'.repeat(50_000)}`)
  })

  check('drain() resolves when all has left, at once when nothing waits', async (open) => {
    const { near, far } = await open()
    await near.drain()
    near.write(pattern(1000))
    await near.drain()
    assert.equal(near.bufferedAmount, 0)
    assert.equal((await far.read(1000)).length, 1000)
  })
}

/**
 * Write until nothing leaves any more, to a peer that does not read.
 * @returns So many bytes were written.
 */
async function fill({ near, far }: StreamPair): Promise<number> {
  const chunk = pattern(100_000)
  let written = 0
  for (let alike = 0; alike < 2; ) {
    assert.ok(written < HELD_BYTES_MAX, 'write() never says that it is too much')
    const isEnough = !near.write(chunk)
    written += chunk.length
    const waiting = near.bufferedAmount
    // A byte the other way is the event: whoever carries it has had a turn to send what can leave.
    far.write('.')
    await near.read(1)
    alike = isEnough && near.bufferedAmount === waiting ? alike + 1 : 0
  }
  return written
}

function pressureCases(check: Check): void {
  check(
    'write() says when too much waits, drain() when to go on, nothing is lost',
    async (open) => {
      const { near, far } = await open()
      const written = await fill({ near, far })
      assert.ok(near.bufferedAmount > 0)
      await assert.rejects(near.drain(SOON), TIMEOUT)
      const drained = near.drain()
      const got = far.read(written)
      await drained
      assert.equal(near.bufferedAmount, 0)
      const bytes = await got
      const chunk = pattern(100_000)
      for (let at = 0; at < written; at += chunk.length) {
        assert.ok(bytes.subarray(at, at + chunk.length).equals(chunk), `bytes from ${at} on`)
      }
      assert.equal(near.write('goes on'), true)
      assert.equal(text(await far.read(7)), 'goes on')
    },
  )
}

function endCases(check: Check): void {
  check('end() is read behind all bytes, and reading goes on', async (open) => {
    const { near, far } = await open()
    near.write('question')
    near.end()
    near.end()
    assert.throws(() => near.write('more'), CLOSED)
    assert.equal(text(await readAll(far)), 'question')
    far.write('answer')
    assert.equal(text(await near.read(6)), 'answer')
    far.end()
    assert.equal(await near.read(), null)
  })

  check('the end of the peer leaves this side open', async (open) => {
    const { near, far } = await open()
    far.end()
    assert.equal(await near.read(), null)
    assert.equal(near.isOpen, true)
    near.write('answer')
    assert.equal(text(await far.read(6)), 'answer')
    await near.close()
    assert.equal(near.isOpen, false)
  })
}

function closeCases(check: Check): void {
  check('close() sends what was written, then the end', async (open) => {
    const { near, far } = await open()
    near.write(pattern(LARGE))
    const closed = near.close()
    assert.ok((await readAll(far)).equals(pattern(LARGE)))
    await closed
    assert.equal(near.isOpen, false)
  })

  check('close() gives the end to a read that waits, and to later ones', async (open) => {
    const { near } = await open()
    const read = near.read()
    const closed = near.close()
    assert.equal(await read, null)
    await closed
    await near.close()
    await near[Symbol.asyncDispose]()
    assert.equal(await near.read(), null)
    assert.throws(() => near.write('late'), CLOSED)
    await assert.rejects(near.drain(), CLOSED)
  })

  check('what came before close() is not read after it', async (open) => {
    const { near, far } = await open()
    far.write('abcdef')
    assert.equal(text(await near.read(3)), 'abc')
    await near.close()
    assert.equal(await near.read(), null)
  })

  check('[Symbol.asyncDispose]() closes', async (open) => {
    const { near, far } = await open()
    await near[Symbol.asyncDispose]()
    assert.equal(near.isOpen, false)
    assert.equal(await far.read(), null)
  })
}

function argumentCases(check: Check): void {
  check('what makes no sense is refused, and the stream goes on', async (open) => {
    const { near, far } = await open()
    for (const count of [-1, 1.5, Number.NaN, 2 ** 40]) {
      await assert.rejects(near.read(count), RangeError)
    }
    await assert.rejects(near.read('3' as never), TypeError)
    await assert.rejects(near.read(1, { timeoutMs: -1 }), RangeError)
    await assert.rejects(near.drain({ timeout: 1 } as never), TypeError)
    await assert.rejects(near.close({ signal: 1 } as never), TypeError)
    for (const data of [5, null, undefined, {}]) {
      assert.throws(() => near.write(data as never), TypeError)
    }
    assert.equal(typeof near.remoteAddress, 'string')
    near.write('x')
    far.write('y')
    assert.equal(text(await far.read(1)), 'x')
    assert.equal(text(await near.read(1)), 'y')
  })
}

function failureCases(check: Check): void {
  check('a stream that breaks rejects the read that waits, and all later ones', async (open) => {
    const pair = await open()
    const { near } = pair
    const failed = { code: 'ERR_SOCKET_FAILED' }
    const read = near.read()
    pair.breakNear!()
    await assert.rejects(read, failed)
    await assert.rejects(near.read(), failed)
    await assert.rejects(near.read(1), failed)
    assert.equal(near.isOpen, false)
    assert.throws(() => near.write('x'), CLOSED)
    await near.close()
  })
}
