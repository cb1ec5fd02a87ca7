/** Clients that talk at once: everybody hears everything once, and nothing is left of it. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { startChat } from './chat-client.ts'
import { OpenFiles } from './leftovers.ts'
import { until, untilCounted } from './until.ts'

export interface Load {
  readonly rooms: number
  readonly members: number
  /** Each member says so many. */
  readonly lines: number
}

/** Connections begun at a time: fewer than a listen queue holds. */
const BATCH = 100

export async function talkAll(t: TestContext, load: Load): Promise<void> {
  const { rooms, members, lines } = load
  const { port, node, assertNoFault } = await startChat(t)
  const before = node.stats()
  const files = new OpenFiles()
  const talkers = await open(port, load)
  const { services, load: ofWorkers } = node.stats()
  assert.equal(services, before.services + rooms * members + rooms)
  // More services on each than there are rooms and system services: agents are on both.
  assert.equal(ofWorkers.length, 2)
  for (const each of ofWorkers) assert.ok(each > rooms * 2, `services by worker: ${ofWorkers}`)

  for (const talker of talkers) talker.talk()
  const expected = rooms * members * (members - 1) * lines
  const heard = (): number => talkers.reduce((sum, talker) => sum + talker.heard, 0)
  // A fault ends the wait: it is looked at below.
  const isFaulty = (): boolean => talkers.some((one) => one.fault !== '')
  await untilCounted('lines', () => (isFaulty() ? expected : heard()), expected)
  for (const talker of talkers) talker.check(members)
  assert.equal(heard(), expected)

  for (const [index, { socket }] of talkers.entries()) {
    if (index % 2 === 0) socket.end()
    else socket.resetAndDestroy()
  }
  await until('the end of every connection', () => talkers.every(({ socket }) => socket.closed))
  await until('the end of every socket slot', () => node.stats().sockets === before.sockets)
  await until('the end of every agent and room', () => node.stats().services === before.services)
  await files.gone()
  assert.deepEqual(node.stats().load, before.load)
  assertNoFault()
}

async function open(port: number, { rooms, members, lines }: Load): Promise<Talker[]> {
  const talkers: Talker[] = []
  while (talkers.length < rooms * members) {
    const length = Math.min(BATCH, rooms * members - talkers.length)
    const batch = Array.from({ length }, (_, n) => {
      const room = `room-${(talkers.length + n) % rooms}`
      return new Talker(connect({ host: '127.0.0.1', port }), room, lines)
    })
    talkers.push(...batch)
    await until('a batch of clients in their rooms', () => batch.every(({ isIn }) => isIn))
  }
  return talkers
}

/** One client: sends numbered lines, and counts those of each other member as they come. */
class Talker {
  readonly socket: Socket
  isIn = false
  heard = 0
  /** What was wrong first. */
  fault = ''
  readonly #room: string
  readonly #said: number
  readonly #counts = new Map<string, number>()
  #rest = ''

  constructor(socket: Socket, room: string, said: number) {
    this.socket = socket
    this.#room = room
    this.#said = said
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#received(text))
    socket.on('error', (error) => this.#wrong(error.message))
    socket.write(`/join ${room}\n`)
  }

  /** Lines in packets of different sizes, some of which end within a line. */
  talk(): void {
    const lines = Array.from({ length: this.#said }, (_, n) => `${n + 1}\n`).join('')
    for (let at = 0, size = 1; at < lines.length; at += size, size = (size * 7) % 61) {
      this.socket.write(lines.slice(at, at + size))
    }
  }

  check(members: number): void {
    assert.equal(this.fault, '')
    assert.equal(this.#counts.size, members - 1)
    for (const [nick, count] of this.#counts) assert.equal(count, this.#said, nick)
  }

  #received(text: string): void {
    const all = this.#rest + text
    let at = 0
    for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', at)) {
      this.#line(all.slice(at, end))
      at = end + 1
    }
    this.#rest = all.slice(at)
  }

  #line(line: string): void {
    const colon = line.indexOf(': ')
    if (colon < 0) {
      if (line.endsWith(this.#room)) this.isIn = true
      else if (!line.startsWith('welcome')) this.#wrong(line)
      return
    }
    const nick = line.slice(0, colon)
    const next = (this.#counts.get(nick) ?? 0) + 1
    if (line.slice(colon + 2) !== `${next}`) this.#wrong(`${line}, where ${next} was due`)
    this.#counts.set(nick, next)
    this.heard++
  }

  #wrong(what: string): void {
    this.fault ||= what
  }
}
