/** One connection to another node: what is asked over it, and who gets which answer. */
import { type AnswerFrame, parseAnswer } from './answer-frames.ts'
import type { Asked } from './asked.ts'
import { Gathering } from './gathering.ts'
import { Outgoing, type OutgoingSocket } from './outgoing.ts'
import { PART_BYTES, packBegin, packPart, packRequest } from './request-frames.ts'
import type { SessionNumbers } from './sessions.ts'

/** A connection, and the frames that come over it. */
export interface ClusterSocket extends OutgoingSocket {
  /** Hand every frame to `take`, up to the end. Rejects when the connection, or `take`, fails. */
  each(take: (body: Buffer) => void | Promise<void>): Promise<void>
  close(): Promise<void>
}

/** How much may be under way. */
export interface SenderLimits {
  /** Of answers in parts that are not whole. */
  readonly bytes: number
  readonly calls: number
  /** Bytes that wait to be sent. */
  readonly queueBytes: number
}

export class Sender {
  readonly #socket: ClusterSocket
  readonly #outgoing: Outgoing
  readonly #limits: SenderLimits
  readonly #sessions: SessionNumbers
  /** Of a trace that begins here: `host123`. */
  readonly #nodeName: string
  readonly #pending = new Map<number, Asked>()
  readonly #answers: Gathering<undefined>
  /** Large pushes whose last part has not left. */
  readonly #pushes = new Set<Asked>()
  #reason = ''

  constructor(
    socket: ClusterSocket,
    sessions: SessionNumbers,
    limits: SenderLimits,
    nodeName: string,
  ) {
    this.#socket = socket
    this.#outgoing = new Outgoing(socket)
    this.#limits = limits
    this.#sessions = sessions
    this.#nodeName = nodeName
    this.#answers = new Gathering({ bytes: limits.bytes, messages: limits.calls })
  }

  /** Calls that are not answered. */
  get pending(): number {
    return this.#pending.size
  }

  get isOpen(): boolean {
    return this.#socket.isOpen && this.#reason === ''
  }

  /** Send a request. Of an answer, or that there is none, it is told itself. */
  ask(asked: Asked): void {
    const { message } = asked
    const { calls, queueBytes } = this.#limits
    if (!asked.isPush && this.#pending.size >= calls) {
      asked.full('calls under way', calls)
    } else if (this.#outgoing.waiting + message.length > queueBytes) {
      asked.full('bytes that wait to be sent', queueBytes)
    } else if (message.length < PART_BYTES) this.#askSmall(asked)
    else this.#askLarge(asked)
  }

  /** Nobody waits for its answer any more. */
  forget({ session }: Asked): void {
    this.#pending.delete(session)
    this.#answers.forget(session)
  }

  /** Read answers up to the end of the connection, of which all that wait are told. */
  async run(): Promise<void> {
    let failure: unknown
    try {
      await this.#socket.each((body) => this.#take(body))
    } catch (error) {
      failure = error
    }
    const text = failure === undefined ? ENDED : String(failure)
    this.end(failure instanceof Error ? failure.message : text, failure)
  }

  /** Close the connection. Who waits is told why. Again: harmless. */
  end(reason: string, cause?: unknown): void {
    if (this.#reason !== '') return
    this.#reason = reason
    const pending = [...this.#pending.values(), ...this.#pushes]
    this.#pending.clear()
    this.#pushes.clear()
    for (const asked of pending) asked.lost(reason, cause)
    // Nobody waits for that.
    this.#socket.close().catch(() => {})
  }

  #askSmall(asked: Asked): void {
    const { target, isPush, message } = asked
    if (!isPush) this.#open(asked)
    const tag = isPush ? undefined : this.#tagOf(asked)
    if (!this.#outgoing.send(packRequest(target, asked.session, message, tag))) {
      this.#unsent(asked)
      return
    }
    asked.isSent = true
    asked.release()
    if (isPush) asked.resolve(NOTHING)
  }

  #askLarge(asked: Asked): void {
    const { target, isPush, message } = asked
    this.#open(asked)
    const { session } = asked
    const tag = isPush ? undefined : this.#tagOf(asked)
    if (isPush) {
      this.#pending.delete(session)
      this.#pushes.add(asked)
    }
    asked.release()
    const isTaken = this.#outgoing.sendLarge({
      begin: packBegin({ target, isPush }, session, message.length, tag),
      message,
      part: (bytes, isLast) => packPart(session, bytes, isLast),
      gone: () => {
        asked.isSent = true
        this.#pushes.delete(asked)
        if (isPush) asked.resolve(NOTHING)
      },
      isDropped: () => asked.isOver,
    })
    if (!isTaken) this.#unsent(asked)
  }

  /** The connection has ended, and that is told later. */
  #unsent(asked: Asked): void {
    this.#pending.delete(asked.session)
    this.#pushes.delete(asked)
    asked.lost(ENDED)
  }

  #open(asked: Asked): void {
    asked.session = this.#sessions.take((session) => this.#pending.has(session))
    this.#pending.set(asked.session, asked)
  }

  /** As there: the number in it is that of the request that comes next. */
  #tagOf({ trace, node }: Asked): string | undefined {
    if (trace === undefined || trace.startsWith('(')) return trace
    return `(${this.#nodeName}-${node}-${this.#sessions.next})${trace}`
  }

  /** @throws {SkynetError} `ERR_CODEC`: the connection is of no use any more. */
  #take(body: Buffer): void {
    const answer = parseAnswer(body)
    const { session } = answer
    const asked = this.#pending.get(session)
    if (asked === undefined) this.#answers.forget(session)
    else if (answer.kind === 'begin' || answer.kind === 'part') this.#gather(answer)
    else {
      this.#pending.delete(session)
      this.#end(asked, answer)
    }
  }

  /** No more are unfinished than calls are under way: there is no other limit to their number. */
  #gather(answer: AnswerFrame): void {
    const { session } = answer
    if (answer.kind === 'begin') this.#answers.begin(session, undefined, answer.total)
    else this.#answers.part(session, answer.message)
  }

  #end(asked: Asked, answer: Exclude<AnswerFrame, { kind: 'begin' }>): void {
    if (answer.kind === 'error') {
      this.#answers.forget(answer.session)
      asked.refused(answer.message.toString())
      return
    }
    // As there: one that ends in parts without a begin is an answer, and a plain one ends parts.
    const gathered = this.#answers.last(answer.session, answer.message)
    const message = gathered === undefined ? answer.message : gathered.message
    if (message !== undefined) asked.resolve(message)
    else asked.unfit('its parts are not what their begin has said, or are too large')
  }
}

const NOTHING = Buffer.alloc(0)
const ENDED = 'the connection has ended'
