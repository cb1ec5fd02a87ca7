/** Transports and stores of a cluster over TCP, on real sockets. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import type { Skynet } from 'skynet-ts'
import { type TcpClusterOptions, tcpCluster } from 'skynet-ts/cluster'
import { helloBytes, proofOf } from '../../src/cluster/tcp/hello.ts'
import { PACKET, writePacket } from '../../src/cluster/tcp/packets.ts'
import { Member, SECRET } from '../../src/cluster/tcp/tcp.kit.ts'
import { freePort } from '../support/free-port.ts'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const FRAMES = 1000
const STRANGERS = 1000

/** A seed `m`, and others that have joined; everybody knows everybody. */
async function cluster(skynet: Skynet, ...names: string[]): Promise<Member[]> {
  const seed = `127.0.0.1:${await freePort()}`
  const member = (name: string, options: Partial<TcpClusterOptions>): Member =>
    new Member(name, tcpCluster({ name, seed, secret: SECRET, ...options }, skynet))
  const first = member('m', { listen: seed })
  const all = [first, ...names.map((name) => member(name, { listen: '127.0.0.1:0' }))]
  for (const each of all) await each.open()
  for (const [index, each] of all.entries()) {
    await each.cluster.store.open()
    each.join(index + 1)
  }
  for (const each of all) each.knows(...all)
  const ways = names.length
  await until('all have a way to all others', () =>
    all.every(({ told }) => told.filter((line) => line.startsWith('writable')).length >= ways),
  )
  for (const each of all) each.heard()
  return all
}

const close = (all: readonly Member[]) =>
  Promise.all(
    all.map(({ cluster: { store, transport } }) => transport.close().then(() => store.close())),
  )

serviceTest(import.meta.url, 'three nodes: frames of each pair come in order', async (skynet) => {
  const all = await cluster(skynet, 'a', 'z')
  for (let i = 0; i < FRAMES; i++) {
    for (const from of all) for (const to of all) if (from !== to) from.send(to, `${i}`)
    // Everything of a turn leaves with it.
    if (i % 100 === 0) await skynet.yield()
  }
  await until('all frames have come', () => all.every(({ told }) => told.length === 2 * FRAMES))
  for (const { told } of all) {
    const froms = new Set(told.map((line) => line.split(' ')[0]))
    assert.equal(froms.size, 2)
    for (const from of froms) {
      const numbers = told.filter((line) => line.startsWith(`${from} `))
      assert.deepEqual(
        numbers,
        Array.from({ length: FRAMES }, (_, i) => `${from} ${i}`),
      )
    }
  }
  await close(all)
})

/** One that knows the secret, and is no node of ours. */
class Insider {
  readonly socket: Socket
  #bytes = Buffer.alloc(0)

  constructor(address: string) {
    const [host, port] = address.split(':')
    this.socket = connect(Number(port), host)
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
    })
  }

  say(kind: 1 | 2 | 4, body: Buffer): void {
    writePacket({ write: (data) => this.socket.write(Buffer.from(data)) }, kind, body)
  }

  async hear(): Promise<Buffer> {
    const bytes = await until('a packet', () => {
      const whole = this.#bytes.length >= 4 && this.#bytes.readUInt32LE(0) + 4
      return whole !== false && this.#bytes.length >= whole && this.#bytes.subarray(0, whole)
    })
    this.#bytes = this.#bytes.subarray(bytes.length)
    return Buffer.from(bytes.subarray(5))
  }

  async enter(epoch: number): Promise<void> {
    const id = { node: 'slow', cluster: 'skynet', instance: '33'.repeat(16) }
    const hello = helloBytes({ min: 1, max: 1, nonce: Buffer.alloc(32), ...id })
    this.say(PACKET.hello, hello)
    this.say(PACKET.proof, proofOf(SECRET, 'dial', [hello, await this.hear()]))
    await this.hear()
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(epoch)
    this.say(PACKET.self, bytes)
  }
}

// Proves: docs/cluster-tcp.md#slow
serviceTest(
  import.meta.url,
  'a node that reads nothing is sent no more than fits, and the others go on',
  async (skynet) => {
    const all = await cluster(skynet, 'a')
    const [m, a] = all as [Member, Member]
    const slow = new Insider(m.address)
    await slow.enter(9)
    await until('it is there', () => m.told.includes('writable slow@9'))
    slow.socket.pause()
    m.heard()
    const frame = Buffer.alloc(32 * 1024)
    const { transport } = m.cluster
    const to = { node: 'slow', epoch: 9 }
    let taken = 0
    let refusals = 0
    // What the kernels hold is not ours to say; then it is full, and stays so.
    while (refusals < 20) {
      while (transport.send(to, frame, 0)) taken++
      refusals++
      transport.beat(Buffer.from('left out'))
      assert.equal(m.send(a, 'beside'), true)
      await skynet.sleep(5)
    }
    const waiting = skynet.socket.netstat().map(({ queued }) => queued)
    assert.ok(Math.max(...waiting) < 1024 * 1024, `${waiting} bytes wait`)
    await until(
      'the other one has all',
      () => a.told.filter((line) => line === 'm@1 beside').length === refusals,
    )
    m.heard()
    let bytes = 0
    slow.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    slow.socket.resume()
    await until('it goes on', () => m.told.includes('writable slow@9'))
    await until('nothing is lost', () => bytes >= taken * frame.length)
    slow.socket.destroy()
    await until('its end', () => m.told.includes('reset slow@9'))
    await close(all)
  },
)

// Proves: docs/cluster-tcp.md#stranger
serviceTest(
  import.meta.url,
  'a thousand strangers come and go while the cluster works',
  async (skynet) => {
    const all = await cluster(skynet, 'a')
    const [m, a] = all as [Member, Member]
    const port = Number(m.address.split(':')[1])
    const strangers: Socket[] = []
    for (let i = 0; i < STRANGERS; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\n\r\n')
      strangers.push(socket)
      if (i % 50 !== 0) continue
      assert.equal(a.send(m, 'on'), true)
      await a.cluster.store.get('node.a')
    }
    await until('what was sent', () => m.told.filter((line) => line === 'a@2 on').length === 20)
    for (const socket of strangers) socket.destroy()
    await until('nobody is left', () => {
      const { length } = skynet.socket.netstat().filter(({ state }) => state !== 'LISTEN')
      return length <= 2
    })
    await close(all)
  },
)
