import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError, type SkynetError } from '../base/errors.ts'
import { unpackValues } from '../codec/seri/reader.ts'
import { packAnswer, packAnswerBegin, packAnswerPart } from './answer-frames.ts'
import { Asked, type AskedKind } from './asked.ts'
import {
  bodiesOf,
  bytesOf,
  bytesOfAll,
  type CapturedFrame,
  CUTS,
  captured,
  FakeSocket,
  settled,
} from './cluster.kit.ts'
import { Gathering } from './gathering.ts'
import { parseRequest, type RequestHead } from './request-frames.ts'
import { Sender, type SenderLimits } from './sender.ts'
import { SessionNumbers } from './sessions.ts'

const LIMITS: SenderLimits = { bytes: 1024 * 1024, calls: 100, queueBytes: 1024 * 1024 }

/** A request, and what became of it. */
class Heard {
  readonly asked: Asked
  answer: Buffer | undefined
  error: SkynetError | undefined

  constructor(
    target: number | string,
    message: Buffer,
    kind: AskedKind = 'call',
    trace?: string,
    node = 'nodeb',
  ) {
    this.asked = new Asked(node, target, message, kind, trace, {
      resolve: (answer) => {
        this.answer = answer
      },
      reject: (error) => {
        this.error = error as SkynetError
      },
    })
  }

  get isOpen(): boolean {
    return this.answer === undefined && this.error === undefined
  }
}

function sender(next = 1, limits = LIMITS) {
  const socket = new FakeSocket()
  const one = new Sender(socket, new SessionNumbers(next), limits, 'vm28717')
  const run = one.run()
  return { socket, sender: one, run }
}

interface Request extends RequestHead {
  readonly session: number
  readonly message: Buffer
  readonly trace: string | undefined
}

/** What was asked, in these frames. */
function requestsOf(frames: readonly CapturedFrame[]): Request[] {
  const begun = new Gathering<RequestHead & { at: number; trace: string | undefined }>({
    bytes: 1e9,
    messages: 100,
  })
  const requests: Request[] = []
  let trace: string | undefined
  for (const body of bodiesOf(bytesOfAll(frames))) {
    const frame = parseRequest(body)
    if (typeof frame === 'string') assert.fail(frame)
    if (frame.kind === 'trace') {
      trace = frame.tag.toString().replace(/^\(.*\)/, '')
      continue
    }
    if (frame.kind === 'begin') {
      const at = requests.push({ ...frame, message: Buffer.alloc(0), trace }) - 1
      begun.begin(frame.session, { ...frame, at, trace }, frame.total)
    } else if (frame.kind === 'request') requests.push({ ...frame, trace })
    else if (frame.kind === 'part') begun.part(frame.session, frame.message)
    else {
      const { head, message } = begun.last(frame.session, frame.message)!
      requests[head!.at] = { ...requests[head!.at]!, message: message! }
    }
    trace = undefined
  }
  return requests
}

test('a sender asks as Skynet was heard to ask, byte for byte', () => {
  for (const { label, frames } of captured.exchanges) {
    const asked = frames.filter(({ dir }) => dir === 'c2s')
    const requests = requestsOf(asked)
    const first = requests.find(({ session }) => session !== 0)
    const { socket, sender: one } = sender(first?.session)
    for (const { target, message, isPush, trace } of requests) {
      one.ask(new Heard(target, message, isPush ? 'push' : 'call', trace).asked)
    }
    const frameTexts = (bytes: Buffer): string[] =>
      bodiesOf(bytes).map((body) => body.toString('hex'))
    const written = frameTexts(socket.sent())
    const expected = frameTexts(bytesOfAll(asked))
    // There a small one has passed the parts of a large one: here nothing waits, so it does not.
    if (label.includes('order on the wire')) {
      written.sort()
      expected.sort()
    }
    assert.deepEqual(written, expected, label)
  }
})

/** What the caller gets of the answers that were captured: values, or the code of the error. */
const CAUGHT: Readonly<Record<string, string>> = {
  'error answer with text': 'ERR_SKYNETCLUSTER_REMOTE',
  'error answer with empty text': 'ERR_SKYNETCLUSTER_REMOTE',
  'begin, part, then error': 'ERR_SKYNETCLUSTER_REMOTE',
  // There such a call succeeds without values.
  'begin with total too small': 'ERR_SKYNETCLUSTER_ANSWER',
  'begin with total too large': 'ERR_SKYNETCLUSTER_ANSWER',
  'part and end without begin': 'ERR_SKYNETCLUSTER_ANSWER',
  // There it is not read on before more comes.
  'empty frame (size 0): connection is dropped': 'ERR_SKYNETCLUSTER_LOST',
  'frame of 4 bytes: connection is dropped': 'ERR_SKYNETCLUSTER_LOST',
  'type 5: connection is dropped': 'ERR_SKYNETCLUSTER_LOST',
  'peer closes without answer': 'ERR_SKYNETCLUSTER_LOST',
  'peer resets': 'ERR_SKYNETCLUSTER_LOST',
}

for (const [how, cut] of Object.entries(CUTS)) {
  test(`a sender takes the answers that Skynet was given: ${how}`, async () => {
    for (const { label, frames, results } of captured.fakeServer) {
      const [question] = requestsOf(frames.filter(({ dir }) => dir === 'c2s'))
      const { socket, sender: one, run } = sender(question!.session)
      const heard = new Heard(question!.target, question!.message)
      one.ask(heard.asked)
      const answers = frames.filter(({ dir }) => dir === 's2c')
      for (const piece of cut(bytesOfAll(answers))) socket.feed(piece)
      if (answers.length === 0) socket.end()
      await settled()
      const code = CAUGHT[label]
      assert.equal(heard.error?.code, code, label)
      if (code === 'ERR_SKYNETCLUSTER_LOST') await run
      assert.equal(one.isOpen, code !== 'ERR_SKYNETCLUSTER_LOST', label)
      if (code !== undefined || label.includes('bad seri')) continue
      const values = unpackValues(heard.answer!)
      const expected = results[0]!.split(' | ').slice(2)
      assert.deepEqual(values, expected, label)
    }
  })

  test(`a sender reads the answers of Skynet: ${how}`, async () => {
    for (const { label, frames } of captured.exchanges) {
      const requests = requestsOf(frames.filter(({ dir }) => dir === 'c2s'))
      const answers = frames.filter(({ dir }) => dir === 's2c')
      if (answers.length === 0) continue
      const first = requests.find(({ session }) => session !== 0)
      const { socket, sender: one } = sender(first?.session)
      const all = requests.map(({ target, message, isPush }) => {
        const heard = new Heard(target, message, isPush ? 'push' : 'call')
        one.ask(heard.asked)
        return heard
      })
      for (const piece of cut(bytesOfAll(answers))) socket.feed(piece)
      const isRefused = answers.some(({ kind }) => kind === 'error')
      for (const { asked, isOpen, error } of all) {
        const isLeft = label.startsWith('connection loss') && asked.session === 56
        assert.equal(isOpen, isLeft, label)
        assert.equal(
          error?.code,
          isRefused && !asked.isPush ? 'ERR_SKYNETCLUSTER_REMOTE' : undefined,
        )
      }
    }
  })
}

test('sessions begin again at 1, and leave out what is in use', () => {
  const { socket, sender: one } = sender(0x7ffffffe)
  const all = [1, 2, 3].map(() => new Heard('.x', Buffer.alloc(1)))
  for (const { asked } of all) one.ask(asked)
  assert.deepEqual(
    all.map(({ asked }) => asked.session),
    [0x7ffffffe, 0x7fffffff, 1],
  )
  socket.feed(packAnswer(0x7fffffff, Buffer.from([1])))
  assert.deepEqual(
    all.map(({ isOpen }) => isOpen),
    [true, false, true],
  )
  const numbers = new SessionNumbers(0x7fffffff)
  const used = new Set([0x7fffffff, 1, 2])
  assert.equal(
    numbers.take((session) => used.has(session)),
    3,
  )
})

test('forget() drops the answer, also one that has begun to come', () => {
  const { socket, sender: one } = sender()
  const heard = new Heard('.x', Buffer.alloc(1))
  one.ask(heard.asked)
  socket.feed(packAnswerBegin(1, 2))
  socket.feed(packAnswerPart(1, Buffer.from('a'), false))
  one.forget(heard.asked)
  socket.feed(packAnswerPart(1, Buffer.from('b'), true))
  assert.equal(heard.isOpen, true)
  assert.equal(one.pending, 0)
  assert.equal(one.isOpen, true)
})

test('more calls, and more bytes, than may be under way are refused: they were not sent', () => {
  const { socket, sender: one } = sender(1, { ...LIMITS, calls: 2, queueBytes: 1000 })
  const all = [1, 2, 3].map(() => new Heard('.x', Buffer.alloc(1)))
  for (const { asked } of all) one.ask(asked)
  assert.deepEqual(
    all.map(({ error }) => error?.code),
    [undefined, undefined, 'ERR_SKYNETCLUSTER_FULL'],
  )
  socket.bufferedAmount = 1000
  const push = new Heard('.x', Buffer.alloc(1), 'push')
  one.ask(push.asked)
  assert.ok(isSkynetError(push.error, 'ERR_SKYNETCLUSTER_FULL'))
  assert.deepEqual(push.error.info, {
    ...{ node: 'nodeb', what: 'bytes that wait to be sent', limit: 1000, sent: 'no' },
  })
})

test('an answer that is larger than it may be fails its call, and no other one', () => {
  const { socket, sender: one } = sender()
  const [large, small] = [new Heard('.x', Buffer.alloc(1)), new Heard('.x', Buffer.alloc(1))]
  one.ask(large.asked)
  one.ask(small.asked)
  socket.feed(packAnswerBegin(1, LIMITS.bytes + 1))
  socket.feed(packAnswerPart(1, Buffer.alloc(32_768), false))
  socket.feed(packAnswer(2, Buffer.from([1])))
  socket.feed(packAnswerPart(1, Buffer.alloc(1), true))
  assert.equal(large.error?.code, 'ERR_SKYNETCLUSTER_ANSWER')
  assert.deepEqual(small.answer, Buffer.from([1]))
})

test('the end of a connection says of each call whether it may have been handled', async () => {
  const { socket, sender: one, run } = sender()
  const small = new Heard('.x', Buffer.alloc(1))
  one.ask(small.asked)
  socket.bufferedAmount = 256 * 1024
  const large = new Heard('.x', Buffer.alloc(100_000))
  const push = new Heard('.x', Buffer.alloc(100_000), 'push')
  one.ask(large.asked)
  one.ask(push.asked)
  socket.end()
  await run
  const sent = ({ error }: Heard): unknown =>
    isSkynetError(error, 'ERR_SKYNETCLUSTER_LOST') && error.info.sent
  assert.deepEqual([small, large, push].map(sent), ['maybe', 'no', 'no'])
  assert.equal(socket.isOpen, false)
})

test('bytesOf() of a run is as long as the run', () => {
  assert.equal(bytesOf({ hexRle: [['0102', 3]] }).toString('hex'), '010201020102')
})

// Proves: docs/skynet-cluster.md#send
test('what is asked over a connection that has just ended was not sent, and says so', () => {
  for (const bytes of [1, 40_000]) {
    for (const kind of ['push', 'call'] as const) {
      const { socket, sender: all } = sender()
      socket.isOpen = false
      const heard = new Heard('@x', Buffer.alloc(bytes), kind)
      all.ask(heard.asked)
      assert.ok(isSkynetError(heard.error, 'ERR_SKYNETCLUSTER_LOST'))
      assert.equal(heard.error.info.sent, 'no')
      assert.equal(all.pending, 0)
    }
  }
})
