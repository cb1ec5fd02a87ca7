/** HTTP servers under frameworks of npm, under wrk, and under clients that mean no good. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test as nodeTest } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import type { Skynet } from 'skynet-ts'
import type { HttpLimits } from 'skynet-ts/http'
import type httpServer from '../fixtures/http-server.ts'
import { heard, request, serve, statusOf, talk } from '../support/http.ts'
import { withPackages } from '../support/installed.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { dial } from '../support/sockets.ts'
import { until } from '../support/until.ts'
import { assertStops, assertWell, live } from '../support/world.ts'
import { isWrkInstalled, WRK_LEFT_OUT, wrk } from '../support/wrk.ts'

const PACKAGES = ['@hono/node-server@2.1.9', 'express@5.3.0', 'fastify@5.12.8', 'hono@4.13.19']
const CLOSE = 'Connection: close\r\n'
const MIB = 1024 * 1024

if (isMainThread) {
  // Proves: docs/http.md#handler
  nodeTest('fastify, express and hono serve over sockets of a service', async (t) => {
    const folder = withPackages('frameworks', PACKAGES, ['frameworks.mjs'])
    if (folder === undefined) {
      return t.diagnostic(`left out: npm cannot install ${PACKAGES.join(' ')}`)
    }
    const cli = live(t, ':', { start: `${folder}/frameworks.mjs`, thread: 1 })
    await assertWell(cli)
    await assertStops(cli)
  })
}

const alone = (title: string, body: Body): void => serviceTest(import.meta.url, title, body, {})

if (isWrkInstalled()) {
  alone('wrk gets an answer to each request', async (skynet) => {
    await using server = await serve(skynet)
    const url = `http://${server.address}`
    assert.ok((await wrk(`${url}/hello`, 50, 1)) > 50)
    assert.ok((await wrk(`${url}/large`, 10, 1)) > 10)
    await until('all are gone', () => server.connections === 0)
  })
} else if (isMainThread) nodeTest('wrk', (t) => t.diagnostic(WRK_LEFT_OUT))

/**
 * A server on the other worker.
 *
 * @param limits Without a word of it, requests may take as long as the machine needs for them.
 */
async function start(skynet: Skynet, limits: HttpLimits) {
  const patient = { headersTimeoutMs: 0, requestTimeoutMs: 0 }
  const server = await skynet.newService<typeof httpServer>('../fixtures/http-server.ts', {
    args: [{ ...patient, ...limits }],
    on: 1,
  })
  return { server, port: await server.call.port() }
}

/**
 * A client that behaves: each of its requests is answered, however many others do not. Where there
 * is a limit for headers, the machine may keep it for longer: it is told so, as everybody is.
 */
class Guest {
  #isOver = false
  readonly #mayBeLate: boolean
  readonly #port: number
  readonly #waits: number[] = []
  readonly #done: Promise<void>

  constructor(port: number, mayBeLate = false) {
    this.#port = port
    this.#mayBeLate = mayBeLate
    this.#done = this.#ask()
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      const from = performance.now()
      const answer = await talk(this.#port, request('/hello', CLOSE))
      const status = statusOf(answer)
      if (status === 408 && this.#mayBeLate) continue
      assert.equal(status, 200, answer)
      this.#waits.push(performance.now() - from)
    }
  }

  /** @returns How many were answered, and how long that took at p99. */
  async leave(): Promise<{ readonly count: number; readonly p99: number }> {
    this.#isOver = true
    await this.#done
    const sorted = this.#waits.sort((a, b) => a - b)
    return { count: sorted.length, p99: sorted[Math.floor(sorted.length * 0.99)]! }
  }
}

async function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const all: T[] = []
  while (all.length < count) {
    const some = Math.min(100, count - all.length)
    all.push(...(await Promise.all(Array.from({ length: some }, make))))
  }
  return all
}

// Proves: docs/http.md#slow, #header-limits
alone('1,000 half headers are ended in time, and others are served', async (skynet) => {
  const { server, port } = await start(skynet, { headersTimeoutMs: 5000 })
  await talk(port, request('/hello', CLOSE))
  const before = await server.call.memory()
  const guest = new Guest(port, true)
  const halves = await many(1000, async () => {
    const client = await dial(port)
    client.write(`GET /hello HTTP/1.1\r\nHost: x\r\nx-${'y'.repeat(2000)}: `)
    return client
  })
  let ended = 0
  const answers = halves.map(async (client) => {
    const answer = await heard(client)
    ended++
    return answer
  })
  const drip = setInterval(() => {
    for (const client of halves) if (client.writable) client.write('z')
  }, 200)
  // On a slow machine the first are told before the last are in.
  await until('all are in', async () => ended > 0 || (await server.call.connections()) >= 1000)
  const held = (await server.call.memory()) - before
  assert.ok(held < 64 * MIB, `${held} bytes for 1,000 half headers`)
  for (const answer of answers) assert.match(await answer, /^(HTTP\/1.1 408|$)/)
  clearInterval(drip)
  const { count, p99 } = await guest.leave()
  assert.ok(count > 0)
  skynet.log(`beside 1,000 half headers: ${count} answers, p99 ${p99.toFixed(1)} ms`)
  await until('all are gone', async () => (await server.call.connections()) === 0)
  const left = (await server.call.memory()) - before
  assert.ok(left < 8 * MIB, `${left} bytes are left`)
})

// Proves: docs/http.md#never-reads
alone('300 clients that never read hold little, and end; others are served', async (skynet) => {
  const { server, port } = await start(skynet, { writeTimeoutMs: 3000 })
  await talk(port, request('/hello', CLOSE))
  const before = await server.call.memory()
  const guest = new Guest(port)
  const deaf = await many(300, async () => {
    const client = await dial(port)
    client.pause()
    client.write(request('/large').repeat(20))
    return client
  })
  await until('they are in', async () => (await server.call.connections()) > 200)
  const held = (await server.call.memory()) - before
  assert.ok(held < 64 * MIB, `${held} bytes for 300 who never read`)
  // With the socket thread there is what was written, and has not left.
  const { queued } = skynet.socket.totals()
  assert.ok(queued <= 300 * 336 * 1024, `${queued} bytes wait to be sent to them`)
  await until('they are gone', async () => (await server.call.connections()) <= 1)
  for (const client of deaf) client.destroy()
  assert.ok((await guest.leave()).count > 0)
  await until('nobody is there', async () => (await server.call.connections()) === 0)
  await until(
    'what they held is gone',
    async () => (await server.call.memory()) - before < 16 * MIB,
  )
})

alone('10,000 connections come and go, each in its way, and nothing is left', async (skynet) => {
  const { server, port } = await start(skynet, {})
  await talk(port, request('/hello', CLOSE))
  const before = await server.call.memory()
  const guest = new Guest(port)
  const ways: readonly ((client: Socket) => unknown)[] = [
    (client) => client.end(),
    (client) => client.resetAndDestroy(),
    (client) => client.end('GET / HT'),
    (client) => client.write('GET / HTTP/1.1\r\n', () => client.resetAndDestroy()),
    (client) => client.end(request('/hello')),
    (client) => client.write(request('/large'), () => client.resetAndDestroy()),
    (client) => client.end('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc'),
    (client) => client.end('\x16\x03\x01 no HTTP\r\n\r\n'),
  ]
  let made = 0
  await many(10_000, async () => {
    const client = await dial(port)
    ways[made++ % ways.length]!(client)
    await heard(client)
  })
  const { count, p99 } = await guest.leave()
  assert.ok(count > 0)
  skynet.log(`beside 10,000 comings and goings: ${count} answers, p99 ${p99.toFixed(1)} ms`)
  await until('all are gone', async () => (await server.call.connections()) === 0)
  await until('all memory is back', async () => (await server.call.memory()) - before < 8 * MIB)
})

// Proves: docs/http.md#unanswered, #header-limits
alone('floods of headers, chunks and requests cost their connections alone', async (skynet) => {
  const { server, port } = await start(skynet, {})
  await talk(port, request('/hello', CLOSE))
  const before = await server.call.memory()
  const guest = new Guest(port)
  const head = 'GET /hello HTTP/1.1\r\nHost: x\r\n'
  const post = 'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
  const floods = await many(100, async () => [
    statusOf(await talk(port, head + 'a: b\r\n'.repeat(200_000))),
    statusOf(await talk(port, `${head}a: ${'b'.repeat(MIB)}`)),
    statusOf(await talk(port, `GET /${'a'.repeat(MIB)} HTTP/1.1\r\nHost: x\r\n\r\n`)),
    statusOf(await talk(port, `${post}1;${'x'.repeat(MIB)}\r\n`)),
  ])
  for (const statuses of floods) {
    // Who is still writing when he is cut off may see a reset in place of the answer.
    for (const [at, status] of statuses.entries()) {
      assert.ok([at === 3 ? 413 : 431, Number.NaN].includes(status), `${at}: ${status}`)
    }
  }
  assert.ok(floods.flat().filter((status) => status > 0).length > 0)
  const chunked = `${post}${`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(5000)}0\r\n\r\n`
  assert.match(await talk(port, chunked, request('/hello', CLOSE)), /20480000 bytes.*hello$/s)
  assert.ok((await guest.leave()).count > 0)
  await until('all are gone', async () => (await server.call.connections()) === 0)
  await until('all memory is back', async () => (await server.call.memory()) - before < 16 * MIB)
})
