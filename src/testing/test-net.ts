/**
 * The sockets of a test node: the real socket server, over a system in memory, on the thread of the
 * test. It takes its turns where the worker reads what other threads have sent. So what comes after
 * what does not depend on how fast the machine is.
 */
import type { Budget } from '../base/budget.ts'
import type { Clock } from '../base/clock.ts'
import { SkynetError } from '../base/errors.ts'
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import {
  COMMAND_RING_BYTES,
  POLL_EVENTS_MAX,
  SOCKET_RING_BYTES,
  SOCKETS_MAX,
} from '../base/limits.ts'
import type { Inlet } from '../kernel/scheduler.ts'
import { accepted } from '../net/server/accept.ts'
import { Link } from '../net/server/links.ts'
import { SocketServer } from '../net/server/server.ts'
import type { Socket } from '../net/server/socket.ts'
import { Slots } from '../net/slots.ts'
import { Totals } from '../net/totals.ts'
import { ERRNO } from '../os/errno.ts'
import type { HostAddress } from '../os/host-names.ts'
import { Doorbells } from '../shm/doorbell.ts'
import { ManyRing, StreamRing } from '../shm/ring.ts'
import { type NodeMemory, socketThreadOf } from '../threads/memory.ts'
import { SOCKET_DEFAULTS } from '../threads/options.ts'
import { NO_FAULTS } from './sim/faults.ts'
import { Loopback } from './sim/loopback.ts'
import type { Chance } from './sim/random.ts'
import { SimOs } from './sim-os.ts'

/** The only one there is. */
const WORKER = 0
const OWN = { family: 4, host: '127.0.0.1' } as const

/** A machine of its own: nothing of this one is there, and every name is its name. */
class TestOs extends SimOs {
  override lookUp(): Promise<HostAddress[]> {
    return Promise.resolve([OWN])
  }

  /** Of a descriptor of this process: it has none in common with that machine. */
  override carriesBytes(): number {
    return -ERRNO.EBADF
  }
}

export interface TestNetOptions {
  readonly memory: NodeMemory
  readonly clock: Clock
  /** In which order sockets get their turns that have something to do. */
  readonly chance: Chance
  /** Of an owner; -1: it is gone. */
  readonly workerOf: (owner: number) => number
  readonly log: (text: string) => void
  /** Something has come, while the worker may be asleep. */
  readonly hasCome: () => void
}

export class TestNet {
  readonly os: SimOs
  readonly #options: TestNetOptions
  readonly #commands: ManyRing
  readonly #bells: Doorbells
  readonly #wakeup: ReturnType<SimOs['createWakeup']>
  readonly #server: SocketServer
  readonly #self: number
  /** It tells what it has come to itself. */
  #isInTurn = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: TestNetOptions) {
    const { memory, clock, chance, workerOf, log } = options
    this.#options = options
    const self = socketThreadOf(memory)
    this.#self = self
    const os = new TestOs(new Loopback(), clock, NO_FAULTS, chance)
    os.onSent = () => this.#wake()
    this.os = os
    this.#wakeup = os.createWakeup()
    this.#bells = new Doorbells(memory.bells, { thread: self, wake: this.ring })
    const commands = os.region(memory.commands)
    this.#commands = new ManyRing(commands, 0, COMMAND_RING_BYTES)
    const slots = new Slots(memory.slots)
    this.#server = new SocketServer({
      os,
      clock,
      slots,
      totals: new Totals(memory.totals, slots),
      bells: this.#bells,
      commands: { ring: this.#commands, region: commands },
      self,
      wakeupFd: this.#wakeup.readFd,
      links: [this.#link(memory)],
      workerOf,
      settings: SOCKET_DEFAULTS,
      eventsPerWait: POLL_EVENTS_MAX,
      hasTimedTurns: false,
      log,
    })
    this.#bells.lieDown(self)
  }

  #link(memory: NodeMemory): Link<Socket> {
    const region = this.os.region(memory.streams[WORKER]!)
    const ring = new StreamRing(region, 0, SOCKET_RING_BYTES)
    return new Link<Socket>(WORKER, region, ring, this.#bells, this.#self)
  }

  /** The bell of the socket thread, for the worker. */
  readonly ring = (): void => {
    this.os.signalWakeup(this.#wakeup.writeFd)
    this.#wake()
  }

  #wake(): void {
    if (!this.#isInTurn) this.#options.hasCome()
  }

  /** What the worker reads of its sockets. @param bridge Its end of the way from here. */
  inletOf(bridge: Inlet): Inlet {
    const self = this
    return {
      get isEmpty() {
        return self.#isIdle && bridge.isEmpty
      },
      get written() {
        return bridge.written
      },
      hasRead: (mark) => bridge.hasRead(mark),
      drain(limit: number, budget: Budget) {
        if (!self.#isIdle) self.#turn()
        return bridge.drain(limit, budget)
      },
    }
  }

  /** When it has something to do by the clock; undefined: never. */
  nextDue(): number | undefined {
    return this.#server.sockets.deadlines.next()
  }

  get #isIdle(): boolean {
    const due = this.nextDue()
    if (due !== undefined && due <= this.#options.clock.now()) return false
    return this.#commands.isEmpty && !this.os.poller.isReady
  }

  #turn(): void {
    const { clock } = this.#options
    this.#isInTurn = true
    try {
      // It has slept since its last turn, and wakes with a look at the clock.
      this.#server.sockets.now = clock.now() | 0
      this.#server.turn(-1)
    } finally {
      this.#isInTurn = false
    }
    this.#bells.lieDown(this.#self)
    this.#setTimer()
  }

  /** A clock that a test moves needs none: who moves it looks. */
  #setTimer(): void {
    const { clock, hasCome } = this.#options
    clearTimeout(this.#timer)
    const due = this.nextDue()
    if (due === undefined || clock.isManual === true) return
    const again = (): void => {
      // It may be early by a fraction: then nothing is due yet.
      this.#setTimer()
      hasCome()
    }
    this.#timer = setTimeout(again, Math.max(0, Math.ceil(due - clock.now())))
  }

  /**
   * Two ends of a connection, both as a listener of `owner` gets them: accepted, and not started.
   *
   * @throws {SkynetError} `ERR_SOCKET_LIMIT`.
   */
  pair(owner: number): readonly [near: number, far: number] {
    const { os } = this
    const listening = os.listen({ ...OWN, port: 0 }, 1)
    const near = os.socket()
    os.connect(near, os.localAddress(listening)!)
    const far = os.accept(listening)
    os.close(listening)
    return [this.#accept(near, owner), this.#accept(far, owner)]
  }

  #accept(fd: number, owner: number): number {
    const socket = accepted(this.#server.sockets, fd, owner, SOCKET_DEFAULTS)
    if (socket === undefined) throw new SkynetError('ERR_SOCKET_LIMIT', { limit: SOCKETS_MAX })
    return socket.id
  }

  /** Nothing more happens. */
  close(): void {
    clearTimeout(this.#timer)
    this.#server.sockets.closeAll()
    this.os.close(this.#wakeup.readFd)
    this.os.close(this.#wakeup.writeFd)
  }
}
