/**
 * Two links, the way between them and who uses them, by chance: for `link.model.test.ts`. Here is
 * what happens; `link-model.kit.ts` knows what must hold.
 */
import assert from 'node:assert/strict'
import { Random } from '../../testing/sim/random.ts'
import { FRAME_KIND } from './frame.ts'
import { ClusterLink, type ClusterLinkHost, type Sent } from './link.ts'
import { LinkModel, type Message, type Modelled } from './link-model.kit.ts'

interface Frame {
  readonly bytes: Buffer
  readonly ticket: number
  /** Who has sent it. */
  readonly link: ClusterLink
}

/** What a frame meets on its way that it must not. */
export type Tamper = (frame: Buffer, from: Side) => void

/** From one side to the other one. */
export class Way {
  frames: Frame[] = []
  /** Those that a cut has left somewhere: they come when they like, or never. */
  late: Frame[] = []
  /** Nothing comes through; it comes later. */
  isHeld = false
  /** Frames that it takes at once. */
  room = Infinity
  isFull = false
  /** Of the session whose frames came last, as `tamper` needs it. */
  session = 0
  count = 0
}

const LUA = 10
const RESPONSE = 1
const ERROR = 7
const IDS = [1, 2, 3] as const
const LONG_MS = 2000
const TICK_MS = 50
const FLOOD = 24
const LONG = 50_000
/** That may wait: so little that it happens. */
const LIMITS = { queueBytesMax: 1024, longBytesMax: 100_000 } as const

export class Side implements ClusterLinkHost, Modelled {
  readonly world: LinkWorld
  readonly index: number
  readonly way = new Way()
  readonly model: LinkModel
  readonly clockShift: number
  epoch: number
  link!: ClusterLink
  /** Requests that have come, to be answered, or not. */
  owed: Message[] = []
  /** What the transport will tell. */
  events: (() => void)[] = []
  /** Services have been told to say no more. */
  isFull = false
  #isPending = false

  constructor(world: LinkWorld, index: number) {
    this.world = world
    this.index = index
    this.epoch = index + 1
    // Clocks of nodes have nothing in common; this one gets through 2^32.
    this.clockShift = index === 0 ? 2 ** 32 - 1500 : 12_345
    this.model = new LinkModel(this)
  }

  get other(): Side {
    return this.world.sides[1 - this.index]!
  }

  connect(): void {
    this.link = new ClusterLink({ self: this.epoch, peer: this.other.epoch, ...LIMITS }, this)
    this.isFull = false
    this.#isPending = false
    this.owed = []
  }

  now(): number {
    return this.world.now + this.clockShift
  }

  random(): number {
    return this.world.random.next() / 2 ** 32
  }

  transmit(bytes: Uint8Array, ticket: number): boolean {
    const { way, link } = this
    const isTaken = way.frames.length < way.room
    way.isFull ||= !isTaken
    if (!isTaken && !this.world.breaks?.isLiar) return false
    way.frames.push({ bytes: Buffer.from(bytes), ticket, link })
    this.model.left(ticket)
    return isTaken
  }

  pending(): void {
    this.#isPending = true
  }

  deliver(
    type: number,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void {
    const message = { type, to, source, session, remainingMs }
    this.model.delivered(message, Buffer.from(bytes.buffer, bytes.byteOffset + from, length))
    if (type === LUA && session !== 0) this.owed.push({ ...message, length })
    // Who gets something may answer at once.
    if (this.world.random.oneIn(4)) this.answer()
  }

  lost(source: number, session: number, sent: Sent, why: string): void {
    this.model.lost(source, session, sent, why)
    if (this.world.random.oneIn(4)) this.send()
  }

  ended(): void {
    this.model.ended()
  }

  full(isFull: boolean): void {
    assert.notEqual(this.isFull, isFull, 'full: told twice')
    this.isFull = isFull
  }

  post(message: Message, ms: number): void {
    this.model.post(this.link, { ...message, remainingMs: ms })
  }

  send(length = 12): void {
    const { random } = this.world
    const [to, source] = [random.pick(IDS), random.pick(IDS)]
    // Some were said before their services were told.
    if (this.isFull && random.oneIn(2)) return
    this.post({ type: LUA, to, source, session: 0, remainingMs: 0, length }, 0)
  }

  request(ms: number, length = 12): void {
    const { random } = this.world
    const [to, source] = [random.pick(IDS), random.pick(IDS)]
    const session = this.model.nextSession()
    this.post({ type: LUA, to, source, session, remainingMs: ms, length }, ms)
  }

  answer(length = 12): void {
    const { random } = this.world
    const [request] = this.owed.splice(random.below(this.owed.length + 1), 1)
    if (request === undefined) return
    const { to, source, session } = request
    const type = random.oneIn(5) ? ERROR : RESPONSE
    this.post({ type, to: source, source: to, session, remainingMs: 0, length }, 0)
  }

  /** Of frames that count for credit, in the session that is open now. */
  bytesUnderWay(): number {
    let bytes = 0
    for (const { bytes: frame } of this.way.frames) {
      const isNumbered = frame[3] === FRAME_KIND.DATA || frame[3] === FRAME_KIND.CHUNK
      if (isNumbered && frame.readUInt32LE(16) === this.link.session) bytes += frame.length
    }
    return bytes
  }

  flush(): void {
    if (!this.#isPending) return
    this.#isPending = false
    this.link.flush()
  }

  /** The other side gets what is on its way. */
  carry(count: number): number {
    const { way } = this
    if (way.isHeld) return 0
    const frames = way.frames.splice(0, count)
    for (const { bytes } of frames) this.#arrive(bytes)
    if (way.isFull && way.frames.length < way.room) {
      way.isFull = false
      this.link.writable()
    }
    return frames.length
  }

  /** This side gets what has come. */
  carryTo(): void {
    this.other.carry(Infinity)
  }

  #arrive(bytes: Buffer): void {
    this.world.breaks?.tamper?.(bytes, this)
    this.other.link.receive(bytes, 0, bytes.length)
  }

  /** Who gets something that a cut has left somewhere has heard of the cut. */
  carryLate(): void {
    if (this.way.late.length > 0) this.other.tell()
    for (const { bytes } of this.way.late.splice(0)) this.#arrive(bytes)
  }

  /** Nobody gets the last `count` frames, and the transport knows from which on. */
  refuse(count: number): void {
    const { frames } = this.way
    const refused = frames.splice(Math.max(0, frames.length - count))
    if (refused.length === 0) return
    const isKnown = this.world.random.oneIn(2)
    const { link } = refused[0]!
    const ticket = this.world.breaks?.isHasty ? this.model.firstTicket : refused[0]!.ticket
    // A link that is there no more hears of nothing.
    this.events.push(() => this.link === link && link.refused(isKnown ? ticket : undefined))
  }

  holdWay(isHeld: boolean): void {
    this.way.isHeld = isHeld
  }

  narrow(room: number): void {
    this.way.room = room
  }

  lose(at: number): void {
    this.way.frames.splice(at, 1)
  }

  tell(): void {
    for (const event of this.events.splice(0)) event()
  }
}

/** How a variant of the links is broken: by what happens to their frames, or to what they hear. */
export interface Broken {
  readonly tamper?: Tamper
  /** The transport says that it has not taken what it sends. */
  readonly isLiar?: boolean
  /** A link drops what it has no room for, and takes what comes later. */
  readonly isDropping?: boolean
  /** It says that nobody got anything of a session, where the last frames were refused. */
  readonly isHasty?: boolean
}

type Step = (side: Side, random: Random, world: LinkWorld) => void

/** How often each happens, and what. */
const STEPS: readonly (readonly [weight: number, name: string, step: Step])[] = [
  [10, 'send', (side) => side.send()],
  [8, 'request', (side) => side.request(LONG_MS)],
  [6, 'request shortly', (side, random) => side.request(random.between(1, 200))],
  [8, 'answer', (side) => side.answer()],
  [1, 'send long', (side, random) => side.send(random.between(30_000, 120_000))],
  [1, 'request long', (side, random) => side.request(LONG_MS, random.between(30_000, 80_000))],
  [1, 'answer long', (side, random) => side.answer(random.between(30_000, 80_000))],
  [1, 'flood', (side) => Array.from({ length: FLOOD }, () => side.send(20_000))],
  [16, 'flush', (side) => side.flush()],
  [16, 'carry', (side, random) => side.carry(random.size(8))],
  [2, 'lose', (side, random) => side.lose(random.below(4))],
  [2, 'refuse', (side, random) => side.refuse(random.size(4))],
  [2, 'carry late', (side) => side.carryLate()],
  [2, 'cut', (side, random) => side.world.cut(random)],
  [6, 'tell', (side) => side.tell()],
  [1, 'suspect', (side) => side.link.reset('suspect')],
  [2, 'hold the way', (side, random) => side.holdWay(random.oneIn(2))],
  [1, 'narrow the way', (side, random) => side.narrow(random.pick([1, 2, Infinity]))],
  [8, 'settle', (_, __, world) => world.settle()],
  [8, 'time', (_, random, world) => world.pass(random.size(400))],
  [1, 'stop', (side, random, world) => world.stop(side, random.between(1000, 3000))],
  [1, 'restart', (side, _, world) => world.restart(side)],
  [1, 'leave', (side, _, world) => world.leave(side)],
]
const WEIGHTED = STEPS.flatMap((step) => new Array<typeof step>(step[0]).fill(step))
const STEPS_MIN = 30
const STEPS_MAX = 120
const END_MS = 6000

export class LinkWorld {
  readonly random: Random
  readonly breaks: Broken | undefined
  readonly sides: readonly [Side, Side]
  now = 0
  readonly trace: string[] = []

  constructor(seed: number, breaks?: Broken) {
    this.random = new Random(seed)
    this.breaks = breaks
    this.sides = [new Side(this, 0), new Side(this, 1)]
    for (const side of this.sides) side.connect()
  }

  /** @throws AssertionError What does not hold. */
  run(): void {
    const { random } = this
    for (let left = random.between(STEPS_MIN, STEPS_MAX); left > 0; left--) {
      const [, name, step] = random.pick(WEIGHTED)
      const side = random.pick(this.sides)
      this.trace.push(`${this.now} ${'ab'[side.index]} ${name}`)
      step(side, random, this)
      for (const each of this.sides) each.model.check()
    }
    this.#end()
  }

  pass(ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now = Math.min(until, this.now + TICK_MS)
      for (const { link, model } of this.sides) {
        link.tick()
        model.ticked()
      }
    }
  }

  /** One node stands still, the other one goes on. */
  stop(stopped: Side, ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now = Math.min(until, this.now + TICK_MS)
      stopped.other.link.tick()
      stopped.other.flush()
    }
    stopped.model.stopped(ms)
    if (this.random.oneIn(2)) stopped.carryTo()
    stopped.link.tick()
  }

  /** What is on its way is lost, or comes late; each side hears of it at a time of its own. */
  cut(random: Random): void {
    for (const side of this.sides) {
      const { frames, late } = side.way
      const cut = frames.splice(random.below(frames.length + 1))
      if (random.oneIn(2)) late.push(...cut)
      const { link } = side
      side.events.push(() => side.link === link && link.reset('cut'))
    }
  }

  /** Kill and start again, as another epoch. What is on its way stays there. */
  restart(side: Side): void {
    side.model.died()
    side.other.link.close()
    side.epoch += 2
    for (const each of this.sides) each.connect()
    for (const each of this.sides) each.model.restarted()
  }

  /** In good order: the other side is told, and perhaps hears it. */
  leave(side: Side): void {
    side.link.close()
    side.carry(this.random.pick([0, Infinity]))
    this.restart(side)
  }

  /** Everybody behaves, until everything has come to its end. */
  #end(): void {
    for (const side of this.sides) {
      side.way.isHeld = false
      side.way.room = Infinity
      side.carryLate()
      side.tell()
    }
    this.#rest()
    for (const { model } of this.sides) model.checkEnd()
    for (const side of this.sides) this.#checkAlive(side)
  }

  #rest(): void {
    for (const until = this.now + END_MS; this.now < until; this.pass(TICK_MS)) this.settle()
  }

  /** What is sent comes: no link waits for ever. */
  #checkAlive(side: Side): void {
    const { arrived } = side.model
    side.send()
    side.send(LONG)
    this.settle()
    assert.equal(side.model.arrived, arrived + 2, 'dead: nothing comes any more')
  }

  /** Everything that may come does. */
  settle(): void {
    for (let isMoving = true; isMoving; ) {
      isMoving = false
      for (const side of this.sides) {
        side.flush()
        if (side.carry(Infinity) > 0) isMoving = true
      }
    }
  }
}
