/** Players who log in, play, lose their connections and come back; then all leave. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { crypt, type LoginTicket } from 'skynet-ts/gate'
import { OpenFiles } from './leftovers.ts'
import { logIn } from './login-client.ts'
import { FrameClient } from './msg-client.ts'
import { startTestNode, type TestNode } from './node.ts'
import { until, untilCounted } from './until.ts'

const CONFIG = new URL('../../examples/login/skynet.config.ts', import.meta.url)
/** Of an example without players: logger, service manager, main, login server, game server. */
const SERVICES = 5
const SERVER = 'sample'
/** Logins begun at a time. */
const BATCH = 100

export interface LoginNode extends TestNode {
  readonly loginPort: number
  readonly gamePort: number
}

/** Start the example on ports that the system chooses. Its `stats` are at rest when it resolves. */
export async function startLogin(t: TestContext): Promise<LoginNode> {
  const overrides = ['env.LOGIN_PORT=0', 'env.GAME_PORT=0', 'thread=2']
  const example = await startTestNode(t, CONFIG, overrides)
  const ports = /logins at 127\.0\.0\.1:(\d+), the game at 127\.0\.0\.1:(\d+)/
  const [, loginPort, gamePort] = (await example.logged(ports)).map(Number)
  await until('the end of bootstrap', () => {
    const { services, load } = example.node.stats()
    // Its worker counts it a little longer.
    return services === SERVICES && load.reduce((sum, each) => sum + each, 0) === SERVICES
  })
  return Object.assign(example, { loginPort: loginPort!, gamePort: gamePort! })
}

export function tokenOf(uid: string, password = 'password', server = SERVER): string {
  const [user, there, secret] = [uid, server, password].map((part) => crypt.base64Encode(part))
  return `${user}@${there}:${secret}`
}

/** How a player loses its connection. */
type Cut = 'stays' | 'fin' | 'rst'
const CUTS: readonly Cut[] = ['stays', 'fin', 'stays', 'rst']

export class Player {
  readonly #node: LoginNode
  readonly #uid: string
  readonly cut: Cut
  /** Answers that have come. */
  heard = 0
  #ticket!: LoginTicket
  #index = 0
  #client!: FrameClient

  constructor(node: LoginNode, uid: string, cut: Cut) {
    this.#node = node
    this.#uid = uid
    this.cut = cut
  }

  async begin(): Promise<void> {
    this.#ticket = await logIn(this.#node.loginPort, tokenOf(this.#uid))
    await this.comeBack()
  }

  async comeBack(): Promise<void> {
    this.#client = await FrameClient.connect(this.#node.gamePort)
    const user = { ...this.#ticket, uid: this.#uid, server: SERVER }
    assert.equal(await this.#client.enter(user, ++this.#index), '200 OK', this.#uid)
  }

  /** So many requests at once, and their answers, each once and in order. */
  async play(requests: number): Promise<void> {
    const sessions = Array.from({ length: requests }, (_, session) => session)
    for (const session of sessions) this.#client.request(`${this.#uid} ${session}`, session)
    if (this.cut !== 'stays') {
      const { socket } = this.#client
      if (this.cut === 'fin') socket.end()
      else socket.resetAndDestroy()
      await this.comeBack()
      // What comes to the old connection is lost.
      socket.destroy()
      // Whoever does not know asks again; what is asked now counts only if nothing had come.
      for (const session of sessions) this.#client.request(`again ${session}`, session)
    }
    for (const session of sessions) {
      const answer = await this.#client.answer()
      this.heard++
      const { text } = answer
      assert.deepEqual({ ...answer, text: '' }, { isOk: true, session, text: '' }, this.#uid)
      // A reset may lose what was under way to the server; an end does not.
      const isFirst = text === `${this.#uid} ${session}`
      assert.ok(isFirst || (this.cut === 'rst' && text === `again ${session}`), text)
    }
    assert.equal(this.#client.frames.length, 0)
  }

  /** The server has closed its connection. */
  async isClosed(): Promise<void> {
    assert.equal(await this.#client.next(), undefined)
    this.#client.close()
  }

  async leave(): Promise<void> {
    this.#client.request('quit', 1_000_000)
    assert.equal((await this.#client.answer()).text, 'quit')
    this.heard++
    await this.isClosed()
  }
}

export async function playAll(
  t: TestContext,
  { players, requests }: { readonly players: number; readonly requests: number },
): Promise<void> {
  const example = await startLogin(t)
  const { node, assertNoFault } = example
  const before = node.stats()
  const files = new OpenFiles()
  const all = Array.from(
    { length: players },
    (_, n) => new Player(example, `player-${n}`, CUTS[n % CUTS.length]!),
  )
  for (let at = 0; at < players; at += BATCH) {
    await Promise.all(all.slice(at, at + BATCH).map((player) => player.begin()))
  }
  const { services, load } = node.stats()
  assert.equal(services, before.services + players)
  // Agents are on both workers.
  for (const each of load) assert.ok(each > players / 4, `services by worker: ${load}`)

  const heard = (): number => all.reduce((sum, player) => sum + player.heard, 0)
  await counted(
    'answers',
    heard,
    all.map((player) => player.play(requests)),
  )
  await counted(
    'ends',
    heard,
    all.map((player) => player.leave()),
  )
  await until('the end of every agent', () => node.stats().services === before.services)
  await until('the end of every socket slot', () => node.stats().sockets === before.sockets)
  await files.gone()
  assert.deepEqual(node.stats().load, before.load)
  assertNoFault()
}

/** Also when one of them hangs: then no more answers come. */
async function counted(what: string, count: () => number, all: Promise<void>[]): Promise<void> {
  let left = all.length
  let failure: unknown
  for (const each of all) {
    each.then(
      () => left--,
      (error: unknown) => {
        failure ??= error
      },
    )
  }
  const isOver = (): boolean => left === 0 || failure !== undefined
  await untilCounted(what, () => (isOver() ? Infinity : count()), Infinity)
  if (failure !== undefined) throw failure
}
