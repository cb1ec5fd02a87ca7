import assert from 'node:assert/strict'
import { test } from 'node:test'
import { luaValues } from '../codec/seri/lua-values.ts'
import { packValues } from '../codec/seri/writer.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { Agent, type AgentHost, type AgentLimits } from './agent.ts'
import { parseAnswer, TEXT } from './answer-frames.ts'
import {
  bodiesOf,
  bytesOf,
  bytesOfAll,
  CUTS,
  captured,
  FakeSocket,
  settled,
} from './cluster.kit.ts'
import { packBegin, packPart, packRequest } from './request-frames.ts'

const LIMITS: AgentLimits = {
  bytes: 1024 * 1024,
  messages: 8,
  calls: 3,
  queueBytes: 1024 * 1024,
  tagChars: 30,
}

/** The service of the captures. */
const DB: Readonly<Record<string, (...args: never[]) => unknown>> = {
  echo: (...args) => luaValues(...args),
  size: (text: string) => text.length,
  big: (bytes: number) => 'R'.repeat(bytes),
  nothing: () => undefined,
  sleep: () => 'slept',
  ping: (text: string) => text,
  hang: () => new Promise(() => {}),
  fail: (text: string) => {
    throw new Error(text)
  },
}

/** A node whose service 10 is the one of the captures, until it quits; 11 is its snax service. */
class FakeHost implements AgentHost {
  readonly limits = LIMITS
  readonly calls = { count: 0 }
  readonly complaints: string[] = []
  readonly pushed: unknown[][] = []
  readonly traces: unknown[] = []
  #isAlive = true

  named(name: string): number | undefined {
    return name === 'db' ? 10 : undefined
  }

  find(target: number | string): number | string {
    if (target === '@db' || target === 10 || target === ':0000000a') {
      return this.#isAlive ? 10 : TEXT.DEAD
    }
    if (target === 11) return 11
    if (target === '.vecb2') return 12
    return typeof target === 'number' || target.startsWith('.') ? TEXT.DEAD : TEXT.NAME
  }

  methodAt(handle: number, id: unknown): string | undefined {
    return handle === 11 ? { 5: 'ping', 7: 'hello' }[id as number] : undefined
  }

  answerOf(target: number | string): unknown[] | undefined {
    return target === '.service' ? [11] : undefined
  }

  async call(
    _: number,
    [method, ...args]: unknown[],
    _limits: WaitOptions,
    trace: string | undefined,
  ): Promise<unknown> {
    this.traces.push(trace)
    if (method === 'quit') this.#isAlive = false
    const run = DB[method as string]
    if (run === undefined) throw new Error(`no ${method}`)
    return run(...(args as never[]))
  }

  send(_: number, message: unknown[]): void {
    this.pushed.push(message)
  }

  say(_: string, text: string): void {
    this.complaints.push(text)
  }
}

function agent(host = new FakeHost()) {
  const socket = new FakeSocket()
  const one = new Agent(host, socket, 'peer')
  const run = one.run()
  return { host, socket, agent: one, run }
}

/** Where those of Skynet have a place in its code, and ours a reason. */
function comparable(bytes: Buffer): unknown[] {
  return bodiesOf(bytes).map((body) => {
    const answer = parseAnswer(body)
    if (answer.kind !== 'error') return body.toString('hex')
    const text = answer.message.toString().replace(/^\.\/lualib\/skynet\.lua:\d+: /, '')
    return [answer.session, text.replace(/^call failed.*/s, 'call failed')]
  })
}

/** What Skynet answers, and ought not, or does not, and ought to: texts by session. */
const OTHERWISE: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  'call plain string without @ or . (never answered)': [[12, TEXT.NAME]],
  'push by unknown @name': [],
  'push by unknown @name of about 40000 bytes': [],
  'type 0 with unparsable seri body, session 6': [
    [6, 'Cannot decode seri at byte 1: no such type'],
  ],
  'type 0 address 0 (query) with empty body': [[7, TEXT.UNKNOWN]],
  'type 0x80 name length 0': [[3, TEXT.NAME]],
  'multi push, total too small': [],
  'DANGER total 0xffffffff, one empty last part': [[61, TEXT.LARGE]],
}

/** Skynet answers there from a service of its own; or was cut off before it could. */
const LEFT_OUT = /^(connection loss mid request|call after RST)/

for (const [how, cut] of Object.entries(CUTS)) {
  test(`an agent answers what Skynet was heard to answer: ${how}`, async () => {
    const { host, socket } = agent()
    for (const { label, frames } of captured.exchanges) {
      if (LEFT_OUT.test(label)) continue
      for (const piece of cut(bytesOfAll(frames.filter(({ dir }) => dir === 'c2s')))) {
        socket.feed(piece)
      }
      await settled()
      const heard = bytesOfAll(frames.filter(({ dir }) => dir === 's2c'))
      const expected = OTHERWISE[label] ?? comparable(heard)
      assert.deepEqual(comparable(socket.sent()), expected, label)
      host.calls.count = 0
    }
    const pushes = ['push', 'pushfail', 'hello']
    assert.ok(host.pushed.length >= 8)
    assert.ok(host.pushed.every(([method]) => pushes.includes(method as string)))
  })

  test(`an agent survives what Skynet has survived, and what not: ${how}`, async () => {
    for (const { label, sent, received = '', ...then } of captured.rawClient) {
      if (sent === undefined) continue
      const { host, socket } = agent()
      for (const piece of sent.flatMap((bytes) => cut(bytesOf(bytes)))) socket.feed(piece)
      await settled()
      const expected = OTHERWISE[label] ?? comparable(Buffer.from(received, 'hex'))
      assert.deepEqual(comparable(socket.sent()), expected, label)
      if (then.thenSent === undefined) continue
      socket.feed(Buffer.from(then.thenSent, 'hex'))
      await settled()
      const good = label.startsWith('DANGER') ? '00084d00000001146f6b' : then.thenReceived
      assert.equal(socket.sent().toString('hex'), good, label)
      host.calls.count = 0
    }
  })
}

const request = (session: number, ...values: unknown[]): Buffer =>
  packRequest(10, session, packValues(values), undefined)
const textOf = (bytes: Buffer): string =>
  bodiesOf(bytes)
    .map((body) => body.subarray(5).toString())
    .join('|')

test('a tag is for the next request alone, also when that is a query or a push', async () => {
  const { host, socket } = agent()
  const traced = (target: number, session: number): Buffer =>
    packRequest(target, session, packValues(['db']), '(a-b-2):00000008-1')
  socket.feed(traced(0, 1))
  socket.feed(request(2, 'echo'))
  socket.feed(traced(10, 0))
  socket.feed(request(3, 'echo'))
  await settled()
  socket.feed(packRequest(10, 4, packValues(['echo']), '(a-b-5):00000008-2'))
  socket.feed(packRequest(10, 5, packValues(['echo']), 'a tag\nwith a line of its own'))
  socket.feed(packRequest(10, 6, packValues(['echo']), 'x'.repeat(LIMITS.tagChars + 1)))
  await settled()
  const nothing = undefined
  assert.deepEqual(host.traces, [nothing, nothing, '(a-b-5):00000008-2', nothing, nothing])
})

test('more calls than are allowed at a time are refused, and those of others count', async () => {
  const host = new FakeHost()
  const { socket } = agent(host)
  const other = agent(host)
  socket.feed(Buffer.concat([request(1, 'hang'), request(2, 'hang')]))
  other.socket.feed(Buffer.concat([request(1, 'hang'), request(2, 'echo', 'x')]))
  await settled()
  assert.match(textOf(other.socket.sent()), /3 calls are under way/)
  assert.equal(socket.sent().length, 0)
})

test('more messages than may be unfinished end the connection', async () => {
  const { host, socket, run } = agent()
  const head = { target: 10, isPush: false }
  for (let i = 1; i <= LIMITS.messages + 1; i++) {
    socket.feed(packBegin(head, i, 10, undefined))
  }
  await run
  assert.equal(socket.isOpen, false)
  assert.match(host.complaints.join(), /more than 8 messages are not whole/)
})

test('a message that is too large is refused when it ends, whatever was kept of it', async () => {
  const { socket } = agent()
  const total = LIMITS.bytes + 1
  socket.feed(packBegin({ target: 10, isPush: false }, 1, total, undefined))
  for (let at = 0; at + 32_768 < total; at += 32_768) {
    socket.feed(packPart(1, Buffer.alloc(32_768), false))
  }
  socket.feed(packPart(1, Buffer.alloc(1), true))
  await settled()
  assert.equal(textOf(socket.sent()), TEXT.LARGE)
})

test('answers that cannot be sent are an error of their call', async () => {
  const { socket } = agent()
  socket.feed(request(1, 'big', LIMITS.bytes))
  await settled()
  assert.match(textOf(socket.sent()), /call failed: an answer of \d+ bytes/)
  socket.bufferedAmount = LIMITS.queueBytes
  socket.feed(request(2, 'echo', 'x'))
  await settled()
  assert.match(textOf(socket.sent()), /1048576 bytes of answers wait to be sent/)
})

test('a peer that does not take its answers is not read any further', async () => {
  const { socket } = agent()
  socket.bufferedAmount = 17 * 1024 * 1024
  let taken: unknown
  const each = socket.each.bind(socket)
  socket.each = (take) =>
    each((body) => {
      taken = take(body)
    })
  void new Agent(new FakeHost(), socket, 'slow').run()
  socket.feed(request(1, 'nothing'))
  assert.ok(taken instanceof Promise)
  socket.leave()
  await taken
})

test('a connection that ends aborts what it waits for, and nothing is answered', async () => {
  const { host, socket, run } = agent()
  let signal: AbortSignal | undefined
  host.call = (_handle, _message, limits) => {
    signal = limits.signal
    return new Promise((_, reject) => {
      signal!.addEventListener('abort', () => reject(new Error('aborted')))
    })
  }
  socket.feed(request(1, 'echo'))
  await settled()
  assert.equal(host.calls.count, 1)
  socket.end()
  await run
  await settled()
  assert.equal(signal?.aborted, true)
  assert.equal(host.calls.count, 0)
  assert.equal(socket.sent().length, 0)
  assert.equal(socket.isOpen, false)
})
