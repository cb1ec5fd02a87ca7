/**
 * A server and clients of KCP on a simulated network, in simulated time: packets are lost, doubled,
 * late and cut off, clients get other addresses, strangers send what they like. By seed.
 */
import assert from 'node:assert/strict'
import { Random } from '../../testing/sim/random.ts'
import type { Conversation, ConversationOwner } from './conversation.ts'
import { FAST } from './fast.kit.ts'
import { KcpClient, type KcpClientHost } from './kcp-client.ts'
import { type Arrival, KcpServer, type KcpServerHost } from './kcp-server.ts'
import type { PortCore } from './port.ts'
import type { Carrier, DatagramAddress, Flushable } from './route.ts'

export interface Weather {
  /** Of a hundred packets. */
  readonly lost: number
  readonly doubled: number
  /** Now and then nothing passes for so long. */
  readonly cutMs: number
  /** Of a hundred ms, how often a client gets another address. */
  readonly moves: number
  /** Packets of strangers, of a hundred ms. */
  readonly strangers: number
}

const TIMES = { keepAliveMs: 5000, idleTimeoutMs: 30_000, lingerMs: 20_000 }
/** Some schedules cut the network again and again. */
const CONNECT_MS = 120_000
/** Nothing that works takes so long. */
const TIME_MS_MAX = 300_000

const addressOf = (port: number): DatagramAddress => {
  const bytes = Uint8Array.of(4, port & 255, port >> 8, 127, 0, 0, 1)
  return { bytes, toString: () => `127.0.0.1:${port}` }
}

/** What a message is: who has sent it, and which one it is. */
export function messageOf(sender: string, number: number, length: number): Buffer {
  const text = `${sender} ${number} `
  return Buffer.from(text.padEnd(Math.max(length, text.length), String(number % 10)))
}

/** One end of a conversation: what it was to send, and what it has received. */
export class SimEnd implements ConversationOwner {
  readonly name: string
  readonly received: string[] = []
  readonly conversation: Conversation
  sent: string[] = []

  constructor(name: string, conversation: Conversation) {
    this.name = name
    this.conversation = conversation
    conversation.owner = this
  }

  send(length: number): void {
    const message = messageOf(this.name, this.sent.length, length)
    this.sent.push(message.toString())
    this.conversation.post(message)
  }

  changed(): void {
    for (let next = this.conversation.take(); next !== undefined; next = this.conversation.take()) {
      this.received.push(next.toString())
    }
  }
}

interface Flight {
  readonly at: number
  readonly order: number
  readonly packet: Buffer
  /** Undefined: to the server. */
  readonly client: SimClient | undefined
  readonly from: DatagramAddress
}

export class SimClient implements KcpClientHost, Carrier {
  readonly name: string
  readonly scratch = new Uint8Array(2048)
  readonly core: KcpClient
  address: DatagramAddress
  end: SimEnd | undefined
  refusal: string | undefined
  isGone = false
  readonly #sim: Simulation

  constructor(sim: Simulation, name: string, port: number) {
    this.name = name
    this.address = addressOf(port)
    this.#sim = sim
    const settings = { core: FAST, ...TIMES, connectTimeoutMs: CONNECT_MS }
    this.core = new KcpClient(settings, this, this, addressOf(7001))
    this.core.greet(sim.now)
  }

  randomBytes(count: number): Buffer {
    return this.#sim.randomBytes(count)
  }

  send(packet: Uint8Array): void {
    this.#sim.fly(packet, undefined, this.address)
  }

  kept(address: DatagramAddress): DatagramAddress {
    return address
  }

  isTouched(item: Flushable): void {
    this.#sim.touched.add(item)
  }

  connected(conversation: Conversation): void {
    this.end = new SimEnd(this.name, conversation)
  }

  refused(reason: string): void {
    this.refusal = reason
  }

  isOver(): void {
    this.isGone = true
  }
}

export class Simulation implements KcpServerHost, Carrier {
  now = 1
  readonly scratch = new Uint8Array(2048)
  readonly touched = new Set<Flushable>()
  readonly server: KcpServer
  readonly clients: SimClient[] = []
  /** What the server has of its clients, in the order in which they were confirmed. */
  readonly served: SimEnd[] = []
  readonly random: Random
  weather: Weather
  /** Bytes that came from each address, and that went there while it was not proven. */
  readonly #unproven = new Map<string, { in: number; out: number }>()
  #flights: Flight[] = []
  #order = 0
  #port = 20_000
  #cutUntil = 0
  /** What strangers may have seen on the way. */
  #seen: Buffer[] = []

  constructor(seed: number, weather: Weather, maxConnections = 100) {
    this.random = new Random(seed)
    this.weather = weather
    const settings = { core: FAST, ...TIMES, maxConnections, handshakeTimeoutMs: 5000 }
    this.server = new KcpServer(settings, this, this, this.now)
  }

  client(name: string): SimClient {
    const client = new SimClient(this, name, this.#port++)
    this.clients.push(client)
    return client
  }

  // --- what the server needs -------------------------------------------------------------------

  randomBytes(count: number): Buffer {
    return this.random.bytes(count)
  }

  send(packet: Uint8Array, to: DatagramAddress): void {
    const key = to.toString()
    const isProven = [...this.server.conversations].some(({ route }) => route.address === to)
    if (!isProven) {
      const counted = this.#countOf(key)
      counted.out += packet.length
      assert.ok(counted.out <= counted.in, `${key} got ${counted.out} bytes for ${counted.in}`)
    }
    const client = this.clients.find(({ address }) => address.toString() === key)
    // Whoever has moved gets nothing at his former address.
    if (client !== undefined) this.fly(packet, client, to)
  }

  #countOf(key: string): { in: number; out: number } {
    const counted = this.#unproven.get(key) ?? { in: 0, out: 0 }
    this.#unproven.set(key, counted)
    return counted
  }

  kept(address: DatagramAddress): DatagramAddress {
    return address
  }

  isTouched(item: Flushable): void {
    this.touched.add(item)
  }

  knocks(): Arrival {
    return {
      begins: () => {},
      enters: (conversation) => this.served.push(new SimEnd('server', conversation)),
      leaves: () => {},
    }
  }

  isOver(): void {}

  // --- the network -----------------------------------------------------------------------------

  /** @param client Undefined: to the server. */
  fly(packet: Uint8Array, client: SimClient | undefined, from: DatagramAddress): void {
    const { lost, doubled } = this.weather
    if (this.random.oneIn(20)) this.#seen[this.random.below(10)] = Buffer.from(packet)
    if (this.now < this.#cutUntil || this.random.below(100) < lost) return
    const copies = this.random.below(100) < doubled ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const at = this.now + 5 + this.random.below(30)
      this.#flights.push({ at, order: this.#order++, packet: Buffer.from(packet), client, from })
    }
  }

  #arrive({ packet, client, from }: Flight): void {
    if (client !== undefined) {
      client.core.packet(packet, from, this.now)
      return
    }
    this.#countOf(from.toString()).in += packet.length
    this.server.packet(packet, from, this.now)
  }

  /** Somebody who sees packets now and then, and sends what he likes from where he likes. */
  #stranger(): void {
    const { random } = this
    const seen = this.#seen[random.below(10)]
    const client = random.pick(this.clients)
    const packet = seen === undefined || random.oneIn(3) ? random.bytes(random.below(80)) : seen
    const spoiled = Buffer.from(packet)
    // Whoever has the token may do anything; so a stranger must not repeat one.
    for (let i = 1; i < Math.min(9, spoiled.length); i++) spoiled[i] = random.below(256)
    const at = this.now + 1
    const from = random.oneIn(2) ? client.address : addressOf(40_000 + random.below(50))
    const to = random.oneIn(2) ? client : undefined
    this.#flights.push({ at, order: this.#order++, packet: spoiled, client: to, from })
  }

  /** A hundred ms begin. */
  #happen(): void {
    const { cutMs, moves, strangers } = this.weather
    if (cutMs > 0 && this.random.oneIn(100)) this.#cutUntil = this.now + this.random.below(cutMs)
    for (const client of this.clients) {
      if (this.random.below(100) < moves) client.address = addressOf(this.#port++)
    }
    for (let i = 0; i < strangers; i++) this.#stranger()
  }

  /** Go on until `isDone`, looked at each ms in which something happens. */
  run(isDone: () => boolean, what: string): void {
    const endsAt = this.now + TIME_MS_MAX
    let nextAt = this.now
    while (!isDone()) {
      assert.ok(this.now < endsAt, `${what} within ${TIME_MS_MAX} ms`)
      if (this.now >= nextAt) {
        this.#happen()
        nextAt += 100
      }
      this.#turn()
      this.now = Math.max(this.now + 1, Math.min(nextAt, this.#nextAt()))
    }
  }

  get #cores(): readonly PortCore[] {
    return [this.server, ...this.clients.map(({ core }) => core)]
  }

  #turn(): void {
    const due = this.#flights.filter(({ at }) => at <= this.now)
    this.#flights = this.#flights.filter(({ at }) => at > this.now)
    due.sort((a, b) => a.at - b.at || a.order - b.order)
    for (const flight of due) this.#arrive(flight)
    for (const { deadlines } of this.#cores) {
      for (let first = deadlines.first; first !== undefined; first = deadlines.first) {
        if (first.dueAt > this.now) break
        deadlines.remove(first)
        first.tick(this.now)
      }
    }
    for (const conversation of this.touched) conversation.flush(this.now)
    this.touched.clear()
  }

  #nextAt(): number {
    const times = this.#flights.map(({ at }) => at)
    for (const { deadlines } of this.#cores) {
      times.push(deadlines.first?.dueAt ?? Number.POSITIVE_INFINITY)
    }
    return Math.min(Number.POSITIVE_INFINITY, ...times)
  }
}
