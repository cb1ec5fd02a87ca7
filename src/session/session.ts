/** A session, as the agent has it that serves its client. */
import { checkOptions, checkText, isA, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import type { ClientProtocol, EventsOf } from '../client/client-protocol.ts'
import { ServiceRef } from '../service/ref.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import type { SessionFacts, ToGate, ToldFailure } from './agent-messages.ts'
import { ClientFault } from './client-fault.ts'
import { checkKick, type KickCode } from './kick-codes.ts'

export interface PushOptions {
  /**
   * Only the newest value counts: one of the same event and the same key that has not left yet
   * goes, and this one comes behind the others. `true` is the key of all that give no other.
   */
  readonly latest?: string | true
}

/**
 * An agent for clients of that protocol: what `newService<typeof room>(…)` gives. `Data` is what
 * its `joined` takes; one that takes no particular data is an agent for whatever is given.
 */
export type AgentRef<P extends ClientProtocol = ClientProtocol, Data = unknown> = ServiceRef<
  AgentMethods<P, Data>
>

/** For `joined` of an agent: what can be sent. It may be left out where that does without. */
export type JoinData<Data> = undefined extends Data
  ? { readonly data?: Data }
  : { readonly data: Data }

/** Names of a protocol: by them the compiler tells agents of one from those of another. */
export interface NamesOf<P extends ClientProtocol> {
  /** An agent may have more of them. */
  readonly calls: { readonly [Name in keyof P['calls'] & string]: Name }
  /** An agent may have fewer of them. */
  readonly events: keyof P['events'] & string
}

/** What a gate calls of an agent; nobody else does. */
export interface AgentMethods<P extends ClientProtocol = ClientProtocol, Data = unknown> {
  /**
   * No method: an agent that takes some data would pass for one that takes any. `given` is for the
   * compiler alone: nobody passes it.
   */
  readonly session: (what: string, given?: [Data], ...message: unknown[]) => NamesOf<P> | undefined
}

/** An event and its value: of one that has none it may be left out. */
export type PushArgs<P extends ClientProtocol, Event extends keyof EventsOf<P>> = [
  undefined,
] extends [EventsOf<P>[Event]]
  ? [value?: EventsOf<P>[Event], options?: PushOptions]
  : [value: EventsOf<P>[Event], options?: PushOptions]

/** What a session needs of its agent. */
export interface SessionDesk {
  /** @throws `ERR_FRAME_TOO_LARGE`; `TypeError` for no event; what the codec throws. */
  encode(event: string, value: unknown, bytesMax: number): Uint8Array
  /** False: the gate is gone. */
  tell<Name extends keyof ToGate>(gate: number, name: Name, ...rest: ToGate[Name]): boolean
  /** Wait for what others may wait for too, no longer than was asked for. */
  waitAlong(what: string, options: WaitOptions | undefined, promise: Promise<void>): Promise<void>
  ask<Name extends keyof ToGate>(
    gate: number,
    options: WaitOptions | undefined,
    name: Name,
    ...rest: ToGate[Name]
  ): Promise<unknown>
}

/** Where a session is known, and by which number. */
export interface SessionPlace {
  /** Handle of its gate. */
  readonly gate: number
  readonly key: number
  /** Longest message that its client takes. */
  readonly bytesMax: number
}

/** How a session comes to its end, for its agent. */
const NEXT = {
  /** `joined` goes on. */
  joining: ['here', 'over'],
  /** Served here. */
  here: ['moving', 'over'],
  /** Another agent gets it. What is pushed meanwhile still leaves. */
  moving: ['here', 'over'],
  over: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

/**
 * The client of an agent, for as long as it has a session: connections come and go. It is the same
 * object in every handler, so it may be a key of a `Map` or an element of a `Set`.
 */
export class Session<P extends ClientProtocol = ClientProtocol> {
  readonly #desk: SessionDesk
  readonly #place: SessionPlace
  #facts: SessionFacts
  #state: keyof typeof NEXT = 'joining'
  #handOvers = 0
  /** The one that is asked for, and the one that is asked for next. */
  #drain: Promise<void> | undefined
  #nextDrain: Promise<void> | undefined

  /** Made by agent-desk.ts only. */
  constructor(desk: SessionDesk, place: SessionPlace, facts: SessionFacts) {
    this.#desk = desk
    this.#place = place
    this.#facts = facts
  }

  /** The same for all agents that serve it, one after the other. Also in the log of the gate. */
  get id(): string {
    return this.#facts.id
  }

  /** Who it is, as the login of the gate has said. */
  get user(): string {
    return this.#facts.user
  }

  /** Where its client was when it connected last: `ip:port`. */
  get address(): string {
    return this.#facts.address
  }

  /** By which way it came last: `tcp`, `ws`, `kcp`. */
  get transport(): string {
    return this.#facts.transport
  }

  /** How often it has connected. */
  get epoch(): number {
    return this.#facts.epoch
  }

  /** Does its client hear now? What is pushed meanwhile is kept. */
  get isConnected(): boolean {
    return this.#facts.isConnected && !this.isOver
  }

  /** It has ended, or another agent serves it. */
  get isOver(): boolean {
    return this.#state === 'over'
  }

  /**
   * Tell its client an event. It arrives once and in order, also when the client is away for now;
   * when more waits for the client than the gate allows, the session ends: `overflow`.
   *
   * @returns False: the session is over, and nobody hears it.
   * @throws {SkynetError} `ERR_FRAME_TOO_LARGE`: longer than the gate's `messageBytesMax`. What
   * the codec throws. `TypeError` for an event that the protocol has not.
   */
  push<Event extends keyof EventsOf<P> & string>(
    event: Event,
    ...rest: PushArgs<P, Event>
  ): boolean {
    const [value, options] = rest
    const latest = latestOf(options)
    const { gate, key, bytesMax } = this.#place
    const body = this.#desk.encode(event, value, bytesMax)
    return !this.isOver && this.#desk.tell(gate, 'push', key, event, body, latest)
  }

  /**
   * End it, and tell its client why. What was pushed before leaves first, if the client is there.
   *
   * @param code One that ends a session: with `full`, say, its client would come back to it.
   * @param text For people. Default: that of the code.
   */
  kick(code: KickCode = 'kicked', text = ''): void {
    checkKick('kick a session', code, text)
    const { gate, key } = this.#place
    if (!this.isOver) this.#desk.tell(gate, 'kick', key, code, text)
  }

  /**
   * Hand it over to another agent, which may be on another worker or node. Requests whose handlers
   * have begun are answered here; all others wait, and go to that one, in order, once its `joined`
   * is done. Nothing is lost. Here it is over then, and `left` is not called. Not within `joined`:
   * it is not this agent's before that is done.
   *
   * @param data What `joined` of the other agent is given.
   * @throws {SkynetError} `ERR_SESSION_OVER` it has ended, or is handed over already; what `joined`
   * of the other one throws, `ERR_CALL_DEAD` when there is no such agent: then it stays here.
   * `TypeError` within `joined`.
   */
  async attach<Data = unknown>(
    agent: AgentRef<P, Data>,
    ...[data]: undefined extends Data ? [data?: NoInfer<Data>] : [data: NoInfer<Data>]
  ): Promise<void> {
    if (!isA(agent, ServiceRef)) {
      throw refusal('type', 'hand a session over', 'agent', 'a reference to an agent', agent)
    }
    if (this.#state === 'joining') {
      throw new TypeError(`Cannot hand session ${this.id} over: 'joined' of it is not done`)
    }
    if (this.#state !== 'here') throw this.#over()
    this.#move('moving')
    const handOver = ++this.#handOvers
    const { gate, key } = this.#place
    try {
      const told = await this.#desk.ask(gate, { timeoutMs: 0 }, 'attach', key, agent, data)
      if (told !== undefined) throw new ClientFault(...(told as ToldFailure))
      this.#move('over')
    } catch (error) {
      // A handler that has begun meanwhile may have tried again: then it moves, but not by this.
      if (handOver === this.#handOvers) this.#move('here')
      throw this.#told(error)
    }
  }

  /**
   * Resolves when its client has got all that was pushed by now.
   *
   * @throws {SkynetError} `ERR_SESSION_OVER` it has ended before; `ERR_WAIT_TIMEOUT`, `ABORT_ERR`
   * as asked for.
   */
  async drain(options?: WaitOptions): Promise<void> {
    checkWait('drain a session', options)
    if (this.isOver) throw this.#over()
    this.#nextDrain ??= this.#drainNext()
    await this.#desk.waitAlong(`what session ${this.id} has pushed`, options, this.#nextDrain)
  }

  /** Of many who wait only one asks at a time, and one for all who have come meanwhile. */
  async #drainNext(): Promise<void> {
    await this.#drain?.catch(() => {})
    // One that was asked before does not know of what was pushed since.
    this.#drain = this.#nextDrain
    this.#nextDrain = undefined
    const { gate, key } = this.#place
    await this.#desk.ask(gate, { timeoutMs: 0 }, 'drain', key).catch((error: unknown) => {
      throw this.#told(error)
    })
  }

  /** When its gate has ended it is over, whatever the error is of. */
  #told(error: unknown): unknown {
    return this.isOver ? this.#over() : error
  }

  #over(): SkynetError {
    return new SkynetError('ERR_SESSION_OVER', { session: this.id, user: this.user })
  }

  #move(to: keyof typeof NEXT): void {
    const next: readonly string[] = NEXT[this.#state]
    // It may have ended meanwhile.
    if (next.includes(to)) this.#state = to
  }

  /** @internal It is this agent's: `joined` is done. */
  joined(): void {
    this.#move('here')
  }

  /** @internal Its hand-over has failed, of which `attach` hears later than requests that come. */
  stays(): void {
    if (this.#state === 'moving') this.#move('here')
  }

  /** @internal No handler begins here any more. */
  get isMoving(): boolean {
    return this.#state === 'moving'
  }

  // --- what its desk knows ----------------------------------------------------------------------

  /** @internal Whose it is there, and by which number. */
  static placeOf(session: Session<never>): SessionPlace {
    return session.#place
  }

  /** @internal The bytes of an event that all of those gates take. @throws As `push`. */
  static encode(session: Session<never>, event: string, value: unknown, bytesMax: number) {
    return session.#desk.encode(event, value, bytesMax)
  }

  /** @internal Tell all of those sessions of its gate an event. */
  static tellAll(
    session: Session<never>,
    keys: number[],
    event: string,
    body: Uint8Array,
    latest: string | undefined,
  ): void {
    session.#desk.tell(session.#place.gate, 'pushAll', keys, event, body, latest)
  }

  /** @internal */
  changed(facts: Partial<SessionFacts>): void {
    this.#facts = { ...this.#facts, ...facts }
  }

  /** @internal */
  ended(): void {
    this.#state = 'over'
  }
}

/** @throws {TypeError} For options that are none. */
export function latestOf(options: PushOptions | undefined): string | undefined {
  checkOptions('push', 'options', options, ['latest'])
  const latest = options?.latest
  if (latest === undefined) return undefined
  if (latest === true) return ''
  checkText('push', 'latest', latest)
  return latest
}
