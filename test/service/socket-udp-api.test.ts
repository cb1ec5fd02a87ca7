/** UDP sockets of a service. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type Skynet, UdpAddress, type UdpSocket } from 'skynet-ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const bad = (value: unknown) => value as never
const LOCAL = { host: '127.0.0.1', port: 0 }

/** Two sockets, and where they are. */
async function two(skynet: Skynet, host = '127.0.0.1') {
  const [one, other] = [
    await skynet.socket.udp({ host, port: 0 }),
    await skynet.socket.udp({ host, port: 0 }),
  ]
  return { one, other, atOne: { host, port: one.port }, atOther: { host, port: other.port } }
}

const received = async (socket: UdpSocket) =>
  `${(await socket.receive({ timeoutMs: 60_000 }))?.data}`

for (const [family, host] of [
  [4, '127.0.0.1'],
  [6, '::1'],
] as const) {
  // Proves: docs/semantics.md#datagram-from
  check(`T24 udp() over IPv${family}: sendTo() arrives, and its answer too`, async (skynet) => {
    const { one, other, atOther } = await two(skynet, host)
    assert.deepEqual([one.family, one.port > 0], [family, true])
    const question = Buffer.from('question')
    assert.equal(one.sendTo(atOther, question), true)
    question.fill(0)
    const { data, from } = (await other.receive())!
    assert.deepEqual(
      [`${data}`, from.host, from.port, from.family],
      ['question', host, one.port, family],
    )
    assert.equal(from.bytes.length, family === 4 ? 7 : 19)
    other.sendTo(UdpAddress.fromBytes(from.bytes), 'answer')
    assert.equal(await received(one), 'answer')
  })
}

check('udp() without a place is bound at its first send', async (skynet) => {
  const listener = await skynet.socket.udp(LOCAL)
  const socket = await skynet.socket.udp()
  assert.deepEqual([socket.port, socket.family], [0, 4])
  socket.sendTo({ host: '127.0.0.1', port: listener.port }, 'x')
  const { from } = (await listener.receive())!
  listener.sendTo(from, 'y')
  assert.equal(await received(socket), 'y')
})

// Proves: docs/semantics.md#datagram-from
check(
  'a UDP socket on :: reaches IPv4 peers, whose addresses are shown as IPv4',
  async (skynet) => {
    const wide = await skynet.socket.udp({ host: '::', port: 0 })
    const narrow = await skynet.socket.udp(LOCAL)
    narrow.sendTo({ host: '127.0.0.1', port: wide.port }, 'x')
    const { from } = (await wide.receive())!
    assert.equal(`${from}`, `127.0.0.1:${narrow.port}`)
    wide.sendTo(from, 'by where it came from')
    wide.sendTo({ host: '127.0.0.1', port: narrow.port }, 'by an address')
    assert.equal(await received(narrow), 'by where it came from')
    assert.equal(await received(narrow), 'by an address')
    // The same address is good on a socket of IPv4.
    narrow.sendTo(from, 'to itself')
    assert.equal(await received(narrow), 'to itself')
    const only = await skynet.socket.udp({ host: '::', port: 0, ipv6Only: true })
    only.sendTo({ host: '127.0.0.1', port: narrow.port }, 'refused by the system')
    narrow.sendTo(from, 'next')
    assert.equal(await received(narrow), 'next')
  },
)

// Proves: docs/semantics.md#datagram-peer
check('udpDial() and connect() choose where send() goes', async (skynet) => {
  const { one, other, atOther } = await two(skynet)
  const dialled = await skynet.socket.udpDial({ host: 'localhost', port: one.port })
  assert.equal(dialled.peer?.port, one.port)
  dialled.send('to one')
  assert.equal(await received(one), 'to one')
  await dialled.connect(atOther)
  dialled.send('to the other')
  const { data, from } = (await other.receive())!
  assert.equal(`${data}`, 'to the other')
  one.sendTo(from, 'from anybody')
  assert.equal(await received(dialled), 'from anybody')
  const nobody = { host: 'nobody.invalid', port: 1 }
  await assert.rejects(dialled.connect(nobody), { code: 'ERR_CONNECT' })
  await assert.rejects(skynet.socket.udpDial(nobody), { code: 'ERR_CONNECT' })
})

// Proves: docs/semantics.md#datagram-peer
check('T25 send() without a peer throws', async (skynet) => {
  const { one } = await two(skynet)
  const refused = { code: 'ERR_SOCKET_STATE', message: /address first/ }
  assert.throws(() => one.send('x'), refused)
})

// Proves: docs/semantics.md#datagram-peer
check('T26 an IPv6 address on an IPv4 socket is a protocol mismatch', async (skynet) => {
  const { one } = await two(skynet)
  const mismatch = { code: 'ERR_SOCKET_STATE', message: /protocol mismatch: \[::1\]:9/ }
  assert.throws(() => one.sendTo({ host: '::1', port: 9 }, 'x'), mismatch)
  assert.throws(() => one.sendTo(UdpAddress.of('::1', 9), 'x'), mismatch)
  const refused = { code: 'ERR_CONNECT', message: /protocol mismatch/ }
  await assert.rejects(one.connect({ host: '::1', port: 9 }), refused)
  assert.equal(one.peer, undefined)
})

// Proves: docs/semantics.md#datagram
check('T27 an empty datagram is one', async (skynet) => {
  const { one, other, atOther } = await two(skynet)
  one.sendTo(atOther, '')
  assert.equal((await other.receive())!.data.length, 0)
})

// Proves: docs/semantics.md#datagram-peer
check('T28 udpListen() wants a port, and says who has it', async (skynet) => {
  const { one } = await two(skynet)
  for (const port of [0, -1, 65_536, undefined]) {
    const wrong = skynet.socket.udpListen({ host: '127.0.0.1', port: bad(port) })
    const name = port === undefined ? 'TypeError' : 'RangeError'
    await assert.rejects(wrong, { name, message: /'port'/ })
  }
  const { port } = one
  const taken = { code: 'ERR_BIND', message: /EADDRINUSE/ }
  await assert.rejects(skynet.socket.udpListen({ host: '127.0.0.1', port }), taken)
  await one.close()
  await until('the port is free', async () => {
    const again = await skynet.socket.udpListen({ host: '127.0.0.1', port }).catch(() => undefined)
    return again?.port === port
  })
})

check('reusePort lets two UDP sockets have one port', async (skynet) => {
  const one = await skynet.socket.udp({ ...LOCAL, reusePort: true })
  const { port } = one
  const other = await skynet.socket.udpListen({ host: '127.0.0.1', port, reusePort: true })
  assert.equal(other.port, port)
})

// Proves: docs/semantics.md#datagram
check('a datagram of 65,507 bytes arrives whole, one more is refused', async (skynet) => {
  const { one, other, atOther } = await two(skynet)
  const large = Buffer.from(Array.from({ length: 65_507 }, (_, i) => i * 7))
  one.sendTo(atOther, large)
  assert.ok((await other.receive())!.data.equals(large))
  const tooLong = { name: 'RangeError', message: /'data.length' must be .* in 0..65507/ }
  assert.throws(() => one.sendTo(atOther, Buffer.alloc(65_508)), tooLong)
})

// Proves: docs/semantics.md#datagram-order
check('datagrams of one turn leave in order, and a refused one loses no other', async (skynet) => {
  const { one, other, atOther } = await two(skynet)
  const everybody = { host: '255.255.255.255', port: 9 }
  for (let i = 0; i < 100; i++) one.sendTo(i % 10 === 5 ? everybody : atOther, `${i}`)
  for (let i = 0; i < 100; i++) if (i % 10 !== 5) assert.equal(await received(other), `${i}`)
  const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
  await until('a line says so', () => log().includes(`udp ${one.id}: sendto error EACCES`))
})

check('receive() gives up in time or with its signal, one at a time', async (skynet) => {
  const { one, atOne, other } = await two(skynet)
  await assert.rejects(one.receive({ timeoutMs: 10 }), { code: 'ERR_SOCKET_TIMEOUT' })
  const aborted = one.receive({ signal: AbortSignal.abort() })
  await assert.rejects(aborted, { code: 'ABORT_ERR' })
  const waiting = one.receive()
  await assert.rejects(one.receive(), { code: 'ERR_SOCKET_BUSY' })
  other.sendTo(atOne, 'x')
  assert.equal(`${(await waiting)?.data}`, 'x')
})

// Proves: docs/semantics.md#datagram-close
check(
  'a UDP socket that is closed gives null, forgets what came, and refuses to send',
  async (skynet) => {
    const { one, other, atOne, atOther } = await two(skynet)
    const waiting = one.receive()
    await one.close()
    assert.equal(await waiting, null)
    assert.deepEqual([await one.receive(), one.isOpen], [null, false])
    const closed = { code: 'ERR_SOCKET_CLOSED' }
    assert.throws(() => one.sendTo(atOther, 'x'), closed)
    await assert.rejects(one.connect(atOther), closed)
    await one.close()
    await one.drain()
    const third = await skynet.socket.udp(LOCAL)
    third.sendTo(atOther, 'first')
    third.sendTo(atOther, 'last')
    await third.close()
    assert.equal(await received(other), 'first')
    const before = () => skynet.socket.netstat().find(({ id }) => id === other.id)?.received
    await until('the last came', () => before() === 9)
    await skynet.sleep(20)
    await other.close()
    assert.equal(await other.receive(), null)
    for await (const _ of one) assert.fail('it is closed')
    assert.equal(atOne.host, '127.0.0.1')
  },
)

check('for await over a UDP socket takes what comes; leaving it closes', async (skynet) => {
  const { one, other, atOther } = await two(skynet)
  for (const text of ['a', 'b', 'c']) one.sendTo(atOther, text)
  const texts: string[] = []
  for await (const { data } of other) if (texts.push(`${data}`) === 3) break
  assert.deepEqual(texts, ['a', 'b', 'c'])
  assert.equal(other.isOpen, false)
})

check('drain() of a UDP socket resolves when everything has left', async (skynet) => {
  const { one, other, atOther } = await two(skynet)
  await one.drain()
  for (let i = 0; i < 50; i++) one.sendTo(atOther, `${i}`)
  await one.drain()
  for (let i = 0; i < 50; i++) assert.equal(await received(other), `${i}`)
})

// Proves: docs/semantics.md#datagram-paused
check('what a service does not receive is bounded, and it goes on when it does', async (skynet) => {
  const { one, other, atOther } = await two(skynet)
  const isReading = () => skynet.socket.netstat().find(({ id }) => id === other.id)?.reading
  const piece = Buffer.alloc(10_000)
  await until('it is paused', () => {
    one.sendTo(atOther, piece)
    return isReading() === false
  })
  let count = 0
  while ((await other.receive({ timeoutMs: 100 }).catch(() => null)) !== null) count++
  assert.ok(count > 10, `${count}`)
  assert.equal(isReading(), true)
  one.sendTo(atOther, 'goes on')
  assert.equal(await received(other), 'goes on')
})

check('a UDP socket that is idle fails', async (skynet) => {
  const socket = await skynet.socket.udp({ ...LOCAL, idleTimeoutMs: 20 })
  const failed = { code: 'ERR_SOCKET_FAILED', message: /idle for 20 ms/ }
  await assert.rejects(socket.receive(), failed)
  assert.throws(() => socket.sendTo({ host: '127.0.0.1', port: 9 }, 'x'), failed)
})

check('UDP: arguments that make no sense are refused and named', async (skynet) => {
  const { one } = await two(skynet)
  const type = (message: RegExp) => ({ name: 'TypeError', message })
  const range = (message: RegExp) => ({ name: 'RangeError', message })
  for (const options of [5, null, 'x']) {
    await assert.rejects(skynet.socket.udp(bad(options)), type(/'options' must be a plain object/))
  }
  await assert.rejects(skynet.socket.udp({ host: bad(5) }), type(/'host'/))
  await assert.rejects(skynet.socket.udp({ port: 1.5 }), range(/'port'/))
  await assert.rejects(skynet.socket.udp({ sendLimitBytes: 0 }), range(/'sendLimitBytes'/))
  await assert.rejects(skynet.socket.udpDial(bad(undefined)), type(/'options'/))
  await assert.rejects(one.connect(bad(undefined)), type(/'options'/))
  for (const to of [undefined, null, 5, '127.0.0.1:9']) {
    assert.throws(() => one.sendTo(bad(to), 'x'), type(/'to' must be a UdpAddress/))
  }
  assert.throws(() => one.sendTo({ host: 'localhost', port: 9 }, 'x'), type(/'host' must be an IP/))
  assert.throws(() => one.sendTo({ host: '::1', port: 0 }, 'x'), range(/'port'/))
  assert.throws(() => one.sendTo({ host: '127.0.0.1', port: 9 }, bad(5)), type(/'data'/))
})
