import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isSkynetError } from '../../base/errors.ts'
import type { ClientLinkMaker } from '../../client/client-link.ts'
import { clientProtocol, unchecked } from '../../client/client-protocol.ts'
import type { SessionLimits } from '../../session/core/session-limits.ts'
import { SessionTable } from '../../session/core/session-table.ts'
import { loadDriver } from './load-driver.ts'

const counted = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: {
    add: { request: unchecked<number>(), response: unchecked<number>() },
    fail: {},
    never: {},
  },
  events: { added: unchecked<number>() },
})

const LIMITS: SessionLimits = {
  keepMs: 60_000,
  loginTimeoutMs: 10_000,
  heartbeatMs: 10_000,
  missed: 2,
  maxSessions: 10_000,
  messageBytesMax: 10_000,
  messagesPerSecond: 1_000_000,
  window: 64,
  answerBytesMax: 1_000_000,
  pushesMax: 1000,
  pushBytesMax: 1_000_000,
  sendMarkBytes: 1_000_000,
}

/** Counts of one session. */
interface Count {
  sum: number
  readonly seen: Set<number>
}

/** A gate in memory: the core of the real one, and sums. */
class Gate implements ClientLinkMaker {
  /** Requests that have run, by session. */
  readonly counts: Count[] = []
  readonly table = new SessionTable<Count>(
    {
      now: () => performance.now(),
      randomBytes,
      login: (visitor, credentials) => {
        const { name } = JSON.parse(Buffer.from(credentials).toString())
        const count = { sum: 0, seen: new Set<number>() }
        this.counts.push(count)
        visitor.admit(name, count)
      },
      attached: () => {},
      detached: () => {},
      ended: () => {},
      request: (session, number, name, body) => {
        if (name === 'never') return
        if (name === 'fail') {
          session.fail(number, 'ERR_NO', 'no')
          return
        }
        const count = session.owner
        assert.ok(!count.seen.has(number), `request ${number} ran twice`)
        count.seen.add(number)
        count.sum += JSON.parse(Buffer.from(body).toString())
        const sum = Buffer.from(JSON.stringify(count.sum))
        session.push('added', sum)
        session.answer(number, sum)
      },
    },
    LIMITS,
  )

  open(events: Parameters<ClientLinkMaker['open']>[0]): ReturnType<ClientLinkMaker['open']> {
    /** Of the client, and of the gate. */
    let isClosed = false
    let isLost = false
    const end = (reason: string): void => {
      if (isLost) return
      isLost = true
      visitor.lost()
      if (!isClosed) events.closed(reason)
    }
    const hear = (message: Uint8Array): void => {
      const copy = Uint8Array.from(message)
      setImmediate(() => isClosed || events.heard(copy))
    }
    const visitor = this.table.enter({
      address: '127.0.0.1:1',
      transport: 'memory',
      bufferedAmount: 0,
      send: hear,
      close(message, code) {
        hear(message)
        setImmediate(end, code)
      },
    })
    setImmediate(() => isClosed || events.opened())
    return {
      send: (bytes) => {
        const copy = Uint8Array.from(bytes)
        setImmediate(() => isLost || visitor.heard(copy))
      },
      close: () => {
        isClosed = true
        setImmediate(end, '')
      },
    }
  }
}

// Proves: docs/load.md#rounds
test('each bot runs its rounds, and calls and events are counted', async () => {
  const gate = new Gate()
  const result = await loadDriver(counted, {
    bots: 20,
    client: ({ index }) => ({ transport: gate, login: { name: `bot-${index}` } }),
    bot: async (client, { round }) => {
      assert.equal(await client.call.add(1), round + 1)
    },
    rounds: 5,
  })
  assert.deepEqual(result.errors, [])
  assert.equal(result.rounds, 100)
  assert.equal(result.calls.add!.count, 100)
  assert.equal(result.calls.ready!.count, 20)
  assert.equal(result.events.added, 100)
  assert.deepEqual(result.connections, { made: 20, cut: 0, resumed: 0 })
  assert.deepEqual(
    gate.counts.map(({ sum }) => sum),
    Array(20).fill(5),
  )
  await turn()
  assert.equal(gate.table.size, 0, 'each has said that it leaves')
})

// Proves: docs/load.md#cuts
test('cuts: sessions are resumed, and each call has run once', async () => {
  const gate = new Gate()
  const result = await loadDriver(counted, {
    bots: 10,
    client: () => ({ transport: gate, login: { name: 'bot' }, retryMsMin: 1, retryMsMax: 1 }),
    bot: async (client, { round }) => {
      assert.equal(await client.call.add(1), round + 1)
    },
    rounds: 50,
    seed: 1,
    faults: { cuts: 0.02 },
  })
  assert.deepEqual(result.errors, [])
  const { made, cut, resumed } = result.connections
  assert.ok(cut > 10, `${cut} cuts`)
  assert.ok(resumed > 5 && resumed <= cut, `${resumed} resumed`)
  assert.ok(made > resumed)
  assert.ok(gate.counts.every(({ sum }) => sum === 50 || sum === 0))
})

// Proves: docs/load.md#thrown
test('what a bot throws ends it, and stands in the result', async () => {
  const result = await loadDriver(counted, {
    bots: 4,
    client: () => ({ transport: new Gate(), login: { name: 'bot' } }),
    async bot(client, { index, round }) {
      if (index === 2 && round === 1) await client.call.fail()
    },
    rounds: 3,
  })
  assert.equal(result.rounds, 10)
  assert.equal(result.calls.fail!.failed, 1)
  const [error, ...others] = result.errors
  assert.deepEqual([error!.bot, error!.round, error!.count, others], [2, 1, 1, []])
  assert.match(error!.text, /ERR_NO|no/)
})

// Proves: docs/load.md#thrown
test('a bot for which client throws, or whose options are none, is over alone', async () => {
  const result = await loadDriver(counted, {
    bots: 4,
    client({ index }) {
      if (index === 1) throw new Error('no name for this one')
      if (index === 2) return { login: { name: 'bot' } } as never
      return { transport: new Gate(), login: { name: 'bot' } }
    },
    bot: (client) => client.call.add(1),
    rounds: 3,
    rampMs: 8,
  })
  assert.equal(result.rounds, 6)
  const told = result.errors.map(({ bot, text }) => [bot, text.split(':')[0]])
  assert.deepEqual(told.sort(), [
    [1, 'Error'],
    [2, 'TypeError'],
  ])
})

// Proves: docs/load.md#no-server
test('who waits for a server that is not there says why', async () => {
  const nobody: ClientLinkMaker = {
    open(events) {
      // Before any timer, however long this thread is held.
      queueMicrotask(() => events.closed('nobody is there'))
      return { send: () => {}, close: () => {} }
    },
  }
  const result = await loadDriver(counted, {
    bots: 2,
    client: () => ({ transport: nobody, login: { name: 'bot' } }),
    bot: () => {},
    roundTimeoutMs: 30,
  })
  assert.match(
    result.errors[0]!.text,
    /within 30 ms: it goes on; its client is waiting: .*nobody is there$/,
  )
  assert.equal(result.errors[0]!.count, 2)
  // The same when the run is aborted before.
  const stop = new AbortController()
  let asked = 0
  const aborted = await loadDriver(counted, {
    bots: 2,
    client: () => ({
      transport: {
        open(events) {
          setImmediate(() => {
            events.closed('nobody is there')
            if (++asked === 2) setImmediate(() => stop.abort())
          })
          return { send: () => {}, close: () => {} }
        },
      },
      login: { name: 'bot' },
    }),
    bot: () => {},
    signal: stop.signal,
  })
  const [error] = aborted.errors
  assert.match(error!.text, /^it was not let in; its client is waiting: .*nobody is there$/)
  assert.equal(error!.count, 2)
})

// Proves: docs/load.md#round-timeout
test('roundTimeoutMs: who takes longer is given up, and is told so', async () => {
  const run = async (roundTimeoutMs: number) => {
    let reason: unknown
    const result = await loadDriver(counted, {
      bots: 1,
      client: () => ({ transport: new Gate(), login: { name: 'bot' } }),
      async bot(client, { signal }) {
        signal.addEventListener('abort', () => {
          reason = signal.reason
        })
        await client.call.never()
      },
      roundTimeoutMs,
    })
    return { result, reason }
  }
  // A login has as long: on a busy machine it takes more at first.
  let ms = 30
  let told = await run(ms)
  for (; told.reason === undefined; told = await run(ms)) ms *= 2
  const { result, reason } = told
  assert.ok(isSkynetError(reason, 'ERR_TEST_TIMEOUT'), String(reason))
  assert.match(result.errors[0]!.text, new RegExp(`Cannot end a round within ${ms} ms: it goes on`))
  assert.equal(result.calls.never!.failed, 1)
})

// Proves: docs/load.md#signal
test('signal: the run ends, and what was measured by then is its result', async () => {
  const gate = new Gate()
  const stop = new AbortController()
  const told: unknown[] = []
  const result = await loadDriver(counted, {
    bots: 20,
    client: ({ index }) => ({ transport: gate, login: { name: `bot-${index}` } }),
    async bot(client, { index, round, signal }) {
      await client.call.add(1)
      if (round === 0) return
      signal.addEventListener('abort', () => told.push(signal.reason))
      // The last one is at it as well: all are in their second round.
      if (index === 19) setImmediate(() => stop.abort('enough'))
      await client.call.never()
    },
    durationMs: 3_600_000,
    signal: stop.signal,
  })
  assert.deepEqual([result.rounds, result.errors], [20, []])
  assert.equal(result.calls.never!.failed, 0)
  assert.deepEqual(new Set(told), new Set(['enough']))
  await turn()
  assert.equal(gate.table.size, 0, 'each has said that it leaves')
})

// Proves: docs/load.md#signal
test('signal: who waits to begin does not, and one that is aborted begins nothing', async () => {
  const gate = new Gate()
  const stop = new AbortController()
  const options = {
    client: () => ({ transport: gate, login: { name: 'bot' } }),
    bot: () => stop.abort(),
    signal: stop.signal,
  }
  const first = await loadDriver(counted, { ...options, bots: 2, rampMs: 3_600_000 })
  assert.deepEqual([first.connections.made, first.rounds], [1, 0])
  const second = await loadDriver(counted, { ...options, bots: 2 })
  assert.deepEqual([second.connections.made, second.errors], [0, []])
})

// Proves: docs/load.md#burst
test('durationMs, rampMs and burstMs: rounds begin together, until the time is over', async () => {
  let begun: number[] = []
  const run = async (durationMs: number): Promise<number> => {
    begun = []
    const startedAt = performance.now()
    const { rounds } = await loadDriver(counted, {
      bots: 5,
      client: () => ({ transport: new Gate(), login: { name: 'bot' } }),
      bot: () => {
        begun.push(Math.round((performance.now() - startedAt) / 50))
      },
      durationMs,
      rampMs: 20,
      faults: { burstMs: 50 },
    })
    return rounds
  }
  // Where others use the cores, the time may be over before the first burst.
  for (let ms = 200; (await run(ms)) < 5; ) ms *= 2
  assert.ok(new Set(begun).size < begun.length, 'several at a time')
  assert.ok(!begun.includes(0), `none before the first burst: ${begun}`)
})

// Proves: docs/load.md#seed
test('a seed repeats what bots draw', async () => {
  const once = async (seed: number): Promise<number[]> => {
    const drawn: number[] = []
    await loadDriver(counted, {
      bots: 3,
      client: () => ({ transport: new Gate(), login: { name: 'bot' } }),
      bot: (_, { random, index }) => {
        drawn[index] = random()
      },
      seed,
    })
    return drawn
  }
  const first = await once(9)
  assert.equal(new Set(first).size, 3)
  assert.deepEqual(await once(9), first)
  assert.notDeepEqual(await once(10), first)
})

test('wrong options are refused by name', async () => {
  const right = {
    bots: 1,
    client: () => ({ transport: new Gate(), login: { name: 'bot' } }),
    bot: () => {},
  }
  const wrong: [object, RegExp][] = [
    [{ bots: 0 }, /'bots'.* 1\.\.100000.* 0/],
    [{ bots: 100_001 }, /'bots'/],
    [{ rounds: -1 }, /'rounds'/],
    [{ rampMs: 2 ** 31 }, /'rampMs'/],
    [{ faults: { cuts: 2 } }, /'faults\.cuts'.* 0\.\.1.* 2/],
    [{ faults: { awayMs: 'x' } }, /'faults\.awayMs'/],
    [{ faults: { cut: 1 } }, /'cut'.*did you mean 'cuts'/],
    [{ bot: 1 }, /'bot'/],
    [{ sead: 1 }, /'sead'.*did you mean 'seed'/],
    [{ signal: 1 }, /'signal' must be an AbortSignal/],
  ]
  for (const [part, pattern] of wrong) {
    await assert.rejects(loadDriver(counted, { ...right, ...part }), pattern)
  }
  await assert.rejects(loadDriver(counted, undefined as never), /'options' must be a plain object/)
  await assert.rejects(loadDriver(undefined as never, right as never), /'protocol' must be made by/)
})
