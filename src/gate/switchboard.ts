/** Who gets what the clients of the service `gate` send: their agents, or the watchdog. */
import { checkInteger } from '../base/check.ts'
import { formatHandle, isSkynetError, SkynetError } from '../base/errors.ts'
import { SOCKET_ID_MAX } from '../base/limits.ts'
import { Repeats } from '../service/repeats.ts'
import type { Service } from '../service/service.ts'
import { Skynet } from '../skynet/skynet.ts'
import { whenEnded } from '../skynet/when-ended.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Gate } from './gate-server.ts'
import { Pace, type PaceHost } from './pace.ts'
import type { GateEvent } from './watchdog.ts'

/** Where the messages of one client go. */
interface Line {
  /** 0: to the watchdog. */
  agent: number
  /** What the agent sees as their source. */
  client: number
  pace: Pace
}

/** A service that clients are forwarded to. */
interface Agent {
  readonly fds: Set<number>
  /** Aborted when the last of them is gone. */
  readonly watch: AbortController
}

/** Until a watchdog is told again that a client is gone, for which its node had no room. */
const AGAIN_MS = 250

export class Switchboard implements PaceHost {
  readonly #skynet: Skynet
  readonly service: Service
  readonly #gate: Gate
  readonly #losses: Repeats
  readonly #holds: Repeats
  readonly #lines = new Map<number, Line>()
  readonly #agents = new Map<number, Agent>()
  #watchdog = 0
  /** Aborted when another one takes over. */
  #watch = new AbortController()
  /** Messages for an agent that had ended. */
  lost = 0

  constructor(skynet: Skynet, gate: Gate) {
    this.#skynet = skynet
    this.service = Skynet.serviceOf(skynet)
    this.#gate = gate
    const more = (count: number): string => `gate: ${count} more messages were lost`
    this.#losses = new Repeats(this.service, more, 'error')
    const held = (count: number): string => `gate: ${count} more clients are held`
    this.#holds = new Repeats(this.service, held, 'error')
  }

  /** From now on that service is told. @throws {SkynetError} `ERR_NAME_UNKNOWN`: it has ended. */
  watchBy(watchdog: number): void {
    this.#checkAlive(watchdog)
    this.#watch.abort()
    this.#watchdog = watchdog
    // Who is accepted is the new one's as well, and goes by its pace.
    for (const line of this.#lines.values()) {
      if (line.agent === 0) line.pace = new Pace(this, watchdog)
    }
    const watch = new AbortController()
    this.#watch = watch
    const ended = (reason: string): void => {
      this.#watchdog = 0
      if (reason !== 'stop') {
        this.#skynet.log(`gate: closed, as its watchdog ${formatHandle(watchdog)} has ended`)
      }
      this.#gate.closeAll()
    }
    whenEnded(this.#skynet, watchdog, ended, watch.signal)
  }

  // --- what clients do ---------------------------------------------------------------------------

  connected(fd: number, address: string): void {
    this.#lines.set(fd, { agent: 0, client: 0, pace: new Pace(this, this.#watchdog) })
    this.#tell('open', fd, address)
  }

  /** Returns a promise when its receiver is behind. */
  message(fd: number, message: Buffer): Promise<void> | undefined {
    const line = this.#lines.get(fd)
    if (line === undefined) return undefined
    const { agent, client, pace } = line
    if (agent === 0) this.#tell('data', fd, message)
    // Minus: see `unanswered` in requests.ts.
    else if (!this.service.runtime.router.send(PTYPE.CLIENT, agent, client, -fd, message)) {
      this.lost++
      this.#losses.say(`gate: lost a message of client ${fd}: ${formatHandle(agent)} has ended`)
    }
    return pace.sent(message.length)
  }

  failed(fd: number, reason: string): void {
    this.#tell('error', fd, reason)
  }

  warned(fd: number, kib: number): void {
    this.#tell('warning', fd, kib)
  }

  gone(fd: number): void {
    this.#unforward(fd)
    this.#lines.delete(fd)
    this.#tell('close', fd)
  }

  // --- what services order -----------------------------------------------------------------------

  /** @throws {SkynetError} `ERR_CLIENT_UNKNOWN`, `ERR_NAME_UNKNOWN`. */
  forward(fd: number, client: number, agent: number): void {
    this.#checkAlive(agent)
    const line = this.#lineOf('forward', fd)
    this.#unforward(fd)
    line.agent = agent
    line.client = client
    line.pace = new Pace(this, agent)
    this.#agentOf(agent).fds.add(fd)
    this.#openClient(fd)
  }

  /** @throws {SkynetError} `ERR_CLIENT_UNKNOWN`. */
  accept(fd: number): void {
    const line = this.#lineOf('accept', fd)
    this.#unforward(fd)
    line.pace = new Pace(this, this.#watchdog)
    this.#openClient(fd)
  }

  /** False: it is not there. */
  kick(fd: number): boolean {
    checkFd('kick', fd)
    return this.#gate.closeClient(fd)
  }

  /** One that is being closed is told as `close` soon, and read no more. */
  #openClient(fd: number): void {
    if (!this.#gate.openClient(fd)) throw new SkynetError('ERR_CLIENT_UNKNOWN', { fd })
  }

  #lineOf(what: string, fd: number): Line {
    checkFd(what, fd)
    const line = this.#lines.get(fd)
    if (line === undefined) throw new SkynetError('ERR_CLIENT_UNKNOWN', { fd })
    return line
  }

  #checkAlive(handle: number): void {
    const { handles } = this.service.runtime
    if (handles.workerOf(handle) >= 0) return
    throw new SkynetError('ERR_NAME_UNKNOWN', { name: formatHandle(handle) })
  }

  // --- what a pace asks -------------------------------------------------------------------------

  sleep(ms: number): Promise<unknown> {
    return this.#skynet.sleep(ms)
  }

  sharersOf(receiver: number): number {
    return Math.max(1, this.#agents.get(receiver)?.fds.size ?? this.#gate.count)
  }

  isHeld(receiver: number, unfinished: number): void {
    const what = `${unfinished} messages are not done in ${formatHandle(receiver)}`
    this.#holds.say(`gate: a client is held: ${what}`)
  }

  // --- agents ------------------------------------------------------------------------------------

  #agentOf(handle: number): Agent {
    const known = this.#agents.get(handle)
    if (known !== undefined) return known
    const agent: Agent = { fds: new Set(), watch: new AbortController() }
    this.#agents.set(handle, agent)
    const ended = (reason: string): void => {
      this.#agents.delete(handle)
      for (const fd of agent.fds) {
        this.#tell('error', fd, `agent ${formatHandle(handle)} has ended: ${reason}`)
        this.#gate.closeClient(fd)
      }
    }
    whenEnded(this.#skynet, handle, ended, agent.watch.signal)
    return agent
  }

  #unforward(fd: number): void {
    const line = this.#lines.get(fd)
    const agent = line && this.#agents.get(line.agent)
    if (line === undefined || agent === undefined) return
    const { agent: handle } = line
    line.agent = 0
    line.client = 0
    agent.fds.delete(fd)
    if (agent.fds.size > 0) return
    this.#agents.delete(handle)
    agent.watch.abort()
  }

  /** Where the node of the watchdog takes no more, that costs the client its connection. */
  #tell(...event: GateEvent): void {
    const watchdog = this.#watchdog
    if (watchdog === 0) return
    const { service } = this
    try {
      service.sendMethod(watchdog, ['socket', ...event])
    } catch (error) {
      if (!isSkynetError(error, 'ERR_LINK_FULL')) throw error
      const [what, fd] = event
      this.#losses.say(
        `gate: the watchdog was not told '${what}' of client ${fd}: ${error.message}`,
      )
      if (what !== 'close') service.after(0, () => this.#gate.closeClient(fd))
      else {
        service.after(AGAIN_MS, () => {
          if (this.#watchdog === watchdog) this.#tell(...event)
        })
      }
    }
  }
}

const checkFd = (what: string, fd: number): void => checkInteger(what, 'fd', fd, 1, SOCKET_ID_MAX)
