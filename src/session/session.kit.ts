/** What tests of gates share: a protocol, and clients on a `testNode`. */

import { clientProtocol, unchecked } from '../client/client-protocol.ts'
import { ClientCore, type ClientReason, type CoreCall, type CoreState } from '../client/core.ts'
import type { StandardSchema } from '../codec/standard-schema.ts'
import type { Timer } from '../kernel/timer.ts'
import { framed } from '../sockets/framed-stream.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import type { TestClient } from '../testing/test-client.ts'
import type { TestNode } from '../testing/test-node.ts'
import { ClientFault } from './client-fault.ts'
import { defineAgent } from './define-agent.ts'
import { defineGate } from './define-gate.ts'
import type { SessionGateOptions } from './gate-options.ts'
import type { AgentRef, Session } from './session.ts'
import { tcp } from './tcp.ts'

/** Of numbers, as somebody's library might make it. */
const number: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'it is no number' }] },
  },
}

/** A protocol with one of each. */
export const game = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: {
    add: { request: number, response: unchecked<number>() },
    say: { request: unchecked<string>() },
    wait: { request: unchecked<string>(), response: unchecked<string>() },
  },
  events: { said: unchecked<string>(), at: unchecked<number>(), over: unchecked<undefined>() },
})

/** What an agent was told, in order. */
export type Told = [what: string, user: string, about?: unknown][]

/** An agent that answers, and writes down. */
export function recorder(told: Told, sessions: Session<typeof game>[] = []) {
  return defineAgent(game, () => {
    const waits = new Map<string, () => void>()
    return {
      calls: {
        add: ({ user }, n) => {
          told.push(['add', user, n])
          return n + 1
        },
        say: (session, text) => {
          if (text === 'fault') throw new ClientFault('no', 'not that')
          if (text === 'throw') throw new Error('secret')
          told.push(['say', session.user, text])
          for (const each of sessions) each.push('said', `${session.user}: ${text}`)
        },
        wait: ({ user }, name) => {
          told.push(['wait', user, name])
          return new Promise((resolve) => waits.set(name, () => resolve(name)))
        },
      },
      joined: (session, data) => {
        sessions.push(session)
        told.push(['joined', session.user, data])
      },
      dropped: ({ user }, reason) => void told.push(['dropped', user, reason]),
      back: ({ user, epoch }) => void told.push(['back', user, epoch]),
      left: (session, code) => {
        told.push(['left', session.user, code])
        sessions.splice(sessions.indexOf(session), 1)
      },
      draining: ({ user }) =>
        user === 'hold'
          ? new Promise((resolve) => waits.set('drain', () => resolve(0)))
          : undefined,
      methods: {
        letGo: (): void => waits.get('drain')?.(),
        go: (name: string): void => waits.get(name)?.(),
      },
    }
  })
}

export type TestOptions = Partial<SessionGateOptions<typeof game>>

/** A gate whose users are served by that agent. */
export async function gateOf(
  node: TestNode,
  agent: AgentRef<typeof game>,
  options: TestOptions = {},
) {
  const gate = await node.launch(
    defineGate(game, {
      listen: tcp({ host: '127.0.0.1', port: 0 }),
      login: (_skynet, { name }) => ({ user: name, agent }),
      ...options,
    }),
  )
  const [place] = await gate.call.places()
  return { gate, port: place!.port }
}

/** What a call has come to: its value, or the code and text of its error. */
type Outcome = { readonly value: unknown } | { readonly code: string; readonly text: string }

export interface TestUserOptions {
  readonly name?: string
  /** Messages in frames of that kind. */
  readonly header?: 'u16be' | 'varint'
}

/** A client over TCP, as the real one, on a node without threads. */
export class TestUser {
  readonly #node: TestNode
  readonly #port: number
  readonly #name: string
  readonly core: ClientCore
  #timer: Timer | undefined
  #stream: MessageStream | undefined
  #client: TestClient | undefined
  #connection = 0
  /** Of the connection of now. */
  #over: Promise<void> = Promise.resolve()
  /** Events in the order in which they came. */
  readonly events: [name: string, value: unknown][] = []
  /** Every state, and the reason when there was one. */
  readonly states: (CoreState | `${CoreState}: ${string}`)[] = []
  readonly #looks = new Set<() => void>()

  constructor(node: TestNode, port: number, { name = 'ann' }: TestUserOptions = {}) {
    this.#node = node
    this.#port = port
    this.#name = name
    this.core = new ClientCore(
      {
        now: () => node.skynet.now(),
        random: () => 0.5,
        login: () => bytesOf({ name: this.#name }),
        open: (connection) => void this.#open(connection),
        send: (bytes) => this.#send(bytes),
        end: () => void this.#stream?.close(),
        timer: (ms) => {
          this.#timer?.cancel()
          this.#timer = node.skynet.timeout(ms, () => this.core.tick())
        },
        changed: (state) => {
          const code = this.core.reason?.code
          this.states.push(code === undefined ? state : `${state}: ${code}`)
          this.#look()
        },
        push: (event, body) => {
          this.events.push([event, parsed(body)])
          this.#look()
        },
      },
      {
        callsMax: 1000,
        callBytesMax: 2 ** 24,
        openTimeoutMs: 60_000,
        retryMsMin: 0,
        retryMsMax: 0,
      },
    )
    this.core.start()
  }

  async #open(connection: number): Promise<void> {
    this.#connection = connection
    let over!: () => void
    this.#over = new Promise((resolve) => {
      over = resolve
    })
    try {
      const client = await this.#node.connect({ host: '127.0.0.1', port: this.#port })
      const stream = framed(client, { header: 'u16be' })
      this.#client = client
      this.#stream = stream
      this.core.opened(connection)
      for (;;) {
        const message = await stream.receive({ timeoutMs: 3_600_000 })
        if (message === null) break
        this.core.heard(connection, message)
      }
      this.core.lost(connection, 'the end')
    } catch (error) {
      this.core.lost(connection, String(error))
    }
    over()
  }

  #send(bytes: Uint8Array): void {
    if (this.#stream?.isOpen === true) this.#stream.send(bytes)
  }

  /** A message as it is, whatever it is. */
  raw(bytes: Uint8Array): void {
    this.#stream!.send(bytes)
  }

  /** The network is gone: neither end is told, and this one notices it at once. */
  cut(): void {
    this.#client!.reset()
  }

  /** It connects again, and leaves a connection behind that nobody has ended. */
  detach(): { readonly ended: Promise<void> } {
    const stream = this.#stream!
    const ended = this.#over
    this.#stream = undefined
    this.core.lost(this.#connection, 'half-dead')
    return { ended: ended.then(() => stream.close()) }
  }

  call(name: string, value?: unknown): Promise<Outcome> {
    return new Promise((resolve) => {
      const end: CoreCall['end'] = (failure, answer) => {
        if (failure === undefined) resolve({ value: parsed(answer) })
        else resolve({ code: failure.code, text: failure.text })
        this.#look()
      }
      const refusal = this.core.call({ name, body: bytesOf(value), isQuiet: false, end })
      if (refusal !== undefined) resolve({ code: refusal, text: '' })
    })
  }

  send(name: string, value?: unknown): void {
    const end = (): void => this.#look()
    this.core.call({ name, body: bytesOf(value), isQuiet: true, end })
  }

  get reason(): ClientReason | undefined {
    return this.core.reason
  }

  #look(): void {
    for (const look of this.#looks) look()
  }

  /** Resolves when that holds. */
  until(holds: (user: TestUser) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds(this)) return
        this.#looks.delete(look)
        resolve()
      }
      this.#looks.add(look)
      look()
    })
  }

  state(state: CoreState): Promise<void> {
    return this.until(({ core }) => core.state === state)
  }
}

const bytesOf = (value: unknown): Uint8Array =>
  value === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(value))
const parsed = (bytes: Uint8Array): unknown =>
  bytes.length === 0 ? undefined : JSON.parse(Buffer.from(bytes).toString())
