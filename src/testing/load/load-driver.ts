/** Many clients in one process, each with a script: how a server bears them, in numbers. */
import { leaveAbort, watchAbort } from '../../base/abort.ts'
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkPlain,
  checkSignal,
  isObject,
  refusal,
} from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { clearTimeout, delay, monotonicNow, setTimeout } from '../../base/event-loop.ts'
import { LOAD_BOTS_MAX } from '../../base/limits.ts'
import type { ClientProtocol } from '../../client/client-protocol.ts'
import { connect } from '../../client/connect.ts'
import { type ConnectOptionsOf, settingsOf } from '../../client/connect-options.ts'
import type { SessionClient } from '../../client/session-client.ts'
import { Random } from '../sim/random.ts'
import { FaultyLinks, type LoadFaults } from './faulty-links.ts'
import { LoadBook, type LoadResult, READY_CALL } from './load-report.ts'

/** Which bot it is, and its own chance. */
export interface LoadBot {
  /** 0, 1, 2 … */
  readonly index: number
  /** 0 ≤ x < 1, as `Math.random`; the same numbers for the same seed and index. */
  random(): number
}

/** What a script is given besides its client. */
export interface LoadRound extends LoadBot {
  /** How often this bot has run its script before. */
  readonly round: number
  /** Aborted when the round has taken too long, or the run is aborted. */
  readonly signal: AbortSignal
  /** Resolves after so many ms. */
  sleep(ms: number): Promise<void>
}

export interface LoadOptions<P extends ClientProtocol> {
  readonly bots: number
  /**
   * How each of them connects, and with which login: options of `connect`. When it throws that bot
   * is over.
   */
  client(bot: LoadBot): ConnectOptionsOf<P>
  /** What a bot does, again and again. Who throws is over; what he has thrown is in the result. */
  bot(client: SessionClient<P>, round: LoadRound): unknown
  /** How often each runs its script. Default: once, or without limit when there is `durationMs`. */
  readonly rounds?: number
  /** No round begins later than so many ms after the first bot. */
  readonly durationMs?: number
  /** Bots begin evenly within so many ms. Default 0: at once. */
  readonly rampMs?: number
  /** A round, or a login, that takes longer is given up, and its bot is over. Default 60 s. */
  readonly roundTimeoutMs?: number
  /** 0..2^32-1. Repeats all that is chosen by chance. Default: another one each time. */
  readonly seed?: number
  readonly faults?: LoadFaults
  /**
   * Ends the run: what was measured by then is its result. Rounds that go on are left, and are no
   * errors; clients say that they leave.
   */
  readonly signal?: AbortSignal
}

const WHAT = 'drive a load'
const NAMES = [
  ...['bots', 'client', 'bot', 'rounds', 'durationMs', 'rampMs', 'roundTimeoutMs'],
  ...['seed', 'faults', 'signal'],
]
const FAULT_NAMES = ['cuts', 'awayMs', 'slowReaders', 'slowMs', 'burstMs']
const SEED_MAX = 0xffffffff
const ROUND_MS_DEFAULT = 60_000
/** What timers of Node.js know. */
const MS_MAX = 2 ** 31 - 1

/**
 * Run many clients, each with a script, and measure what they meet.
 *
 *     const result = await loadDriver(canvas, {
 *       bots: 200,
 *       client: ({ index }) => ({
 *         url: 'ws://127.0.0.1:8080/canvas',
 *         login: { name: `bot-${index}` },
 *       }),
 *       bot: (client, { random }) => client.call.draw({ x: random(), y: random() }),
 *       durationMs: 10_000,
 *     })
 *     console.log(`${result}`)
 *
 * Resolves when all bots are over, whatever they have met; or when `signal` is aborted.
 *
 * @throws `TypeError`, `RangeError` naming what is wrong with the options.
 */
export async function loadDriver<P extends ClientProtocol>(
  protocol: P,
  options: LoadOptions<P>,
): Promise<LoadResult> {
  checkLoad(protocol, options)
  const { bots, rampMs = 0, seed = Math.floor(Math.random() * (SEED_MAX + 1)) } = options
  const { signal: stop = new AbortController().signal } = options
  const book = new LoadBook(Object.keys(protocol.calls), Object.keys(protocol.events))
  const startedAt = monotonicNow()
  const all = Array.from({ length: bots }, async (_, index) => {
    if (rampMs > 0) await pause((rampMs * index) / bots, stop)
    if (stop.aborted) return
    const place = { index, seed, book, startedAt, stop }
    try {
      await new Bot(protocol, options, place).run()
    } catch (error) {
      // Of a bot that has no client: its options are none.
      book.thrown(String(error), index, 0)
    }
  })
  await Promise.all(all)
  return book.result(seed, bots, monotonicNow() - startedAt)
}

/** Over when the run is aborted, too. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      leaveAbort(stop, waiting)
      resolve()
    }, ms)
    const waiting = {
      aborted() {
        clearTimeout(timer)
        resolve()
      },
    }
    watchAbort(stop, waiting)
  })
}

interface BotPlace {
  readonly index: number
  readonly seed: number
  readonly book: LoadBook
  /** When the first bot has begun. */
  readonly startedAt: number
  /** Of the run. */
  readonly stop: AbortSignal
}

class Bot<P extends ClientProtocol> {
  readonly #protocol: P
  readonly #options: LoadOptions<P>
  readonly #place: BotPlace
  readonly #bot: LoadBot
  readonly #links: FaultyLinks
  readonly #connect: () => SessionClient<P>
  #round = 0

  constructor(protocol: P, options: LoadOptions<P>, place: BotPlace) {
    const { index, seed, book } = place
    this.#protocol = protocol
    this.#options = options
    this.#place = place
    this.#bot = { index, random: chanceOf(seed, 2 * index) }
    const given = options.client(this.#bot)
    // Its own chance: what a script draws must not move the cuts.
    const chance = chanceOf(seed, 2 * index + 1)
    this.#links = new FaultyLinks(settingsOf(given).links, options.faults ?? {}, chance, book.links)
    const { url: _url, WebSocket: _class, subprotocols: _subprotocols, ...rest } = given
    const settings = { ...rest, transport: this.#links } as ConnectOptionsOf<P>
    this.#connect = () => connect(protocol, settings)
  }

  async run(): Promise<void> {
    const { index, book, stop } = this.#place
    let client: SessionClient<P> | undefined
    let isIn = false
    try {
      client = this.#connect()
      this.#count(client)
      const { ready } = client
      await this.#within(() => this.#timed(READY_CALL, ready))
      isIn = true
      const measured = this.#measured(client)
      for (; this.#goesOn(); this.#round++) {
        await this.#burst()
        await this.#within((signal) => this.#options.bot(measured, this.#scene(signal)))
        if (!stop.aborted) book.rounds++
      }
    } catch (error) {
      // Who was on his way in when the run ended says what was in it.
      const isTurnedAway = !isIn && client?.reason !== undefined
      if (!stop.aborted) book.thrown(saidOf(error, client), index, this.#round)
      else if (isTurnedAway) book.thrown(saidOf('it was not let in', client), index, 0)
    } finally {
      await client?.close()
      this.#links.close()
    }
  }

  #goesOn(): boolean {
    const { rounds, durationMs } = this.#options
    if (this.#place.stop.aborted) return false
    if (this.#round >= (rounds ?? (durationMs === undefined ? 1 : Number.POSITIVE_INFINITY))) {
      return false
    }
    return durationMs === undefined || monotonicNow() - this.#place.startedAt < durationMs
  }

  async #burst(): Promise<void> {
    const { burstMs = 0 } = this.#options.faults ?? {}
    const { startedAt, stop } = this.#place
    if (burstMs > 0) await pause(burstMs - ((monotonicNow() - startedAt) % burstMs), stop)
  }

  #scene(signal: AbortSignal): LoadRound {
    const sleep = async (ms: number): Promise<void> => {
      await delay(ms, undefined, { signal })
    }
    return { ...this.#bot, round: this.#round, signal, sleep }
  }

  /** @throws What `act` throws; that it takes too long; why the run is aborted. */
  async #within(act: (signal: AbortSignal) => unknown): Promise<void> {
    const { roundTimeoutMs = ROUND_MS_DEFAULT } = this.#options
    const { stop } = this.#place
    if (stop.aborted) return
    const given = new AbortController()
    let giveUp!: (error: unknown) => void
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = (error) => {
        reject(error)
        given.abort(error)
      }
    })
    const timer = setTimeout(() => {
      const info = { what: 'end a round', timeoutMs: roundTimeoutMs, reason: 'it goes on' }
      giveUp(new SkynetError('ERR_TEST_TIMEOUT', info))
    }, roundTimeoutMs)
    const stopped = { aborted: () => giveUp(stop.reason) }
    watchAbort(stop, stopped)
    try {
      await Promise.race([act(given.signal), givenUp])
    } finally {
      clearTimeout(timer)
      leaveAbort(stop, stopped)
    }
  }

  #count(client: SessionClient<P>): void {
    const { book } = this.#place
    for (const name of Object.keys(this.#protocol.events)) {
      client.on(name as never, () => {
        book.events[name]!++
      })
    }
    client.onState((_, { isResumed }) => {
      if (isResumed) book.resumed++
    })
  }

  /** The same client, whose calls are timed. */
  #measured(client: SessionClient<P>): SessionClient<P> {
    const calls = client.call as Record<string, (...args: unknown[]) => Promise<unknown>>
    const timed = Object.keys(this.#protocol.calls).map((name) => [
      name,
      (...args: unknown[]) => this.#timed(name, calls[name]!(...args)),
    ])
    const call = Object.fromEntries(timed) as SessionClient<P>['call']
    return new Proxy(client, {
      get(target, key) {
        if (key === 'call') return call
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  async #timed<T>(name: string, waiting: Promise<T>): Promise<T> {
    const { book, stop } = this.#place
    const begunAt = monotonicNow()
    try {
      const value = await waiting
      book.answered(name, monotonicNow() - begunAt)
      return value
    } catch (error) {
      // What the end of the run has cut short is nobody's fault.
      if (!stop.aborted) book.failed(name)
      throw error
    }
  }
}

/** What was thrown, and what its client knows of it: who waits in vain hears only of the time. */
function saidOf(error: unknown, client: SessionClient<ClientProtocol> | undefined): string {
  const { state, reason } = client ?? {}
  if (state === 'open' || reason === undefined) return String(error)
  const { code, text } = reason
  const why = text === '' || text === code ? code : `${code}, ${text}`
  return `${error}; its client is ${state}: ${why}`
}

/** Numbers of 0 ≤ x < 1. */
function chanceOf(seed: number, part: number): () => number {
  const random = new Random(seed)
  random.restart(seed, part)
  return () => random.next() / 2 ** 32
}

function checkLoad<P extends ClientProtocol>(protocol: P, options: LoadOptions<P>): void {
  const { calls, events } = Object(protocol) as Partial<P>
  if (!isObject(calls) || !isObject(events)) {
    throw refusal('type', WHAT, 'protocol', 'made by clientProtocol', protocol)
  }
  checkPlain(WHAT, 'options', options)
  checkOptions(WHAT, 'options', options, NAMES)
  const { bots, client, bot, rounds, durationMs, rampMs, roundTimeoutMs, seed } = options
  checkSignal(WHAT, options.signal)
  checkInteger(WHAT, 'bots', bots, 1, LOAD_BOTS_MAX)
  checkFunction(WHAT, 'client', client)
  checkFunction(WHAT, 'bot', bot)
  if (rounds !== undefined) checkInteger(WHAT, 'rounds', rounds, 0, Number.MAX_SAFE_INTEGER)
  if (roundTimeoutMs !== undefined) checkInteger(WHAT, 'roundTimeoutMs', roundTimeoutMs, 1, MS_MAX)
  if (seed !== undefined) checkInteger(WHAT, 'seed', seed, 0, SEED_MAX)
  const { faults } = options
  checkOptions(WHAT, 'faults', faults, FAULT_NAMES)
  const { cuts, slowReaders, awayMs, slowMs, burstMs } = faults ?? {}
  for (const [name, share] of Object.entries({ cuts, slowReaders })) {
    if (share === undefined || (typeof share === 'number' && share >= 0 && share <= 1)) continue
    throw refusal('range', WHAT, `faults.${name}`, 'a number in 0..1', share)
  }
  const times = { durationMs, rampMs, 'faults.awayMs': awayMs, 'faults.slowMs': slowMs }
  for (const [name, ms] of Object.entries({ ...times, 'faults.burstMs': burstMs })) {
    if (ms !== undefined) checkInteger(WHAT, name, ms, 0, MS_MAX)
  }
}
