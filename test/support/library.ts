/** The socket server as a library, for tests: one that is released at the end, and its events. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import {
  createSocketServer,
  type SocketEvent,
  type SocketServerOptions,
  type StandaloneServer,
} from 'skynet-ts/socket-server'

type Type = SocketEvent['type']
type Of<T extends Type> = Extract<SocketEvent, { readonly type: T }>

const WAIT_MS = 60_000

interface Cleaner {
  after(clean: () => void): void
}

/** What it logs fails the test, unless the test wants to see it. */
export function library(t: Cleaner, options: SocketServerOptions = {}): StandaloneServer {
  const log: string[] = []
  const server = createSocketServer({ log: (text) => log.push(text), ...options })
  t.after(() => {
    server.release()
    assert.deepEqual(log, [])
  })
  return server
}

/** What `poll` gave and no test has taken yet. */
const polled = new WeakMap<StandaloneServer, SocketEvent[]>()

/** The next event; undefined: `poll` gives none. */
export function one(server: StandaloneServer, timeoutMs?: number): SocketEvent | undefined {
  const events = polled.get(server) ?? []
  if (events.length === 0) {
    events.push(...server.poll(timeoutMs === undefined ? {} : { timeoutMs }))
  }
  polled.set(server, events)
  return events.shift()
}

/** The next event, which must be of that type. Nothing else runs meanwhile. */
export function next<T extends Type>(server: StandaloneServer, type: T): Of<T> {
  const event = one(server, WAIT_MS)
  assert.equal(event?.type, type, `${type}, not ${JSON.stringify(event)}`)
  return event as Of<T>
}

/** Polls between the turns of Node's own loop, where a peer in this process lives. */
export async function soon<T extends Type>(server: StandaloneServer, type: T): Promise<Of<T>> {
  return (await pump(server, (event) => event.type === type)) as Of<T>
}

/** Takes events until one is `wanted`; the others are let go. */
export async function pump(
  server: StandaloneServer,
  wanted: (event: SocketEvent) => boolean,
): Promise<SocketEvent> {
  const until = performance.now() + WAIT_MS
  while (performance.now() < until) {
    const event = one(server, 0)
    if (event === undefined) await new Promise(setImmediate)
    else if (wanted(event)) return event
  }
  return assert.fail('the event does not come')
}

/** Polls until `isDone`, whatever comes. */
export async function pumpUntil(server: StandaloneServer, isDone: () => boolean): Promise<void> {
  const until = performance.now() + WAIT_MS
  while (!isDone()) {
    assert.ok(performance.now() < until, 'it never came true')
    if (one(server, 0) === undefined) await new Promise(setImmediate)
  }
}

/** A listener that is started. */
export function listening(server: StandaloneServer): { listener: number; port: number } {
  const listener = server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = next(server, 'open')
  server.start(listener)
  assert.equal(next(server, 'open').text, 'start')
  return { listener, port }
}

/** Both ends of a connection, in one server. */
export function ends(server: StandaloneServer): { near: number; far: number; listener: number } {
  const { listener, port } = listening(server)
  const near = server.connect({ host: '127.0.0.1', port })
  let far = 0
  for (let isOpen = false; far === 0 || !isOpen; ) {
    const event = one(server, WAIT_MS)
    assert.ok(event?.type === 'open' || event?.type === 'accept', JSON.stringify(event))
    if (event.type === 'accept') far = event.client
    else isOpen = true
  }
  server.start(far)
  assert.equal(next(server, 'open').text, 'start')
  return { near, far, listener }
}

/** Bytes that wait in the server. */
export const queuedOf = (server: StandaloneServer, id: number): number =>
  server.netstat().find((info) => info.id === id)?.queued ?? 0

/** Less than the first warning, more than what the kernel takes late. */
const STALLED_BYTES = 512 * 1024

/** Send to a peer that does not read, until some of it stays here. Returns how much was sent. */
export function stall(server: StandaloneServer, id: number): number {
  const piece = Buffer.alloc(256 * 1024, 'f')
  let sent = 0
  for (; queuedOf(server, id) < STALLED_BYTES; sent += piece.length)
    assert.ok(server.send(id, piece))
  return sent
}

/** Descriptors of this process. */
export const descriptors = (): number => readdirSync('/proc/self/fd').length
