/** The sessions of one agent: what its gates tell of them, and whose handler runs then. */
import { isThenable } from '../service/sendable.ts'
import { waitAlong } from '../service/wait.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { Skynet } from '../skynet/skynet.ts'
import { tellsEndOf, whenEnded } from '../skynet/when-ended.ts'
import type { AgentCalls } from './agent-calls.ts'
import type { CheckedAgent } from './agent-definition.ts'
import type { ToAgent, ToGate, ToldFailure } from './agent-messages.ts'
import { isLinkFull, tellOver } from './line-over.ts'
import { Session, type SessionDesk } from './session.ts'
import { NOBODY_SERVES, toldOf } from './told-errors.ts'

/** What this agent has with one gate. */
interface Line {
  readonly number: number
  /** What that gate was told, so far; what it was asked not counted. */
  sent: number
  /** Its gate is gone, or has missed something: so are its sessions. */
  isOver: boolean
  readonly sessions: Map<number, Session>
  /** Aborted when there is another line with that gate. */
  readonly watch: AbortController
}

type Hook = 'dropped' | 'back' | 'left' | 'draining'

export class AgentDesk implements SessionDesk {
  readonly #skynet: Skynet
  readonly #agent: CheckedAgent
  readonly #calls: AgentCalls
  readonly #lines = new Map<number, Line>()
  /** Sessions whose `joined` goes on: whether it is done well. Other hooks wait for that. */
  readonly #joining = new Map<Session, Promise<boolean>>()

  /** What `draining` has said: a gate on another node asks again when that takes long. */
  readonly #held = new WeakMap<Session, Promise<void>>()

  constructor(skynet: Skynet, calls: AgentCalls, agent: CheckedAgent) {
    this.#skynet = skynet
    this.#agent = agent
    this.#calls = calls
  }

  // --- what gates tell --------------------------------------------------------------------------

  /** The method `session` of the agent. */
  take<Name extends keyof ToAgent>(name: Name, ...rest: ToAgent[Name]): unknown {
    const { source } = this.#skynet.context()
    const handle = this.#handlers[name]
    if (handle === undefined) throw new TypeError(`Cannot tell an agent: ${String(name)}`)
    return handle(source, ...rest)
  }

  readonly #handlers: {
    readonly [Name in keyof ToAgent]: (gate: number, ...rest: ToAgent[Name]) => unknown
  } = {
    open: (gate, key, number, facts, bytesMax, data) => {
      const session = new Session(this, { gate, key, bytesMax }, facts)
      this.#lineOf(gate, number).sessions.set(key, session)
      return this.#joined(session, data)
    },
    request: (gate, key, name, body, isQuiet) => {
      const session = this.#find(gate, key)
      if (session === undefined) return NOBODY_SERVES
      // The other agent gets it: what this one gave along stays true.
      return session.isMoving ? undefined : this.#calls.handle(session, name, body, isQuiet)
    },
    // Whatever came before was looked at.
    moving: () => undefined,
    drain: async (gate, key) => {
      const session = this.#find(gate, key)
      if (session === undefined || (await this.#joining.get(session)) === false) return
      const held = this.#held.get(session) ?? this.#tell('draining', session)
      this.#held.set(session, held)
      await held
    },
    stays: (gate, key) => this.#find(gate, key)?.stays(),
    attached: (gate, key, facts) => {
      const session = this.#find(gate, key)
      session?.changed(facts)
      if (session !== undefined) void this.#tell('back', session)
    },
    detached: (gate, key, reason) => {
      const session = this.#find(gate, key)
      session?.changed({ isConnected: false })
      if (session !== undefined) void this.#tell('dropped', session, reason)
    },
    moved: (gate, key) => void this.#remove(gate, key),
    ended: (gate, key, code) => {
      const session = this.#remove(gate, key)
      if (session !== undefined) void this.#tell('left', session, code)
    },
    over: (gate, number) => {
      const line = this.#lines.get(gate)
      if (line?.number === number) this.#gateEnded(gate, line)
    },
  }

  #lineOf(gate: number, number: number): Line {
    const known = this.#lines.get(gate)
    if (known?.number === number) return known
    // The news of its end was lost.
    if (known !== undefined) this.#lost(known)
    const line: Line = {
      number,
      sent: 0,
      isOver: false,
      sessions: new Map(),
      watch: new AbortController(),
    }
    this.#lines.set(gate, line)
    whenEnded(this.#skynet, gate, () => this.#gateEnded(gate, line), line.watch.signal)
    return line
  }

  #gateEnded(gate: number, line: Line): void {
    if (this.#lines.get(gate) !== line) return
    this.#lines.delete(gate)
    this.#lost(line)
  }

  /** Its gate is gone, and all sessions with it. */
  #lost(line: Line): void {
    line.watch.abort()
    if (!line.isOver) this.#endAll(line)
    for (const session of line.sessions.values()) void this.#tell('left', session, 'node')
  }

  #endAll(line: Line): void {
    line.isOver = true
    for (const [key, session] of line.sessions) {
      // Another agent has it.
      if (session.isOver) line.sessions.delete(key)
      else session.ended()
    }
  }

  #find(gate: number, key: number): Session | undefined {
    return this.#lines.get(gate)?.sessions.get(key)
  }

  /** It is over here. */
  #remove(gate: number, key: number): Session | undefined {
    const line = this.#lines.get(gate)
    const session = line?.sessions.get(key)
    if (line === undefined || session === undefined) return undefined
    session.ended()
    // The line stays without any: its gate may be about to give it the next one, and counts on.
    line.sessions.delete(key)
    return session
  }

  /** When it throws, the session is not this agent's: its gate gets that, or what to tell. */
  #joined(session: Session, data: unknown): unknown {
    const { gate, key } = Session.placeOf(session)
    const failed = (error: unknown): ToldFailure => {
      this.#remove(gate, key)
      const told = toldOf(error)
      if (told === undefined) throw error
      return told
    }
    try {
      const joined = this.#agent.joined?.(session, data)
      if (!isThenable(joined)) {
        session.joined()
        return undefined
      }
      const done = Promise.resolve(joined)
      const settled = (isJoined: boolean): boolean => {
        this.#joining.delete(session)
        if (isJoined) session.joined()
        return isJoined
      }
      this.#joining.set(
        session,
        done.then(
          () => settled(true),
          () => settled(false),
        ),
      )
      return done.then(() => undefined, failed)
    } catch (error) {
      return failed(error)
    }
  }

  /** Resolves when the hook is done; what that throws is logged. Never rejects. */
  async #tell(hook: Hook, session: Session, about?: unknown): Promise<void> {
    const joining = this.#joining.get(session)
    // So `left` comes behind `joined`, and to one that has not joined nothing comes.
    if (joining !== undefined && !(await joining)) return
    const service = Skynet.serviceOf(this.#skynet)
    const call = this.#agent[hook] as ((session: Session, about?: unknown) => unknown) | undefined
    const fault = (error: unknown): void => service.fault(`${hook} of a session`, error)
    try {
      await call?.call(this.#agent, session, about)
    } catch (error) {
      fault(error)
    }
  }

  // --- what sessions need -----------------------------------------------------------------------

  encode(event: string, value: unknown, bytesMax: number): Uint8Array {
    return this.#calls.event(event, value, bytesMax)
  }

  waitAlong(what: string, options: WaitOptions | undefined, promise: Promise<void>): Promise<void> {
    const service = Skynet.serviceOf(this.#skynet)
    return waitAlong(service, { kind: 'wait', what }, options, promise)
  }

  tell<Name extends keyof ToGate>(gate: number, name: Name, ...rest: ToGate[Name]): boolean {
    const line = this.#lines.get(gate)
    if (line === undefined || line.isOver) return false
    const message = ['session', line.number, line.sent + 1, name, ...rest]
    try {
      const isThere = Skynet.serviceOf(this.#skynet).sendMethod(gate, message)
      // Behind it: what cannot be sent has thrown, and its number is the next one's.
      line.sent++
      return isThere
    } catch (error) {
      if (!isLinkFull(error)) throw error
      this.#missed(gate, line)
      return false
    }
  }

  /** That gate takes no more: its sessions are over now, and hooks hear it behind who pushes. */
  #missed(gate: number, line: Line): void {
    this.#endAll(line)
    tellOver(this.#skynet, gate, [line.number, -1, 'over'], () => this.#gateEnded(gate, line))
  }

  async ask<Name extends keyof ToGate>(
    gate: number,
    options: WaitOptions | undefined,
    name: Name,
    ...rest: ToGate[Name]
  ): Promise<unknown> {
    const line = this.#lines.get(gate)
    if (line === undefined) return undefined
    // No number of its own: a link may refuse it later, when others are on their way behind it.
    const message = ['session', line.number, line.sent, name, ...rest]
    try {
      return await Skynet.serviceOf(this.#skynet).callMethod(gate, message, options)
    } catch (error) {
      // So whoever has asked hears that his session is over: of gates he knows nothing.
      if (tellsEndOf(this.#skynet, gate, error)) this.#gateEnded(gate, line)
      throw error
    }
  }
}
