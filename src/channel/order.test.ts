/** Channels in order: the table of Skynet's socketchannel, row by row, however answers are read. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { WaitOptions } from '../service/wait-options.ts'
import type { AnswerSink } from './answers.ts'
import { LineParser, outcome, readLine, type Scene, scene } from './channel.kit.ts'
import { socketChannel } from './make.ts'
import type { Data } from './request.ts'
import type { SocketChannel } from './socket-channel.ts'

/** A channel in order, however its answers are read. */
interface Way {
  readonly channel: SocketChannel
  request(data: Data, options?: WaitOptions): Promise<string | string[]>
  response(options?: WaitOptions): Promise<string | string[]>
}
type Options = { readonly maxRequests?: number; readonly timeoutMs?: number }
type Make = (at: Scene, options?: Options) => Way

const WAYS: Readonly<Record<string, Make>> = {
  readers: ({ skynet, to }, options) => {
    const channel = socketChannel(skynet, { ...to, ...options })
    return {
      channel,
      request: (data, limits) => channel.request(data, readLine, limits),
      response: (limits) => channel.response(readLine, limits),
    }
  },
  'a parser': ({ skynet, to }, options) => {
    const parser = (answers: AnswerSink<string>) => new LineParser(answers)
    const channel = socketChannel(skynet, { ...to, ...options, parser })
    return {
      channel,
      request: (data, limits) => channel.request(data, limits),
      response: (limits) => channel.response(limits),
    }
  },
}

type Body = (at: Scene & Way, t: TestContext) => Promise<void>

/** A test of each way. */
function inOrder(title: string, body: Body, options?: Options): void {
  for (const [name, make] of Object.entries(WAYS)) {
    test(`${title} (${name})`, async (t) => {
      const at = await scene(t)
      await body({ ...at, ...make(at, options) }, t)
    })
  }
}

// Proves: docs/channel.md#connects, #order
inOrder('request() connects by itself, and answers go to their requests in order', async (at) => {
  const { peer, settled, request, channel } = at
  assert.deepEqual([channel.isOpen, peer.tried], [false, []])
  const answers = ['a', 'b', 'c'].map((text) => request(`${text}\n`))
  await settled()
  assert.deepEqual([channel.isOpen, peer.tried, peer.last.heard], [true, ['main:1'], 'a\nb\nc\n'])
  peer.last.say('+A\n+B\n+')
  peer.last.say('C\n')
  assert.deepEqual(await Promise.all(answers), ['A', 'B', 'C'])
  assert.equal(channel.pending, 0)
})

inOrder('request() writes strings, bytes and lists of both; bytes may change then', async (at) => {
  const { peer, settled, request } = at
  const bytes = Buffer.from('one')
  const answers = [request(bytes), request([bytes, '-', bytes, '\n'])]
  bytes.write('two')
  await settled()
  answers.push(request([bytes, '\n']))
  bytes.fill(0)
  assert.equal(peer.last.heard, 'oneone-one\ntwo\n')
  peer.last.say('+1\n+2\n+3\n')
  assert.deepEqual(await Promise.all(answers), ['1', '2', '3'])
})

inOrder('send() takes no place among those who wait', async (at) => {
  const { peer, settled, request, channel } = at
  const sent = channel.send('quiet\n')
  const answer = request('ask\n')
  await sent
  await settled()
  assert.equal(peer.last.heard, 'quiet\nask\n')
  peer.last.say('+answer\n')
  assert.equal(await answer, 'answer')
})

// Proves: docs/channel.md#refusal
inOrder('an answer that says no is an error of its request alone', async (at) => {
  const { peer, settled, request, channel } = at
  const answers = [request('a\n'), request('b\n')]
  await settled()
  peer.last.say('-wrong\n+right\n')
  await assert.rejects(answers[0]!, {
    code: 'ERR_SOCKETCHANNEL_ANSWER',
    info: { address: 'main:1', text: 'wrong' },
  })
  assert.equal(await answers[1], 'right')
  assert.equal(channel.isOpen, true)
})

inOrder('parts of an answer are one list', async (at) => {
  const { peer, settled, request } = at
  const answers = [request('a\n'), request('b\n')]
  await settled()
  peer.last.say('~1\n~2\n+3\n+whole\n')
  assert.deepEqual(await Promise.all(answers), [['1', '2', '3'], 'whole'])
})

// Proves: docs/channel.md#lost, #connects
inOrder('the end of the server ends all who wait; the next request connects anew', async (at) => {
  const { peer, settled, request, channel } = at
  const answers = [request('a\n'), request('b\n'), request('c\n')]
  await settled()
  peer.last.say('+A\n+half')
  peer.last.finish()
  assert.deepEqual(await Promise.all(answers.map(outcome)), [
    'A',
    'ERR_SOCKETCHANNEL_LOST',
    'ERR_SOCKETCHANNEL_LOST',
  ])
  assert.equal(channel.isOpen, false)
  const next = request('d\n')
  await settled()
  assert.deepEqual([peer.streams.length, peer.last.heard], [2, 'd\n'])
  peer.last.say('+D\n')
  assert.equal(await next, 'D')
})

inOrder('a connection that breaks is told with its cause', async (at) => {
  const { peer, settled, request } = at
  const answer = request('a\n')
  await settled()
  peer.last.break()
  await assert.rejects(answer, (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_SOCKETCHANNEL_LOST')
    assert.match(error.message, /^Cannot get an answer of main:1: Socket 7 failed: it breaks$/)
    assert.equal((error.cause as { code: string }).code, 'ERR_SOCKET_FAILED')
    return true
  })
})

inOrder('a server that ends while nobody waits is noticed, and told once', async (at) => {
  const { peer, settled, request, channel, node } = at
  const answer = request('a\n')
  await settled()
  peer.last.say('+A\n')
  await answer
  peer.last.finish()
  await settled()
  assert.equal(channel.isOpen, false)
  const lines = node.log.all.filter(({ text }) => text.includes('main:1'))
  assert.deepEqual(
    lines.map(({ text }) => text),
    [
      'socketchannel: no connection any more: ' +
        'Cannot get an answer of main:1: the peer closed the connection',
    ],
  )
})

inOrder('a write that finds the connection gone goes to the next one', async (at) => {
  const { peer, settled, request } = at
  const first = request('a\n')
  await settled()
  peer.last.say('+A\n')
  await first
  // The end of it is still on its way here.
  peer.last.isOpen = false
  const second = request('b\n')
  await settled()
  assert.deepEqual([peer.streams.length, peer.last.heard], [2, 'b\n'])
  peer.last.say('+B\n')
  assert.equal(await second, 'B')
})

// Proves: docs/channel.md#given-up
inOrder('nobody gets the answer of a request that has given up', async (at) => {
  const { peer, settled, request, clock, channel } = at
  const late = outcome(request('late\n', { timeoutMs: 50 }))
  const next = request('next\n')
  await settled()
  await clock.advance(50)
  assert.equal(await late, 'ERR_SOCKETCHANNEL_TIMEOUT')
  assert.equal(channel.pending, 2)
  peer.last.say('~of late\n+of late\n+of next\n')
  assert.equal(await next, 'of next')
  assert.equal(channel.pending, 0)
})

// Proves: docs/channel.md#given-up
inOrder('a request that gives up before it was sent is never sent', async (at) => {
  const { peer, settled, request, channel } = at
  const controller = new AbortController()
  const given = outcome(request('given up\n', { signal: controller.signal }))
  const kept = request('kept\n')
  controller.abort()
  assert.equal(await given, 'ABORT_ERR')
  assert.equal(channel.bufferedAmount, 'kept\n'.length)
  await settled()
  assert.equal(peer.last.heard, 'kept\n')
  peer.last.say('+yes\n')
  assert.equal(await kept, 'yes')
})

// Proves: docs/channel.md#response
inOrder('response() waits for what the server sends by itself', async (at) => {
  const { peer, settled, response } = at
  const first = response()
  await settled()
  peer.last.say('+one\n+two\n')
  assert.equal(await first, 'one')
  assert.equal(await response(), 'two')
})

// Proves: docs/channel.md#response
inOrder('response() has its place among the requests: who waits longest is next', async (at) => {
  const { peer, settled, request, response, channel } = at
  await channel.connect()
  const waiting = [response(), request('a\n'), response(), request('b\n')]
  await settled()
  peer.last.say('+1\n+2\n+3\n+4\n')
  assert.deepEqual(await Promise.all(waiting), ['1', '2', '3', '4'])
})

inOrder('response() that gives up leaves what comes to the next one', async (at) => {
  const { peer, settled, response, request, clock, channel } = at
  const given = outcome(response({ timeoutMs: 10 }))
  await clock.advance(10)
  assert.equal(await given, 'ERR_SOCKETCHANNEL_TIMEOUT')
  for (let i = 0; i < 10; i++) {
    const again = outcome(response({ timeoutMs: 10 }))
    await clock.advance(10)
    assert.equal(await again, 'ERR_SOCKETCHANNEL_TIMEOUT')
  }
  const answer = request('a\n')
  await settled()
  assert.equal(channel.pending, 1)
  peer.last.say('+message\n')
  assert.equal(await answer, 'message')
})

// Proves: docs/channel.md#close
inOrder('close() ends who waits; connect() opens it again', async (at) => {
  const { peer, settled, request, response, channel } = at
  const waiting = [outcome(request('a\n')), outcome(response())]
  await settled()
  await channel.close()
  const closed = 'ERR_SOCKETCHANNEL_CLOSED'
  assert.deepEqual(await Promise.all(waiting), [closed, closed])
  assert.deepEqual([channel.isOpen, peer.last.isOpen], [false, false])
  assert.equal(await outcome(request('b\n')), closed)
  assert.equal(await outcome(response()), closed)
  assert.equal(await outcome(channel.send('c')), closed)
  await channel.close()
  await channel.connect()
  const answer = request('d\n')
  peer.last.say('+D\n')
  assert.equal(await answer, 'D')
  assert.equal(peer.last.heard, 'd\n')
})

// Proves: docs/channel.md#change-host
inOrder('changeHost() ends who waits for an answer; who was not sent goes there', async (at) => {
  const { peer, settled, request, channel } = at
  const asked = outcome(request('a\n'))
  await settled()
  channel.changeHost('other')
  assert.equal(await asked, 'ERR_SOCKETCHANNEL_LOST')
  assert.equal(channel.address, 'other:1')
  const unsent = request('b\n')
  channel.changeHost('third', 3)
  await settled()
  assert.deepEqual(peer.tried, ['main:1', 'other:1', 'third:3'])
  assert.deepEqual(
    peer.streams.map(({ heard, isOpen }) => [heard, isOpen]),
    [
      ['a\n', false],
      ['', false],
      ['b\n', true],
    ],
  )
  peer.last.say('+B\n')
  assert.equal(await unsent, 'B')
})

// Proves: docs/channel.md#full
inOrder(
  'more requests than there may be under way are refused; given up ones count',
  async (at) => {
    const { peer, settled, request, clock } = at
    const first = outcome(request('a\n', { timeoutMs: 5 }))
    const second = request('b\n')
    await assert.rejects(request('c\n'), {
      code: 'ERR_SOCKETCHANNEL_FULL',
      info: { address: 'main:1', what: 'requests', count: 3, limit: 2 },
    })
    await settled()
    await clock.advance(5)
    assert.equal(await first, 'ERR_SOCKETCHANNEL_TIMEOUT')
    assert.equal(await outcome(request('c\n')), 'ERR_SOCKETCHANNEL_FULL')
    peer.last.say('+A\n')
    await settled()
    const third = request('d\n')
    peer.last.say('+B\n+D\n')
    assert.deepEqual(await Promise.all([second, third]), ['B', 'D'])
  },
  { maxRequests: 2 },
)

inOrder(
  'timeoutMs of the channel is that of requests that have none',
  async (at) => {
    const { settled, request, response, clock } = at
    const requests = [request('a\n'), request('b\n', { timeoutMs: 0 }), response()].map(outcome)
    await settled()
    await clock.advance(20)
    const done = await Promise.race([requests[0], 'none'])
    assert.equal(done, 'ERR_SOCKETCHANNEL_TIMEOUT')
    assert.equal(await Promise.race([requests[1], 'waits']), 'waits')
    assert.equal(await Promise.race([requests[2], 'waits']), 'waits')
  },
  { timeoutMs: 20 },
)

inOrder('what cannot be written is refused, and nothing was sent', async (at) => {
  const { peer, request, channel } = at
  for (const data of [5, null, undefined, {}, ['a', 5], [['a']]]) {
    await assert.rejects(request(data as never), TypeError)
    await assert.rejects(channel.send(data as never), TypeError)
  }
  await assert.rejects(request('a', { timeout: 1 } as never), TypeError)
  await assert.rejects(request('a', { timeoutMs: -1 }), RangeError)
  assert.deepEqual([peer.tried, channel.pending], [[], 0])
})

// Proves: docs/channel.md#service-end
inOrder('the end of the service ends all who wait', async (at) => {
  const { settled, request, response, node } = at
  const waiting = [request('a\n'), response(), request('b\n')].map(outcome)
  await settled()
  await node.stop()
  const ended = 'ERR_SERVICE_EXITED'
  assert.deepEqual(await Promise.all(waiting), [ended, ended, ended])
  assert.equal(await outcome(request('c\n')), ended)
})
