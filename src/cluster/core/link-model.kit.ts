/** What must hold for a link, whatever happens: told of what is posted, delivered and lost. */
import assert from 'node:assert/strict'
import { LINK_WINDOW_BYTES_MAX } from '../../base/limits.ts'
import { isAnswer } from './frame.ts'
import type { ClusterLink, Sent } from './link.ts'

/** A side of the world, as the model sees it. */
export interface Modelled {
  readonly world: { readonly now: number; readonly breaks: { isDropping?: boolean } | undefined }
  readonly isFull: boolean
  readonly other: Modelled
  readonly model: LinkModel
  readonly epoch: number
  readonly link: ClusterLink
  bytesUnderWay(): number
}

export interface Message {
  readonly type: number
  readonly to: number
  readonly source: number
  readonly session: number
  readonly remainingMs: number
  readonly length: number
}

/** A message that a link has taken. */
interface Post extends Message {
  readonly serial: number
  /** Of the link: its epoch and that of the peer, and the session then. */
  readonly epochs: string
  readonly linkSession: number
  /** By the clock of the world; of a request. */
  readonly until: number
  /** What became of a request. */
  state: 'open' | 'answered' | 'lost'
  sent: Sent | undefined
  ran: boolean
}

export class LinkModel {
  readonly #side: Modelled
  readonly #posts: Post[] = []
  /** Requests by session. */
  readonly #requests = new Map<number, Post>()
  #open = 0
  #sessions = 0
  /** Serial of the last one that the other side has got, by pair. */
  readonly #got = new Map<string, number>()
  /** Which session of the peer each session of ours belongs to, and those that are over. */
  #heard = ''
  readonly #over = new Set<string>()
  /** How long a request had to last at least that came up to the first tick after a stop. */
  readonly #stops: { readonly until: number; serial: number }[] = []
  /** Of the first frame of the session that is open. */
  firstTicket = 1

  constructor(side: Modelled) {
    this.#side = side
  }

  nextSession(): number {
    return ++this.#sessions
  }

  get #epochs(): string {
    return `${this.#side.epoch}-${this.#side.other.epoch}`
  }

  post(link: ClusterLink, message: Message): void {
    const { type, to, source, session, remainingMs, length } = message
    const serial = this.#posts.length + 1
    const bytes = Buffer.alloc(length, serial & 0xff)
    bytes.writeUInt32LE(serial)
    const isRequest = session !== 0 && !isAnswer(type)
    const given = remainingMs === 0 ? 0 : remainingMs
    const isDropped = this.#side.world.breaks?.isDropping === true && this.#side.isFull
    const posted =
      isDropped && session === 0
        ? 'queued'
        : link.post(type, to, source, session, given, bytes, 0, length)
    assert.ok(posted !== 'full' || session !== 0, 'gap: a send was not taken')
    // Whoever is told of an end in between posts as well.
    if (posted !== 'queued') return
    const until = isRequest ? this.#side.world.now + remainingMs : Infinity
    const post: Post = {
      ...message,
      serial,
      until,
      epochs: this.#epochs,
      linkSession: link.session,
      state: 'open',
      sent: undefined,
      ran: false,
    }
    this.#posts.push(post)
    if (!isRequest) return
    this.#requests.set(session, post)
    this.#open++
  }

  /** This side got a message that the other one has posted. */
  delivered(message: Omit<Message, 'length'>, bytes: Buffer): void {
    const sender = this.#side.other.model
    const post = sender.#posts[bytes.readUInt32LE() - 1]
    assert.ok(post !== undefined, 'invented: nobody has posted that')
    this.#checkSame(post, message, bytes)
    assert.ok(!post.ran, `twice: ${post.serial} was delivered before`)
    post.ran = true
    assert.notEqual(post.sent, 'no', `untrue: ${post.serial} never left, and runs`)
    assert.equal(post.epochs, sender.#epochs, 'epoch: the peer has been restarted')
    this.#checkSession(post)
    this.#checkOrder(sender, post)
    if (isAnswer(post.type) && post.session !== 0) this.#answered(post.session)
  }

  #checkSame(post: Post, message: Omit<Message, 'length'>, bytes: Buffer): void {
    const { type, to, source, session, remainingMs } = post
    assert.deepEqual(
      [message.type, message.to, message.source, message.session, bytes.length],
      [type, to, source, session, post.length],
      'changed',
    )
    assert.ok(message.remainingMs <= remainingMs, 'changed: more time than there was')
    assert.equal(bytes.at(-1), post.length > 4 ? post.serial & 0xff : 0, 'changed')
  }

  /** One session of the peer to one of ours; none comes back. */
  #checkSession({ linkSession, epochs }: Post): void {
    const heard = `${this.#side.link.session} of ${linkSession} in ${epochs}`
    if (heard === this.#heard) return
    if (this.#heard !== '') this.#over.add(this.#heard)
    this.#heard = heard
    assert.ok(!this.#over.has(heard), `session: ${heard} was over`)
    for (const over of this.#over) {
      assert.ok(
        !over.endsWith(` of ${linkSession} in ${epochs}`),
        'session: that of the peer is over',
      )
      assert.ok(!over.startsWith(`${this.#side.link.session} of `), 'session: two in one of ours')
    }
  }

  /** Of a pair of services in order; of a session without a gap. */
  #checkOrder(sender: LinkModel, post: Post): void {
    const pair = `${post.source}-${post.to}`
    const last = this.#got.get(pair) ?? 0
    assert.ok(post.serial > last, `order: ${post.serial} of ${pair} behind ${last}`)
    this.#got.set(pair, post.serial)
    for (let serial = last + 1; serial < post.serial; serial++) {
      const missed = sender.#posts[serial - 1]!
      const isSame = missed.linkSession === post.linkSession && missed.epochs === post.epochs
      if (!isSame || `${missed.source}-${missed.to}` !== pair || missed.ran) continue
      assert.ok(this.#isExcused(missed), `gap: ${post.serial} of ${pair} came, and not ${serial}`)
    }
  }

  /** This side has stood still, and has to run nothing that may have waited too long. */
  stopped(ms: number): void {
    this.#stops.push({ until: this.#side.world.now + ms + TICK_MS, serial: Infinity })
  }

  /** What comes from here on was sent to who was there. */
  ticked(): void {
    const stop = this.#stops.at(-1)
    if (stop?.serial === Infinity) stop.serial = this.#side.other.model.#posts.length
  }

  /** A request past its deadline, an answer that nobody waits for. */
  #isExcused({ type, session, until, serial }: Post): boolean {
    if (session === 0) return false
    if (isAnswer(type)) return this.#requests.get(session)?.state !== 'open'
    const isMissed = this.#stops.some((stop) => serial <= stop.serial && until <= stop.until)
    return until <= this.#side.world.now || isMissed
  }

  #answered(session: number): void {
    const request = this.#requests.get(session)
    assert.equal(request?.state, 'open', `ends: an answer of ${session} after its end`)
    request!.state = 'answered'
    this.#open--
  }

  lost(source: number, session: number, sent: Sent, why: string): void {
    const request = this.#requests.get(session)
    assert.equal(request?.source, source, 'invented: nobody has asked that')
    assert.equal(request!.state, 'open', `ends: ${session} ended before`)
    request!.state = 'lost'
    request!.sent = sent
    this.#open--
    assert.ok(sent === 'maybe' || !request!.ran, `untrue: ${session} never left, and ran`)
    if (why === 'timeout') assert.ok(this.#side.world.now >= request!.until, 'early')
  }

  ended(): void {
    this.firstTicket = Infinity
  }

  /** A frame leaves. */
  left(ticket: number): void {
    if (ticket > 0) this.firstTicket = Math.min(this.firstTicket, ticket)
  }

  /** The process of this side is gone: nobody waits there. */
  died(): void {
    for (const request of this.#requests.values()) {
      if (request.state === 'open') request.state = 'lost'
    }
    this.#open = 0
  }

  restarted(): void {
    assert.equal(this.#open, 0, 'ends: a request outlives its link')
  }

  check(): void {
    const { link, world } = this.#side
    assert.equal(link.openRequests, this.#open, 'ends: other requests are open')
    assert.ok(link.outstandingBytes <= LINK_WINDOW_BYTES_MAX, 'window: too much is under way')
    assert.ok(this.#side.bytesUnderWay() <= link.outstandingBytes, 'window: more than it counts')
    for (const request of this.#requests.values()) {
      if (request.state !== 'open') continue
      assert.ok(world.now < request.until + TICK_MS, `ends: ${request.session} is past its time`)
    }
  }

  /** So many messages of this side have come. */
  get arrived(): number {
    return this.#posts.reduce((count, { ran }) => (ran ? count + 1 : count), 0)
  }

  checkEnd(): void {
    this.check()
    const { link } = this.#side
    const rest = [link.openRequests, link.waitingBytes, link.outstandingBytes, link.assemblies]
    assert.deepEqual(rest, [0, 0, 0, 0], 'rest: requests, waiting, under way, in parts')
    assert.equal(this.#side.isFull, false, 'full: nothing waits, and services may say nothing')
    assert.equal(link.counts.malformed, 0, 'malformed: a link does not understand the other one')
  }
}
const TICK_MS = 50
