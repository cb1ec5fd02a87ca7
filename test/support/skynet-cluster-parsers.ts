/** What nodes of Skynet say to each other, both ways, as rows of `PARSERS`. */
import { isSkynetError } from '../../src/base/errors.ts'
import { packValues } from '../../src/codec/seri/writer.ts'
import { FrameFormat } from '../../src/frames/frame-format.ts'
import { FrameParser } from '../../src/frames/frame-parser.ts'
import { Agent, type AgentHost } from '../../src/skynet-cluster/agent.ts'
import {
  packAnswer,
  packAnswerBegin,
  packAnswerPart,
  packError,
} from '../../src/skynet-cluster/answer-frames.ts'
import { Asked } from '../../src/skynet-cluster/asked.ts'
import { packBegin, packPart, packRequest } from '../../src/skynet-cluster/request-frames.ts'
import { type ClusterSocket, Sender } from '../../src/skynet-cluster/sender.ts'
import { SessionNumbers } from '../../src/skynet-cluster/sessions.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const LIMITS = { bytes: 10_000, messages: 16, calls: 16, queueBytes: 1e6, tagChars: 100 }
const TARGETS = [10, 0, '@db', '.db', ':0000000a', 'db', '']
/** A frame with more in it would keep the others of an input from being looked at. */
const FORMAT = new FrameFormat({ header: 'u16be', max: 300 })
const TAG = '(host1-node-2):00000008-1'

interface Heard {
  readonly messages: unknown[]
  complaints: number
}

/** Services that take everything, and answer later: never, here. */
function host(heard: Heard): AgentHost {
  return {
    limits: LIMITS,
    calls: { count: 0 },
    named: () => 10,
    find: (target) => (target === 'db' ? 'Invalid name' : 10),
    methodAt: () => undefined,
    answerOf: () => undefined,
    call(_, message, _limits, trace) {
      heard.messages.push(['call', message.length, trace])
      return new Promise(() => {})
    },
    send: (_, message) => void heard.messages.push(['send', message.length]),
    say: () => void heard.complaints++,
  }
}

/**
 * A connection that settles no promise: many inputs are tried in one turn, in which nothing that is
 * to come later comes.
 */
class Wire implements ClusterSocket {
  isOpen = true
  readonly bufferedAmount = 0
  written = ''
  #take: ((body: Buffer) => unknown) | undefined

  write(frame: Uint8Array): boolean {
    this.written += Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString('latin1')
    return true
  }

  drain(): Promise<void> {
    return new Promise(() => {})
  }

  each(take: (body: Buffer) => unknown): Promise<void> {
    this.#take = take
    return new Promise(() => {})
  }

  close(): Promise<void> {
    this.isOpen = false
    return new Promise(() => {})
  }

  /** In frames, as a connection has them. @param failed Who takes them has thrown. */
  deliver(chunks: readonly Buffer[], failed: (error: unknown) => void): void {
    const parser = new FrameParser(FORMAT)
    const take = (body: Buffer): void => {
      if (!this.isOpen) return
      try {
        this.#take!(body)
      } catch (error) {
        failed(error)
      }
    }
    for (const chunk of chunks) parser.take(chunk, take)
  }
}

/** What an agent makes of the bytes: services that were called, and what it has answered. */
function served(chunks: readonly Buffer[]): unknown {
  const heard: Heard = { messages: [], complaints: 0 }
  const wire = new Wire()
  const agent = new Agent(host(heard), wire, 'peer')
  void agent.run()
  wire.deliver(chunks, () => agent.end())
  return [heard, wire.written]
}

function requests(random: Random): Buffer {
  const frames: Buffer[] = []
  for (let i = below(random, 5); i >= 0; i--) {
    const target = TARGETS[below(random, TARGETS.length)]!
    const session = below(random, 4)
    const message = packValues(['echo', 'x'.repeat(below(random, 9)), i])
    const tag = below(random, 4) === 0 ? TAG : undefined
    if (below(random, 2) === 0) frames.push(packRequest(target, session, message, tag))
    else {
      const isPush = below(random, 2) === 0
      frames.push(packBegin({ target, isPush }, session, message.length, tag))
      frames.push(packPart(session, message.subarray(0, 3), false))
      frames.push(packPart(session, message.subarray(3), true))
    }
  }
  return Buffer.concat(frames)
}

/** What a sender makes of the bytes: the answers of three calls, or why there is none. */
function heardBack(chunks: readonly Buffer[]): unknown {
  const heard: unknown[] = []
  const wire = new Wire()
  const sender = new Sender(wire, new SessionNumbers(), LIMITS, 'host1')
  void sender.run()
  for (let i = 0; i < 3; i++) {
    const end = {
      resolve: (answer: Buffer) => void heard.push([i, answer.toString('latin1')]),
      reject: (error: Error) => {
        if (!isSkynetError(error)) throw error
        heard.push([i, error.code])
      },
    }
    sender.ask(new Asked('node', '.x', Buffer.alloc(1), 'call', undefined, end))
  }
  wire.deliver(chunks, (error) => sender.end(String(error)))
  return heard
}

function answers(random: Random): Buffer {
  const frames: Buffer[] = []
  for (let i = below(random, 5); i >= 0; i--) {
    const session = below(random, 5)
    const message = packValues(['x'.repeat(below(random, 9)), i])
    const kind = below(random, 3)
    if (kind === 0) frames.push(packAnswer(session, message))
    else if (kind === 1) frames.push(packError(session, 'call failed'))
    else {
      frames.push(packAnswerBegin(session, message.length))
      frames.push(packAnswerPart(session, message.subarray(0, 3), false))
      frames.push(packAnswerPart(session, message.subarray(3), true))
    }
  }
  return Buffer.concat(frames)
}

export const SKYNET_CLUSTER_PARSERS: readonly Parser[] = [
  { name: 'skynet-cluster: requests', isStream: true, bytesOf: requests, parse: served },
  { name: 'skynet-cluster: answers', isStream: true, bytesOf: answers, parse: heardBack },
]
