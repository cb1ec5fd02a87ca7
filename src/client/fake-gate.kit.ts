/** The other end of a client under test, and what it has around it: no network, no clock. */
import assert from 'node:assert/strict'
import type { ClientLink, ClientLinkEvents, ClientLinkMaker } from './client-link.ts'
import type { PageScope } from './page.ts'
import type { Surroundings } from './surroundings.ts'
import {
  decodeWire,
  encodeWire,
  FROM_CLIENT,
  FROM_SERVER,
  type FromClient,
  type FromServer,
  type WireMessage,
} from './wire.ts'

const NOTHING = new Uint8Array(0)

/** One connection, as the gate sees it. */
export class FakeLink implements ClientLink {
  readonly heard: FromClient[] = []
  isClosed = false
  readonly #events: ClientLinkEvents

  constructor(events: ClientLinkEvents) {
    this.#events = events
  }

  send(bytes: Uint8Array): void {
    assert.ok(!this.isClosed, 'a link that was closed is not used')
    this.heard.push(decodeWire(FROM_CLIENT, bytes))
  }

  close(): void {
    this.isClosed = true
  }

  opened(): void {
    this.#events.opened()
  }

  say(message: FromServer): void {
    if (!this.isClosed) this.#events.heard(encodeWire(FROM_SERVER, message))
  }

  welcome(fields: Partial<WireMessage<typeof FROM_SERVER, 'welcome'>> = {}): void {
    this.say({
      kind: 'welcome',
      version: 1,
      isResumed: 0,
      session: 's1',
      token: Uint8Array.of(1, 2, 254),
      epoch: 1,
      requestsUpTo: 0,
      pushesUpTo: 0,
      heartbeatMs: 15_000,
      missed: 2,
      keepMs: 60_000,
      window: 64,
      messageBytesMax: 65_536,
      messagesPerSecond: 1000,
      open: [],
      ...fields,
    })
  }

  push(number: number, name: string, value?: unknown): void {
    this.say({ kind: 'push', number, name, body: bytesOf(value) })
  }

  answer(number: number, value?: unknown): void {
    this.say({ kind: 'answer', number, body: bytesOf(value) })
  }

  cut(reason = 'cut'): void {
    this.isClosed = true
    this.#events.closed(reason)
  }

  /** What has come of one kind. */
  of<K extends FromClient['kind']>(kind: K): Extract<FromClient, { kind: K }>[] {
    return this.heard.filter((each): each is Extract<FromClient, { kind: K }> => each.kind === kind)
  }
}

export const bytesOf = (value: unknown): Uint8Array =>
  value === undefined ? NOTHING : new TextEncoder().encode(JSON.stringify(value))

export const readValue = (bytes: Uint8Array): unknown =>
  bytes.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(bytes))

export class FakeGate implements ClientLinkMaker {
  readonly links: FakeLink[] = []

  open(events: ClientLinkEvents): FakeLink {
    const link = new FakeLink(events)
    this.links.push(link)
    return link
  }

  /** The connection of now. */
  get link(): FakeLink {
    const link = this.links.at(-1)
    assert.ok(link !== undefined, 'the client has begun a connection')
    return link
  }

  /** The newest connection, up to its welcome. */
  enter(fields: Partial<WireMessage<typeof FROM_SERVER, 'welcome'>> = {}): FakeLink {
    const { link } = this
    link.opened()
    link.welcome(fields)
    return link
  }
}

type Listener = (event: { readonly type: string; readonly persisted?: boolean }) => void

/** The window of a page. */
export class FakeWindow {
  readonly listeners: (readonly [type: string, listener: Listener])[] = []
  readonly document = { visibilityState: 'visible' }

  readonly addEventListener = (type: string, listener: Listener): void => {
    this.listeners.push([type, listener])
  }

  readonly removeEventListener = (type: string, listener: Listener): void => {
    const at = this.listeners.findIndex((each) => each[0] === type && each[1] === listener)
    if (at >= 0) this.listeners.splice(at, 1)
  }

  tell(type: string, event: { readonly persisted?: boolean } = {}): void {
    for (const [each, listener] of [...this.listeners]) {
      if (each === type) listener({ ...event, type })
    }
  }
}

/** Time passes when a test says so; chance is always one half. */
export class FakeSurroundings implements Surroundings {
  readonly window = new FakeWindow()
  readonly page: PageScope = this.window
  readonly timers = new Set<{ readonly at: number; readonly act: () => void }>()
  /** What listeners have thrown. */
  readonly errors: unknown[] = []
  readonly uncaught = (error: unknown): void => void this.errors.push(error)
  #now = 1_700_000_000_000

  readonly now = (): number => this.#now
  readonly random = (): number => 0.5

  readonly after = (ms: number, act: () => void): (() => void) => {
    const timer = { at: this.#now + ms, act }
    this.timers.add(timer)
    return () => {
      this.timers.delete(timer)
    }
  }

  /** The thread is held for so long: what is due then has not happened. */
  hold(ms: number): void {
    this.#now += ms
  }

  /** So many milliseconds pass, and what is due happens at its time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const next = [...this.timers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#now = Math.max(this.#now, next.at)
      this.timers.delete(next)
      next.act()
    }
    this.#now = end
  }
}
