/** The proxy that tests put between a client and a server: it cuts where it says. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type CuttingOptions, CuttingProxy } from '../support/cutting-proxy.ts'
import { until } from '../support/until.ts'

/** An echo server, and the proxy to it. */
async function echoBehind(t: TestContext, options?: CuttingOptions): Promise<CuttingProxy> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await CuttingProxy.to((server.address() as AddressInfo).port, options)
  t.after(async () => {
    await proxy[Symbol.asyncDispose]()
    server.close()
  })
  return proxy
}

/** A client that keeps what has come. */
function guest({ port }: CuttingProxy) {
  const socket = connect({ port, host: '127.0.0.1' })
  const heard = { text: '', fault: '', isOver: false }
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    heard.text += text
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    heard.fault = error.code ?? ''
  })
  socket.on('close', () => {
    heard.isOver = true
  })
  return { socket, heard }
}

test('bytes go both ways, and an end goes on as an end', async (t) => {
  const { socket, heard } = guest(await echoBehind(t))
  const text = 'x'.repeat(1_000_000)
  socket.end(text)
  await until('the end', () => heard.isOver)
  assert.equal(heard.text.length, text.length)
  assert.equal(heard.fault, '')
})

test('cutAtByte: so many bytes come, no more', async (t) => {
  const proxy = await echoBehind(t, { cutAtByte: 10 })
  const { socket, heard } = guest(proxy)
  // One by one: RST may overtake the last.
  for (const letter of '0123456789ab') {
    socket.write(letter)
    await until('the echo', () => heard.text.endsWith(letter) || heard.isOver)
  }
  await until('the cut', () => heard.isOver)
  assert.match(heard.text, /^0123456789?$/)
  assert.equal(proxy.cuts, 1)
})

test('cutChance: which chunk is cut follows from the seed', async (t) => {
  const echoesOf = async (seed: number): Promise<number[]> => {
    const proxy = await echoBehind(t, { seed, cutChance: 0.2 })
    const echoes: number[] = []
    for (let visit = 0; visit < 5; visit++) {
      const { socket, heard } = guest(proxy)
      let count = 0
      for (; !heard.isOver; count++) {
        socket.write('?')
        await until('an echo', () => heard.text.length > count || heard.isOver)
      }
      echoes.push(count)
    }
    return echoes
  }
  const first = await echoesOf(7)
  assert.deepEqual(await echoesOf(7), first)
  assert.notDeepEqual(await echoesOf(8), first)
})

test('stall() holds one way alone, and release() loses nothing', async (t) => {
  const proxy = await echoBehind(t)
  const { socket, heard } = guest(proxy)
  socket.write('a')
  await until('the echo', () => heard.text === 'a')
  proxy.stall(['down'])
  socket.write('b')
  const other = guest(proxy)
  other.socket.write('c')
  await until('the other one is there', () => proxy.links === 2)
  assert.equal(heard.text, 'a')
  assert.equal(other.heard.text, '')
  proxy.release()
  await until('what has waited', () => heard.text === 'ab' && other.heard.text === 'c')
  socket.destroy()
  other.socket.destroy()
})

test('down() breaks all and lets nobody in, up() does again', async (t) => {
  const proxy = await echoBehind(t)
  const first = guest(proxy)
  first.socket.write('a')
  await until('the echo', () => first.heard.text === 'a')
  proxy.down()
  await until('the cut', () => first.heard.isOver)
  const second = guest(proxy)
  await until('the refusal', () => second.heard.isOver)
  assert.equal(second.heard.fault, 'ECONNRESET')
  proxy.up()
  const third = guest(proxy)
  third.socket.end('b')
  await until('the end', () => third.heard.isOver)
  assert.equal(third.heard.text, 'b')
  assert.equal(third.heard.fault, '')
})

test('bytesPerSecond: bytes come in small pieces, all of them', async (t) => {
  const proxy = await echoBehind(t, { bytesPerSecond: 100_000 })
  const { socket, heard } = guest(proxy)
  let pieces = 0
  socket.on('data', () => pieces++)
  socket.end('x'.repeat(10_000))
  await until('the end', () => heard.isOver)
  assert.equal(heard.text.length, 10_000)
  assert.ok(pieces >= 3, `${pieces} pieces`)
})

test('a server that has ended and is gone breaks its connection, and nothing else', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (served) => {
    served.on('error', () => {}).end()
    server.once('break', () => served.resetAndDestroy())
    served.once('close', () => server.emit('broken'))
  })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using proxy = await CuttingProxy.to((server.address() as AddressInfo).port)
  const client = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {}).resume()
  await once(client, 'end')
  const broken = once(server, 'broken')
  server.emit('break')
  await broken
  client.write('x')
  await until('the way is over', () => proxy.links === 0)
  client.destroy()
})
