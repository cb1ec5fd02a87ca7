/**
 * A conversation of two links whose frames are recorded in `test/vectors/link-frames-1.json`: what
 * a node of version 1 sends. A later version has to be understood by that node, and to understand
 * it. The file of a version stays as it is; a new version gets another one.
 */
import { LinkPair } from '../../testing/link-pair.ts'

/** What `a` sends and gets, in order. Sessions, epochs and clocks have the same numbers always. */
export interface Recording {
  readonly sent: readonly string[]
  readonly received: readonly string[]
  readonly delivered: readonly string[]
}

const LUA = 10
const RESPONSE = 1
const ERROR = 7
const LONG = 33_000

/** @param feed Frames that `a` gets instead of those that `b` sends. */
export function converse(feed?: readonly string[]): Recording {
  const pair = new LinkPair()
  const { a, b } = pair
  const sent: string[] = []
  const received: string[] = []
  const given = [...(feed ?? [])]
  const text = Buffer.from('0123456789')
  const post = (from: typeof a, type: number, to: number, session: number, ms = 0): void => {
    from.link.post(type, to, from === a ? 0xabcdef : 1, session, ms, text, 0, text.length)
  }
  const move = (): boolean => {
    a.flush()
    b.flush()
    const [ours, theirs] = [a.frames.splice(0), b.frames.splice(0)]
    for (const { bytes } of ours) {
      sent.push(bytes.toString('hex'))
      b.link.receive(bytes, 0, bytes.length)
    }
    for (const { bytes } of theirs) {
      const frame = feed === undefined ? bytes : Buffer.from(given.shift() ?? '', 'hex')
      received.push(frame.toString('hex'))
      a.link.receive(frame, 0, frame.length)
    }
    return ours.length + theirs.length > 0
  }
  const settle = (): void => {
    while (move());
  }
  const pass = (ms: number): void => {
    pair.now += ms
    pair.tick()
    settle()
  }
  post(a, LUA, 1, 0)
  post(a, LUA, 1, 2 ** 40 + 5, 10_000)
  settle()
  post(b, RESPONSE, 0xabcdef, 2 ** 40 + 5)
  post(a, 0x8000 + LUA, 1, 6, 500)
  b.link.post(LUA, 0xabcdef, 1, 9, 1000, Buffer.alloc(LONG, 'long'), 0, LONG)
  settle()
  pass(50)
  post(a, ERROR, 1, 9)
  settle()
  // It is lost, and asked for.
  post(b, LUA, 0xabcdef, 0)
  b.flush()
  b.frames.length = 0
  pass(1500)
  pass(50)
  post(b, LUA, 0xabcdef, 0)
  settle()
  b.link.close()
  settle()
  const delivered = a.delivered.map(
    ({ bytes, ...head }) => `${JSON.stringify(head)} ${bytes.length} ${bytes.subarray(0, 10)}`,
  )
  return { sent, received, delivered }
}
