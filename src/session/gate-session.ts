/** One session of a gate: which agent has it, and what it has asked that is not answered. */
import assert from 'node:assert/strict'
import type { AgentLine } from './agent-lines.ts'
import type { SessionFacts } from './agent-messages.ts'
import type { ClientSession } from './core/client-session.ts'

/** Row: a state. Cell: those that may follow. What is not there is a bug of ours. */
const NEXT = {
  /** Its agent has not taken it so far. Requests wait. */
  opening: ['open', 'over'],
  open: ['moving', 'over'],
  /** Another agent is to take it. Requests wait. */
  moving: ['open', 'over'],
  over: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type GateSessionState = keyof typeof NEXT

export interface WaitingRequest {
  readonly number: number
  readonly name: string
  readonly body: Uint8Array
  readonly isQuiet: boolean
}

export class GateSession {
  /** By which agents name it; never given again by this gate. */
  readonly key: number
  readonly user: string
  /** What the login gives to `joined`; given once. */
  data: unknown
  /** The first agent that it is given to. */
  readonly agent: number
  /** Of the agent that has it; while it moves, the one that had it. Set when it begins. */
  line!: AgentLine<GateSession>
  /** Of the agent that is to take it. */
  next: AgentLine<GateSession> | undefined
  /** From `attached` on. */
  session!: ClientSession<GateSession>
  /** Where it has, or had, its connection. */
  #place = { address: '', transport: '' }
  #state: GateSessionState = 'opening'
  /** Requests that wait for an agent, in order. */
  readonly waiting: WaitingRequest[] = []
  /** Requests that were handed out and are not answered, by number. */
  readonly open = new Map<number, WaitingRequest>()
  /** Bytes of both. */
  bytes = 0
  /** Told when fewer bytes are there: each of its connections that waits for that. */
  readonly onRoom = new Set<() => void>()
  /** Told when its client has got all that was pushed. */
  readonly drains = new Set<() => void>()
  /** The agent that had it has ended while it moved. */
  isForsaken = false
  /** Told when an agent has it, or none. */
  readonly #onSettled = new Set<() => void>()

  constructor(key: number, user: string, agent: number, data: unknown) {
    this.key = key
    this.user = user
    this.agent = agent
    this.data = data
  }

  get state(): GateSessionState {
    return this.#state
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  move(to: GateSessionState): void {
    const next: readonly GateSessionState[] = NEXT[this.#state]
    assert(next.includes(to), `no move from ${this.#state} to ${to}`)
    this.#state = to
    if (to === 'moving') return
    for (const resolve of this.#onSettled) resolve()
    this.#onSettled.clear()
  }

  /** Resolves when the next hand-over is done or refused, or it is over itself. */
  handedOver(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled.add(resolve)
    })
  }

  /** A request that was handed out has not begun: it waits in front of those that came later. */
  takeBack(request: WaitingRequest): void {
    const at = this.waiting.findIndex(({ number }) => number > request.number)
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, request)
  }

  /** Those who hear of what becomes of its connections. */
  get lines(): readonly AgentLine<GateSession>[] {
    return this.next === undefined ? [this.line] : [this.line, this.next]
  }

  get facts(): SessionFacts {
    const { id, user, epoch, link } = this.session
    if (link !== undefined) this.#place = { address: link.address, transport: link.transport }
    return { id, user, ...this.#place, epoch, isConnected: link !== undefined }
  }
}
