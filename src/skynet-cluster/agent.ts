/**
 * One connection from another node: what it asks is handed to services, and their answers go back,
 * in the order in which they come. Whatever its bytes are, nothing waits for ever: what can be
 * answered is, with an error; what belongs to no request is logged, and the next frame is read.
 */
import { beginOf } from '../base/text.ts'
import { messageOf } from '../base/thrown.ts'
import { packReturned } from '../codec/seri/lua-values.ts'
import { unpackValues } from '../codec/seri/reader.ts'
import { packValues } from '../codec/seri/writer.ts'
import { WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { packAnswer, packAnswerBegin, packAnswerPart, packError, TEXT } from './answer-frames.ts'
import { type Gathered, Gathering, type GatheringLimits } from './gathering.ts'
import { Outgoing } from './outgoing.ts'
import {
  PART_BYTES,
  parseRequest,
  type RequestFrame,
  type RequestHead,
  type Target,
} from './request-frames.ts'
import type { SayOften } from './sayings.ts'
import type { ClusterSocket } from './sender.ts'

/** What an agent needs of its node. */
export interface AgentHost {
  readonly limits: AgentLimits
  /** Calls of all agents whose answers are owed. */
  readonly calls: { count: number }
  /** The handle that is registered under a name; undefined: none is. */
  named(name: string): number | undefined
  /** @returns The handle, or why there is none. */
  find(target: Target): number | string
  /** The method with that number of a service that is called as snax is; undefined: none. */
  methodAt(handle: number, id: unknown): string | undefined
  /** An answer that the node gives in place of one of its own services; undefined: it has none. */
  answerOf(target: Target, message: readonly unknown[]): unknown[] | undefined
  /**
   * Rejects with what the service has thrown.
   *
   * @param limits Its signal aborts with the connection.
   * @param trace Tag of the trace that it is part of.
   */
  call(
    handle: number,
    message: unknown[],
    limits: WaitOptions,
    trace: string | undefined,
  ): Promise<unknown>
  send(handle: number, message: unknown[]): void
  readonly say: SayOften
}

export interface AgentLimits extends GatheringLimits {
  readonly calls: number
  /** Bytes of answers that wait to be sent. */
  readonly queueBytes: number
  readonly tagChars: number
}

/** Of a message in parts. */
interface Begun extends RequestHead {
  readonly trace: string | undefined
}

/** So many bytes of answers wait: nothing more is asked until they have left. */
const PAUSE_BYTES = 16 * 1024 * 1024
/** Of a text that a service has thrown. */
const ERROR_CHARS = 1024
/** What a tag may be made of: it goes into the log. */
const TAG = /^[\x21-\x7e]+$/

export class Agent {
  readonly #host: AgentHost
  readonly #socket: ClusterSocket
  readonly #outgoing: Outgoing
  readonly #begun: Gathering<Begun>
  readonly #ended = new AbortController()
  /** Of all calls, made once. */
  readonly #callLimits = new WaitLimits({ signal: this.#ended.signal })
  readonly #peer: string
  /** Of the next request. */
  #trace: string | undefined

  /** @param peer Who it is, for people. */
  constructor(host: AgentHost, socket: ClusterSocket, peer: string) {
    this.#host = host
    this.#socket = socket
    this.#outgoing = new Outgoing(socket)
    this.#begun = new Gathering(host.limits)
    this.#peer = peer
  }

  /** Serve the peer up to the end of its connection. */
  async run(): Promise<void> {
    try {
      await this.#socket.each((body) => this.#take(body))
    } catch (error) {
      this.#complain('frame', messageOf(error))
    }
    this.end()
  }

  /** Close the connection. Calls go on; their answers are for nobody. Again: harmless. */
  end(): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    this.#socket.close().catch(() => {})
  }

  #complain(about: 'frame' | 'push', what: string): void {
    this.#host.say(about, `${this.#peer}: ${what}`)
  }

  /** Returns a promise when the peer has to wait. */
  #take(body: Buffer): Promise<void> | undefined {
    const frame = parseRequest(body)
    if (typeof frame === 'string') {
      this.#complain('frame', frame)
      return undefined
    }
    this.#obey(frame)
    return this.#outgoing.waiting > PAUSE_BYTES ? this.#outgoing.drained() : undefined
  }

  #obey(frame: RequestFrame): void {
    switch (frame.kind) {
      case 'trace':
        this.#trace = this.#tagOf(frame.tag)
        return
      case 'request':
        this.#request({ ...frame, trace: this.#taken() }, frame.session, frame.message)
        return
      case 'begin': {
        const { target, isPush, session, total } = frame
        const begun = { target, isPush, trace: this.#taken() }
        this.#checkRoom(this.#begun.begin(session, begun, total))
        return
      }
      case 'part':
        this.#checkRoom(this.#begun.part(frame.session, frame.message))
        return
      case 'last':
        this.#last(frame.session, this.#begun.last(frame.session, frame.message))
    }
  }

  /** @throws An error that ends the connection. */
  #checkRoom(isThere: boolean): void {
    if (isThere) return
    throw new Error(`more than ${this.#host.limits.messages} messages are not whole`)
  }

  #last(session: number, gathered: Gathered<Begun> | undefined): void {
    const { head, message } = gathered ?? {}
    if (head !== undefined && message !== undefined) this.#request(head, session, message)
    else if (head?.isPush === true) this.#complain('push', TEXT.LARGE)
    else this.#error(session, gathered === undefined ? TEXT.NAME : TEXT.LARGE)
  }

  /** The tag is for one request alone. */
  #taken(): string | undefined {
    const trace = this.#trace
    this.#trace = undefined
    return trace
  }

  #tagOf(bytes: Buffer): string | undefined {
    if (bytes.length > this.#host.limits.tagChars) return undefined
    const tag = bytes.toString('latin1')
    return TAG.test(tag) ? tag : undefined
  }

  #request(head: Begun, session: number, bytes: Buffer): void {
    const message = valuesIn(bytes)
    if (typeof message === 'string') this.#refuse(head, session, message)
    else if (head.target === 0) this.#query(head, session, message[0])
    else this.#deliver(head, session, message)
  }

  #query({ isPush }: Begun, session: number, name: unknown): void {
    if (isPush) return
    const handle = typeof name === 'string' ? this.#host.named(name) : undefined
    if (handle === undefined) this.#error(session, TEXT.UNKNOWN)
    else this.#outgoing.send(packAnswer(session, packValues([handle])))
  }

  #deliver(head: Begun, session: number, message: unknown[]): void {
    const host = this.#host
    const { target, isPush, trace } = head
    const answer = host.answerOf(target, message)
    if (answer !== undefined) {
      if (!isPush) this.#outgoing.send(packAnswer(session, packValues(answer)))
      return
    }
    const handle = host.find(target)
    if (typeof handle === 'string') {
      this.#refuse(head, session, handle)
      return
    }
    const first = message[0]
    const method = typeof first === 'string' ? first : host.methodAt(handle, first)
    if (method === undefined) {
      const reason = 'the first value of a message is the name of a method'
      this.#refuse(head, session, `${TEXT.FAILED}: ${reason}`)
      return
    }
    message[0] = method
    if (isPush) this.#push(handle, message)
    else void this.#call(handle, session, message, trace)
  }

  #push(handle: number, message: unknown[]): void {
    try {
      this.#host.send(handle, message)
    } catch (error) {
      this.#complain('push', messageOf(error))
    }
  }

  async #call(
    handle: number,
    session: number,
    message: unknown[],
    trace: string | undefined,
  ): Promise<void> {
    const { calls, limits } = this.#host
    const { signal } = this.#ended
    if (calls.count >= limits.calls) {
      this.#error(session, `${TEXT.FAILED}: ${limits.calls} calls are under way`)
      return
    }
    calls.count++
    try {
      this.#answer(session, await this.#host.call(handle, message, this.#callLimits, trace))
    } catch (error) {
      if (!signal.aborted) this.#error(session, failed(error))
    } finally {
      calls.count--
    }
  }

  /** @throws What is wrong with the value: who asks is told so. */
  #answer(session: number, value: unknown): void {
    if (this.#ended.signal.aborted) return
    const message = packReturned(value)
    const { bytes, queueBytes } = this.#host.limits
    if (message.length > bytes) throw new Error(`an answer of ${message.length} bytes`)
    if (this.#outgoing.waiting + message.length > queueBytes) {
      throw new Error(`${queueBytes} bytes of answers wait to be sent`)
    }
    if (message.length <= PART_BYTES) {
      this.#outgoing.send(packAnswer(session, message))
      return
    }
    this.#outgoing.sendLarge({
      begin: packAnswerBegin(session, message.length),
      message,
      part: (part, isLast) => packAnswerPart(session, part, isLast),
    })
  }

  /** Who waits is told; of a push, the log. */
  #refuse({ isPush }: Begun, session: number, text: string): void {
    if (isPush) this.#complain('push', `a push to nobody: ${text}`)
    else this.#error(session, text)
  }

  #error(session: number, text: string): void {
    this.#outgoing.send(packError(session, text))
  }
}

/** Or why there are none: without a stack, as a peer may send thousands of such in a packet. */
function valuesIn(bytes: Buffer): unknown[] | string {
  const { stackTraceLimit } = Error
  // Code of users may have frozen it: then it costs what it costs.
  Reflect.set(Error, 'stackTraceLimit', 0)
  try {
    return unpackValues(bytes)
  } catch (error) {
    return messageOf(error)
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
  }
}

/** It is for the log of the other side: the begin of a long one is enough. */
const failed = (error: unknown): string =>
  `${TEXT.FAILED}: ${beginOf(messageOf(error), ERROR_CHARS, 'a text')}`
