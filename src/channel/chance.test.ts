/** Whatever happens, in any order: each request ends once, and none gets the answer of another. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { AnswerSink, SessionSink } from './answers.ts'
import { LineParser, outcome, readLine, type Scene, scene } from './channel.kit.ts'
import { FakePeer, type FakeStream } from './fake-peer.kit.ts'
import { socketChannel } from './make.ts'
import type { ChannelOptions } from './options.ts'
import type { SocketChannel } from './socket-channel.ts'

/** A channel whose server answers `n` with `+n`, and the requests that it has not answered. */
interface Way {
  readonly channel: SocketChannel
  ask(n: number, signal: AbortSignal): Promise<unknown>
  /** What answers the request `n`. */
  answer(n: number): string
}

/** What each is made with. */
type Options = Pick<ChannelOptions<never>, 'open' | 'overload'> & { host: string; port: number }

const WAYS: Readonly<Record<string, (at: Pick<Scene, 'skynet'>, options: Options) => Way>> = {
  'in order, by readers': ({ skynet }, options) => {
    const channel = socketChannel(skynet, options)
    return {
      channel,
      ask: (n, signal) => channel.request(`${n}\n`, readLine, { signal }),
      answer: (n) => `+${n}\n`,
    }
  },
  'in order, by a parser': ({ skynet }, options) => {
    const parser = (answers: AnswerSink<string>): LineParser => new LineParser(answers)
    const channel = socketChannel(skynet, { ...options, parser })
    return {
      channel,
      ask: (n, signal) => channel.request(`${n}\n`, { signal }),
      answer: (n) => `+${n}\n`,
    }
  },
  'by session': ({ skynet }, options) => {
    const sessionParser = (answers: SessionSink<number, string>): LineParser =>
      new LineParser({
        answer: (line) => answers.answer(Number(line), line),
        failure: (line) => answers.failure(Number(line), `${line}`),
      })
    const channel = socketChannel(skynet, { ...options, sessionParser })
    return {
      channel,
      ask: (n, signal) => channel.request(`${n}\n`, n, { signal }),
      answer: (n) => `+${n}\n`,
    }
  },
}

/** What a connection was asked, and has not answered. */
class Server {
  readonly stream: FakeStream
  #seen = 0
  readonly owed: number[] = []

  constructor(stream: FakeStream) {
    this.stream = stream
  }

  hear(): void {
    const lines = this.stream.heard.slice(this.#seen).split('\n')
    this.#seen = this.stream.heard.length
    lines.pop()
    this.owed.push(...lines.map(Number))
  }
}

const EVENT = fc.oneof(
  { weight: 8, arbitrary: fc.record({ does: fc.constant('ask' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant('answer' as const), cut: fc.nat({ max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('give up' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('end' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('break' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('close' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('close only' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('switch' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('slow' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('drain' as const) }) },
  { weight: 5, arbitrary: fc.record({ does: fc.constant('settle' as const) }) },
)

/** What a channel is told to do by who hears that much waits, or that nothing waits any more. */
const OVERLOAD = fc.constantFrom('nothing', 'ask', 'close', 'connect', 'switch')

const NOTHING: Promise<unknown> = Promise.resolve()

const ENDS = [
  'ABORT_ERR',
  'ERR_CONNECT',
  'ERR_SOCKETCHANNEL_CLOSED',
  'ERR_SOCKETCHANNEL_LOST',
] as const

for (const [name, make] of Object.entries(WAYS)) {
  test(`whatever happens each request ends once, with its own answer (${name})`, async (t) => {
    const at = await scene(t)
    await fc.assert(
      fc.asyncProperty(fc.array(EVENT, { maxLength: 60 }), OVERLOAD, async (events, does) => {
        const peer = new FakePeer()
        const servers: Server[] = []
        peer.onOpen = (stream) => servers.push(new Server(stream))
        const asked: { readonly abort: AbortController; readonly end: Promise<unknown> }[] = []
        const askOnce = (): void => {
          const abort = new AbortController()
          const n = asked.length
          const row = { abort, end: NOTHING }
          // Before it is asked: that may ask another one.
          asked.push(row)
          row.end = outcome(ask(n, abort.signal))
        }
        const overload = (): void => {
          if (does === 'ask') askOnce()
          else if (does === 'close') void channel.close()
          else if (does === 'connect') void outcome(channel.connect())
          else if (does === 'switch') channel.changeHost('main', 1)
        }
        const options = { host: 'main', port: 1, open: peer.open, overload }
        const { channel, ask, answer } = make(at, options)
        const last = (): Server | undefined => servers.findLast(({ stream }) => stream.isOpen)
        for (const event of events) {
          last()?.hear()
          if (event.does === 'ask') askOnce()
          else if (event.does === 'answer') {
            const n = last()?.owed.shift()
            if (n === undefined) continue
            const text = answer(n)
            last()!.stream.say(text.slice(0, event.cut))
            last()!.stream.say(text.slice(event.cut))
          } else if (event.does === 'give up') asked[event.at % asked.length]?.abort.abort()
          else if (event.does === 'end') last()?.stream.finish()
          else if (event.does === 'slow' && last() !== undefined) last()!.stream.isSlow = true
          else if (event.does === 'drain') last()?.stream.relieve()
          else if (event.does === 'break') last()?.stream.break()
          else if (event.does === 'close') await channel.close().then(() => channel.connect())
          else if (event.does === 'close only') void channel.close()
          else if (event.does === 'switch') channel.changeHost('main', 1)
          else await at.settled()
        }
        await at.settled()
        // All that is owed is answered: nobody waits any more.
        for (let count = -1; count < asked.length; await at.settled()) {
          count = asked.length
          for (const server of servers) {
            server.hear()
            for (const n of server.owed.splice(0)) server.stream.say(answer(n))
            server.stream.relieve()
          }
        }
        const ends = await Promise.all(asked.map(({ end }) => end))
        for (const [n, end] of ends.entries()) {
          if (end !== `${n}`)
            assert.ok(
              ENDS.some((code) => code === end),
              `${n}: ${end}`,
            )
        }
        assert.equal(channel.pending, 0)
        const open = peer.streams.filter(({ isOpen }) => isOpen)
        assert.equal(open.length, channel.isOpen ? 1 : 0)
        await channel.close()
      }),
      { numRuns: 200 },
    )
  })
}
