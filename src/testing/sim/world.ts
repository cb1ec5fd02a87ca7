/**
 * One simulated node: the real socket server and the real clients of two workers over the simulated
 * system, on one thread. The server takes a turn when it is told to, and only when something would
 * have woken it.
 */
import assert from 'node:assert/strict'
import type { Clock } from '../../base/clock.ts'
import { RING_PAYLOAD_BYTES_MAX, SOCKETS_MAX } from '../../base/limits.ts'
import { SocketClient } from '../../net/client/client.ts'
import { Link } from '../../net/server/links.ts'
import { SocketServer } from '../../net/server/server.ts'
import type { Socket } from '../../net/server/socket.ts'
import { DEFAULT_SETTINGS, type SocketSettings } from '../../net/settings.ts'
import { SLOT, SLOTS_BYTES, Slots } from '../../net/slots.ts'
import { Totals } from '../../net/totals.ts'
import { COMPACT_BYTES_MAX } from '../../os/compact.ts'
import type { DatagramBatch, SocketAddress } from '../../os/os.ts'
import { createDoorbellMemory, Doorbells } from '../../shm/doorbell.ts'
import type { Region } from '../../shm/memory.ts'
import { MANY_RING_HEADER_BYTES, ManyRing, StreamRing } from '../../shm/ring.ts'
import { SimOs } from '../sim-os.ts'
import type { SimEndpoint } from './endpoint.ts'
import { SimFaults } from './faults.ts'
import { Network } from './network.ts'
import { Owner, type OwnerWorld, type SimWorker } from './owner.ts'
import { SimPeer } from './peer.ts'
import { Random } from './random.ts'
import { SettingsModel } from './settings-model.ts'
import { type Holding, SocketModel } from './socket-model.ts'
import type { UdpModel } from './udp-model.ts'

const WORKERS = 2
const SERVER = WORKERS
const OWNERS_PER_WORKER = 2
const EVENTS_MAX = 1 << 20
const EVENTS_PER_WAIT = 8
const HOSTS = 2
const DATAGRAM_BYTES_MAX = 3000
/** What a datagram has at least, so that it can be told from others. */
const DATAGRAM_BYTES_MIN = 3
const BROADCAST_SOCKETS_MAX = 4
/** Where the clock stands at first. */
const START_MS = 1000
/** Turns without anything new from outside, after which the server must be at rest. */
const REST_TURNS_MAX = 500
/** The id that the slot table gave last, in its first cell. */
const LAST_ID_AT = 0
const ID_MAX = 0x7fffffff
/** The last ids before they start again, and before the slots do. */
const FIRST_IDS = [0, 65_530, 0x7ffffff8] as const

/** How big everything is. Small things get full. */
interface Profile {
  readonly commandBytes: number
  readonly eventBytes: number
  /** A piece that goes in the ring; the ring takes an eighth of itself. */
  readonly pieceMax: number
  readonly capacityMax: number
  readonly unreadMax: number
}
const SMALL: readonly Profile[] = [
  { commandBytes: 2048, eventBytes: 512, pieceMax: 250, capacityMax: 60, unreadMax: 60 },
  { commandBytes: 16_384, eventBytes: 4096, pieceMax: 2000, capacityMax: 500, unreadMax: 500 },
]
const BIG: Profile = {
  commandBytes: 512 * 1024,
  eventBytes: 512 * 1024,
  pieceMax: 65_536,
  capacityMax: 120_000,
  unreadMax: 180_000,
}
/** Of this many runs one is big. */
const BIG_RUN = 32
/** From here on a piece goes beside the ring, however big that is. */
const BLOCK_BYTES = RING_PAYLOAD_BYTES_MAX + 1

/** The server says so when the system refuses a datagram. */
const UDP_LOG = 'socket-server : udp'

const SETTINGS: { readonly [K in keyof SocketSettings]: readonly SocketSettings[K][] } = {
  sendLimitBytes: [1, 100, 1000, 100_000],
  sendPolicy: ['close', 'drop-new', 'drop-new', 'pause-producer'],
  sendWarningBytes: [1, 200, 10_000],
  readBytesMax: [64, 4096, 65_536],
  lingerMs: [50, 1000, 10_000],
  idleTimeoutMs: [0, 0, 400, 3000],
}

/** Memory of all runs: making it anew would cost more than a run. */
const batches = new Map<string, DatagramBatch>()
const slotMemory = new SharedArrayBuffer(SLOTS_BYTES)
const ringMemory = new Map<string, SharedArrayBuffer>()
const socketsMemory = new Array<undefined>(SOCKETS_MAX).fill(undefined)

/** A ring that everything was read from is zero but for its header. */
function emptyRing(name: string, bytes: number): SharedArrayBuffer {
  const memory = ringMemory.get(name) ?? new SharedArrayBuffer(bytes)
  ringMemory.set(name, memory)
  new Uint8Array(memory, 0, MANY_RING_HEADER_BYTES).fill(0)
  return memory
}

/** After a run that failed: nothing of it may reach the next. */
export function clearMemory(): void {
  for (const memory of ringMemory.values()) new Uint8Array(memory).fill(0)
  new Uint8Array(slotMemory).fill(0)
  socketsMemory.fill(undefined)
}

/** Nobody keeps anything in a batch beyond a step. */
class WorldOs extends SimOs<Network> {
  override createBatch(size: number, bytesMax: number): DatagramBatch {
    const name = `${size} ${bytesMax}`
    const batch = batches.get(name) ?? super.createBatch(size, bytesMax)
    batches.set(name, batch)
    return batch
  }
}

export class World implements OwnerWorld {
  readonly random: Random
  readonly faults: SimFaults
  readonly profile: Profile
  /** Of every socket that was not told otherwise. */
  readonly settings: SocketSettings
  readonly os: WorldOs
  readonly server: SocketServer
  readonly slots = new Slots(slotMemory)
  readonly workers: readonly SimWorker[]
  readonly owners: readonly Owner[]
  readonly sockets = new Map<number, SocketModel>()
  readonly peers: SimPeer[] = []
  readonly udps: UdpModel[] = []
  /** Where datagrams go to and come from. */
  readonly hosts: readonly SocketAddress[]
  /** What happened, one line each; kept when somebody wants to read it. */
  readonly trace: string[] | undefined
  /** Ports that listeners of ours have, also when they have gone. */
  readonly ports: number[] = []
  /** Sockets to be, by the port that they connect to. */
  readonly dialled = new Map<number, SocketModel>()
  now = START_MS
  /** `exit` was ordered: whatever is open may be cut. */
  isExiting = false
  hasExited = false
  /** The process will be stopped for so long, just before this look of the server at its clock. */
  #stop = { look: 0, ms: 0 }
  readonly #clock: Clock = { now: () => this.#lookAtClock() }
  readonly #totals = new Totals(Totals.memory(WORKERS + 1), this.slots)
  readonly #bells: Doorbells
  readonly #wakeup: { readonly readFd: number; readonly writeFd: number }
  readonly #log: string[] = []
  readonly #commands: Region
  readonly #links: readonly Link<Socket>[]
  readonly #firstId: number
  #slotsUsed = 0
  /** The server sleeps until then; 0: it does not. */
  #asleepUntil = 0

  constructor(seed: number, trace?: string[]) {
    this.trace = trace
    this.random = new Random(seed)
    this.faults = new SimFaults(this.random)
    this.profile = this.random.oneIn(BIG_RUN) ? BIG : this.random.pick(SMALL)
    const network = new Network(this.random, this.faults, this.profile.capacityMax)
    network.onConnected = (far, port) => this.#connected(far, port)
    // It notes what happens, and is stopped in none of that: what was decided before is done.
    this.os = new WorldOs(network, { now: () => this.now }, this.faults, this.random)
    this.hosts = Array.from({ length: HOSTS }, () =>
      network.addHost(({ port }, bytes) => this.#udpAt(port).arrived(bytes)),
    )
    this.settings = { ...DEFAULT_SETTINGS, ...(this.random.oneIn(2) ? this.someSettings() : {}) }
    this.#firstId = this.random.pick(FIRST_IDS)
    this.slots.cells[LAST_ID_AT] = this.#firstId
    this.#wakeup = this.os.createWakeup()
    const wake = (): void => this.os.signalWakeup(this.#wakeup.writeFd)
    this.#bells = new Doorbells(createDoorbellMemory(WORKERS + 1), { thread: SERVER, wake })
    this.#commands = this.#region('commands', ManyRing.bytes(this.profile.commandBytes))
    this.workers = Array.from({ length: WORKERS }, (_, index) => this.#worker(index))
    const owners = WORKERS * OWNERS_PER_WORKER
    this.owners = Array.from({ length: owners }, (_, i) => {
      // As large as handles are: the high bit is set, so signs matter.
      return new Owner(this, this.workers[i % WORKERS]!, (0xff000010 + i) >>> 0)
    })
    this.#links = this.workers.map(({ region }, worker) => {
      const ring = new StreamRing(region, 0, this.profile.eventBytes)
      return new Link<Socket>(worker, region, ring, this.#bells, SERVER)
    })
    this.server = this.#makeServer()
  }

  #region(name: string, bytes: number): Region {
    return this.os.region(emptyRing(`${name} ${bytes}`, bytes))
  }

  #worker(index: number): SimWorker {
    const { commandBytes, eventBytes } = this.profile
    const region = this.#region(`events ${index}`, StreamRing.bytes(eventBytes))
    const client = new SocketClient({
      os: this.os,
      clock: this.#clock,
      slots: this.slots,
      totals: this.#totals,
      bells: this.#bells,
      commands: new ManyRing(this.#commands, 0, commandBytes),
      self: index,
      socketThread: SERVER,
    })
    return { index, region, client, ring: new StreamRing(region, 0, eventBytes), isDeaf: false }
  }

  #makeServer(): SocketServer {
    const { commandBytes } = this.profile
    return new SocketServer({
      os: this.os,
      clock: this.#clock,
      slots: this.slots,
      totals: this.#totals,
      bells: this.#bells,
      commands: { ring: new ManyRing(this.#commands, 0, commandBytes), region: this.#commands },
      self: SERVER,
      wakeupFd: this.#wakeup.readFd,
      links: this.#links,
      workerOf: (handle) => {
        const owner = this.ownerOf(handle)
        return owner?.isAlive ? owner.worker.index : -1
      },
      settings: this.settings,
      eventsPerWait: EVENTS_PER_WAIT,
      log: (text) => {
        if (!text.startsWith(UDP_LOG)) this.#log.push(text)
      },
      sockets: socketsMemory,
    })
  }

  ownerOf(handle: number): Owner | undefined {
    return this.owners[(handle >>> 0) - 0xff000010]
  }

  /** Bytes of a piece: mostly few, sometimes more than goes in a ring. */
  pieceLength(): number {
    const { capacityMax, pieceMax } = this.profile
    // Also what is left of it after a write is too big for the ring.
    if (this.random.oneIn(64)) return BLOCK_BYTES + capacityMax + this.random.below(1000)
    return this.random.size(pieceMax)
  }

  datagramLength(): number {
    const { pieceMax, unreadMax } = this.profile
    // Its address travels with it.
    const max = Math.min(pieceMax, unreadMax, DATAGRAM_BYTES_MAX) - COMPACT_BYTES_MAX
    return DATAGRAM_BYTES_MIN + this.random.below(max - DATAGRAM_BYTES_MIN)
  }

  /** Some of them, by chance. */
  someSettings(): Partial<SocketSettings> {
    const names = Object.keys(SETTINGS) as (keyof SocketSettings)[]
    const chosen = names.filter(() => this.random.oneIn(2))
    const values = chosen.map((name) => [name, this.random.pick<unknown>(SETTINGS[name])])
    return Object.fromEntries(values) as Partial<SocketSettings>
  }

  /** Some that are there, each once; listeners too, which must be left out. */
  someSockets(): SocketModel[] {
    const all = [...this.sockets.values()].slice(-BROADCAST_SOCKETS_MAX * 2)
    return all.filter(() => this.random.oneIn(2)).slice(0, BROADCAST_SOCKETS_MAX)
  }

  knowUdp(udp: UdpModel): void {
    this.udps.push(udp)
  }

  #udpAt(port: number): UdpModel {
    const udp = this.udps.find(({ mailbox }) => mailbox.local.port === port)
    assert.ok(udp !== undefined, `port ${port} sends, and nobody has it`)
    return udp
  }

  /** A socket to be. */
  newSocket(): SocketModel {
    return this.knowSocket(this.slots.reserve(), true)
  }

  /** @param isFresh The server does not know of it yet. */
  knowSocket(id: number, isFresh: boolean): SocketModel {
    assert.ok(!this.sockets.has(id), `socket ${id} was given out twice`)
    const socket = new SocketModel(id, new SettingsModel(this.settings, isFresh))
    this.sockets.set(id, socket)
    if (this.isExiting) socket.cut('exit was ordered')
    return socket
  }

  pair(socket: SocketModel, peer: SimPeer): void {
    // Several addresses: the one before was given up, which needs a reason.
    const text = `socket ${socket.id} had reached ${socket.peer?.address}`
    assert.ok(socket.peer === undefined || socket.peer.isRough, text)
    socket.peer = peer
    peer.socket = socket
  }

  /** Another host is at the far end of `far` from now on. */
  addPeer(far: SimEndpoint): SimPeer {
    const peer = new SimPeer(far, this.random.below(251))
    this.peers.push(peer)
    return peer
  }

  #connected(far: SimEndpoint, port: number): void {
    const peer = this.addPeer(far)
    const socket = this.dialled.get(port)
    assert.ok(socket !== undefined, `somebody connected to port ${port}, which nobody ordered`)
    this.pair(socket, peer)
  }

  /** Nothing wakes the server. */
  get isAsleep(): boolean {
    return this.#asleepUntil > this.now && !this.os.poller.isReady
  }

  // --- the server ------------------------------------------------------------------------------

  /** A turn of the server, unless it sleeps. @returns False: it sleeps. */
  serve(): boolean {
    return !this.hasExited && !this.isAsleep && this.#turn()
  }

  /**
   * A turn in which the process is stopped, just before a look at the clock but the first: what is
   * before that one is no part of the turn. SIGCONT wakes who sleeps.
   */
  serveStopped(look: number, ms: number): void {
    if (this.hasExited) return
    this.#stop = { look, ms }
    this.#turn()
    this.#stop = { look: 0, ms: 0 }
  }

  #lookAtClock(): number {
    const { look, ms } = this.#stop
    if (look > 0 && --this.#stop.look === 0) {
      this.passTime(ms)
      // Timeouts begin anew.
      const ends = this.peers.map(({ endpoint }) => endpoint.other)
      for (const end of [...ends, ...this.udps.map(({ mailbox }) => mailbox)]) {
        if (end?.closedAt === 0) end.activeAt = this.now
      }
    }
    return this.now
  }

  #turn(): boolean {
    this.#asleepUntil = 0
    // It wakes in the middle of a turn, and looks at its clock then.
    this.server.sockets.now = this.now
    if (!this.server.turn(-1)) {
      this.hasExited = true
      return false
    }
    this.checkLog()
    const { sleptMs } = this.os.poller
    if (sleptMs === 0) return true
    // It slept in the middle of its turn. What it does behind its sleep it has done, and now it
    // lies where it was: whoever rings wakes it.
    this.#asleepUntil = sleptMs < 0 ? Number.POSITIVE_INFINITY : this.now + sleptMs
    this.#bells.lieDown(SERVER)
    return true
  }

  /** Turns until it sleeps: it must come to that when nothing new happens. */
  rest(): void {
    const { areOn } = this.faults
    this.faults.areOn = false
    for (let turns = 0; this.serve(); turns++) {
      assert.ok(turns < REST_TURNS_MAX, 'the server does not come to rest')
    }
    this.faults.areOn = areOn
  }

  /** The server sleeps until this time. */
  get asleepUntil(): number {
    return this.#asleepUntil
  }

  // --- workers and time ------------------------------------------------------------------------

  /** A worker's turn: up to `limit` events. @returns How many it took. */
  work(worker: SimWorker, limit: number): number {
    if (worker.isDeaf) return 0
    const { client, ring, region } = worker
    client.retry()
    const events: { owner: number; kind: number; id: number; ud: number; bytes: Buffer }[] = []
    ring.read(limit, (kind, owner, id, ud, at, length) => {
      const bytes = Buffer.from(region.bytes.subarray(at, at + length))
      events.push({ kind, owner, id, ud, bytes })
    })
    this.#bells.announceRoom(worker.index)
    for (const { owner, kind, id, ud, bytes } of events) {
      this.ownerOf(owner)!.receive(kind, id, ud, bytes)
    }
    return events.length
  }

  /** After the last turn: what is told to owners whose ring is full. */
  workToTheEnd(): void {
    for (const worker of this.workers) {
      do this.work(worker, EVENTS_MAX)
      while (!this.#links[worker.index]!.flush() || !worker.ring.isEmpty)
    }
  }

  passTime(ms: number): void {
    this.now += ms
    for (const socket of this.sockets.values()) socket.timePassed(this.now)
  }

  /** Every view of an owner that is alive. */
  *holdings(): Generator<{ readonly owner: Owner; readonly holding: Holding }, void, void> {
    for (const owner of this.owners) {
      for (const holding of owner.holdings.values()) yield { owner, holding }
    }
  }

  // --- what must hold --------------------------------------------------------------------------

  checkLog(): void {
    if (this.#log.length > 0) assert.fail(`the server has met a fault: ${this.#log.join(', ')}`)
  }

  cell(id: number, name: 'pending' | 'queued' | 'token' | 'remainder'): number {
    return Atomics.load(this.slots.cells, this.slots.at(id) + SLOT[name])
  }

  /** It looks at each slot there is. */
  checkTotals(): void {
    const { accepted, opened, closed, sent, queued } = this.#totals.read()
    assert.equal(sent, this.os.bytesSent, 'each byte that left is counted once')
    assert.equal(accepted + opened, closed, 'each connection that there was is counted as closed')
    assert.equal(queued, 0, 'nothing waits')
  }

  /** The next ids meet the slots of the first ones, as they do after 65,536 sockets. */
  recycle(): void {
    this.#slotsUsed = this.#countSlots()
    const { cells } = this.slots
    const used = (cells[LAST_ID_AT]! - this.#firstId) & (SOCKETS_MAX - 1)
    cells[LAST_ID_AT] = (cells[LAST_ID_AT]! + SOCKETS_MAX - used) & ID_MAX
  }

  /** How many slots have been used, from the first on. */
  #countSlots(): number {
    const used = (this.slots.cells[LAST_ID_AT]! - this.#firstId) & (SOCKETS_MAX - 1)
    return Math.max(this.#slotsUsed, used)
  }

  #leave(): void {
    const { server } = this
    if (this.hasExited) return
    server.sockets.poller.close()
    server.sockets.spare.giveUp()
  }

  /** All is over: nothing is left of it. @param isClean False: orders may have been left unread. */
  checkEnd(isClean: boolean): void {
    this.checkLog()
    this.#leave()
    this.os.close(this.#wakeup.readFd)
    this.os.close(this.#wakeup.writeFd)
    assert.equal(this.os.openFds, 0, 'no descriptor is left over')
    const slots = this.#countSlots()
    for (let slot = 1; slot <= slots; slot++) {
      const at = this.slots.at(this.#firstId + slot)
      const left = this.slots.cells.slice(at, at + SLOT.CELLS)
      this.slots.cells.fill(0, at, at + SLOT.CELLS)
      assert.equal(left[SLOT.state], 0, `the socket in slot ${slot} has ended`)
      assert.deepEqual([left[SLOT.id], left[SLOT.token], left[SLOT.remainder]], [0, 0, 0])
      if (!isClean) continue
      const waiting = [left[SLOT.pending], left[SLOT.queued]]
      assert.deepEqual(waiting, [0, 0], `sends and bytes that wait in slot ${slot}`)
    }
    if (isClean) assert.equal(this.os.blocks.outstanding, 0, 'no block is left over')
    else this.#commands.bytes.fill(0)
  }
}
