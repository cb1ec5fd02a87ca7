/**
 * The loop of the socket server on the thread of its only client, and what the two share. An order
 * is obeyed before the call that gives it returns, so nothing of ours waits in a ring while the
 * loop sleeps.
 */
import type { Clock } from '../base/clock.ts'
import { createDoorbellMemory, Doorbells } from '../base/doorbell.ts'
import { POLL_EVENTS_MAX } from '../base/limits.ts'
import { ManyRing, type StreamHandler, StreamRing } from '../base/ring.ts'
import type { Os } from '../os/os.ts'
import { SocketClient } from './client.ts'
import { EVENT } from './event.ts'
import { Link } from './links.ts'
import { SocketServer } from './server.ts'
import type { SocketSettings } from './settings.ts'
import { SLOTS_BYTES, Slots } from './slots.ts'
import type { Socket } from './socket.ts'
import { type SocketEvent, socketEvent } from './socket-event.ts'
import type { Sockets } from './sockets.ts'
import { type SocketTotals, Totals } from './totals.ts'

/** The client, and the server, among the doorbells. */
const CLIENT = 0
const SERVER = 1
/** One order is in it at a time; an eighth holds the largest. */
const ORDERS_BYTES = 512 * 1024
/** An eighth holds the largest read, and the largest datagram with its address. */
const EVENTS_BYTES = 1024 * 1024
const NOTHING = new Uint8Array(0)

export class OwnLoop {
  readonly slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
  readonly sockets: Sockets
  readonly #server: SocketServer
  readonly client: SocketClient
  readonly #os: Os
  readonly #totals = new Totals(Totals.memory(2), this.slots)
  readonly #link: Link<Socket>
  readonly #wakeup: ReturnType<Os['createWakeup']>
  readonly #events: SocketEvent[] = []
  /** Sockets that move to another owner: what was read for the old one is in `#events`. */
  readonly #moving: { readonly id: number; readonly request: number }[] = []

  /** @throws {SkynetError} `ERR_SYSCALL`. */
  constructor(os: Os, clock: Clock, settings: SocketSettings, log: (text: string) => void) {
    this.#os = os
    const wakeup = os.createWakeup()
    this.#wakeup = wakeup
    const wake = (): void => os.signalWakeup(wakeup.writeFd)
    const bells = new Doorbells(createDoorbellMemory(2), { thread: SERVER, wake })
    const orders = os.region(new SharedArrayBuffer(ManyRing.bytes(ORDERS_BYTES)))
    const commands = new ManyRing(orders, 0, ORDERS_BYTES)
    const events = os.region(new SharedArrayBuffer(StreamRing.bytes(EVENTS_BYTES)))
    const stream = new StreamRing(events, 0, EVENTS_BYTES)
    this.#link = new Link(CLIENT, events, stream, bells, SERVER)
    const shared = { os, clock, slots: this.slots, totals: this.#totals, bells }
    this.client = new SocketClient({ ...shared, commands, self: CLIENT, socketThread: SERVER })
    try {
      this.#server = new SocketServer({
        ...shared,
        commands: { ring: commands, region: orders },
        self: SERVER,
        wakeupFd: wakeup.readFd,
        links: [this.#link],
        workerOf: () => CLIENT,
        settings,
        eventsPerWait: POLL_EVENTS_MAX,
        log,
      })
      this.sockets = this.#server.sockets
    } catch (error) {
      this.#closeWakeup()
      throw error
    }
  }

  /** One turn. @param waitMs Longest sleep; -1: until something happens. */
  turn(waitMs: number): void {
    // What waited for room in the ring has it now, and is an event without any sleep.
    this.#server.turn(this.#link.isBlocked ? 0 : waitMs)
  }

  /** Do what was ordered. */
  obey(): void {
    this.#server.runCommands()
  }

  /** What was told and not taken yet, in order. */
  take(): SocketEvent[] {
    this.#read()
    while (this.#moving.length > 0) {
      for (const { id, request } of this.#moving.splice(0)) {
        this.client.handover(id, NOTHING, request)
      }
      this.obey()
      this.#read()
    }
    return this.#events.splice(0)
  }

  totals(): SocketTotals {
    // Server and client have a row each, and count the system calls of the same thread in both.
    return { ...this.#totals.read(), calls: this.#os.calls }
  }

  close(): void {
    this.sockets.closeAll()
    this.#closeWakeup()
  }

  #closeWakeup(): void {
    this.#os.close(this.#wakeup.readFd)
    this.#os.close(this.#wakeup.writeFd)
  }

  #read(): void {
    this.#link.ring.read(Number.POSITIVE_INFINITY, this.#record)
  }

  readonly #record: StreamHandler = (kind, owner, id, ud, at, length) => {
    if (kind === EVENT.YIELD) {
      this.#moving.push({ id, request: ud })
      return
    }
    const bytes = Buffer.from(this.#link.region.bytes.subarray(at, at + length))
    const event = socketEvent(kind, owner >>> 0, id, ud, bytes)
    if (event !== undefined) this.#events.push(event)
  }
}
