/** Who is logged in at a message server, by which connections, and what each of them asks. */
import { checkText } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { MSG_BODY_BYTES_MAX, MSG_CONNECTIONS_MAX } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import { Repeats, type RepeatsHost } from '../service/repeats.ts'
import { isThenable } from '../service/sendable.ts'
import { type Bytes, keyOf } from './crypt/bytes.ts'
import { type AnswerLimits, MsgAnswers, type MsgPeer, type MsgRequest } from './msg-answers.ts'
import { answerFrame, readRequest } from './msg-frame.ts'
import { checkHandshake, HANDSHAKE, readHandshake } from './msg-handshake.ts'
import { MsgOutbox } from './msg-outbox.ts'

/** What a desk needs of its service. */
export interface MsgDeskHost extends RepeatsHost {
  after(ms: number, task: () => void): { cancel(): unknown }
  fault(what: string, error: unknown): void
}

/** What a desk needs of the gate that it stands behind. */
export interface DeskGate {
  openClient(fd: number): boolean
  closeClient(fd: number): boolean
  send(fd: number, message: string | Uint8Array): boolean
  drain(fd: number): Promise<void>
}

/** What is done with requests, and how many there may be: complete, and checked. */
export interface DeskRules extends AnswerLimits {
  /** May return a promise. */
  request(username: string, body: Buffer): unknown
  disconnect(username: string): unknown
  /** Requests of a user under way: then its connections are not read. */
  readonly pendingMax: number
  readonly handshakeMs: number
}

/** A connection that has not said whose it is. */
interface Stranger {
  readonly address: string
  readonly limit: { cancel(): unknown }
}

interface User {
  readonly username: string
  readonly secret: Buffer
  readonly answers: MsgAnswers
  readonly peers: Set<Peer>
  /** Of the newest connection. */
  version: number | bigint
  address: string
  /** Resolves when another request may come. */
  room: Promise<void> | undefined
  makeRoom: () => void
}

class Peer implements MsgPeer {
  readonly fd: number
  readonly user: User
  readonly version: number | bigint
  readonly outbox: MsgOutbox

  constructor(fd: number, user: User, outbox: MsgOutbox) {
    this.fd = fd
    this.user = user
    this.version = user.version
    this.outbox = outbox
  }

  send(frame: Buffer): void {
    this.outbox.send(frame)
  }
}

export class MsgDesk {
  readonly #host: MsgDeskHost
  readonly #gate: DeskGate
  readonly #rules: DeskRules
  readonly #users = new Map<string, User>()
  readonly #strangers = new Map<number, Stranger>()
  readonly #peers = new Map<number, Peer>()
  readonly #refusals: Repeats
  /** Of an answer: what fits into the frames of the gate. */
  bodyBytesMax = MSG_BODY_BYTES_MAX

  constructor(host: MsgDeskHost, gate: DeskGate, rules: DeskRules) {
    this.#host = host
    this.#refusals = new Repeats(host, (more) => `${more} more clients were closed`, 'info')
    this.#gate = gate
    this.#rules = rules
  }

  get users(): number {
    return this.#users.size
  }

  login(username: string, secret: Bytes): void {
    checkText('log a user in', 'username', username)
    if (this.#users.has(username)) throw new SkynetError('ERR_USER_ONLINE', { username })
    this.#users.set(username, {
      username,
      secret: Buffer.from(keyOf('log a user in', 'secret', secret)),
      answers: new MsgAnswers(this.#rules),
      peers: new Set(),
      version: 0,
      address: '',
      room: undefined,
      makeRoom: () => {},
    })
  }

  logout(username: string): boolean {
    const user = this.#users.get(username)
    if (user === undefined) return false
    this.#users.delete(username)
    for (const { fd } of user.peers) {
      // Its end is no news.
      this.#peers.delete(fd)
      this.#gate.closeClient(fd)
    }
    user.peers.clear()
    user.makeRoom()
    return true
  }

  addressOf(username: string): string | undefined {
    const user = this.#users.get(username)
    return user === undefined || user.peers.size === 0 ? undefined : user.address
  }

  // --- connections ---------------------------------------------------------------------------

  connect(fd: number, address: string): void {
    const limit = this.#host.after(this.#rules.handshakeMs, () => this.#gate.closeClient(fd))
    this.#strangers.set(fd, { address, limit })
    this.#gate.openClient(fd)
  }

  /** Returns a promise when the next message of the connection has to wait. */
  message(fd: number, frame: Buffer): Promise<void> | undefined {
    const peer = this.#peers.get(fd)
    if (peer !== undefined) return this.#request(peer, frame)
    const stranger = this.#strangers.get(fd)
    if (stranger !== undefined) this.#enter(fd, stranger, frame)
    return undefined
  }

  disconnect(fd: number): unknown {
    this.#leave(fd)
    // It may read still. As in Skynet, it gets nothing more: answers are kept for who comes back.
    this.#gate.closeClient(fd)
    const peer = this.#peers.get(fd)
    if (peer === undefined) return undefined
    this.#peers.delete(fd)
    const { user } = peer
    user.peers.delete(peer)
    this.#goOn(user)
    return user.peers.size > 0 ? undefined : this.#rules.disconnect(user.username)
  }

  /** No stranger any more. */
  #leave(fd: number): void {
    this.#strangers.get(fd)?.limit.cancel()
    this.#strangers.delete(fd)
  }

  #enter(fd: number, { address }: Stranger, frame: Buffer): void {
    this.#leave(fd)
    const handshake = readHandshake(frame)
    const user = handshake && this.#users.get(handshake.username)
    const index = user === undefined ? HANDSHAKE.unknown : checkHandshake(handshake!, user)
    if (user === undefined || typeof index === 'string') {
      this.#gate.send(fd, `${index}`)
      this.#gate.closeClient(fd)
      return
    }
    user.version = index
    user.address = address
    const peer = new Peer(fd, user, this.#outboxOf(fd, user))
    user.peers.add(peer)
    this.#peers.set(fd, peer)
    peer.send(Buffer.from(HANDSHAKE.done))
    const [oldest] = user.peers
    if (user.peers.size > MSG_CONNECTIONS_MAX) this.#gate.closeClient(oldest!.fd)
  }

  #outboxOf(fd: number, user: User): MsgOutbox {
    const fewer = (): void => this.#goOn(user)
    return new MsgOutbox(this.#gate, fd, fewer, (error) => {
      this.#host.fault(`answer to ${user.username}`, error)
      // Whoever comes back may ask again.
      this.#gate.closeClient(fd)
    })
  }

  // --- requests ------------------------------------------------------------------------------

  #request(peer: Peer, frame: Buffer): Promise<void> | undefined {
    const { user } = peer
    const read = readRequest(frame)
    if (read === undefined) return this.#refuse(peer, `a request has ${frame.length} bytes`)
    let request: MsgRequest | undefined
    try {
      request = user.answers.ask(read.session, peer)
    } catch (error) {
      return this.#refuse(peer, messageOf(error))
    }
    if (request !== undefined) this.#run(user, request, read.body)
    if (this.#hasRoom(user)) return undefined
    user.room ??= new Promise((resolve) => {
      user.makeRoom = resolve
    })
    return user.room
  }

  #refuse({ fd, user }: Peer, why: string): undefined {
    this.#refusals.say(`a client of ${user.username} is closed: ${why}`)
    this.#gate.closeClient(fd)
  }

  /** May it ask more? Answers that wait to be sent count as well. */
  #hasRoom({ answers, peers }: User): boolean {
    let pending = answers.pending
    for (const { outbox } of peers) pending += outbox.waiting
    return pending < this.#rules.pendingMax
  }

  /** Fewer requests are under way. */
  #goOn(user: User): void {
    if (user.room === undefined || !this.#hasRoom(user)) return
    user.room = undefined
    user.makeRoom()
  }

  #run(user: User, request: MsgRequest, body: Buffer): void {
    const answered = (answer: unknown): void => this.#answer(user, request, answer)
    const failed = (error: unknown): void => this.#fail(user, request, error)
    let answer: unknown
    let later: Promise<unknown> | undefined
    try {
      answer = this.#rules.request(user.username, body)
      if (isThenable(answer)) later = Promise.resolve(answer)
    } catch (error) {
      failed(error)
      return
    }
    if (later === undefined) answered(answer)
    else void later.then(answered, failed)
  }

  #answer(user: User, request: MsgRequest, body: unknown): void {
    let frame: Buffer
    try {
      frame = answerFrame((body ?? '') as Bytes, request.session, this.bodyBytesMax)
    } catch (error) {
      this.#fail(user, request, error)
      return
    }
    this.#send(user, request, frame)
  }

  #fail(user: User, request: MsgRequest, error: unknown): void {
    this.#host.fault(`request of ${user.username}`, error)
    this.#send(user, request, answerFrame(undefined, request.session))
  }

  /** Once for each request, and nothing throws from here on. */
  #send(user: User, request: MsgRequest, frame: Buffer): void {
    if (this.#host.hasEnded) return
    user.answers.answer(request, frame)
    this.#goOn(user)
  }
}
