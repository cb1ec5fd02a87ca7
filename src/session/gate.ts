/** A gate, put together: its connections, its sessions, its agents, and its end. */
import { describe } from '../base/thrown.ts'
import type { ClientProtocol } from '../client/client-protocol.ts'
import type { CloseCode } from '../client/close-codes.ts'
import { Repeats } from '../service/repeats.ts'
import { Skynet } from '../skynet/skynet.ts'
import { Draining } from './draining.ts'
import { GateDesk } from './gate-desk.ts'
import { type CheckedSessionGate, checkDrain, type DrainOptions } from './gate-options.ts'
import { GateOrders } from './gate-orders.ts'
import { Logins } from './logins.ts'
import { type EntrancePlace, Reception } from './reception.ts'
import { type Kick, Users } from './users.ts'

/** What a gate has, and what has become of its clients since it began. */
export interface SessionGateStat {
  /** Sessions, those without a connection included. */
  readonly sessions: number
  /** Connections, those without a session included. */
  readonly connections: number
  /** Clients that have no session, those at their handshake included. */
  readonly strangers: number
  /** Logins under way, those included whose clients are gone. */
  readonly logins: number
  /** Agents that have sessions of this gate. */
  readonly agents: number
  /** Connections that came in. */
  readonly entered: number
  readonly admitted: number
  readonly resumed: number
  /** Connections that were lost without a word. */
  readonly lost: number
  /** Sessions whose clients have not come back in time. */
  readonly expired: number
  /** Answers that were given up, as more bytes waited than are kept. */
  readonly answersGone: number
  /** Pushes that a newer one has replaced before they left. */
  readonly pushesReplaced: number
  /** Clients that the gate has sent away, by the code that they were told. */
  readonly closed: Readonly<Record<CloseCode, number>>
}

const FAULTS = (count: number): string => `gate: ${count} more faults`

export class SessionGate {
  readonly #skynet: Skynet
  readonly #options: CheckedSessionGate
  readonly #reception: Reception
  readonly #desk: GateDesk
  readonly #users = new Users()
  readonly orders: GateOrders
  #draining: Draining | undefined
  /** Called when the last session is over. */
  readonly #onEmpty = new Set<() => void>()

  constructor(skynet: Skynet, protocol: ClientProtocol, options: CheckedSessionGate) {
    this.#skynet = skynet
    this.#options = options
    const service = Skynet.serviceOf(skynet)
    const faults = new Repeats(service, FAULTS, 'error')
    // A client can bring them about: they are logged, and end nothing.
    const fault = (what: string, error: unknown): void =>
      faults.say(`gate: ${what}: ${describe(error)}`)
    const users = this.#users
    const logins = new Logins({
      ...{ skynet, protocol, options, users, fault },
      newClient: (user, agent, data) => this.#desk.newClient(user, agent, data),
    })
    this.#desk = new GateDesk({
      ...{ skynet, fault, messageBytesMax: options.messageBytesMax },
      knows: (call) => call in protocol.calls,
      login: (visitor, bytes) =>
        void this.#reception.loggingIn(visitor, logins.login(visitor, bytes)),
      attached: (client, isFirst) => {
        if (isFirst) users.add(client)
        this.#reception.known(client.session.link)
      },
      ended: (client) => {
        users.remove(client)
        this.#look()
      },
    })
    this.orders = new GateOrders(skynet, this.#desk)
    this.#reception = new Reception(service, this.#desk, options)
  }

  get #table() {
    return this.#reception.table
  }

  /** Let clients in. @throws What a transport throws that cannot be opened. */
  async open(): Promise<void> {
    const skynet = this.#skynet
    await this.#reception.open(skynet, this.#options.listen)
    const places = this.places.map(({ transport, address }) => `${transport} at ${address}`)
    Skynet.serviceOf(skynet).say('info', `gate: clients come in by ${places.join(', ')}`)
    skynet.onStop(async (signal) => {
      signal.addEventListener('abort', () => this.#draining?.hurry())
      await this.drain()
      await this.#reception.close()
    })
    skynet.onExit(() => {
      for (const session of [...this.#table.sessions()]) session.end({ code: 'node' })
    })
  }

  // --- the methods of the service ---------------------------------------------------------------

  get places(): readonly EntrancePlace[] {
    return this.#reception.places
  }

  get isReady(): boolean {
    return this.#draining === undefined
  }

  stat(): SessionGateStat {
    const { counters, size, visitorCount } = this.#table
    return {
      sessions: size,
      connections: visitorCount,
      strangers: this.#reception.strangers,
      logins: this.#reception.logins,
      agents: this.#desk.lines.size,
      ...counters,
      closed: { ...counters.closed },
    }
  }

  readonly kick: Kick = (who, code = 'kicked', text = '') =>
    this.#users.kick(who, code, text, (id) => this.#table.get(id)?.owner)

  async drain(options?: DrainOptions): Promise<void> {
    const checked = checkDrain('drain a gate', options, this.#options.drain)
    this.#draining ??= new Draining(
      {
        sleep: (ms) => this.#skynet.sleep(ms),
        refuseNew: (retryMs) => this.#table.refuseNew({ code: 'drain', retryMs }),
        sessions: () => [...this.#table.sessions()].map(({ owner }) => owner),
        empty: () => this.#empty(),
      },
      checked,
    )
    await this.#draining.done
  }

  // --- its end ----------------------------------------------------------------------------------

  #empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty.add(resolve)
      this.#look()
    })
  }

  #look(): void {
    if (this.#onEmpty.size === 0 || this.#table.size > 0) return
    for (const resolve of this.#onEmpty) resolve()
    this.#onEmpty.clear()
  }
}
