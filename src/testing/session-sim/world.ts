/** Clients, a gate, and what is between them: nothing else happens than what is on the agenda. */
import assert from 'node:assert/strict'
import type { CloseCode } from '../../client/close-codes.ts'
import { decodeWire, encodeWire, FROM_CLIENT, FROM_SERVER } from '../../client/wire.ts'
import type { SessionCounters } from '../../session/core/session-counters.ts'
import type { SessionLimits } from '../../session/core/session-limits.ts'
import type { Visitor } from '../../session/core/visitor.ts'
import { Agenda } from '../cluster-sim/agenda.ts'
import { Random } from '../sim/random.ts'
import { type BookedLink, SessionAccounts, type SessionPage } from './accounts.ts'
import { Direction } from './connection.ts'
import { CLIENT_OPTIONS, type ClientPlace, SimClient } from './sim-client.ts'
import { SimGate } from './sim-gate.ts'
import type { SessionVariant } from './variants.ts'

/** Once in so many a connection is not there at once, or never. */
const LATE_ONE_IN = 5
const CONNECT_MS = 100
const BLACK_HOLE_ONE_IN = 20
/** Of what a client or a gate has ended the other side hears nothing, once in so many. */
const UNTOLD_ONE_IN = 3
const HELD_MS = 60_000
const RELEASE_MS = 60

/** One connection that a client has made. */
export class SimConnection implements BookedLink {
  readonly transport = 'sim'
  readonly address: string
  readonly number: number
  readonly client: SimClient
  /** Of the client: what it calls the connection. */
  readonly name: number
  readonly toGate: Direction
  readonly toClient: Direction
  #visitor: Visitor<SessionPage> | undefined
  #gate: SimGate | undefined
  isTroubled = false
  readonly #world: SessionWorld
  #hasGreeted = false

  constructor(world: SessionWorld, client: SimClient, name: number, number: number) {
    const { agenda, random } = world
    this.#world = world
    this.client = client
    this.address = client.name
    this.name = name
    this.number = number
    this.toGate = new Direction(agenda, random, {
      heard: (message) => {
        if (!this.#hasGreeted && name > 0) world.greeted(this, message)
        this.#hasGreeted = true
        this.visitor?.heard(message)
      },
      ended: () => this.visitor?.lost(),
    })
    this.toClient = new Direction(agenda, random, {
      heard: (message) => {
        if (!client.isDead) client.core.heard(name, message)
        this.visitor?.drained()
      },
      ended: () => {
        if (!client.isDead) client.core.lost(name, 'It was cut')
      },
    })
  }

  /** It is there, at the gate of now. */
  enter(): void {
    this.#gate = this.#world.gate
    this.#visitor = this.#gate.table.enter(this)
  }

  /** What a gate that is down hears is lost. */
  get visitor(): Visitor<SessionPage> | undefined {
    return this.#gate?.isDown === false ? this.#visitor : undefined
  }

  get bufferedAmount(): number {
    return this.toClient.bytes
  }

  send(message: Uint8Array): void {
    this.toClient.send(this.#world.saidByGate(this, message))
  }

  close(message: Uint8Array, code: CloseCode, text: string): void {
    const isBroken = code === 'protocol' || code === 'rate'
    assert.ok(!isBroken || this.name < 0, `a client keeps the protocol and the rate: ${text}`)
    this.toClient.send(message)
    this.toClient.send(undefined)
    this.isTroubled = true
  }

  /** The client has done with it. */
  leave(): void {
    this.isTroubled = true
    if (this.#world.random.oneIn(2)) this.toGate.send(undefined)
    else this.toGate.cut(!this.#world.random.oneIn(UNTOLD_ONE_IN))
  }

  cut(): void {
    this.isTroubled = true
    this.toGate.cut(!this.#world.random.oneIn(UNTOLD_ONE_IN))
    this.toClient.cut(!this.#world.random.oneIn(UNTOLD_ONE_IN))
  }
}

const limitsOf = (random: Random): SessionLimits => ({
  keepMs: random.pick([1500, 4000, 10_000]),
  loginTimeoutMs: 5000,
  heartbeatMs: 500,
  missed: 3,
  maxSessions: 10,
  messageBytesMax: 300,
  window: random.pick([1, 2, 4, 16]),
  answerBytesMax: random.pick([60, 200, 10_000]),
  pushesMax: random.pick([20, 100]),
  pushBytesMax: random.pick([1000, 10_000]),
  sendMarkBytes: random.pick([1, 100, 1000]),
  messagesPerSecond: random.pick([4, 20, 500, 500]),
})

export class SessionWorld implements ClientPlace {
  readonly agenda = new Agenda()
  readonly random: Random
  readonly accounts = new SessionAccounts()
  readonly limits: SessionLimits
  readonly #variant: SessionVariant
  gate: SimGate
  /** Of all gates that there were. */
  readonly counters: SessionCounters[] = []
  /** The one of each name that lives. */
  readonly clients = new Map<string, SimClient>()
  /** Those that a client may have in hand, the latest of each. */
  readonly connections = new Map<SimClient, SimConnection>()
  /** First messages that somebody has seen. */
  readonly hellos: Uint8Array[] = []
  /** Connections that say nothing until a later one has greeted. */
  readonly #mute = new Map<SimClient, SimConnection>()
  /** All goes well from now on. */
  isQuiet = false
  /** Clients are such as send all again that was not answered, whatever the WELCOME says. */
  readonly #isSimple: boolean
  #numbers = 0

  constructor(seed: number, variant: SessionVariant) {
    this.random = new Random(seed)
    this.#variant = variant
    this.limits = limitsOf(this.random)
    this.#isSimple = this.random.oneIn(2)
    this.gate = this.#newGate()
  }

  #newGate(): SimGate {
    const limits = { ...this.limits, ...this.#variant.limits }
    const gate = new SimGate(this.agenda, this.random, this.accounts, limits)
    this.counters.push(gate.table.counters)
    return gate
  }

  start(name: string, token?: Uint8Array): SimClient {
    const client = new SimClient(this, name, token)
    this.clients.set(name, client)
    client.core.start()
    return client
  }

  /** @param name -1: it is not the client that has made it. */
  newConnection(client: SimClient, name: number): SimConnection {
    return new SimConnection(this, client, name, name > 0 ? ++this.#numbers : 0)
  }

  /** The first message of a connection has arrived. */
  greeted({ client }: SimConnection, hello: Uint8Array): void {
    this.hellos.push(hello)
    const mute = this.#mute.get(client)
    if (mute === undefined) return
    this.#mute.delete(client)
    this.agenda.after(this.random.below(RELEASE_MS), () => mute.toGate.release())
  }

  connect(client: SimClient, name: number): void {
    const { random, agenda } = this
    if (!this.isQuiet && random.oneIn(BLACK_HOLE_ONE_IN)) return
    const connection = this.newConnection(client, name)
    this.connections.set(client, connection)
    if (!this.isQuiet && client.isHeld) {
      client.isHeld = false
      connection.toGate.stall(HELD_MS)
      connection.isTroubled = true
      this.#mute.set(client, connection)
    }
    const isLate = !this.isQuiet && random.oneIn(LATE_ONE_IN)
    agenda.after(random.below(isLate ? CLIENT_OPTIONS.openTimeoutMs * 2 : CONNECT_MS), () => {
      if (client.isDead) return
      connection.enter()
      client.core.opened(name)
    })
  }

  send(client: SimClient, message: Uint8Array): void {
    const { clientSays } = this.#variant
    const said = clientSays?.(decodeWire(FROM_CLIENT, message))
    const bytes = said === undefined ? message : encodeWire(FROM_CLIENT, said)
    this.connections.get(client)!.toGate.send(bytes)
  }

  saidByGate({ client }: SimConnection, bytes: Uint8Array): Uint8Array {
    const { gateSays } = this.#variant
    if (gateSays === undefined && !this.#isSimple) return bytes
    const said = decodeWire(FROM_SERVER, bytes)
    const message = gateSays?.(said) ?? said
    const isSimple = this.#isSimple && message.kind === 'welcome' && client.knows(message.session)
    if (!isSimple) return encodeWire(FROM_SERVER, message)
    const requestsUpTo = (message.open[0] ?? message.requestsUpTo + 1) - 1
    return encodeWire(FROM_SERVER, { ...message, requestsUpTo })
  }

  isWell(client: SimClient): boolean {
    return this.connections.get(client)?.isTroubled === false
  }

  end(client: SimClient): void {
    this.connections.get(client)?.leave()
  }

  /** It is gone, and all that it knew but its token. */
  crash(client: SimClient): void {
    client.isDead = true
    this.accounts.orphan(client.name)
    this.connections.get(client)?.leave()
  }

  /** All sessions are lost. */
  crashGate(): void {
    const { table } = this.gate
    this.gate.isDown = true
    this.gate = this.#newGate()
    for (const { owner } of table.sessions()) owner.end('node')
    for (const connection of this.connections.values()) connection.cut()
  }
}
