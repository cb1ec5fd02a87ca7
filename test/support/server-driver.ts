/**
 * A socket server without a node: real sockets, and a test in the place of the workers.
 *
 * All on one thread. The server's loop runs as it is; where it would sleep, the test goes on until
 * its next `yield`. So a test is a generator, everything happens in a known order, and time is
 * what the test says it is.
 */
import assert from 'node:assert/strict'
import { COMMAND_RING_BYTES, SOCKET_RING_BYTES } from '../../src/base/limits.ts'
import { SocketClient } from '../../src/net/client/client.ts'
import { EVENT } from '../../src/net/event.ts'
import { Link } from '../../src/net/server/links.ts'
import { SocketServer } from '../../src/net/server/server.ts'
import { DEFAULT_SETTINGS } from '../../src/net/settings.ts'
import { SLOT, SLOTS_BYTES, Slots } from '../../src/net/slots.ts'
import { Totals } from '../../src/net/totals.ts'
import type { Os } from '../../src/os/os.ts'
import type { Poller } from '../../src/os/poll/poller.ts'
import { posixOs } from '../../src/os/posix.ts'
import { createDoorbellMemory, Doorbells } from '../../src/shm/doorbell.ts'
import type { Region } from '../../src/shm/memory.ts'
import { ManyRing, StreamRing } from '../../src/shm/ring.ts'
import { Peer } from './peer.ts'

const WORKERS = 2
/** Owners of worker 0 are 11, 12; of worker 1: 21. All others are dead. */
export const A = 11
export const B = 12
export const C = 21
const LOOKS_MAX = 20_000
/** Less than the first WARNING, more than what the kernel takes late. */
const FILL_BYTES = 512 * 1024
const KINDS = Object.fromEntries(Object.entries(EVENT).map(([name, kind]) => [kind, name]))

export interface ServerEvent {
  readonly kind: keyof typeof EVENT
  readonly owner: number
  readonly id: number
  readonly ud: number
  readonly bytes: Buffer
}
export type Script = Generator<void, void, void>

/** One worker as the server meets it. */
interface FakeWorker {
  readonly ring: StreamRing
  readonly region: Region
  readonly client: SocketClient
  /** It does not look at its ring. */
  isDeaf: boolean
}

/** Run `script` against a server of its own; everything is closed at the end, and checked. */
export function drive(script: (driver: ServerDriver) => Script): void {
  const driver = new ServerDriver()
  driver.run(script(driver))
}

export class ServerDriver {
  readonly os: Os = posixOs()
  readonly slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
  readonly totals = new Totals(Totals.memory(WORKERS + 1), this.slots)
  readonly server: SocketServer
  readonly workers: readonly FakeWorker[]
  /** What worker 0 uses. */
  readonly client: SocketClient
  readonly log: string[] = []
  readonly alive = new Set([A, B, C])
  /** Everything that came and was not taken by `next`. */
  events: ServerEvent[] = []
  /** Where the server's clock stands, and how far the test wants it. */
  #clockMs = 1000
  #wantedMs = 1000
  /** How long the server wanted to sleep each time, and what it woke for. */
  readonly waits: { readonly timeoutMs: number; readonly ready: number }[] = []
  readonly #bells: Doorbells
  readonly #wakeup: { readonly readFd: number; readonly writeFd: number }
  readonly #peers: Peer[] = []
  readonly #fds: number[] = []
  #script: Script | undefined
  #failure: unknown

  constructor() {
    const { os } = this
    this.#wakeup = os.createWakeup()
    const { readFd, writeFd } = this.#wakeup
    const wake = (): void => os.signalWakeup(writeFd)
    this.#bells = new Doorbells(createDoorbellMemory(WORKERS + 1), { thread: WORKERS, wake })
    const commands = os.region(new SharedArrayBuffer(ManyRing.bytes(COMMAND_RING_BYTES)))
    const ring = (): ManyRing => new ManyRing(commands, 0, COMMAND_RING_BYTES)
    const clock = { now: () => this.#clockMs }
    const shared = { os, clock, slots: this.slots, totals: this.totals, bells: this.#bells }
    this.workers = Array.from({ length: WORKERS }, (_, self) => {
      const region = os.region(new SharedArrayBuffer(StreamRing.bytes(SOCKET_RING_BYTES)))
      const options = { ...shared, commands: ring(), self, socketThread: WORKERS }
      const stream = new StreamRing(region, 0, SOCKET_RING_BYTES)
      return { region, ring: stream, client: new SocketClient(options), isDeaf: false }
    })
    this.client = this.workers[0]!.client
    this.#interpose()
    this.server = new SocketServer({
      ...shared,
      commands: { ring: ring(), region: commands },
      self: WORKERS,
      wakeupFd: readFd,
      links: this.workers.map(({ region }, worker) => {
        const stream = new StreamRing(region, 0, SOCKET_RING_BYTES)
        return new Link(worker, region, stream, this.#bells, WORKERS)
      }),
      workerOf: (owner) => (this.alive.has(owner) ? Math.floor(owner / 10) - 1 : -1),
      settings: DEFAULT_SETTINGS,
      eventsPerWait: 64,
      log: (text) => this.log.push(text),
    })
  }

  /** The poller tells us where the loop is. */
  #interpose(): void {
    const poller = this.os.createPoller()
    const wait: Poller['wait'] = (tags, ready, timeoutMs) => {
      if (this.#clockMs >= this.#wantedMs) this.#goOn()
      else this.#sleep(timeoutMs)
      const count = poller.wait(tags, ready, Math.min(1, timeoutMs < 0 ? 1 : timeoutMs))
      this.waits.push({ timeoutMs, ready: count })
      return count
    }
    const interposed: Poller = {
      name: poller.name,
      add: (...args) => poller.add(...args),
      change: (...args) => poller.change(...args),
      remove: (...args) => poller.remove(...args),
      wait,
      close: () => poller.close(),
    }
    Object.assign(this.os, { createPoller: () => interposed })
  }

  /** Time that passes does so in sleeps of the server, each as long as it wants to. */
  get now(): number {
    return this.#wantedMs
  }

  set now(ms: number) {
    this.#wantedMs = ms
  }

  /** The process is stopped for so long: the clock goes on, and nothing else does. */
  stop(ms: number): void {
    this.#wantedMs += ms
    this.#clockMs = this.#wantedMs
  }

  #sleep(timeoutMs: number): void {
    const leftMs = this.#wantedMs - this.#clockMs
    // A look that does not sleep takes its time too: a loop that is busy never sleeps.
    this.#clockMs += timeoutMs < 0 ? leftMs : Math.min(Math.max(timeoutMs, 1), leftMs)
  }

  run(script: Script): void {
    this.#script = script
    this.server.run()
    for (const peer of this.#peers) peer.close()
    for (const fd of this.#fds) this.os.close(fd)
    this.os.close(this.#wakeup.readFd)
    this.os.close(this.#wakeup.writeFd)
    if (this.#failure !== undefined) throw this.#failure
    assert.deepEqual(this.log, [], 'the server has met no fault of its own')
    assert.equal(this.slots.countUsed(), 0, 'no slot is left over')
  }

  #goOn(): void {
    for (const { client } of this.workers) client.retry()
    this.#drain()
    if (this.#script === undefined) return
    try {
      if (!this.#script.next().done) return
    } catch (error) {
      this.#failure = error
    }
    this.#script = undefined
    // A worker that does not read would keep what is left waiting.
    for (const worker of this.workers) worker.isDeaf = false
    this.client.order('exit', 0, 0)
  }

  #drain(): void {
    this.workers.forEach(({ ring, region, isDeaf }, worker) => {
      if (isDeaf) return
      ring.read(1 << 20, (kind, owner, id, ud, at, length) => {
        const bytes = Buffer.from(region.bytes.subarray(at, at + length))
        this.events.push({ kind: KINDS[kind] as ServerEvent['kind'], owner, id, ud, bytes })
      })
      this.#bells.announceRoom(worker)
    })
  }

  /** Wait until `look` finds something. */
  *until<T>(look: () => T | undefined | false, what: string): Generator<void, T, void> {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const found = look()
      if (found !== undefined && found !== false) return found
      yield
    }
    const seen = this.events.map(({ kind, id, ud }) => `${kind} ${id} ${ud}`).slice(0, 20)
    assert.fail(`waited in vain for ${what}; events: ${seen.join(', ')}`)
  }

  /** Take the oldest event, which must be of this kind. */
  *next(kind: keyof typeof EVENT): Generator<void, ServerEvent, void> {
    yield* this.until(() => this.events.length > 0, kind)
    const event = this.events.shift()!
    assert.equal(event.kind, kind, `${kind}, not ${event.kind}: ${event.bytes.subarray(0, 80)}`)
    return event
  }

  /** Go on until the server would sleep. Returns how long: -1 without limit, or to a deadline. */
  *idle(): Generator<void, number, void> {
    // How long it wants to sleep was worked out before we came here: that one does not count.
    yield
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      yield
      const last = this.waits.at(-1)
      if (last === undefined || last.ready !== 0 || last.timeoutMs === 0) continue
      // It may sleep in parts.
      const deadline = this.server.sockets.deadlines.next()
      return deadline === undefined ? last.timeoutMs : deadline - this.#clockMs
    }
    assert.fail('the server does not come to rest')
  }

  /** Nothing happened that anybody should be told. */
  *silence(): Generator<void, void, void> {
    for (let pass = 0; pass < 3; pass++) yield* this.idle()
    assert.deepEqual(this.events, [])
  }

  /** A listener of `owner`, started. */
  *listen(owner = A): Generator<void, { id: number; port: number }, void> {
    const { id, port } = yield* this.bind(owner)
    this.client.order('start', id, owner)
    assert.equal((yield* this.next('OPEN')).bytes.toString(), 'start')
    return { id, port }
  }

  /** A listener of `owner` that accepts nobody yet. */
  *bind(owner = A): Generator<void, { id: number; port: number; open: ServerEvent }, void> {
    const fd = this.os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 128)
    assert.ok(fd >= 0)
    const id = this.slots.reserve()
    this.client.order('listen', id, fd, owner)
    const open = yield* this.next('OPEN')
    return { id, port: open.ud, open }
  }

  connect(port: number): Peer {
    const peer = new Peer(this.os, port)
    this.#peers.push(peer)
    return peer
  }

  /** A descriptor of the test, to be closed when the server is gone. */
  keep(fd: number): number {
    assert.ok(fd >= 0, this.os.errorText(fd))
    this.#fds.push(fd)
    return fd
  }

  /** A UDP socket of `owner`, bound to a port of this machine. */
  *udp(family: 4 | 6 = 4, owner = A): Generator<void, { id: number; port: number }, void> {
    const fd = this.os.datagram(family)
    const host = family === 4 ? '127.0.0.1' : '::1'
    assert.equal(this.os.bindDatagram(fd, { family, host, port: 0 }), 0)
    const id = this.slots.reserve()
    this.client.order('udp', id, fd, owner)
    const open = yield* this.next('OPEN')
    assert.deepEqual([open.id, open.bytes.toString()], [id, 'udp'])
    return { id, port: open.ud }
  }

  /** A descriptor of the test, bound for `owner`. */
  *bindFd(fd: number, owner = A): Generator<void, number, void> {
    const id = this.slots.reserve()
    this.client.order('bind', id, fd, owner)
    const open = yield* this.next('OPEN')
    assert.deepEqual([open.owner, open.id, open.bytes.toString()], [owner, id, 'binding'])
    return id
  }

  /** A connection accepted by a listener of `owner`, and started for it. */
  *pair(owner = A): Generator<void, { id: number; peer: Peer; listener: number }, void> {
    const { id: listener, port } = yield* this.listen(owner)
    const peer = this.connect(port)
    const { ud: id } = yield* this.next('ACCEPT')
    yield* this.start(id, owner)
    return { id, peer, listener }
  }

  *start(id: number, owner = A): Generator<void, void, void> {
    this.client.order('start', id, owner)
    const open = yield* this.next('OPEN')
    assert.deepEqual([open.owner, open.id, open.bytes.toString()], [owner, id, 'start'])
  }

  send(id: number, data: Uint8Array | string, worker = 0): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    return this.workers[worker]!.client.send(id, bytes, bytes.length)
  }

  /** Send to a peer that does not read until so much waits here that some of it will stay. */
  *fill(id: number): Generator<void, number, void> {
    const piece = Buffer.alloc(64 * 1024, 'f')
    let sent = 0
    for (let stuck = 0; stuck < 20; ) {
      if (this.cell(id, 'queued') < FILL_BYTES) {
        stuck = 0
        this.send(id, piece)
        sent += piece.length
      } else stuck++
      yield
    }
    return sent
  }

  /** Until `peer` has all that was sent: a kernel without room lets it wait after it left us. */
  *drained(id: number, peer: Peer): Generator<void, void, void> {
    const out = (this.slots.at(id) + SLOT.bytesOut) >> 1
    const isWith = (): boolean => peer.bytesReceived === this.slots.floats[out]
    const isEmpty = (): boolean =>
      this.cell(id, 'pending') === 0 && this.cell(id, 'remainder') === 0
    yield* this.until(() => peer.read() === 0 && isEmpty() && isWith(), 'the peer to have all')
  }

  cell(id: number, name: 'fd' | 'pending' | 'queued' | 'token' | 'remainder'): number {
    return Atomics.load(this.slots.cells, this.slots.at(id) + SLOT[name])
  }

  stateOf(id: number): number {
    return this.slots.stateOf(id)
  }

  /** The bytes of all DATA events of `id` so far, in order; they are taken. */
  data(id: number): Buffer {
    const mine = (event: ServerEvent): boolean => event.kind === 'DATA' && event.id === id
    const parts = this.events.filter(mine).map(({ bytes }) => bytes)
    this.events = this.events.filter((event) => !mine(event))
    return Buffer.concat(parts)
  }
}
