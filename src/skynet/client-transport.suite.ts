/**
 * The cases that every client transport must pass. A transport that is new hands in how it is
 * opened on loopback, and who its clients are: see `src/session/tcp.test.ts`.
 */
import assert from 'node:assert/strict'
import type { MessageStream } from '../sockets/message-stream.ts'
import type { ClientDoor, ClientEntrance, ClientVisit } from './client-transport.ts'

/** One transport, where it can be opened. */
export interface TransportCase {
  /** On a free port of loopback. Whoever makes the case closes what is left open. */
  open(door: ClientDoor): Promise<ClientEntrance>
  /**
   * A client whose handshakes are done. Of one that is turned away it rejects, or its stream ends.
   */
  connect(entrance: ClientEntrance): Promise<MessageStream>
  /**
   * Somebody who begins a handshake, has knocked by it, and never ends it. Absent: there is none
   * between `knock` and `enter`.
   */
  begin?(entrance: ClientEntrance): Promise<HalfClient>
  /** Of this node. Absent: who has made the listener says what it does while a node stops. */
  readonly stopping?: StoppingNode
}

/** A node that can be stopped, as a test node. */
export interface StoppingNode {
  readonly skynet: { onStop(hook: () => Promise<void>): void }
  stop(options: { readonly graceMs: number }): Promise<void>
}

export interface HalfClient {
  /** Resolves when the server has let him go. */
  readonly ended: Promise<unknown>
  /** He goes by himself. */
  leave(): void
}

/** Registers a case: `body` runs where sockets can be opened. */
export type CheckTransport = (title: string, body: (of: TransportCase) => Promise<void>) => void

/** Which cases there are besides, as `TransportCase` has what they need. */
export interface TransportTraits {
  readonly begins?: boolean
  readonly stops?: boolean
}

export function clientTransportSuite(
  name: string,
  check: CheckTransport,
  { begins = false, stops = false }: TransportTraits = {},
): void {
  const named: CheckTransport = (title, body) => check(`${name} ${title}`, body)
  enteringCases(named)
  refusalCases(named)
  limitCases(named)
  closingCases(named)
  if (stops) stoppingCases(named)
  if (begins) handshakeCases(named)
}

const MESSAGE_BYTES_MAX = 1000
const SEND_LIMIT_BYTES = 1024 * 1024
const text = (bytes: Uint8Array | null): string | undefined => bytes?.toString()

/** What a transport has told of one client. */
class Guest implements ClientVisit {
  readonly address: string
  readonly #gone = new AbortController()
  /** Until he enters. */
  readonly entered: Promise<MessageStream>
  /** Until he leaves. */
  readonly left: Promise<void>
  leaves = 0
  enters = 0
  #enter!: (stream: MessageStream) => void
  #leave!: () => void

  constructor(address: string) {
    this.address = address
    this.entered = new Promise((resolve) => {
      this.#enter = resolve
    })
    this.left = new Promise((resolve) => {
      this.#leave = resolve
    })
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  expire(): void {
    this.#gone.abort()
  }

  enter(stream: MessageStream): void {
    this.enters++
    this.#enter(stream)
  }

  leave(): void {
    this.leaves++
    this.#leave()
  }
}

/** A door that writes down who comes. */
class BookDoor implements ClientDoor {
  readonly messageBytesMax = MESSAGE_BYTES_MAX
  readonly sendLimitBytes = SEND_LIMIT_BYTES
  readonly listenWhileStopping: boolean
  /** Does it turn everybody away? */
  isShut = false
  /** Who was turned away. */
  readonly refused: string[] = []
  readonly #guests: Guest[] = []
  readonly #waiting: ((guest: Guest) => void)[] = []

  constructor(listenWhileStopping = false) {
    this.listenWhileStopping = listenWhileStopping
  }

  knock(address: string): ClientVisit | undefined {
    if (this.isShut) {
      this.refused.push(address)
      return undefined
    }
    const guest = new Guest(address)
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#guests.push(guest)
    else waiting(guest)
    return guest
  }

  /** The next one who has knocked and was not turned away. */
  async next(): Promise<Guest> {
    return this.#guests.shift() ?? new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** Open, and let one client in. */
async function enterOne(
  of: TransportCase,
): Promise<{ near: MessageStream; far: MessageStream; entrance: ClientEntrance; door: BookDoor }> {
  const door = new BookDoor()
  const entrance = await of.open(door)
  const { near, far } = await another(of, entrance, door)
  return { near, far, entrance, door }
}

async function another(
  of: TransportCase,
  entrance: ClientEntrance,
  door: BookDoor,
): Promise<{ near: MessageStream; far: MessageStream }> {
  const [far, guest] = await Promise.all([of.connect(entrance), door.next()])
  const near = await guest.entered
  assert.equal(guest.enters, 1)
  return { near, far }
}

/** Resolves when that client sees that nobody talks to him. */
async function seesEnd(connecting: Promise<MessageStream>): Promise<void> {
  try {
    const stream = await connecting
    assert.equal(await stream.receive(), null)
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error))
  }
}

function enteringCases(check: CheckTransport): void {
  check('tells where it is open, and who knocks', async (of) => {
    const door = new BookDoor()
    const entrance = await of.open(door)
    assert.ok(entrance.port > 0)
    assert.match(entrance.address, new RegExp(`:${entrance.port}$`))
    const [far, guest] = await Promise.all([of.connect(entrance), door.next()])
    assert.match(guest.address, /^127\.0\.0\.1(:\d+)?$/)
    const near = await guest.entered
    assert.match(near.remoteAddress, /^127\.0\.0\.1(:\d+)?$/)
    await far.close()
  })

  check('carries messages both ways, each whole and in order', async (of) => {
    const { near, far } = await enterOne(of)
    const all = Array.from({ length: 50 }, (_, i) => Buffer.alloc(i * 20, i))
    for (const each of all) far.send(each)
    for (const each of all) assert.deepEqual(await near.receive(), each)
    for (const each of all) near.send(each)
    for (const each of all) assert.deepEqual(await far.receive(), each)
  })

  check('keeps clients apart', async (of) => {
    const one = await enterOne(of)
    const two = await another(of, one.entrance, one.door)
    one.far.send('of one')
    two.far.send('of two')
    assert.equal(text(await two.near.receive()), 'of two')
    assert.equal(text(await one.near.receive()), 'of one')
    await two.far.close()
    assert.equal(await two.near.receive(), null)
    one.near.send('to one')
    assert.equal(text(await one.far.receive()), 'to one')
  })

  check('gives both ends to each other: who closes is missed', async (of) => {
    const first = await enterOne(of)
    await first.near.close(1000, 'bye')
    assert.equal(await first.far.receive(), null)
    const second = await another(of, first.entrance, first.door)
    await second.far.close()
    assert.equal(await second.near.receive(), null)
  })
}

function refusalCases(check: CheckTransport): void {
  check('turns away whom the door refuses, and goes on', async (of) => {
    const door = new BookDoor()
    const entrance = await of.open(door)
    door.isShut = true
    await seesEnd(of.connect(entrance))
    assert.ok(door.refused.length > 0)
    assert.match(door.refused[0]!, /^127\.0\.0\.1(:\d+)?$/)
    door.isShut = false
    const { near, far } = await another(of, entrance, door)
    far.send('in')
    assert.equal(text(await near.receive()), 'in')
  })
}

function limitCases(check: CheckTransport): void {
  check('takes the longest message, and breaks at a longer one', async (of) => {
    const { near, far } = await enterOne(of)
    far.send(Buffer.alloc(MESSAGE_BYTES_MAX, 1))
    far.send(Buffer.alloc(MESSAGE_BYTES_MAX + 1, 2))
    assert.equal((await near.receive())?.length, MESSAGE_BYTES_MAX)
    await assert.rejects(near.receive(), { code: 'ERR_FRAME_TOO_LARGE' })
    await near.close()
  })
}

function closingCases(check: CheckTransport): void {
  check('close() lets nobody in any more, and who is in stays', async (of) => {
    const { near, far, entrance } = await enterOne(of)
    await entrance.close()
    await entrance.close()
    await seesEnd(of.connect(entrance))
    far.send('still here')
    assert.equal(text(await near.receive()), 'still here')
    near.send('so am I')
    assert.equal(text(await far.receive()), 'so am I')
  })

  check('closes when it is disposed of', async (of) => {
    const door = new BookDoor()
    const entrance = await of.open(door)
    await entrance[Symbol.asyncDispose]()
    await seesEnd(of.connect(entrance))
  })
}

function stoppingCases(check: CheckTransport): void {
  check('while the node stops it lets clients in only when the door says so', async (of) => {
    const stopping = of.stopping!
    const door = new BookDoor(true)
    const staying = await of.open(door)
    const going = await of.open(new BookDoor())
    let meanwhile: Promise<void> | undefined
    stopping.skynet.onStop(() => {
      meanwhile = Promise.resolve().then(async () => {
        await seesEnd(of.connect(going))
        const { near, far } = await another(of, staying, door)
        far.send('back')
        assert.equal(text(await near.receive()), 'back')
      })
      return meanwhile
    })
    await stopping.stop({ graceMs: 60_000 })
    await meanwhile!
  })
}

function handshakeCases(check: CheckTransport): void {
  check('a handshake that takes too long is let go', async (of) => {
    const door = new BookDoor()
    const entrance = await of.open(door)
    const [half, guest] = await Promise.all([of.begin!(entrance), door.next()])
    guest.expire()
    await Promise.all([half.ended, guest.left])
    assert.deepEqual([guest.leaves, guest.enters], [1, 0])
  })

  check('who goes in the middle of a handshake has left', async (of) => {
    const door = new BookDoor()
    const entrance = await of.open(door)
    const [half, guest] = await Promise.all([of.begin!(entrance), door.next()])
    half.leave()
    await guest.left
    assert.deepEqual([guest.leaves, guest.enters], [1, 0])
  })

  check('close() lets go who is at his handshake', async (of) => {
    const door = new BookDoor()
    const entrance = await of.open(door)
    const [half, guest] = await Promise.all([of.begin!(entrance), door.next()])
    await entrance.close()
    await Promise.all([half.ended, guest.left])
    assert.deepEqual([guest.leaves, guest.enters], [1, 0])
  })
}
