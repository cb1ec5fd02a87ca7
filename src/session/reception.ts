/** The connections of a gate: from the door to a session, and to their end. */
import type { Timer } from '../kernel/timer.ts'
import { Repeats } from '../service/repeats.ts'
import type { ClientEntrance, ClientTransport } from '../skynet/client-transport.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import type { SessionLink } from './core/session-link.ts'
import { type SessionHost, SessionTable } from './core/session-table.ts'
import type { Visitor } from './core/visitor.ts'
import { GateLink, type GateLinkHost } from './gate-link.ts'
import type { CheckedSessionGate } from './gate-options.ts'
import type { GateSession } from './gate-session.ts'
import { Lobby, type LobbyHost, type LobbyService, type Stranger } from './lobby.ts'

/** The sessions of the gate, whose clients come by here. */
export interface ReceptionHost extends SessionHost<GateSession> {
  /** Undefined: its client may be read on. */
  room(client: GateSession): Promise<void> | undefined
  /** Its client was heard, and may have got what was pushed. */
  drained(client: GateSession): void
  fault(what: string, error: unknown): void
}

/** Where clients come in. */
export interface EntrancePlace {
  readonly transport: string
  readonly address: string
  readonly port: number
}

interface LoginUnderWay {
  readonly sinceMs: number
  /** It was said that it takes too long. */
  isLate: boolean
}

interface Entrance {
  readonly kind: string
  readonly entrance: ClientEntrance
}

export class Reception implements GateLinkHost<GateSession> {
  readonly table: SessionTable<GateSession>
  readonly sendMarkBytes: number
  readonly sendLimitBytes: number
  readonly heldMsMax: number
  readonly now: () => number
  readonly held = new Set<GateLink<GateSession>>()
  readonly #service: LobbyService
  readonly #host: ReceptionHost
  readonly #lobby: Lobby
  readonly #entrances: Entrance[] = []
  /** Those that have no session. */
  readonly #strangers = new Map<SessionLink, Stranger>()
  /** Logins under way, also of who is gone: each may cost something. The oldest is the first. */
  readonly #loggingIn = new Map<SessionLink, LoginUnderWay>()
  readonly #lateLogins: Repeats
  readonly #loginMs: number
  #ticks: Timer | undefined

  constructor(service: LobbyService, host: ReceptionHost, options: CheckedSessionGate) {
    this.#service = service
    this.#host = host
    this.sendMarkBytes = options.sendMarkBytes
    this.sendLimitBytes = options.sendLimitBytes
    this.heldMsMax = options.keepMs
    this.now = () => service.now()
    this.table = new SessionTable(host, options)
    const { counters } = this.table
    const lobbyHost: LobbyHost = {
      refused: (code) => counters.countClose(code),
      entered: (stream, address, transport, stranger) =>
        void this.#enter(stream, address, transport, stranger),
    }
    const more = (count: number): string => `gate: ${count} more logins go on for too long`
    this.#lateLogins = new Repeats(service, more, 'error')
    this.#loginMs = options.loginTimeoutMs
    this.#lobby = new Lobby(service, lobbyHost, options)
  }

  // --- doors ------------------------------------------------------------------------------------

  /** @throws What the transport throws; then none is open. */
  async open(skynet: Skynet, transports: readonly ClientTransport[]): Promise<void> {
    try {
      for (const transport of transports) {
        const { kind } = transport
        const entrance = await transport.open(skynet, this.#lobby.doorOf(kind))
        this.#entrances.push({ kind, entrance })
      }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  get places(): EntrancePlace[] {
    return this.#entrances.map(({ kind, entrance }) => {
      const { address, port } = entrance
      return { transport: kind, address, port }
    })
  }

  /** Nobody comes in any more, not to a session that there is either. */
  async close(): Promise<void> {
    this.#lobby.close()
    await Promise.allSettled(this.#entrances.map(({ entrance }) => entrance.close()))
  }

  // --- connections ------------------------------------------------------------------------------

  get strangers(): number {
    return this.#lobby.strangers
  }

  async #enter(
    stream: MessageStream,
    address: string,
    transport: string,
    stranger: Stranger,
  ): Promise<void> {
    const link = new GateLink<GateSession>(this, stream, address, transport)
    this.#strangers.set(link, stranger)
    const visitor = this.table.enter(link)
    this.#tickLater()
    await link.hear(visitor)
    if (!this.#loggingIn.has(link) && this.#strangers.delete(link)) stranger.closed()
    await link.end()
    stranger.left()
  }

  heard(visitor: Visitor<GateSession>): Promise<void> | undefined {
    const client = visitor.session?.owner
    // What still comes by a connection that is over counts for nothing.
    if (client === undefined || visitor.state === 'closed') return undefined
    this.#host.drained(client)
    return this.#host.room(client)
  }

  fault(what: string, error: unknown): void {
    this.#host.fault(what, error)
  }

  /** It has a session now, or no login runs for it any more. */
  known(link: SessionLink | undefined): void {
    if (link === undefined) return
    this.#strangers.get(link)?.known()
    this.#strangers.delete(link)
  }

  /** Logins that go on. */
  get logins(): number {
    return this.#loggingIn.size
  }

  /** @param login Until it is known whether there is a session. Never rejects. */
  async loggingIn(visitor: Visitor<GateSession>, login: Promise<void>): Promise<void> {
    const { link } = visitor
    this.#loggingIn.set(link, { sinceMs: this.now(), isLate: false })
    await login
    this.#loggingIn.delete(link)
    if (visitor.state === 'closed') this.known(link)
  }

  /** Each of them once: a login that never ends holds a place, and its client is told nothing. */
  #sayWhoIsLate(): void {
    const ms = this.#loginMs
    for (const [{ address }, login] of this.#loggingIn) {
      if (this.now() - login.sinceMs < ms) return
      if (login.isLate) continue
      login.isLate = true
      this.#lateLogins.say(
        `gate: the login of ${address} has taken ${ms} ms, and goes on: ${this.logins} do now`,
      )
    }
  }

  // --- deadlines --------------------------------------------------------------------------------

  #tickLater(): void {
    const { table } = this
    if (this.#ticks !== undefined || (table.isIdle && this.logins === 0)) return
    this.#ticks = this.#service.after(table.tickMs, () => {
      this.#ticks = undefined
      for (const link of this.held) link.keepAlive()
      table.tick()
      this.#sayWhoIsLate()
      this.#tickLater()
    })
  }
}
