/** Channels with sessions: the table of Skynet's socketchannel, row by row. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SessionReader, SessionSink } from './answers.ts'
import { lineAnswer, outcome, type Scene, scene } from './channel.kit.ts'
import type { SessionChannel } from './channels.ts'
import { socketChannel } from './make.ts'

/** `7+text`: the answer of session 7, as in channel.kit.ts. */
function sessionLine(line: string) {
  const [, number, rest] = /^(\d*)(.*)$/.exec(line)!
  const answer = lineAnswer(rest!)
  return number === '' ? answer : { ...answer, session: Number(number) }
}

const readSession: SessionReader<number, ReturnType<typeof lineAnswer>> = async (input) => {
  const line = await input.readLine()
  if (line.startsWith('!')) throw new Error(`no answer: ${line}`)
  return sessionLine(line) as never
}

class SessionParser {
  readonly #answers: SessionSink<number, string>
  #rest = ''

  constructor(answers: SessionSink<number, string>) {
    this.#answers = answers
  }

  take(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString()).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const answer = sessionLine(line)
      if (!('session' in answer)) throw new Error(`no answer: ${line}`)
      if (answer.ok) this.#answers.answer(answer.session, answer.data, answer.padding)
      else this.#answers.failure(answer.session, answer.data)
    }
  }
}

type Channel = SessionChannel<number, string | string[]>
interface Options {
  readonly maxRequests?: number
}
type Make = (at: Scene, options?: Options) => Channel

const WAYS: Readonly<Record<string, Make>> = {
  'a reader': ({ skynet, to }, options) =>
    socketChannel(skynet, { ...to, ...options, response: readSession }) as Channel,
  'a parser': ({ skynet, to }, options) =>
    socketChannel(skynet, {
      ...to,
      ...options,
      sessionParser: (answers: SessionSink<number, string>) => new SessionParser(answers),
    }),
}

type Body = (at: Scene & { readonly channel: Channel }, t: TestContext) => Promise<void>

function bySession(title: string, body: Body, options?: Options): void {
  for (const [name, make] of Object.entries(WAYS)) {
    test(`${title} (${name})`, async (t) => {
      const at = await scene(t)
      await body({ ...at, channel: make(at, options) }, t)
    })
  }
}

// Proves: docs/channel.md#session
bySession('answers go to their sessions, in any order', async ({ channel, peer, settled }) => {
  const answers = [1, 2, 3].map((session) => channel.request(`${session}?\n`, session))
  await settled()
  assert.equal(peer.last.heard, '1?\n2?\n3?\n')
  peer.last.say('3+C\n1+A\n2-no\n')
  assert.deepEqual(await Promise.all(answers.map(outcome)), ['A', 'ERR_SOCKETCHANNEL_ANSWER', 'C'])
  assert.equal(channel.pending, 0)
})

// Proves: docs/channel.md#session
bySession('parts of answers may mix', async ({ channel, peer, settled }) => {
  const answers = [1, 2].map((session) => channel.request(`${session}?\n`, session))
  await settled()
  peer.last.say('1~a\n2~b\n1~c\n2+d\n1+e\n')
  assert.deepEqual(await Promise.all(answers), [
    ['a', 'c', 'e'],
    ['b', 'd'],
  ])
})

// Proves: docs/channel.md#session
bySession('a session that nobody waits for is told and dropped', async (at) => {
  const { channel, peer, settled, node } = at
  const answer = channel.request('1?\n', 1)
  await settled()
  peer.last.say('9+who\n1+A\n')
  assert.equal(await answer, 'A')
  const lines = node.log.all.map(({ text }) => text)
  assert.deepEqual(lines, ['socketchannel: main:1 has sent unknown session: 9'])
})

// Proves: docs/channel.md#session-taken
bySession('a session that is in use is refused, and who has it is answered', async (at) => {
  const { channel, peer, settled } = at
  const first = channel.request('1?\n', 1)
  const early = outcome(channel.request('1? again\n', 1))
  await settled()
  const late = outcome(channel.request('1? again\n', 1))
  const taken = 'ERR_SOCKETCHANNEL_SESSION'
  assert.deepEqual(await Promise.all([early, late]), [taken, taken])
  assert.equal(peer.last.heard, '1?\n')
  peer.last.say('1+A\n')
  assert.equal(await first, 'A')
  const again = channel.request('1?\n', 1)
  peer.last.say('1+B\n')
  assert.equal(await again, 'B')
})

// Proves: docs/channel.md#given-up
bySession('the late answer of a session that was given up is nobody else’s', async (at) => {
  const { channel, peer, settled, clock } = at
  const given = outcome(channel.request('1?\n', 1, { timeoutMs: 5 }))
  await settled()
  await clock.advance(5)
  assert.equal(await given, 'ERR_SOCKETCHANNEL_TIMEOUT')
  assert.equal(await outcome(channel.request('1?\n', 1)), 'ERR_SOCKETCHANNEL_SESSION')
  peer.last.say('1+late\n')
  await settled()
  const again = channel.request('1?\n', 1)
  peer.last.say('1+own\n')
  assert.equal(await again, 'own')
})

bySession('send() waits for nothing', async ({ channel, peer, settled }) => {
  await channel.send('quiet\n')
  await settled()
  assert.deepEqual([peer.last.heard, channel.pending], ['quiet\n', 0])
})

bySession('response() waits for what the server sends under a session', async (at) => {
  const { channel, peer, settled, clock } = at
  const pushed = channel.response(0)
  await settled()
  peer.last.say('0+one\n')
  assert.equal(await pushed, 'one')
  for (let i = 0; i < 3; i++) {
    const given = outcome(channel.response(0, { timeoutMs: 5 }))
    await settled()
    await clock.advance(5)
    assert.equal(await given, 'ERR_SOCKETCHANNEL_TIMEOUT')
    assert.equal(channel.pending, 0)
  }
})

for (const line of ['!bad', '+nobody’s']) {
  bySession(`'${line}' closes the connection, and ends all who wait`, async (at) => {
    const { channel, peer, settled } = at
    const waiting = [1, 2].map((session) => channel.request(`${session}?\n`, session))
    await settled()
    peer.last.say(`2+B\n${line}\n1+A\n`)
    const protocol = 'ERR_SOCKETCHANNEL_PROTOCOL'
    assert.deepEqual(await Promise.all(waiting.map(outcome)), [protocol, 'B'])
    assert.deepEqual([channel.isOpen, peer.last.isOpen], [false, false])
    const next = channel.request('3?\n', 3)
    await settled()
    peer.last.say('3+C\n')
    assert.equal(await next, 'C')
  })
}

bySession('the end of the server ends all who wait', async ({ channel, peer, settled }) => {
  const waiting = [1, 2, 3].map((session) => outcome(channel.request(`${session}?\n`, session)))
  await settled()
  peer.last.say('2+B\n1+half')
  peer.last.finish()
  const lost = 'ERR_SOCKETCHANNEL_LOST'
  assert.deepEqual(await Promise.all(waiting), [lost, 'B', lost])
  const again = channel.request('1?\n', 1)
  await settled()
  peer.last.say('1+A\n')
  assert.equal(await again, 'A')
})

bySession('a request has a session', async ({ channel, peer }) => {
  await assert.rejects(channel.request('?\n', undefined as never), TypeError)
  await assert.rejects(channel.response(undefined as never), TypeError)
  assert.deepEqual(peer.tried, [])
})

test('a response function that reads nothing closes the connection', async (t) => {
  const { skynet, to, settled } = await scene(t)
  const nothing: readonly SessionReader<number>[] = [
    () => ({ session: 1, ok: true, data: 1 }),
    async (input) => ({ session: (await input.read(0)).length, ok: true, data: 1 }),
  ]
  for (const response of nothing) {
    const channel = socketChannel(skynet, { ...to, response })
    const answer = outcome(channel.request('1?\n', 1))
    await settled()
    assert.equal(await answer, 'ERR_SOCKETCHANNEL_PROTOCOL')
  }
})

test('a session that cannot be printed is refused as any other', async (t) => {
  const { skynet, to } = await scene(t)
  const channel = socketChannel(skynet, {
    ...to,
    sessionParser: (_answers: SessionSink<object, string>) => ({ take() {} }),
  })
  const session = Object.create(null) as object
  void channel.request('a', session).catch(() => {})
  assert.equal(await outcome(channel.request('a', session)), 'ERR_SOCKETCHANNEL_SESSION')
  await channel.close()
})

test('any value that is a key of a Map is a session', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, {
    ...to,
    response: async (input) => {
      const [session, data] = (await input.readLine()).split(' ')
      return { session: BigInt(session!), ok: true, data: data! }
    },
  })
  const answer: Promise<string> = channel.request('?\n', 2n ** 64n)
  await settled()
  peer.last.say(`${2n ** 64n} found\n`)
  assert.equal(await answer, 'found')
})
