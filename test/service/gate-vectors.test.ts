/** Sessions with Skynet's gateserver, as they were captured, replayed against ours. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isSkynetError, type MethodsOf, type ServiceRef, type Skynet } from 'skynet-ts'
import type vectorGate from '../fixtures/vector-gate.ts'
import { FramedClient } from '../support/framed-client.ts'
import { type Body, type Handlers, serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

interface Captured {
  readonly label: string
  readonly sent?: readonly string[]
  readonly received?: string
  readonly state?: 'open' | 'FIN'
  readonly log: readonly string[]
}
const file = new URL('../../../test/vectors/gate.json', import.meta.url)
const captured = (JSON.parse(readFileSync(file, 'utf8')) as { gateserver: readonly Captured[] })
  .gateserver
const check = (title: string, body: Body): void => serviceTest(import.meta.url, title, body)

/** Captured by their length alone. */
const MADE: Readonly<Record<string, Buffer>> = {
  '<65537 bytes>': Buffer.concat([Buffer.from('ffff', 'hex'), Buffer.alloc(65_535, 'x')]),
  '<6000 bytes>': Buffer.concat(Array.from({ length: 2000 }, () => Buffer.from('000165', 'hex'))),
}
const ANSWERED: Readonly<Record<string, number>> = {
  "<60008 bytes, last frame b'\\x00\\x04last'>": 60_008,
}

/** One of each label that has bytes. */
const sessions = captured.filter(({ sent, log }) => sent !== undefined && log.length > 1)
const bytesOf = ({ label, sent }: Captured): Buffer[] => {
  if (label === '65535 byte frame in 1000 byte pieces') {
    return pieces(MADE['<65537 bytes>']!, () => 1000)
  }
  return sent!.map((text) => MADE[text] ?? Buffer.from(text, 'hex'))
}

function pieces(bytes: Buffer, next: () => number): Buffer[] {
  const all: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + next())
    all.push(bytes.subarray(at, end))
    at = end
  }
  return all
}

type Gate = ServiceRef<MethodsOf<typeof vectorGate>>
type Event = readonly [what: string, fd: number, ...more: (string | number)[]]

const launch = (skynet: Skynet, opens: 'at once' | 'later'): Promise<Gate> =>
  skynet.newService<typeof vectorGate>('../fixtures/vector-gate.ts', {
    args: [skynet.self, opens],
  })

/** A gate, and what it is told. */
async function start(
  skynet: Skynet,
  handlers: Handlers,
  opens: 'at once' | 'later',
  maxClient?: number,
): Promise<{ gate: Gate; port: number; events: Event[] }> {
  const events: Event[] = []
  handlers.heard = (...event: never[]) => void events.push(event as unknown as Event)
  const gate = await launch(skynet, opens)
  const { port } = await gate.call.open({
    host: '127.0.0.1',
    port: 0,
    ...(maxClient && { maxClient }),
  })
  await until('open', () => events.length > 0)
  events.length = 0
  return { gate, port, events }
}

/** As the captures have them: `CB message fd1 size=4 "echo"`. */
function lines(events: readonly Event[]): string[] {
  return events.map(([what, , ...more]) => {
    if (what === 'connect') return `CB connect fd addr=127.0.0.1:<port>`
    if (what === 'error') return `CB error fd ${more[0]}`.replace('(c', '(C')
    if (what !== 'message') return `CB ${what} fd`
    const [size, text] = more
    return `CB message fd size=${size} ${size === 65_535 ? '...' : `"${text}"`}`
  })
}
const linesOf = ({ log }: Captured): string[] =>
  log
    .filter((line) => line.startsWith('CB '))
    .map((line) =>
      line.replace(/ fd\d+/, ' fd').replace(/ (Connection reset.*)/, ' ECONNRESET ($1)'),
    )

/** What the client has done besides sending. */
const ENDS: Readonly<Record<string, (client: FramedClient) => void>> = {
  'client half close (shutdown WR) after a frame': (client) => client.end(),
}

async function replay(
  skynet: Skynet,
  handlers: Handlers,
  split: (bytes: Buffer) => Buffer[],
): Promise<void> {
  const { gate, port, events } = await start(skynet, handlers, 'at once')
  for (const session of sessions.filter(({ label }) => !label.includes('before openclient'))) {
    const { label, received = '', state } = session
    const client = await FramedClient.connect(port)
    await client.write(bytesOf(session).flatMap(split))
    ENDS[label]?.(client)
    const expected = label.startsWith('2000 tiny')
      ? [...linesOf(session).slice(0, 1), ...Array(2000).fill('CB message fd size=1 "e"')]
      : linesOf(session).filter((line) => !line.includes('disconnect'))
    const length = ANSWERED[received] ?? received.length / 2
    await until(`${label}: all is handled`, () => events.length >= expected.length)
    await client.when(`${label}: the answer`, () => client.received.length >= length)
    if (state === 'FIN') await client.ended()
    else assert.equal(client.hasEnded, false, label)
    client.close()
    await until(`${label}: the end is told`, () => events.at(-1)![0] === 'disconnect')
    assert.deepEqual(lines(events), [...expected, 'CB disconnect fd'], label)
    if (ANSWERED[received] === undefined) assert.equal(client.received.toString('hex'), received)
    else assert.equal(client.messages.at(-1)?.toString(), 'last')
    assert.equal(client.received.length, length)
    events.length = 0
  }
  await until('nobody is left', async () => (await gate.call.count()) === 0)
  await skynet.kill(gate.handle)
}

// Proves: docs/gate.md#gate-callbacks
check('gateServer calls back as Skynet does: bytes as they were captured', (skynet, handlers) =>
  replay(skynet, handlers, (bytes) => [bytes]),
)

check('gateServer calls back as Skynet does: byte by byte', (skynet, handlers) =>
  // Long ones in a few more pieces than they had: a byte of them is like the other.
  replay(skynet, handlers, (bytes) => pieces(bytes, () => (bytes.length > 7000 ? 997 : 1))),
)

check('gateServer calls back as Skynet does: in random pieces', async (skynet, handlers) => {
  const random = seeded(seedOf())
  for (let round = 0; round < 5; round++) {
    await replay(skynet, handlers, (bytes) =>
      pieces(bytes, () => 1 + Math.floor(random() ** 4 * bytes.length)),
    )
  }
})

const capturedAs = (label: string): string[] =>
  linesOf(captured.find((each) => each.label === label)!)

// Proves: docs/gate.md#gate-open
check(
  'gateServer opens as captured, and refuses a second open by a code',
  async (skynet, handlers) => {
    const { gate, port, events } = await start(skynet, handlers, 'at once')
    const options = { host: '127.0.0.1', port: 0 }
    assert.ok(port > 0)
    await assert.rejects(gate.call.open(options), (error) => isSkynetError(error, 'ERR_GATE_OPEN'))
    assert.deepEqual(await gate.call.hello(1, 2), ['hello', 1, 2])
    await assert.rejects(gate.call.fail(), /command error/)
    const other = await launch(skynet, 'at once')
    const taken = other.call.open({ host: '127.0.0.1', port })
    await assert.rejects(taken, (error) => isSkynetError(error, 'ERR_LISTEN'))
    // It may be opened after all.
    const place = await other.call.open(options)
    assert.notEqual(place.port, port)
    await until('both opens are told', () => events.length > 0)
    assert.deepEqual(events, [['open', skynet.self, '127.0.0.1', place.port]])
  },
)

// Proves: docs/gate.md#gate-open
check(
  'close() of a gate refuses connections, keeps clients; it opens again',
  async (skynet, handlers) => {
    const { gate, port } = await start(skynet, handlers, 'at once')
    const client = await FramedClient.connect(port)
    await until('the client is in', async () => (await gate.call.count()) === 1)
    await gate.call.close()
    await assert.rejects(FramedClient.connect(port), { code: 'ECONNREFUSED' })
    client.send('echo')
    assert.equal((await client.message()).toString(), 'ECHO')
    const again = await gate.call.open({ host: '127.0.0.1', port: 0 })
    const other = await FramedClient.connect(again.port)
    other.send('echo')
    assert.equal((await other.message()).toString(), 'ECHO')
    client.close()
    other.close()
  },
)

// Proves: docs/gate.md#gate-end
check('a reset is told as an error and then as the end', async (skynet, handlers) => {
  const { port, events } = await start(skynet, handlers, 'at once')
  for (const isAtOnce of [false, true]) {
    const client = await FramedClient.connect(port)
    if (!isAtOnce) await until('the client is in', () => events.length > 0)
    client.reset()
    await until('the end is told', () => events.at(-1)?.[0] === 'disconnect')
    assert.deepEqual(lines(events), capturedAs(isAtOnce ? 'client RST at once' : 'client RST'))
    events.length = 0
  }
})

// Proves: docs/gate.md#gate-end
check(
  'a client that closes with bytes unread has failed, as captured',
  async (skynet, handlers) => {
    const { port, events } = await start(skynet, handlers, 'at once')
    const client = await FramedClient.connect(port)
    client.socket.pause()
    client.send('big')
    await until('it is handled', () => events.length === 2)
    await until('it has something to read', () => client.socket.bytesRead > 0)
    client.reset()
    await until('the end is told', () => events.at(-1)?.[0] === 'disconnect')
    const label = 'client does not read 40 x 65535 bytes, then closes'
    assert.deepEqual(lines(events.filter(([what]) => what !== 'warning')), capturedAs(label))
  },
)

// Proves: docs/gate.md#gate-max
check(
  '6 connections with maxClient 4: four are in, where Skynet has three',
  async (skynet, handlers) => {
    const { gate, port, events } = await start(skynet, handlers, 'at once', 4)
    const clients: FramedClient[] = []
    while (clients.length < 6) clients.push(await FramedClient.connect(port))
    for (const client of clients) client.send('echo')
    for (const client of clients.slice(0, 4)) assert.equal(`${await client.message()}`, 'ECHO')
    for (const client of clients.slice(4)) {
      await client.ended()
      assert.deepEqual([client.received.length, client.failure], [0, undefined])
    }
    await until('all is handled', () => events.length === 8)
    assert.equal(events.filter(([what]) => what === 'connect').length, 4)
    assert.equal(events.filter(([what]) => what === 'message').length, 4)
    assert.equal(await gate.call.refused(), 2)
    for (const client of clients) client.close()
    await until('all have left', () => events.length === 12)
    assert.equal(events.filter(([what]) => what === 'disconnect').length, 4)
    const next = await FramedClient.connect(port)
    next.send('echo')
    assert.equal(`${await next.message()}`, 'ECHO')
    next.close()
  },
)

// Proves: docs/gate.md#gate-early
check('what comes before openClient waits, also behind its client', async (skynet, handlers) => {
  const { gate, port, events } = await start(skynet, handlers, 'later')
  const label = 'frames sent before openclient (opened 30 cs later)'
  const early = captured.find((each) => each.label === label)!
  const client = await FramedClient.connect(port)
  await client.write(bytesOf(early))
  await until('connect is told', () => events.length === 1)
  const [, fd] = events[0]!
  await skynet.sleep(50)
  assert.equal(events.length, 1)
  const { received } = skynet.socket.totals()
  assert.equal(await gate.call.openClient(fd), true)
  await client.message(2)
  assert.equal(client.received.toString('hex'), early.received)
  assert.equal(skynet.socket.totals().received - received, 12)
  client.close()
  await until('the end is told', () => events.at(-1)![0] === 'disconnect')
  events.length = 0

  const gone = await FramedClient.connect(port)
  gone.send('echo')
  gone.close()
  await until('connect is told', () => events.length === 1)
  assert.equal(await gate.call.openClient(events[0]![1]), true)
  await until('the end is told', () => events.at(-1)![0] === 'disconnect')
  const told = lines(events)
  // Its answer finds nobody: that may be told as well, once, and before its end.
  assert.deepEqual(
    told.filter((line) => !line.includes(' error ')),
    ['CB connect fd addr=127.0.0.1:<port>', 'CB message fd size=4 "echo"', 'CB disconnect fd'],
  )
})
