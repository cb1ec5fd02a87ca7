/**
 * The cases that every message stream must pass: `test/service/message-stream.test.ts` runs them
 * over frames on sockets. A stream that is new hands in its own pairs. Messages are bytes here, of
 * up to 60,000 each.
 */
import assert from 'node:assert/strict'
import type { MessageStream } from './message-stream.ts'

/** Two ends of one stream: what one sends the other receives. */
export interface MessagePair {
  readonly near: MessageStream
  readonly far: MessageStream
  /**
   * Break the stream, so that `near` fails. What was sent in the same turn as a message that `near`
   * has received has come as well. Absent: its failures look like ends.
   */
  breakNear?(): void
  /** The begin of a message comes to `near`, and then the end. Absent: that cannot be. */
  cutNear?(): void
  /** A message comes to `near` that is longer than it takes. Absent: that cannot be. */
  overfillNear?(): void
}

/** Makes a new pair; whoever makes it sees to its end. */
export type OpenMessagePair = () => Promise<MessagePair>
/** Registers a case: `body` runs where streams can be opened. */
export type CheckMessages = (title: string, body: (open: OpenMessagePair) => Promise<void>) => void

/** @param canFail Names of what the pairs of this stream have. */
export function messageStreamSuite(
  name: string,
  check: CheckMessages,
  canFail: readonly (keyof typeof FAILURES)[] = ['breakNear', 'cutNear', 'overfillNear'],
): void {
  const named: CheckMessages = (title, body) => check(`${name} ${title}`, body)
  receiveCases(named)
  waitCases(named)
  eachCases(named)
  loopCases(named)
  sendCases(named)
  pressureCases(named)
  closeCases(named)
  argumentCases(named)
  for (const failure of canFail) {
    failureCase(named, failure)
    unreadCase(named, failure)
  }
}

const FAILURES = {
  breakNear: ['a stream that breaks', 'ERR_SOCKET_FAILED'],
  cutNear: ['an end in the middle of a message', 'ERR_FRAME_CUT'],
  overfillNear: ['a message that is too long', 'ERR_FRAME_TOO_LARGE'],
} as const

const text = (bytes: Uint8Array | null): string | undefined => bytes?.toString()
const CLOSED = { code: 'ERR_SOCKET_CLOSED' }
const BUSY = { code: 'ERR_SOCKET_BUSY' }
const TIMEOUT = { code: 'ERR_SOCKET_TIMEOUT' }
/** Waits that are given up are short; nothing is measured by them. */
const SOON = { timeoutMs: 5 }
const LARGE = 60_000
/** So many of them are more than systems hold. */
const MANY = 50
/** Neither a stream nor the systems on its way may hold so much of what nobody receives. */
const HELD_BYTES_MAX = 64 * 1024 * 1024

const NOISE = Buffer.alloc(2 * LARGE)
for (let i = 0; i < NOISE.length; i++) NOISE[i] = (i * 2_654_435_761) >>> 24

/** Bytes that tell which message they are of, of fewer than 60,000. */
const pattern = (length: number, seed: number): Buffer =>
  Buffer.from(NOISE.subarray(seed, seed + length))

/** All messages up to the end. */
async function receiveAll(stream: MessageStream): Promise<Buffer[]> {
  const messages: Buffer[] = []
  for (let next = await stream.receive(); next !== null; next = await stream.receive()) {
    messages.push(next)
  }
  return messages
}

function assertPatterns(messages: readonly Buffer[], count: number, length = LARGE): void {
  assert.equal(messages.length, count)
  messages.forEach((message, i) => {
    assert.ok(message.equals(pattern(length, i)), `message ${i}`)
  })
}

function sendPatterns(stream: MessageStream, count: number): void {
  for (let i = 0; i < count; i++) stream.send(pattern(LARGE, i))
}

function receiveCases(check: CheckMessages): void {
  check('receive() gives messages in order, then null, again and again', async (open) => {
    const { near, far } = await open()
    far.send('abc')
    far.send('de')
    assert.equal(text(await near.receive()), 'abc')
    assert.equal(text(await near.receive()), 'de')
    const next = near.receive()
    far.send('f')
    assert.equal(text(await next), 'f')
    await far.close()
    for (let i = 0; i < 3; i++) assert.equal(await near.receive(), null)
  })

  check('a message that is empty is a message', async (open) => {
    const { near, far } = await open()
    for (const message of ['', 'a', '', '']) far.send(message)
    far.send(new Uint8Array(0))
    const closed = far.close()
    assert.deepEqual((await receiveAll(near)).map(text), ['', 'a', '', '', ''])
    await closed
  })

  check('receive() gives all of much that was sent, whole and in order', async (open) => {
    const { near, far } = await open()
    sendPatterns(far, MANY)
    const closed = far.close()
    assertPatterns(await receiveAll(near), MANY)
    await closed
  })

  check('receive() gives a buffer that stays as it is', async (open) => {
    const { near, far } = await open()
    const kept: Buffer[] = []
    for (let i = 0; i < MANY; i++) {
      far.send(pattern(100, i))
      if (i % 10 === 9) while (kept.length <= i) kept.push((await near.receive())!)
    }
    assertPatterns(kept, MANY, 100)
    kept.forEach((message, i) => {
      assert.ok(message.equals(pattern(100, i)))
      message.fill(0)
    })
  })
}

function waitCases(check: CheckMessages): void {
  check('a second receive at a time is refused, the first one goes on', async (open) => {
    const { near, far } = await open()
    const first = near.receive()
    await assert.rejects(near.receive(), BUSY)
    await assert.rejects(
      near.each(() => {}),
      BUSY,
    )
    far.send('x')
    assert.equal(text(await first), 'x')
  })

  check('receive() that gives up loses nothing', async (open) => {
    const { near, far } = await open()
    await assert.rejects(near.receive(SOON), TIMEOUT)
    const abort = new AbortController()
    const receive = near.receive({ signal: abort.signal })
    abort.abort()
    await assert.rejects(receive, { code: 'ABORT_ERR' })
    await assert.rejects(near.receive({ signal: AbortSignal.abort() }), { code: 'ABORT_ERR' })
    far.send(pattern(LARGE, 0))
    far.send('last')
    assertPatterns([(await near.receive())!], 1)
    assert.equal(text(await near.receive()), 'last')
  })
}

function eachCases(check: CheckMessages): void {
  check('each() hands out every message in order, and resolves at the end', async (open) => {
    const { near, far } = await open()
    const messages: Buffer[] = []
    const done = near.each((message) => {
      messages.push(message)
    })
    sendPatterns(far, MANY)
    await far.close()
    await done
    assertPatterns(messages, MANY)
  })

  check('each() waits for the promise that it got, before the next message', async (open) => {
    const { near, far } = await open()
    for (const message of ['a', 'b', 'c']) far.send(message)
    const closed = far.close()
    const steps: string[] = []
    await near.each(async (message) => {
      steps.push(`${message} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      steps.push(`${message} ends`)
    })
    const expected = ['a', 'b', 'c'].flatMap((each) => [`${each} begins`, `${each} ends`])
    assert.deepEqual(steps, expected)
    await closed
  })

  check('each() rejects with what take() throws; the next message is there', async (open) => {
    const { near, far } = await open()
    for (const message of ['a', 'b', 'c', 'd']) far.send(message)
    const mine = new Error('mine')
    const throws = () => {
      throw mine
    }
    await assert.rejects(near.each(throws), mine)
    await assert.rejects(
      near.each(() => Promise.reject(mine)),
      mine,
    )
    assert.equal(text(await near.receive()), 'c')
    assert.equal(near.isOpen, true)
    assert.equal(text(await near.receive()), 'd')
  })

  check('each() hands out nothing after close(), and resolves', async (open) => {
    const { near, far } = await open()
    for (const message of ['a', 'b', 'c']) far.send(message)
    const messages: string[] = []
    await near.each((message) => {
      messages.push(message.toString())
      if (messages.length === 2) void near.close()
    })
    assert.deepEqual(messages, ['a', 'b'])
    assert.equal(await near.receive(), null)
  })
}

function loopCases(check: CheckMessages): void {
  check('for await gives all messages, and closes at the end', async (open) => {
    const { near, far } = await open()
    sendPatterns(far, MANY)
    const closed = far.close()
    const messages: Buffer[] = []
    for await (const message of near) messages.push(message)
    assertPatterns(messages, MANY)
    assert.equal(near.isOpen, false)
    await closed
  })

  check('for await closes when it is left', async (open) => {
    const { near, far } = await open()
    far.send('abc')
    for await (const _message of near) break
    assert.equal(near.isOpen, false)
    assert.equal(await far.receive(), null)
  })
}

function sendCases(check: CheckMessages): void {
  check('send() takes messages in order, which are the sender’s again on return', async (open) => {
    const { near, far } = await open()
    for (let i = 0; i < MANY; i++) {
      const message = pattern(i * 700, i)
      near.send(message)
      message.fill(0)
    }
    const closed = near.close()
    const messages = await receiveAll(far)
    await closed
    assert.equal(messages.length, MANY)
    messages.forEach((message, i) => {
      assert.ok(message.equals(pattern(i * 700, i)), `message ${i}`)
    })
  })

  check('send() sends strings as UTF-8', async (open) => {
    const { near, far } = await open()
    near.send('界😀')
    near.send('é'.repeat(20_000))
    assert.equal(text(await far.receive()), '界😀')
    assert.equal(text(await far.receive()), 'é'.repeat(20_000))
  })

  check('drain() resolves when all has left, at once when nothing waits', async (open) => {
    const { near, far } = await open()
    await near.drain()
    near.send(pattern(1000, 0))
    await near.drain()
    assert.equal(near.bufferedAmount, 0)
    assertPatterns([(await far.receive())!], 1, 1000)
  })
}

/**
 * Send until nothing leaves any more, to a peer that does not receive.
 * @returns So many messages were sent.
 */
async function fill({ near, far }: MessagePair): Promise<number> {
  let sent = 0
  for (let alike = 0; alike < 2; ) {
    assert.ok(sent * LARGE < HELD_BYTES_MAX, 'send() never says that it is too much')
    const isEnough = !near.send(pattern(LARGE, sent++))
    const waiting = near.bufferedAmount
    // A message the other way is the event: whoever carries it has had a turn to send.
    far.send('.')
    await near.receive()
    alike = isEnough && near.bufferedAmount === waiting ? alike + 1 : 0
  }
  return sent
}

function pressureCases(check: CheckMessages): void {
  check('send() says when too much waits, drain() when to go on, nothing is lost', async (open) => {
    const { near, far } = await open()
    const sent = await fill({ near, far })
    assert.ok(near.bufferedAmount > 0)
    await assert.rejects(near.drain(SOON), TIMEOUT)
    const drained = near.drain()
    const messages: Buffer[] = []
    while (messages.length < sent) messages.push((await far.receive())!)
    await drained
    assertPatterns(messages, sent)
    assert.equal(near.bufferedAmount, 0)
    assert.equal(near.send('goes on'), true)
    assert.equal(text(await far.receive()), 'goes on')
  })

  check('a peer has to wait while a promise of each() is pending', async (open) => {
    const pair = await open()
    let goOn = (): void => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const messages: Buffer[] = []
    const done = pair.far.each((message) => {
      messages.push(message)
      return messages.length === 1 ? held : undefined
    })
    const sent = await fill(pair)
    assert.ok(messages.length <= 1)
    goOn()
    await pair.near.drain()
    const closed = pair.near.close()
    await done
    assertPatterns(messages, sent)
    await closed
  })
}

function closeCases(check: CheckMessages): void {
  check('close() lets everything sent leave, then the end', async (open) => {
    const { near, far } = await open()
    sendPatterns(near, MANY)
    const closed = near.close(4000, 'enough')
    assertPatterns(await receiveAll(far), MANY)
    await closed
    assert.equal(near.isOpen, false)
  })

  check('close() gives the end to who waits, and to later ones', async (open) => {
    const { near } = await open()
    const receive = near.receive()
    const closed = near.close()
    assert.equal(await receive, null)
    await closed
    await near.close(1000)
    await near[Symbol.asyncDispose]()
    assert.equal(await near.receive(), null)
    await near.each(() => assert.fail('a message after close()'))
    assert.throws(() => near.send('late'), CLOSED)
    await assert.rejects(near.drain(), CLOSED)
  })

  check('what came before close() is not received after it', async (open) => {
    const { near, far } = await open()
    for (const message of ['a', 'b', 'c']) far.send(message)
    assert.equal(text(await near.receive()), 'a')
    await near.close()
    assert.equal(await near.receive(), null)
  })

  check('[Symbol.asyncDispose]() closes', async (open) => {
    const { near, far } = await open()
    await near[Symbol.asyncDispose]()
    assert.equal(near.isOpen, false)
    assert.equal(await far.receive(), null)
  })
}

function argumentCases(check: CheckMessages): void {
  check('what makes no sense is refused, and the stream goes on', async (open) => {
    const { near, far } = await open()
    await assert.rejects(near.receive({ timeoutMs: -1 }), RangeError)
    await assert.rejects(near.receive({ timeout: 1 } as never), TypeError)
    await assert.rejects(near.drain({ timeout: 1 } as never), TypeError)
    await assert.rejects(near.each('x' as never), TypeError)
    for (const message of [5, null, undefined, {}]) {
      assert.throws(() => near.send(message as never), TypeError)
    }
    for (const code of [0, 999, 5000, 1000.5]) await assert.rejects(near.close(code), RangeError)
    await assert.rejects(near.close('1000' as never), TypeError)
    await assert.rejects(near.close(1000, 5 as never), TypeError)
    await assert.rejects(near.close(1000, 'é'.repeat(62)), RangeError)
    assert.equal(near.isOpen, true)
    assert.equal(typeof near.remoteAddress, 'string')
    near.send('x')
    far.send('y')
    assert.equal(text(await far.receive()), 'x')
    assert.equal(text(await near.receive()), 'y')
  })
}

function failureCase(check: CheckMessages, failure: keyof typeof FAILURES): void {
  const [what, code] = FAILURES[failure]
  check(`${what} rejects who waits, and all later ones`, async (open) => {
    const pair = await open()
    const { near, far } = pair
    far.send('before')
    assert.equal(text(await near.receive()), 'before')
    const receive = near.receive()
    pair[failure]!()
    await assert.rejects(receive, { code })
    await assert.rejects(near.receive(), { code })
    await assert.rejects(
      near.each(() => assert.fail('a message')),
      { code },
    )
    await near.close()
    assert.equal(near.isOpen, false)
    assert.throws(() => near.send('x'), CLOSED)
  })
}

function unreadCase(check: CheckMessages, failure: keyof typeof FAILURES): void {
  const [what, code] = FAILURES[failure]
  check(`what came before ${what} is received first`, async (open) => {
    const pair = await open()
    const { near, far } = pair
    for (const message of ['a', 'b', 'c']) far.send(message)
    assert.equal(text(await near.receive()), 'a')
    pair[failure]!()
    // The others fail behind the messages: there is nothing to see before.
    while (failure === 'breakNear' && near.isOpen) await new Promise(setImmediate)
    assert.equal(text(await near.receive()), 'b')
    const messages: (string | undefined)[] = []
    const done = near.each((message) => {
      messages.push(text(message))
    })
    await assert.rejects(done, { code })
    assert.deepEqual(messages, ['c'])
    await assert.rejects(near.receive(), { code })
  })
}
