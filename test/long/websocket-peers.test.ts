/** Programs of others as peers, at both ends: Autobahn for Python, and a browser. */
import assert from 'node:assert/strict'
import { test as nodeTest } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import { serveHttp } from 'skynet-ts/http'
import { connectWebSocket, listenWebSocket } from 'skynet-ts/websocket'
import {
  AUTOBAHN_LEFT_OUT,
  AUTOBAHN_MESSAGES,
  Autobahn,
  isAutobahnInstalled,
} from '../support/autobahn.ts'
import { BROWSER_LEFT_OUT, isBrowserInstalled, TestBrowser } from '../support/browser.ts'
import { type Body, serviceTest } from '../support/run.ts'

const hasAutobahn = isAutobahnInstalled()
const hasBrowser = isBrowserInstalled()

const autobahnTest = (title: string, body: Body): void => {
  if (hasAutobahn) serviceTest(import.meta.url, title, body)
}
const browserTest = (title: string, body: Body): void => {
  if (hasBrowser) serviceTest(import.meta.url, title, body)
}
if (!hasAutobahn && isMainThread) {
  nodeTest('Autobahn as a peer', (t) => t.diagnostic(AUTOBAHN_LEFT_OUT))
}
if (!hasBrowser && isMainThread) {
  nodeTest('a browser as a peer', (t) => t.diagnostic(BROWSER_LEFT_OUT))
}

const local = { host: '127.0.0.1', port: 0 } as const

for (const deflate of [false, true]) {
  const how = deflate ? ', compressed' : ''

  // Proves: docs/websocket.md#text, #compression
  autobahnTest(`Autobahn as a client gets back what it says${how}`, async (skynet) => {
    await using listener = await listenWebSocket(skynet, {
      ...local,
      deflate,
      subprotocols: ['b'],
    })
    using client = Autobahn.client(listener.port, '/echo', deflate)
    const server = (await listener.accept())!
    assert.equal(server.subprotocol, 'b')
    await server.each((message) => void server.send(message))
    const { same, extensions } = await client.says()
    assert.equal(same, AUTOBAHN_MESSAGES)
    assert.equal((extensions as string[]).length, deflate ? 1 : 0)
    assert.deepEqual(await client.says(), { wasClean: true, code: 4001, reason: null })
    assert.deepEqual([server.closeCode, server.closeReason], [4001, 'bye'])
  })

  // Proves: docs/websocket.md#text, #close-codes
  autobahnTest(`Autobahn as a server gets back what it says${how}`, async (skynet) => {
    const { autobahn, port } = await Autobahn.server()
    using _ = autobahn
    const url = `ws://127.0.0.1:${port}/`
    const client = await connectWebSocket(skynet, url, { deflate })
    const messages = ['', 'wolf', 'κόσμε 😀', 'é'.repeat(40_000), 'wolf '.repeat(5000)]
    for (const message of [...messages, Buffer.of(), Buffer.alloc(300_000, 7)]) {
      client.send(message)
      assert.deepEqual(await client.receive(), message)
    }
    client.send('close me')
    assert.equal(await client.receive(), null)
    assert.deepEqual([client.closeCode, client.closeReason], [4002, 'so long'])
    assert.equal((await autobahn.says()).wasClean, true)
    const other = await connectWebSocket(skynet, url)
    await other.close(4003, 'wolf')
    assert.deepEqual(await autobahn.says(), { wasClean: true, code: 4003, reason: 'wolf' })
  })
}

const PAGE = `<!doctype html><script>
  const heard = []
  window.talk = (messages) => new Promise((resolve) => {
    const socket = new WebSocket(location.href.replace('http', 'ws') + 'echo', ['b'])
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => { for (const each of messages) socket.send(each) }
    socket.onmessage = ({ data }) => {
      heard.push(typeof data === 'string' ? data : [...new Uint8Array(data)])
      if (heard.length === messages.length + 1) socket.close(4001, 'bye')
    }
    socket.onclose = ({ code, wasClean }) =>
      resolve({ heard, code, wasClean, protocol: socket.protocol, extensions: socket.extensions })
  })
  window.awaitClose = () => new Promise((resolve) => {
    const socket = new WebSocket(location.href.replace('http', 'ws') + 'closing')
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean })
  })
</script>`

// Proves: docs/websocket.md#text, #compression, #server, #close
browserTest('a page in a browser talks to a service', async (skynet) => {
  await using server = await serveHttp(skynet, {
    ...local,
    handler: (_, response) => response.setHeader('content-type', 'text/html').end(PAGE),
  })
  const options = { server, path: '/echo', deflate: true, subprotocols: ['b'] }
  const echo = await listenWebSocket(skynet, options)
  const closing = await listenWebSocket(skynet, { server, path: '/closing' })
  await using browser = await TestBrowser.start()
  const page = await browser.open(`http://127.0.0.1:${server.port}/`)
  const messages = ['', 'wolf', 'κόσμε 😀', 'wolf '.repeat(5000)]
  const talking = page.evaluate(`window.talk(${JSON.stringify(messages)})`)
  const client = (await echo.accept())!
  assert.equal(client.request.headers.origin, `http://127.0.0.1:${server.port}`)
  client.send(Buffer.of(0, 255, 128))
  const done = client.each((message) => void client.send(message))
  assert.ok((await client.ping()) >= 0)
  const { heard, ...end } = (await talking) as { heard: unknown[] }
  await done
  assert.deepEqual(heard, [[0, 255, 128], ...messages])
  assert.deepEqual(end, {
    code: 4001,
    wasClean: true,
    protocol: 'b',
    extensions: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  })
  assert.deepEqual([client.closeCode, client.closeReason], [4001, 'bye'])
  const ending = page.evaluate('window.awaitClose()')
  await (await closing.accept())!.close(4321, 'wolf')
  assert.deepEqual(await ending, { code: 4321, reason: 'wolf', wasClean: true })
  assert.deepEqual(browser.faults, [])
})
