/**
 * What a gate does with its sessions: requests go to agents, and answers to clients. Of connections
 * it knows nothing: the core of sessions does.
 */
import { randomBytes } from 'node:crypto'
import { SESSION_REQUEST_BYTES_MAX } from '../base/limits.ts'
import type { CloseCode } from '../client/close-codes.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { type AgentLine, AgentLines } from './agent-lines.ts'
import type { Reply, ToAgent } from './agent-messages.ts'
import { ClientFault } from './client-fault.ts'
import type { ClientSession, DetachReason } from './core/client-session.ts'
import type { SessionHost } from './core/session-table.ts'
import type { Visitor } from './core/visitor.ts'
import { GateSession, type WaitingRequest } from './gate-session.ts'
import { isLinkFull } from './line-over.ts'
import { HANDLER_FAILED, NOBODY_SERVES, toldOf, unknownCall } from './told-errors.ts'

type Line = AgentLine<GateSession>
type ClientVisitor = Visitor<GateSession>

/** What a desk needs of its gate. */
export interface GateDeskHost {
  readonly skynet: Skynet
  readonly messageBytesMax: number
  /** Is that a call of the protocol? */
  knows(call: string): boolean
  login(visitor: ClientVisitor, credentials: Uint8Array): void
  /** A session has a connection: the first one, or another. */
  attached(client: GateSession, isFirst: boolean): void
  ended(client: GateSession): void
  fault(what: string, error: unknown): void
}

export class GateDesk implements SessionHost<GateSession> {
  readonly #host: GateDeskHost
  readonly lines: AgentLines<GateSession>
  readonly #clients = new Map<number, GateSession>()
  #keys = 0

  constructor(host: GateDeskHost) {
    this.#host = host
    const lineEnded = (client: GateSession, line: Line, why: 'agent' | 'node'): void =>
      this.#lineEnded(client, line, why)
    this.lines = new AgentLines({ skynet: host.skynet, lineEnded })
  }

  /** Of a session that is to begin. */
  newClient(user: string, agent: number, data: unknown): GateSession {
    return new GateSession(++this.#keys, user, agent, data)
  }

  find(key: number): GateSession | undefined {
    return this.#clients.get(key)
  }

  // --- what the core tells ----------------------------------------------------------------------

  now(): number {
    return this.#host.skynet.now()
  }

  randomBytes(count: number): Uint8Array {
    return randomBytes(count)
  }

  login(visitor: ClientVisitor, credentials: Uint8Array): void {
    this.#host.login(visitor, credentials)
  }

  attached(session: ClientSession<GateSession>, isResume: boolean): void {
    const { owner: client } = session
    client.session = session
    this.#host.attached(client, !isResume)
    if (!isResume) void this.#begin(client)
    else this.#tell(client, 'attached', client.facts)
  }

  detached({ owner: client }: ClientSession<GateSession>, reason: DetachReason): void {
    this.#tell(client, 'detached', reason)
    // That connection is over: there is nothing to wait for.
    this.#readOn(client)
  }

  request(
    { owner: client }: ClientSession<GateSession>,
    number: number,
    name: string,
    body: Uint8Array,
    isQuiet: boolean,
  ): void {
    // Nobody is asked, and nothing of it is kept: a client may say any name, and a long one.
    if (!this.#host.knows(name)) {
      client.session.fail(number, ...unknownCall(name))
      return
    }
    const request = { number, name, body, isQuiet }
    client.bytes += bytesOf(request)
    if (client.state === 'open') this.#hand(client, request)
    else client.waiting.push(request)
  }

  ended({ owner: client }: ClientSession<GateSession>, code: CloseCode): void {
    client.move('over')
    this.#clients.delete(client.key)
    this.#tell(client, 'ended', code)
    for (const line of client.lines) line.remove(client)
    client.waiting.length = 0
    client.open.clear()
    this.#freed(client, client.bytes)
    this.drained(client)
    this.#host.ended(client)
  }

  fault(what: string, error: unknown): void {
    this.#host.fault(what, error)
  }

  // --- where others wait ------------------------------------------------------------------------

  /** Undefined: more may be asked. Else wait before its client is read on. */
  room(client: GateSession): Promise<void> | undefined {
    if (client.isOver || client.bytes < SESSION_REQUEST_BYTES_MAX) return undefined
    return new Promise((resolve) => {
      client.onRoom.add(resolve)
    })
  }

  #freed(client: GateSession, bytes: number): void {
    client.bytes -= bytes
    if (client.bytes < SESSION_REQUEST_BYTES_MAX) this.#readOn(client)
  }

  #readOn(client: GateSession): void {
    for (const resolve of client.onRoom) resolve()
    client.onRoom.clear()
  }

  /** Its client may have got what was pushed. */
  drained(client: GateSession): void {
    if (client.drains.size === 0) return
    if (!client.isOver && client.session.pushCount > 0) return
    for (const done of client.drains) done()
    client.drains.clear()
  }

  // --- agents -----------------------------------------------------------------------------------

  #tell<Name extends 'attached' | 'detached' | 'ended'>(
    client: GateSession,
    name: Name,
    about: ToAgent[Name][1],
  ): void {
    for (const line of client.lines) {
      if (line.has(client)) line.tell(name, ...([client.key, about] as unknown as ToAgent[Name]))
    }
  }

  /** A session begins: its agent takes it, or it ends. */
  async #begin(client: GateSession): Promise<void> {
    this.#clients.set(client.key, client)
    client.line = this.lines.to(client.agent)
    client.line.add(client)
    const { data } = client
    client.data = undefined
    try {
      await this.open(client, client.line, data)
    } catch (error) {
      if (client.isOver) return
      const told = toldOf(error)
      if (told === undefined) this.fault('joined of an agent', error)
      this.forsake(client, 'agent', (told ?? HANDLER_FAILED)[1])
      return
    }
    if (!client.isOver) this.opened(client)
  }

  /**
   * Give it to an agent. Resolves when that has it.
   *
   * @throws As a call; a `ClientFault` of that agent.
   */
  async open(client: GateSession, line: Line, data: unknown): Promise<void> {
    const { key, facts } = client
    const { messageBytesMax } = this.#host
    const asked = line.ask('open', key, line.number, facts, messageBytesMax, data)
    const told = await asked.catch((error: unknown) => {
      // That agent has not heard of it, and all whom it serves need not end with this one.
      if (isLinkFull(error)) line.remove(client)
      throw error
    })
    if (told !== undefined) throw new ClientFault(...told)
  }

  /** Its agent has it: what waits goes there. */
  opened(client: GateSession): void {
    client.move('open')
    for (const request of client.waiting.splice(0)) this.#hand(client, request)
  }

  #hand(client: GateSession, request: WaitingRequest): void {
    const { number, name, body, isQuiet } = request
    client.open.set(number, request)
    const answer = (reply: Reply): void => this.#answer(client, number, reply)
    const failed = (error: unknown): void => {
      const told = toldOf(error)
      if (told === undefined && !client.isOver) this.fault('request of a client', error)
      answer(told ?? HANDLER_FAILED)
    }
    // One turn behind the message, as orders of agents are: they keep their order.
    client.line.ask('request', client.key, name, body, isQuiet).then(answer, failed)
  }

  #answer(client: GateSession, number: number, reply: Reply): void {
    const request = client.open.get(number)
    if (request === undefined) return
    client.open.delete(number)
    if (reply === undefined) {
      // The hand-over was refused meanwhile, or goes on.
      if (client.state === 'open') this.#hand(client, request)
      else client.takeBack(request)
      return
    }
    this.#freed(client, bytesOf(request))
    if (reply instanceof Uint8Array) client.session.answer(number, reply)
    else client.session.fail(number, ...reply)
  }

  #lineEnded(client: GateSession, line: Line, why: 'agent' | 'node'): void {
    if (client.isOver || !client.lines.includes(line)) return
    // Whoever moves it sees that its agent has ended.
    if (line === client.next && why === 'agent') return
    // What was lost on the way was perhaps for its client: no other agent mends that.
    if (client.state !== 'moving' || why === 'node') {
      this.forsake(client, why)
      return
    }
    for (const number of client.open.keys()) this.#answer(client, number, NOBODY_SERVES)
    client.isForsaken = true
  }

  /** Nobody serves it: whatever was asked fails, what waits for an agent as well, and it ends. */
  forsake({ session, open, waiting }: GateSession, code: CloseCode, text?: string): void {
    for (const number of open.keys()) session.fail(number, ...NOBODY_SERVES)
    for (const { number } of waiting) session.fail(number, ...NOBODY_SERVES)
    session.end({ code, text })
  }
}

/** What counts of it; how many there are `window` limits. */
const bytesOf = ({ name, body }: WaitingRequest): number => name.length + body.length
