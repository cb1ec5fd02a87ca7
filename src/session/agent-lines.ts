/** The agents of a gate: what goes to them, what they say, and that each end is noticed. */
import { Skynet } from '../skynet/skynet.ts'
import { whenEnded } from '../skynet/when-ended.ts'
import type { Reply, ToAgent, ToldFailure } from './agent-messages.ts'
import { isLinkFull, tellOver } from './line-over.ts'

/** What a line needs of its gate. */
export interface LineHost<Client> {
  readonly skynet: Skynet
  /** The agent of a line has ended, or what either has said was lost on the way. */
  lineEnded(client: Client, line: AgentLine<Client>, why: 'agent' | 'node'): void
}

/** An agent takes what time it needs; to another node a call has a deadline all the same. */
const UNLIMITED = { timeoutMs: 0 }

/** An agent that has sessions of this gate, for as long as it has any. */
export class AgentLine<Client> {
  readonly agent: number
  /** Tells messages of this line from those of one that was before, with the same agent. */
  readonly number: number
  /** Its agent has ended, or what either has said was lost: it serves nobody. */
  isOver = false
  readonly #clients = new Set<Client>()
  /** Messages of the agent that are no calls, so far. */
  #heard = 0
  readonly #host: LineHost<Client>
  /** Aborted when nobody is on it any more. */
  readonly #watch = new AbortController()
  readonly #left: () => void

  constructor(host: LineHost<Client>, agent: number, number: number, left: () => void) {
    this.#host = host
    this.agent = agent
    this.number = number
    this.#left = left
    whenEnded(host.skynet, agent, () => this.end('agent'), this.#watch.signal)
  }

  add(client: Client): void {
    this.#clients.add(client)
  }

  /** May its agent say something of that one? */
  has(client: Client): boolean {
    return this.#clients.has(client)
  }

  remove(client: Client): void {
    if (this.#clients.delete(client) && this.#clients.size === 0) this.#leave()
  }

  /** What its node does not take is missed: the line ends, behind whoever tells this. */
  tell<Name extends keyof ToAgent>(name: Name, ...rest: ToAgent[Name]): void {
    if (this.isOver) return
    try {
      Skynet.serviceOf(this.#host.skynet).sendMethod(this.agent, ['session', name, ...rest])
    } catch (error) {
      if (!isLinkFull(error)) throw error
      this.missed(error)
    }
  }

  /** Why its agent was not told something: as its node takes no more, or otherwise. */
  missed(error: unknown): void {
    if (this.isOver || !isLinkFull(error)) return
    this.#over('node', () => this.#endClients('node'))
  }

  /** Rejects as a call. */
  ask(name: 'request', ...rest: ToAgent['request']): Promise<Reply>
  ask(name: 'open', ...rest: ToAgent['open']): Promise<ToldFailure | undefined>
  ask(name: 'moving', ...rest: ToAgent['moving']): Promise<void>
  ask(name: 'moved', ...rest: ToAgent['moved']): Promise<void>
  ask(name: 'drain', ...rest: ToAgent['drain']): Promise<void>
  ask(name: string, ...rest: unknown[]): Promise<unknown> {
    const message = ['session', name, ...rest]
    return Skynet.serviceOf(this.#host.skynet).callMethod(this.agent, message, UNLIMITED)
  }

  /** Have all before it come? Else some were lost, and nobody knows of which session. */
  hears(count: number, isCall: boolean): boolean {
    if (!isCall) this.#heard++
    if (count === this.#heard) return true
    this.end('node')
    return false
  }

  end(why: 'agent' | 'node'): void {
    if (this.isOver) return
    this.#over(why)
    this.#endClients(why)
  }

  #over(why: 'agent' | 'node', behind?: () => void): void {
    this.isOver = true
    this.#leave()
    // At once for all: one by one would not find room either.
    if (why === 'node') tellOver(this.#host.skynet, this.agent, ['over', this.number], behind)
  }

  #endClients(why: 'agent' | 'node'): void {
    for (const client of [...this.#clients]) this.#host.lineEnded(client, this, why)
  }

  #leave(): void {
    this.#watch.abort()
    this.#left()
  }
}

export class AgentLines<Client> {
  readonly #host: LineHost<Client>
  readonly #lines = new Map<number, AgentLine<Client>>()
  #count = 0

  constructor(host: LineHost<Client>) {
    this.#host = host
  }

  /** The line with an agent, for a client that is added to it next. */
  to(agent: number): AgentLine<Client> {
    const known = this.#lines.get(agent)
    if (known !== undefined) return known
    const line: AgentLine<Client> = new AgentLine(this.#host, agent, ++this.#count, () => {
      if (this.#lines.get(agent) === line) this.#lines.delete(agent)
    })
    this.#lines.set(agent, line)
    return line
  }

  /** Undefined: what comes by that line is of sessions that are over. */
  find(agent: number, number: number): AgentLine<Client> | undefined {
    const line = this.#lines.get(agent)
    return line?.number === number ? line : undefined
  }

  get size(): number {
    return this.#lines.size
  }
}
