/** Real sockets of the server in every state, and everything that can happen to one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type StateName, stateName } from '../../src/net/state.ts'
import { portOf } from '../../src/os/address.ts'
import { ERRNO } from '../../src/os/errno.ts'
import { Peer } from './peer.ts'
import {
  A,
  B,
  C,
  drive,
  type Script,
  type ServerDriver,
  type ServerEvent,
} from './server-driver.ts'

/** A socket under test, owned by `A`. */
export interface Subject {
  readonly id: number
  /** The other end. */
  readonly peer?: Peer
  /** Of a listener. */
  readonly port?: number
  /** To be closed in the end. */
  readonly fd?: number
}
type Setup = (s: ServerDriver) => Generator<void, Subject, void>

/** What an input must lead to. */
export interface Cell {
  readonly to: StateName
  /** `KIND text`, an errno without its description; `C: ` before it when it went to that owner. */
  readonly events?: readonly string[]
  /** What the peer reads when it looks after that: text, `FIN`, `RST`. Left out where nothing. */
  readonly sees?: string
  /** Events that its reading brings. */
  readonly later?: readonly string[]
  /** What `send` says, where that is not true. */
  readonly sends?: false
  /** Why Skynet does something else. */
  readonly differs?: string
  /** The case of Skynet's that this is. */
  readonly name?: string
}

const OWNERS: Readonly<Record<number, string>> = { [A]: '', [B]: 'B: ', [C]: 'C: ' }

/** Connections that fill the queue of a listener with backlog 0; later ones find no room. */
const FILLERS = 2

function* bound(s: ServerDriver) {
  const { id, port } = yield* s.bind()
  return { id, port }
}

function* accepted(s: ServerDriver) {
  const { port } = yield* s.listen()
  const peer = s.connect(port)
  const { ud: id } = yield* s.next('ACCEPT')
  return { id, peer }
}

function* connected(s: ServerDriver) {
  const { id, peer } = yield* s.pair()
  return { id, peer }
}

/** `order`, and everything that it brings, forgotten. */
function* after(s: ServerDriver, id: number, order: 'pause' | 'close' | 'end' | 'hold') {
  s.client.order(order, id, A)
  yield* settle(s)
  s.events = []
}

export const STATES = {
  /** The order to connect is on its way: what follows meets it. */
  *RESERVE(s) {
    const { port } = yield* s.bind(B)
    const id = s.slots.reserve()
    s.client.connect(id, A, [{ family: 4, host: '127.0.0.1', port }])
    return { id }
  },
  *CONNECTING(s) {
    const { fd, port } = crowded(s)
    const id = s.slots.reserve()
    s.client.connect(id, A, [{ family: 4, host: '127.0.0.1', port }])
    yield* settle(s)
    return { id, fd }
  },
  PLISTEN: bound,
  LISTEN: (s) => s.listen(),
  *'LISTEN, paused'(s) {
    const subject = yield* s.listen()
    yield* after(s, subject.id, 'pause')
    return subject
  },
  PACCEPT: accepted,
  CONNECTED: connected,
  *'CONNECTED, paused'(s) {
    const subject = yield* connected(s)
    yield* after(s, subject.id, 'pause')
    return subject
  },
  *'CONNECTED, held'(s) {
    const subject = yield* connected(s)
    yield* after(s, subject.id, 'hold')
    return subject
  },
  *HALFCLOSE_READ(s) {
    const subject = yield* connected(s)
    subject.peer.end()
    yield* s.next('CLOSE')
    return subject
  },
  /** Closed with bytes that its peer does not take. */
  *'HALFCLOSE_READ, flushing'(s) {
    const subject = yield* connected(s)
    yield* s.fill(subject.id)
    yield* after(s, subject.id, 'close')
    return subject
  },
  /** Closed, FIN said; the peer's FIN is what it waits for. */
  *'HALFCLOSE_READ, FIN said'(s) {
    const subject = yield* connected(s)
    yield* after(s, subject.id, 'close')
    return subject
  },
  *'HALFCLOSE_WRITE, ended'(s) {
    const subject = yield* connected(s)
    yield* after(s, subject.id, 'end')
    return subject
  },
  *'HALFCLOSE_WRITE, failed'(s) {
    const subject = yield* connected(s)
    const write = s.os.write.bind(s.os)
    // The kernel fails writes of a connection that still can be read for an instant only.
    Object.assign(s.os, { write: () => -ERRNO.EPIPE })
    s.send(subject.id, 'lost')
    yield* settle(s)
    Object.assign(s.os, { write })
    s.events = []
    return subject
  },
  /** A socket that was made elsewhere: its other end can do what a pipe cannot. */
  *BIND(s) {
    const listener = s.keep(s.os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 1))
    const peer = new Peer(s.os, portOf(s.os.localAddress(listener)))
    s.keep(peer.fd)
    const fd = yield* s.until(() => Math.max(0, s.os.accept(listener)), 'the peer')
    return { id: yield* s.bindFd(s.keep(fd)), peer }
  },
  *INVALID(s) {
    const subject = yield* connected(s)
    s.client.order('shutdown', subject.id)
    yield* s.next('CLOSE')
    return subject
  },
} as const satisfies Record<string, Setup>
export type Row = keyof typeof STATES

/** A listener that takes nobody, and whose queue is full: SYN is not answered. */
function crowded(s: ServerDriver): { readonly fd: number; readonly port: number } {
  const fd = s.os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 0)
  const address = s.os.localAddress(fd)
  assert.ok(address !== undefined && address.family === 4)
  for (let filler = 0; filler < FILLERS; filler++) s.connect(address.port)
  return { fd, port: address.port }
}

/** What `send` said; of other inputs nothing. */
type Result = boolean | undefined
type Action = (s: ServerDriver, subject: Subject) => Result | Generator<void, Result, void>

const order =
  (name: 'pause' | 'close' | 'shutdown' | 'end' | 'drain', owner = 0): Action =>
  (s, { id }) => {
    s.client.order(name, id, owner)
    return undefined
  }
const startBy =
  (owner: number): Action =>
  (s, { id }) => {
    s.client.order('start', id, owner)
    return undefined
  }
const byPeer =
  (act: (peer: Peer, s: ServerDriver) => void): Action =>
  (s, { peer }) => {
    act(peer!, s)
    return undefined
  }

export const INPUTS = {
  start: startBy(A),
  'start by another': startBy(C),
  pause: order('pause'),
  send: (s, { id }) => s.send(id, 'hello'),
  close: order('close'),
  *'close with unsent bytes'(s, { id }) {
    yield* s.fill(id)
    s.client.order('close', id)
    return undefined
  },
  shutdown: order('shutdown'),
  end: order('end'),
  drain: order('drain', A),
  'a client': (s, { port }) => {
    s.connect(port!)
    return undefined
  },
  'peer data': byPeer((peer) => peer.write('data')),
  'peer FIN': byPeer((peer) => peer.end()),
  'peer RST': byPeer((peer) => peer.reset()),
} as const satisfies Record<string, Action>
export type Input = keyof typeof INPUTS

/** Go on until nothing happens any more. */
export function* settle(s: ServerDriver): Script {
  for (let pass = 0; pass < 3; pass++) yield* s.idle()
}

/** What came, in words; it is taken. Addresses are left out: their ports differ each time. */
export function told(s: ServerDriver): string[] {
  return s.events.splice(0).map(({ kind, owner, bytes }: ServerEvent) => {
    const isAddress = kind === 'ACCEPT' || /^\d+\.\d+\.\d+\.\d+:\d+$/.test(bytes.toString())
    const text = isAddress ? '' : bytes.toString().replace(/^(E[A-Z]+) .*/, '$1')
    return `${OWNERS[owner]}${kind} ${text}`.trim()
  })
}

/** Everything the peer gets: it reads as long as something comes. */
function* seen(s: ServerDriver, peer: Peer): Generator<void, string, void> {
  for (let before = -1; before < peer.bytesReceived; ) {
    before = peer.bytesReceived
    while (peer.read() > 0);
    yield* settle(s)
  }
  peer.read()
  // What fills the kernel says nothing.
  const text = peer.text.replace(/^f+/, '')
  return `${text}${peer.hasEnded ? ' FIN' : ''}${peer.error < 0 ? ' RST' : ''}`.trim()
}

/** One test a cell. Null: nothing can happen there, or nothing that another cell does not say. */
export function matrix(row: Row, cells: Readonly<Record<Input, Cell | null>>): void {
  for (const [input, cell] of Object.entries(cells) as [Input, Cell | null][]) {
    if (cell === null) continue
    const { to, events = [], name } = cell
    const outcome = [to, ...(events.length > 0 ? events : ['∅'])].join(', ')
    const title = `matrix ${row} × ${input} → ${outcome}`
    const named = `${name} matrix ${row} × ${input} → ${outcome}`
    test(name === undefined ? title : named, () => drive((s) => check(s, row, input, cell)))
  }
}

function* check(s: ServerDriver, row: Row, input: Input, cell: Cell): Script {
  const subject: Subject = yield* STATES[row](s)
  const { id, peer, fd } = subject
  assert.equal(stateName(s.stateOf(id)), row.split(',')[0], 'the state to begin with')
  assert.deepEqual(told(s), [])
  const acted = INPUTS[input](s, subject) as ReturnType<Action>
  const result = typeof acted === 'object' ? yield* acted : acted
  yield* settle(s)
  if (fd !== undefined) s.os.close(fd)
  assert.deepEqual(told(s), cell.events ?? [])
  assert.equal(stateName(s.stateOf(id)), cell.to)
  if (result !== undefined) assert.equal(result, cell.sends ?? true)
  if (peer === undefined || input === 'peer RST') return
  assert.equal(yield* seen(s, peer), cell.sees ?? '')
  assert.deepEqual(told(s), cell.later ?? [])
}
