import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import {
  packAnswer,
  packAnswerBegin,
  packAnswerPart,
  packError,
  parseAnswer,
} from './answer-frames.ts'
import { bodiesOf, bytesOf, captured } from './cluster.kit.ts'
import {
  PART_BYTES,
  packBegin,
  packPart,
  packRequest,
  parseRequest,
  type RequestFrame,
} from './request-frames.ts'

const framesOf = (dir: 'c2s' | 's2c'): Buffer[] =>
  captured.exchanges.flatMap(({ frames }) =>
    frames.filter((frame) => frame.dir === dir).map(bytesOf),
  )

function read(body: Buffer): RequestFrame {
  const frame = parseRequest(body)
  return typeof frame === 'string' ? assert.fail(frame) : frame
}

function requestAgain(body: Buffer): Buffer {
  const frame = read(body)
  switch (frame.kind) {
    case 'trace':
      // In front of a request, which is taken off again.
      return packRequest(1, 1, Buffer.alloc(0), frame.tag.toString()).subarray(0, -11)
    case 'request':
      return packRequest(frame.target, frame.session, frame.message, undefined)
    case 'begin':
      return packBegin(frame, frame.session, frame.total, undefined)
    default:
      return packPart(frame.session, frame.message, frame.kind === 'last')
  }
}

function answerAgain(body: Buffer): Buffer {
  const frame = parseAnswer(body)
  switch (frame.kind) {
    case 'begin':
      return packAnswerBegin(frame.session, frame.total)
    case 'ok':
      return packAnswer(frame.session, frame.message)
    case 'error':
      return packError(frame.session, frame.message.toString())
    default:
      return packAnswerPart(frame.session, frame.message, frame.kind === 'last')
  }
}

test('requests of Skynet are read, and written as it has written them', () => {
  const frames = framesOf('c2s')
  assert.ok(frames.length > 80)
  for (const frame of frames) assert.ok(requestAgain(frame.subarray(2)).equals(frame))
})

test('answers of Skynet are read, and written as it has written them', () => {
  const frames = framesOf('s2c')
  assert.ok(frames.length > 50)
  for (const frame of frames) assert.ok(answerAgain(frame.subarray(2)).equals(frame))
})

test('a trace stands in front of its request, in one piece', () => {
  const frame = packRequest('@db', 7, Buffer.from([1]), 'tag')
  const [trace, request] = bodiesOf(frame).map(read)
  assert.deepEqual(trace, { kind: 'trace', tag: Buffer.from('tag') })
  const message = Buffer.from([1])
  assert.deepEqual(request, {
    ...{ kind: 'request', target: '@db', session: 7, isPush: false, message },
  })
})

test('a text of an error that is too long is cut, so that it fits into a frame', () => {
  const [body] = bodiesOf(packError(1, 'x'.repeat(100_000)))
  assert.equal(parseAnswer(body!).kind, 'error')
  assert.equal(body!.length, 5 + PART_BYTES)
})

test('a name of 255 bytes fits, and any of its letters', () => {
  const name = `@${'龙'.repeat(84)}xx`
  const [body] = bodiesOf(packRequest(name, 1, Buffer.alloc(0), undefined))
  const frame = read(body!)
  assert.equal('target' in frame && frame.target, name)
})

test('what is no request is said, what is no answer is ERR_CODEC', () => {
  const wrong = ['', '05616263', '82616263', 'ff', '0031313131313131', '8010616263', '80', '0200']
  const begins = [
    '013030303030303030303030',
    '8103406462240000003132',
    '0100000000000000000000000000',
  ]
  for (const hex of [...wrong, ...begins]) {
    assert.equal(typeof parseRequest(Buffer.from(hex, 'hex')), 'string', hex)
  }
  for (const hex of ['', '01000000', '0100000005', '0100000002', '01000000020000000000']) {
    assert.throws(
      () => parseAnswer(Buffer.from(hex, 'hex')),
      (error) => isSkynetError(error, 'ERR_CODEC'),
      hex,
    )
  }
})
