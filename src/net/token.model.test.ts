/**
 * The write token and the close protocol (slots.ts, `send` of client.ts, tcp.ts, `free` of
 * server.ts) under every interleaving there is: two workers that write, the socket thread, and one
 * slot, whose first socket may be closed and followed by another with a descriptor of its own.
 *
 * A message is two bytes, a capital and a small letter, and any write(2) may take a part of it.
 * What only counts (`queued`, bytes) moves together with `pending`; a descriptor is the id of its
 * socket. Ids, states and the socket thread's own list of sockets are as in the code.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, type Outcome, type Phase, type ThreadRun } from '../testing/interleave.ts'
import { STATE } from './state.ts'

/** Cells of the slot. */
const C = { state: 0, id: 1, fd: 2, token: 3, remainder: 4, pending: 5, queued: 6 } as const
type Cell = keyof typeof C

interface World {
  readonly slot: readonly number[]
  /** Orders in the command ring. */
  readonly commands: readonly string[]
  /** Of the socket in the socket thread's table: its id (0: none), and what it has to send. */
  readonly known: number
  readonly queue: readonly string[]
  readonly isClosing: boolean
  /** What each descriptor got: by id. `|` is FIN, `.` the end. */
  readonly wire: readonly [string, string]
}

type Step =
  | { readonly do: 'load'; readonly cell: Cell }
  | { readonly do: 'store'; readonly cell: Cell; readonly value: number }
  | { readonly do: 'swap'; readonly cell: Cell; readonly from: number; readonly to: number }
  /** Take the token, asleep while somebody else has it. */
  | { readonly do: 'lock' }
  | { readonly do: 'await'; readonly state: number }
  /** Add to `pending` (sends) and `queued` (bytes). */
  | { readonly do: 'count'; readonly sends: number; readonly bytes: number }
  /** write(2): as many bytes as the kernel likes, or -1 after FIN. Queue: what is queued. */
  | { readonly do: 'write'; readonly fd: number; readonly text: string }
  | { readonly do: 'writeQueue'; readonly fd: number }
  | { readonly do: 'order'; readonly text: string }
  /** The socket thread waits for orders, for a descriptor that takes bytes, or for a FIN. */
  | { readonly do: 'idle' }
  /** Something that only the socket thread sees. */
  | { readonly do: 'own'; readonly what: Own }
  | { readonly do: 'know'; readonly id: number }
  | { readonly do: 'mark'; readonly fd: number; readonly sign: '|' | '.' }
type Own = 'facts' | 'push' | 'unshift' | 'drop' | 'close' | 'done'
type Steps<T = void> = Generator<Step, T, number>

const FAULTS = {
  split: 'bytes of two messages are mixed, or out of order',
  foreign: 'a message reaches the next socket of the slot, or a closed descriptor',
  cut: 'a polite close cuts a message',
  rest: 'a count does not come back to zero, or bytes are lost',
  stuck: 'a worker waits for ever',
} as const
type Fault = keyof typeof FAULTS

/** Ways to break the protocol: the harm that must come of it, and in which scenario. */
const BREAKS = {
  noRemainder: ['split', 'write', 'a worker that wrote a part does not say that it owes the rest'],
  owedFirst: ['split', 'write', 'the socket thread looks for a rest before it has the token'],
  noSecondLook: ['foreign', 'reuse', 'a worker with the token does not look at the socket again'],
  freeAtOnce: ['foreign', 'reuse', 'a socket is closed without the token'],
  idStays: ['foreign', 'reuse', 'a free slot keeps its id'],
  resetCounts: ['rest', 'reuse', 'reserving a slot sets its counts to zero'],
  finAtOnce: ['cut', 'close', 'FIN is sent without the token'],
} as const satisfies Record<string, readonly [Fault, Scenario, string]>

/** What the second worker does besides writing: nothing, a polite close, or shutdown and reuse. */
type Scenario = 'write' | 'close' | 'reuse'
interface Config {
  readonly scenario: Scenario
  readonly broken?: keyof typeof BREAKS | undefined
}

const SOCKET_THREAD = 3
const load = (cell: Cell): Step => ({ do: 'load', cell })
const store = (cell: Cell, value: number): Step => ({ do: 'store', cell, value })
const UNLOCK = store('token', 0)

// --- a worker ----------------------------------------------------------------------------------

function* stateOf(id: number): Steps<number> {
  if ((yield load('id')) !== id) return STATE.INVALID
  return yield load('state')
}

/** `SocketClient.send`. */
function* send(config: Config, self: number, id: number, text: string): Steps {
  const state = yield* stateOf(id)
  if (state === STATE.INVALID) return
  let written = -1
  if (state === STATE.CONNECTED && (yield load('pending')) === 0) {
    if ((yield { do: 'swap', cell: 'token', from: 0, to: self }) === 0) {
      written = yield* direct(config, id, text)
      yield UNLOCK
      if (written === text.length) return
    }
  }
  if (written < 0) yield { do: 'count', sends: 1, bytes: text.length }
  const kind = written < 0 ? 's' : 'r'
  yield { do: 'order', text: `${kind}${id}${text.slice(Math.max(0, written))}` }
}

/** With the token. */
function* direct(config: Config, id: number, text: string): Steps<number> {
  if (config.broken !== 'noSecondLook') {
    if ((yield* stateOf(id)) !== STATE.CONNECTED || (yield load('pending')) !== 0) return -1
  }
  const fd = yield load('fd')
  const written = Math.max(0, yield { do: 'write', fd, text })
  if (written === text.length) return written
  yield { do: 'count', sends: 1, bytes: text.length - written }
  if (config.broken !== 'noRemainder') yield store('remainder', 1)
  return written
}

/** Phase: what was done so far. */
function* worker(config: Config, self: number, [done]: Phase): ThreadRun<Step> {
  if (self === 1) {
    if (done === 2) return undefined
    yield* send(config, self, 1, done === 0 ? 'Aa' : 'Bb')
  } else if (config.scenario === 'reuse') {
    if (done === 2) return undefined
    if (done === 0) yield* reuse(config)
    else yield* send(config, self, 2, 'Xx')
  } else {
    if (done === 2) return undefined
    if (done === 0) yield* send(config, self, 1, 'Xx')
    else if (config.scenario === 'close') yield { do: 'order', text: 'c1' }
    else yield* send(config, self, 1, 'Yy')
  }
  return [done! + 1]
}

/** Shut socket 1 down and open socket 2 in the same slot. */
function* reuse(config: Config): Steps {
  yield { do: 'order', text: 'k1' }
  yield { do: 'await', state: STATE.INVALID }
  yield store('state', STATE.RESERVE)
  if (config.broken === 'resetCounts') {
    yield store('pending', 0)
    yield store('queued', 0)
  }
  yield store('id', 2)
  yield { do: 'order', text: 'o2' }
}

// --- the socket thread -------------------------------------------------------------------------

const ORDERS = ['send', 'rest', 'close', 'shutdown', 'connect'] as const
const LETTERS = 'srcko'
/** What `idle` ends with: these, or FIRST_ORDER + 10 × order + id. */
const WRITABLE = 0
const PEER_ENDED = 1
const FIRST_ORDER = 10

/**
 * Phases: `[0]` idle; `[1, order, id]` an order taken; `[2]` flush; `[3]` the peer's FIN. What it
 * knows of its socket is in the world, though it alone sees it.
 */
function* socketThread(config: Config, [phase, code, id]: Phase): ThreadRun<Step> {
  if (phase === 0) {
    const next = yield { do: 'idle' }
    if (next < FIRST_ORDER) return next === WRITABLE ? [2] : [3]
    return [1, Math.floor((next - FIRST_ORDER) / 10), next % 10]
  }
  if (phase === 2) yield* flush(config)
  else if (phase === 3) yield* free(config)
  else {
    yield* obey(config, ORDERS[code!]!, id!)
    yield { do: 'own', what: 'done' }
  }
  return [0]
}

/** What `own: facts` tells of the socket in the table: its id, and two bits. */
const knownId = (facts: number): number => facts & 3
const isClosing = (facts: number): boolean => (facts & 4) !== 0
const hasQueue = (facts: number): boolean => (facts & 8) !== 0
const askFacts: Step = { do: 'own', what: 'facts' }

function* obey(config: Config, order: (typeof ORDERS)[number], id: number): Steps {
  const facts = yield askFacts
  const isKnown = knownId(facts) === id
  if (order === 'connect') {
    if (!isKnown) yield { do: 'know', id }
    yield store('fd', id)
    yield store('state', STATE.CONNECTED)
    yield* flush(config)
  } else if (order === 'shutdown') {
    if (isKnown) yield* free(config)
  } else if (order === 'close') {
    yield store('state', STATE.HALFCLOSE_READ)
    yield { do: 'own', what: 'close' }
    if (!hasQueue(facts)) yield* sendFin(config)
  } else yield* enqueue(config, facts, id, order === 'rest')
}

function* enqueue(config: Config, facts: number, id: number, isRest: boolean): Steps {
  let isEarly = false
  if (knownId(facts) !== id) {
    // The socket is gone, or its `connect` is still to come.
    if ((yield* stateOf(id)) === STATE.RESERVE) {
      yield { do: 'know', id }
      isEarly = true
    } else {
      yield { do: 'own', what: 'drop' }
      return
    }
  }
  if (isRest) {
    yield { do: 'own', what: 'unshift' }
    yield store('remainder', 0)
  } else if (isClosing(facts)) {
    yield { do: 'own', what: 'drop' }
    return
  } else yield { do: 'own', what: 'push' }
  if (!isEarly) yield* flush(config)
}

function* flush(config: Config): Steps {
  const facts = yield askFacts
  if (!hasQueue(facts)) {
    yield* flushed(config, facts)
    return
  }
  if (config.broken === 'owedFirst' && (yield load('remainder')) === 1) return
  if ((yield { do: 'swap', cell: 'token', from: 0, to: SOCKET_THREAD }) !== 0) return
  if (config.broken !== 'owedFirst' && (yield load('remainder')) === 1) {
    yield UNLOCK
    return
  }
  const left = yield { do: 'writeQueue', fd: knownId(facts) }
  yield UNLOCK
  if (left < 0) yield* free(config)
  else if (left === 0) yield* flushed(config, facts)
}

function* flushed(config: Config, facts: number): Steps {
  if (isClosing(facts)) yield* sendFin(config)
}

function* sendFin(config: Config): Steps {
  const isLocked = config.broken !== 'finAtOnce'
  if (isLocked) yield { do: 'lock' }
  const isOwed = (yield load('remainder')) === 1
  if (!isOwed) yield { do: 'mark', fd: 1, sign: '|' }
  if (isLocked) yield UNLOCK
}

function* free(config: Config): Steps {
  const fd = knownId(yield askFacts)
  const isLocked = config.broken !== 'freeAtOnce'
  if (isLocked) yield { do: 'lock' }
  if (config.broken !== 'idStays') yield store('id', 0)
  yield store('state', STATE.INVALID)
  yield store('fd', 0)
  yield store('remainder', 0)
  if (isLocked) yield UNLOCK
  yield { do: 'mark', fd, sign: '.' }
  yield { do: 'know', id: 0 }
}

// --- the world ---------------------------------------------------------------------------------

const put = (world: World, cell: Cell, value: number): World => ({
  ...world,
  slot: world.slot.with(C[cell], value),
})

function count(world: World, sends: number, bytes: number): World {
  const pending = world.slot[C.pending]! + sends
  return put(put(world, 'pending', pending), 'queued', world.slot[C.queued]! + bytes)
}

/** The kernel takes `text`. What must not be there is a fault. */
function append(config: Config, world: World, fd: number, text: string): World | Fault {
  const wire = world.wire[fd - 1]
  const strange = config.scenario !== 'reuse' ? /[^a-z]/i : fd === 1 ? /[Xx]/ : /[ABab]/
  if (wire === undefined || wire.includes('.') || strange.test(text)) return 'foreign'
  const next = wire + text
  const first = next.replace(/[a-z]/g, '')
  const isWhole = /^(Aa|Bb|Xx|Yy)*[ABXY]?$/.test(next)
  const isOrdered = /^A?B?$/.test(first.replace(/[XY]/g, ''))
  if (!isWhole || !isOrdered || !/^X?Y?$/.test(first.replace(/[AB]/g, ''))) return 'split'
  return { ...world, wire: world.wire.with(fd - 1, next) as [string, string] }
}

function isPossible(world: World, step: Step): boolean {
  if (step.do === 'lock') return world.slot[C.token] === 0
  if (step.do === 'await') return world.slot[C.state] === step.state
  if (step.do === 'idle') return idle(world).length > 0
  return true
}

/** What may wake the socket thread: readiness to write, the peer's FIN after ours, an order. */
function idle(world: World): number[] {
  const ways: number[] = []
  const wire = world.wire[world.known - 1]
  if (world.queue.length > 0 && world.slot[C.state] !== STATE.RESERVE) ways.push(WRITABLE)
  if (wire?.endsWith('|') === true) ways.push(PEER_ENDED)
  const [order] = world.commands
  if (order !== undefined) {
    ways.push(FIRST_ORDER + 10 * LETTERS.indexOf(order[0]!) + Number(order[1]))
  }
  return ways
}

function perform(config: Config, world: World, step: Step): readonly Outcome<World, Fault>[] {
  switch (step.do) {
    case 'load':
      return [{ world, value: world.slot[C[step.cell]]! }]
    case 'store':
      return [{ world: put(world, step.cell, step.value), value: 0 }]
    case 'lock':
      return [{ world: put(world, 'token', SOCKET_THREAD), value: 0 }]
    case 'swap': {
      const value = world.slot[C[step.cell]]!
      return [{ world: value === step.from ? put(world, step.cell, step.to) : world, value }]
    }
    case 'count':
      return [{ world: count(world, step.sends, step.bytes), value: 0 }]
    case 'order':
      return [{ world: { ...world, commands: [...world.commands, step.text] }, value: 0 }]
    case 'idle':
      return idle(world).map((value) => ({ world, value }))
    case 'write':
      return [0, 1, 2].map((length) => write(config, world, step.fd, step.text.slice(0, length)))
    case 'writeQueue':
      return writeQueue(config, world, step.fd)
    case 'mark':
      return [mark(world, step.fd, step.sign)]
    case 'know':
      return [{ world: know(world, step.id), value: 0 }]
    case 'own':
      return [own(world, step.what)]
    default:
      return [{ world, value: 0 }]
  }
}

function write(config: Config, world: World, fd: number, text: string): Outcome<World, Fault> {
  if (world.wire[fd - 1]?.endsWith('|') === true) return { world, value: -1 }
  const next = append(config, world, fd, text)
  return typeof next === 'string' ? { fault: next } : { world: next, value: text.length }
}

/** One write(2) of all that is queued takes one byte or all; what is complete is settled. */
function writeQueue(config: Config, world: World, fd: number): readonly Outcome<World, Fault>[] {
  const all = world.queue.join('')
  return [1, all.length].map((length) => {
    const next = write(config, world, fd, all.slice(0, length))
    if ('fault' in next || next.value < 0) return next
    const queue = [...world.queue]
    let left = length
    let done = 0
    while (left > 0 && left >= queue[0]!.length) {
      left -= queue.shift()!.length
      done++
    }
    if (left > 0) queue[0] = queue[0]!.slice(left)
    return { world: { ...count(next.world, -done, -length), queue }, value: queue.length }
  })
}

function mark(world: World, fd: number, sign: '|' | '.'): Outcome<World, Fault> {
  const wire = world.wire[fd - 1]!
  if (sign === '|' && /[ABXY]$/.test(wire)) return { fault: 'cut' }
  const wires = world.wire.with(fd - 1, wire + sign) as [string, string]
  return { world: { ...world, wire: wires }, value: 0 }
}

/** Another socket, or none: what the old one had queued is dropped, if it was freed. */
function know(world: World, id: number): World {
  const bytes = world.queue.join('').length
  const settled = id === 0 ? count(world, -world.queue.length, -bytes) : world
  return { ...settled, known: id, queue: [], isClosing: false }
}

function own(world: World, what: Own): Outcome<World, Fault> {
  if (what === 'close') return { world: { ...world, isClosing: true }, value: 0 }
  if (what === 'done') return { world: { ...world, commands: world.commands.slice(1) }, value: 0 }
  if (what === 'facts') {
    const facts = world.known + (world.isClosing ? 4 : 0) + (world.queue.length > 0 ? 8 : 0)
    return { world, value: facts }
  }
  const text = world.commands[0]!.slice(2)
  if (what === 'drop') return { world: count(world, -1, -text.length), value: 0 }
  const queue = what === 'push' ? [...world.queue, text] : [text, ...world.queue]
  return { world: { ...world, queue }, value: 0 }
}

/** What must be on the wires at the end. */
const WIRES: { readonly [S in Scenario]: readonly [RegExp, RegExp] } = {
  write: [/^(?=.*Aa)(?=.*Bb)(?=.*Xx)(?=.*Yy).{8}$/, /^$/],
  close: [/^(?=.*Xx).*\|\.$/, /^$/],
  reuse: [/\.$/, /^Xx$/],
}

function faultAtEnd(config: Config, world: World, waiting: readonly number[]): Fault | undefined {
  if (waiting.some((thread) => thread < 2)) return 'stuck'
  const { slot, queue, commands, wire } = world
  const isOpen = slot[C.token] === 0 && queue.length === 0 && commands.length === 0
  const counts = [slot[C.remainder], slot[C.pending], slot[C.queued]]
  const isDone = WIRES[config.scenario].every((pattern, i) => pattern.test(wire[i]!))
  return isOpen && isDone && counts.every((cell) => cell === 0) ? undefined : 'rest'
}

function exploreToken(config: Config) {
  const slot = new Array<number>(Object.keys(C).length).fill(0)
  slot[C.state] = STATE.CONNECTED
  slot[C.id] = 1
  slot[C.fd] = 1
  return explore<Step, World, Fault>({
    world: { slot, commands: [], known: 1, queue: [], isClosing: false, wire: ['', ''] },
    threads: [
      { start: [0], run: (phase: Phase) => worker(config, 1, phase) },
      { start: [0], run: (phase: Phase) => worker(config, 2, phase) },
      { start: [0], run: (phase: Phase) => socketThread(config, phase) },
    ],
    keyOf: ({ slot, commands, known, queue, isClosing, wire }) =>
      `${slot}/${commands}/${known}/${queue}/${isClosing}/${wire}`,
    isPossible,
    perform: (world, step) => perform(config, world, step),
    faultAtEnd: (world, waiting) => faultAtEnd(config, world, waiting),
    until: config.broken && BREAKS[config.broken][0],
  })
}

const SCENARIOS: { readonly [S in Scenario]: string } = {
  write: 'two workers write',
  close: 'one worker writes and another closes politely',
  reuse: 'a worker writes while its socket is shut down and the slot is used again',
}
for (const [scenario, what] of Object.entries(SCENARIOS)) {
  test(`Slots keep bytes whole, in order and at home in any schedule while ${what}`, (t) => {
    const { states, ends, schedules } = exploreToken({ scenario: scenario as Scenario })
    t.diagnostic(`${states} states, ${ends.length} ends`)
    assert.deepEqual([...schedules], [])
    assert.ok(states > 1000 && ends.length > 1)
  })
}

for (const [broken, [fault, scenario, what]] of Object.entries(BREAKS)) {
  test(`the model shows that ${FAULTS[fault]} when ${what}`, () => {
    const { faults } = exploreToken({ scenario, broken: broken as keyof typeof BREAKS })
    assert.ok(faults.includes(fault), `only ${faults}`)
  })
}
