/** One grammar of options: wherever they are taken, one that there is not is refused by name. */
import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { test as nodeTest } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import {
  defineService,
  framed,
  frameEncoder,
  type Skynet,
  type SuperviseOptions,
  supervise,
} from 'skynet-ts'
import { type SessionReader, socketChannel } from 'skynet-ts/channel'
import { clientProtocol, connect, unchecked } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { sprotoProtocol } from 'skynet-ts/client/sproto'
import { tcpCluster } from 'skynet-ts/cluster'
import { natsCluster } from 'skynet-ts/cluster-nats'
import { defineProtocol, json, seri, sproto, sprotoUnpack } from 'skynet-ts/codec'
import { clientWriter, gateServer, loginServer, onClient } from 'skynet-ts/gate'
import { harborOf, startHarbor } from 'skynet-ts/harbor'
import { serveHttp } from 'skynet-ts/http'
import { connectKcp, kcp, listenKcp } from 'skynet-ts/kcp'
import { startNode } from 'skynet-ts/node'
import { defineGate, tcp } from 'skynet-ts/session'
import { skynetCluster } from 'skynet-ts/skynet-cluster'
import { createSocketServer, resolve } from 'skynet-ts/socket-server'
import { loadDriver, type TestClient, testNode, testService } from 'skynet-ts/testing'
import { connectTls, listenTls } from 'skynet-ts/tls'
import { withProxy } from 'skynet-ts/transport'
import { connectWebSocket, listenWebSocket, webSocket } from 'skynet-ts/websocket'
import { Session } from '../../src/session/session.ts'
import type subject from '../fixtures/subject.ts'
import { assertRefusesOdd } from '../support/odd.ts'
import { publicOptions } from '../support/option-doors.ts'
import { BodyNode, serviceTest } from '../support/run.ts'
import { CA, LOCAL } from '../support/tls.ts'
import { clientOfBytes } from '../support/websocket-peer.ts'

/** No option of anything, but a slip of one. */
type Odd = { readonly timeuotMs: 100 }
const ODD: Odd = { timeuotMs: 100 }
const odd = <T>(more: object = {}): T => ({ ...more, ...ODD }) as T

type Call = (at: Things, o: object) => unknown
const port = { host: '127.0.0.1', port: 0 }
const supervised: SuperviseOptions = {
  strategy: 'one-for-one',
  children: [{ name: 'child', path: '../fixtures/subject.ts' }],
}
const handlers = { auth: () => ({ server: '', uid: '' }), login: () => 1 }
const dial = { host: '127.0.0.1', port: 9 }

/** Each with options that are right but for one. */
const IN_SERVICES: Readonly<Record<string, Call>> = {
  'ChannelInput.readLine': ({ ordered }, o) => {
    const read = ordered.request('x\n', async (input) => ({
      ok: true,
      data: await input.readLine(o),
    }))
    return read.catch((error: Error) => Promise.reject(error.cause))
  },
  'ClusterApi.nodes': ({ skynet }, o) => skynet.cluster.nodes(o),
  'ClusterApi.query': ({ skynet }, o) => skynet.cluster.query('node', '.x', o),
  'ClusterApi.shareChannel': ({ skynet }, o) =>
    skynet.cluster.shareChannel(skynet.multicast.new(), o),
  'ClusterApi.openChannel': ({ skynet }, o) =>
    skynet.cluster.openChannel({ node: 'node', epoch: 1, id: 1 }, o),
  'ClusterApi.uniqueService': ({ skynet }, o) => skynet.cluster.uniqueService('x', o),
  'ClusterApi.drain': ({ skynet }, o) => skynet.cluster.drain(o),
  'Connection.read': ({ connection }, o) => connection.read(undefined, o),
  'Connection.readLine': ({ connection }, o) => connection.readLine(o),
  'Connection.readAll': ({ connection }, o) => connection.readAll(o),
  'Connection.lines': ({ connection }, o) => connection.lines(o).next(),
  'Connection.write': ({ connection }, o) => connection.write('x', o),
  'Connection.frames': ({ connection }, o) => connection.frames({ header: 'line', ...o }),
  'Connection.drain': ({ connection }, o) => connection.drain(o),
  'Connection.configure': ({ connection }, o) => connection.configure(o),
  'Connection.close': ({ connection }, o) => connection.close(o),
  CriticalSection: ({ skynet }, o) => skynet.queue()(() => {}, o),
  'Datacenter.with': ({ skynet }, o) => skynet.datacenter.with(o),
  'DebugApi.workers': ({ skynet }, o) => skynet.debug.workers(o),
  'DebugApi.services': ({ skynet }, o) => skynet.debug.services(o),
  'DebugApi.profile': ({ skynet }, o) => skynet.debug.profile(false, undefined, o),
  'FramedStream.receive': ({ frames }, o) => frames.receive(o),
  'FramedStream.drain': ({ frames }, o) => frames.drain(o),
  'Gate.drain': ({ skynet }, o) => drainGate(skynet, o),
  'GateMethods.open': ({ skynet }, o) => openGate(skynet, o),
  clientWriter: ({ skynet }, o) => clientWriter(skynet, o),
  onClient: ({ skynet }, o) => onClient(skynet, () => undefined, o),
  loginServer: ({ skynet }, o) => loginServer(skynet, { ...port, ...handlers, ...o }),
  'Harbor.globalName': ({ skynet }, o) => harborOf(skynet).globalName('X', skynet.self, o),
  'Harbor.queryName': ({ skynet }, o) => harborOf(skynet).queryName('X', o),
  'Harbor.query': ({ skynet }, o) => harborOf(skynet).query('X', o),
  'Harbor.link': ({ skynet }, o) => harborOf(skynet).link(1, o),
  'Harbor.connect': ({ skynet }, o) => harborOf(skynet).connect(1, o),
  'Harbor.linkMaster': ({ skynet }, o) => harborOf(skynet).linkMaster(o),
  'Harbor.harbors': ({ skynet }, o) => harborOf(skynet).harbors(o),
  'Harbor.stat': ({ skynet }, o) => harborOf(skynet).stat(o),
  'Harbor.master': ({ skynet }, o) => harborOf(skynet).master(o),
  startHarbor: ({ skynet }, o) =>
    startHarbor(skynet, { address: '127.0.0.1:0', master: '127.0.0.1:9', ...o }),
  'HttpServer.close': ({ http }, o) => http.close(o),
  serveHttp: ({ skynet }, o) => serveHttp(skynet, { ...port, handler() {}, ...o }),
  'Listener.accept': ({ listener }, o) => listener.accept(o),
  'Listener.close': ({ listener }, o) => listener.close(o),
  'OrderChannel.request': ({ ordered }, o) =>
    ordered.request('x\n', () => ({ ok: true, data: 1 }), o),
  'OrderChannel.response': ({ ordered }, o) => ordered.response(() => ({ ok: true, data: 1 }), o),
  'ParsedChannel.request': ({ parsed }, o) => parsed.request('x\n', o),
  'ParsedChannel.response': ({ parsed }, o) => parsed.response(o),
  'Protocol.call': ({ protocol, peer }, o) => protocol.call(peer.handle, 1, o),
  'RemoteRef.with': ({ skynet }, o) => skynetCluster(skynet).ref('node', '@x').with(o),
  'ServiceRef.with': ({ peer }, o) => peer.with(o),
  'SessionChannel.request': ({ sessions }, o) => sessions.request('x\n', 1, o),
  'SessionChannel.response': ({ sessions }, o) => sessions.response(1, o),
  'SharedView.monitor': ({ view }, o) => view.monitor(o),
  'KcpListener.accept': ({ kcpListener }, o) => kcpListener.accept(o),
  'KcpStream.drain': ({ kcpStream }, o) => kcpStream.drain(o),
  'KcpStream.receive': ({ kcpStream }, o) => kcpStream.receive(o),
  connectKcp: ({ skynet }, o) => connectKcp(skynet, { ...dial, ...o }),
  listenKcp: ({ skynet }, o) => listenKcp(skynet, { ...port, ...o }),
  'Skynet.newService': ({ skynet }, o) => skynet.newService('./subject.ts', o),
  'Skynet.uniqueService': ({ skynet }, o) => skynet.uniqueService('./subject.ts', o),
  'Skynet.queryService': ({ skynet }, o) => skynet.queryService('../fixtures/subject.ts', o),
  'Skynet.sleep': ({ skynet }, o) => skynet.sleep(0, o),
  'Skynet.wait': ({ skynet }, o) => skynet.wait('token', o),
  'Skynet.select': ({ skynet }, o) => skynet.select([], o),
  'Skynet.mailbox': ({ skynet, peer }, o) => skynet.mailbox(peer.handle, o),
  'Skynet.room': ({ skynet, peer }, o) => skynet.room(peer.handle, o),
  'Skynet.monitor': ({ skynet, peer }, o) => skynet.monitor(peer.handle, o),
  'Skynet.kill': ({ skynet, peer }, o) => skynet.kill(peer.handle, o),
  'Skynet.registerProtocol': ({ skynet }, o) =>
    skynet.registerProtocol({ name: 'other', id: 78, ...o } as never),
  'Skynet.rawCall': ({ skynet, peer }, o) => skynet.rawCall(peer.handle, 'lua', ['worker'], o),
  'Skynet.logOn': ({ skynet, peer }, o) => skynet.logOn(peer.handle, o),
  'Skynet.logOff': ({ skynet, peer }, o) => skynet.logOff(peer.handle, o),
  'Skynet.signal': ({ skynet, peer }, o) => skynet.signal(peer.handle, 1, o),
  'SkynetCluster.with': ({ skynet }, o) => skynetCluster(skynet).with(o),
  skynetCluster: ({ skynet }, o) => skynetCluster(skynet, o),
  'SocketChannel.connect': ({ parsed }, o) => parsed.connect(o),
  'SocketChannel.send': ({ parsed }, o) => parsed.send('x\n', o),
  'SocketChannel.close': ({ parsed }, o) => parsed.close(o),
  socketChannel: ({ skynet }, o) => socketChannel(skynet, { ...dial, ...o }),
  'SocketApi.listen': ({ skynet }, o) => skynet.socket.listen({ ...port, ...o }),
  'SocketApi.connect': ({ skynet }, o) => skynet.socket.connect({ ...dial, ...o }),
  'SocketApi.start': ({ skynet, connection }, o) => skynet.socket.start(connection.id, o),
  'SocketApi.bind': ({ skynet }, o) => skynet.socket.bind(openSync('/dev/null', 'r'), o),
  'SocketApi.stdin': ({ skynet }, o) => skynet.socket.stdin(o),
  'SocketApi.udp': ({ skynet }, o) => skynet.socket.udp(o),
  'SocketApi.udpListen': ({ skynet }, o) => skynet.socket.udpListen({ port: 9, ...o }),
  'SocketApi.udpDial': ({ skynet }, o) => skynet.socket.udpDial(dial, o),
  'Subscription.next': ({ loop }, o) => loop.next(o),
  'Supervisor.stop': ({ supervisor }, o) => supervisor.stop(o),
  supervise: ({ skynet }, o) => supervise(skynet, { ...supervised, ...o }),
  tcpCluster: ({ skynet }, o) =>
    tcpCluster({ name: 'a', listen: '127.0.0.1:0', seed: '127.0.0.1:9', ...o }, skynet),
  'TlsListener.setTls': ({ tlsListener }, o) => tlsListener.setTls({ ...LOCAL, ...o }),
  'TlsStream.read': ({ tlsStream }, o) => tlsStream.read(undefined, o),
  'TlsStream.readLine': ({ tlsStream }, o) => tlsStream.readLine(o),
  'TlsStream.lines': ({ tlsStream }, o) => tlsStream.lines(o).next(),
  'TlsStream.drain': ({ tlsStream }, o) => tlsStream.drain(o),
  'TlsStream.close': ({ tlsStream }, o) => tlsStream.close(o),
  connectTls: ({ skynet }, o) => connectTls(skynet, { ...dial, ...o }),
  listenTls: ({ skynet }, o) => listenTls(skynet, { ...port, tls: LOCAL, ...o }),
  'UdpSocket.receive': ({ udp }, o) => udp.receive(o),
  'UdpSocket.connect': ({ udp }, o) => udp.connect(dial, o),
  'UdpSocket.drain': ({ udp }, o) => udp.drain(o),
  'UdpSocket.close': ({ udp }, o) => udp.close(o),
  'WebSocketStream.receive': ({ webSocket }, o) => webSocket.receive(o),
  'WebSocketStream.drain': ({ webSocket }, o) => webSocket.drain(o),
  'WebSocketStream.ping': ({ webSocket }, o) => webSocket.ping(o),
  'WebSocketListener.accept': ({ webSockets }, o) => webSockets.accept(o),
  listenWebSocket: ({ skynet }, o) => listenWebSocket(skynet, { ...port, ...o } as never),
  connectWebSocket: ({ skynet }, o) => connectWebSocket(skynet, `ws://127.0.0.1:${dial.port}`, o),
}

/** Of a server that says nothing. */
const silent: SessionReader<number> = async (input) => ({
  session: 1,
  ok: true,
  data: await input.read(),
})

const nothing = defineService(() => {})
const PACKAGE = '.p { type 0 : integer session 1 : integer }'

const OUTSIDE: Readonly<Record<string, () => unknown>> = {
  natsCluster: () => natsCluster(odd()),
  startNode: () => startNode({} as never, odd()),
  'Node.stop': async () => {
    const started = await BodyNode.start()
    try {
      await started.node.stop(odd())
    } finally {
      await started.stop()
    }
  },
  loadDriver: () => loadDriver(clientProtocol({}), odd()),
  testNode: () => testNode(odd()),
  testService: () => testService(nothing, odd()),
  'TestClient.frames': () =>
    withClient((client) => client.frames(odd<{ header: 'line' }>({ header: 'line' }))),
  'TestClient.read': () => withClient((client) => client.read(undefined, odd())),
  'TestClient.lines': () => withClient((client) => client.lines(odd()).next()),
  'TestClient.readLine': () => withClient((client) => client.readLine(odd())),
  'TestClient.readAll': () => withClient((client) => client.readAll(odd())),
  'TestClient.drain': () => withClient((client) => client.drain(odd())),
  'TestClient.close': () => withClient((client) => client.close(odd())),
  'TestNode.connect': () => withNode((node) => node.connect(odd(dial))),
  'TestNode.launch': () => withNode((node) => node.launch(nothing, odd())),
  'TestNode.settled': () => withNode((node) => node.settled(odd())),
  'TestNode.stop': () => withNode((node) => node.stop(odd())),
  'Probe.find': () => withNode((node) => node.log.find(() => true, odd())),
  frameEncoder: () => frameEncoder({ header: 'line', ...ODD }),
  tcp: () => tcp(odd({ port: 0 })),
  defineGate: () => {
    const options = { listen: tcp(port), login: () => ({}) as never }
    const wrong: typeof options = odd(options)
    return defineGate(clientProtocol({}), wrong)
  },
  kcp: () => kcp(odd({ port: 0 })),
  webSocket: () => webSocket(odd({ port: 0 })),
  withProxy: () => withProxy({} as never, odd({ trust: ['::1'] })),
  clientProtocol: () => clientProtocol({ calls: {}, ...ODD }),
  framed: () => framed({ read() {}, write() {} } as never, { header: 'line', ...ODD }),
  'Sproto.codec': () => sproto('.A {}').codec('A', odd()),
  'Sproto.host': () => sproto(PACKAGE).host('p', odd()),
  'SprotoHost.attach': () => sproto(PACKAGE).host('p').attach(sproto('.A {}'), odd()),
  sprotoUnpack: () => sprotoUnpack(Buffer.alloc(0), odd()),
  resolve: () => resolve('127.0.0.1', odd()),
  defineProtocol: () => defineProtocol(odd<never>({ codec: json(), messages: {} })),
  seri: () => seri(odd()),
  sprotoProtocol: () => sprotoProtocol(odd<never>({ calls: sproto('.A {}') })),
  framedTcp: () => framedTcp(odd<{ port: number }>({ port: 1 })),
  'SessionClient.events': async () => {
    const transport = { open: () => ({ send() {}, close() {} }) }
    const client = connect(clientProtocol({ events: { x: unchecked() } }), { transport })
    try {
      client.events('x', odd())
    } finally {
      await client.close()
    }
  },
  'Session.drain': () => {
    const facts = { id: '1', user: 'u', address: '', transport: '', epoch: 1, isConnected: true }
    return new Session({} as never, { gate: 1, key: 1, bytesMax: 1 }, facts).drain(odd())
  },
  'SessionGateMethods.drain': () =>
    withNode(async (node) => {
      const options = { listen: tcp(port), login: () => ({}) as never }
      const gate = await node.launch(defineGate(clientProtocol({}), options))
      return gate.call.drain(odd())
    }),
  createSocketServer: () => createSocketServer(odd()),
  'StandaloneServer.listen': () => withServer((server) => server.listen(odd(port))),
  'StandaloneServer.connect': () => withServer((server) => server.connect(odd(dial))),
  'StandaloneServer.udp': () => withServer((server) => server.udp(odd())),
  'StandaloneServer.bind': () => withServer((server) => server.bind(0, odd())),
  'StandaloneServer.configure': () => withServer((server, id) => server.configure(id, odd())),
  'StandaloneServer.send': () => withServer((server, id) => server.send(id, 'x', odd())),
  'StandaloneServer.poll': () => withServer((server) => server.poll(odd())),
}

async function withNode(use: (node: Awaited<ReturnType<typeof testNode>>) => unknown) {
  await using node = await testNode()
  return await use(node)
}

const withClient = (use: (client: TestClient) => unknown) =>
  withNode((node) => use(node.connection()[0]))

function withServer(
  use: (server: ReturnType<typeof createSocketServer>, id: number) => unknown,
): unknown {
  const server = createSocketServer()
  try {
    return use(server, server.udp())
  } finally {
    server.release()
  }
}

async function prepare(skynet: Skynet) {
  const listener = await skynet.socket.listen(port)
  const connection = await skynet.socket.connect({ port: listener.port })
  await listener.accept()
  const framed = await skynet.socket.connect({ port: listener.port })
  await listener.accept()
  const kcpListener = await listenKcp(skynet, port)
  const tlsListener = await listenTls(skynet, { ...port, tls: LOCAL })
  void tlsListener[Symbol.asyncIterator]().next()
  const shared = `options of ${skynet.self}`
  skynet.shareData.new(shared, 1)
  return {
    skynet,
    listener,
    connection,
    frames: framed.frames({ header: 'line' }),
    peer: await skynet.newService<typeof subject>('../fixtures/subject.ts'),
    protocol: skynet.registerProtocol({ name: 'odd', id: 77 }),
    view: skynet.shareData.query(shared),
    loop: skynet.multicast.new().subscribe(),
    supervisor: await supervise(skynet, supervised),
    udp: await skynet.socket.udp(),
    ordered: socketChannel(skynet, { port: listener.port }),
    parsed: socketChannel(skynet, { port: listener.port, parser: () => ({ take() {} }) }),
    sessions: socketChannel(skynet, { port: listener.port, response: silent }),
    http: await serveHttp(skynet, { ...port, handler() {} }),
    webSocket: (await clientOfBytes(skynet)).stream,
    kcpListener,
    kcpStream: await connectKcp(skynet, { port: kcpListener.port }),
    webSockets: await listenWebSocket(skynet, { ...port }),
    tlsListener,
    tlsStream: await connectTls(skynet, { port: tlsListener.port, tls: { ca: CA } }),
  }
}
type Things = Awaited<ReturnType<typeof prepare>>

const REFUSED = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: /option 'timeuotMs'/ }

// Proves: docs/semantics.md#options-unknown
serviceTest(
  import.meta.url,
  'an option that there is not is refused by name, wherever options are taken',
  async (skynet) => {
    const at = await prepare(skynet)
    for (const [name, call] of Object.entries(IN_SERVICES)) {
      await assert.rejects(async () => call(at, ODD), REFUSED, name)
    }
    assert.equal(skynet.isAlive(at.peer.handle), true)
    assert.equal(await at.peer.call.echo('as ever'), 'as ever')
  },
)

// Proves: docs/semantics.md#arguments-odd
serviceTest(
  import.meta.url,
  'a limit of a wait that throws when it is looked at is refused, wherever options are taken',
  async (skynet) => {
    const at = await prepare(skynet)
    for (const [name, call] of Object.entries(IN_SERVICES)) {
      await assertRefusesOdd(`${name} signal`, (signal) => call(at, { signal }))
      await assertRefusesOdd(`${name} timeoutMs`, (timeoutMs) => call(at, { timeoutMs }))
    }
  },
)

const openGate = (skynet: Skynet, o: object): Promise<unknown> =>
  gateServer(skynet, () => ({ connect() {}, message() {} })).open({ ...port, ...o })

async function drainGate(skynet: Skynet, o: object): Promise<void> {
  let drained: Promise<void> | undefined
  gateServer(skynet, (gate) => {
    drained = Promise.resolve().then(() => gate.drain(1, o))
    return { connect() {}, message() {} }
  })
  await drained
}

/** Take options, and wait for nothing. */
const NO_WAITS = [
  'Connection.configure',
  'Connection.frames',
  'socketChannel',
  'ChannelInput.readLine',
  'Connection.write',
  'HttpServer.close',
  'GateMethods.open',
  'skynetCluster',
  'startHarbor',
  'tcpCluster',
  'Skynet.registerProtocol',
  'TlsListener.setTls',
  'clientWriter',
  'onClient',
]
/** Nothing is to be waited for where these are called, or by others. */
const AT_ONCE = [
  'ClusterApi.drain',
  'ClusterApi.nodes',
  'ClusterApi.openChannel',
  'ClusterApi.query',
  'ClusterApi.shareChannel',
  'ClusterApi.uniqueService',
  'Connection.drain',
  'Datacenter.with',
  'FramedStream.drain',
  'Gate.drain',
  'RemoteRef.with',
  'ServiceRef.with',
  'SkynetCluster.with',
  'SocketApi.start',
  'SocketChannel.close',
  'TlsStream.drain',
  'UdpSocket.drain',
  'WebSocketStream.drain',
]

// Proves: docs/semantics.md#waits-give-up
serviceTest(import.meta.url, 'a signal ends every wait that takes options', async (skynet) => {
  const at = await prepare(skynet)
  const signal = AbortSignal.abort()
  const aborted = { code: 'ABORT_ERR' }
  for (const [name, call] of Object.entries(IN_SERVICES)) {
    if (NO_WAITS.includes(name) || AT_ONCE.includes(name)) continue
    await assert.rejects(async () => drained(await call(at, { signal })), aborted, name)
  }
  await assert.rejects(skynet.datacenter.with({ signal }).get('x'), aborted)
  await assert.rejects(skynetCluster(skynet).with({ signal }).query('node', 'x'), aborted)
  await assert.rejects(at.peer.with({ signal }).call.worker(), aborted)
})

/** A selection begins with its loop. */
async function drained(result: unknown): Promise<void> {
  if (result instanceof Object && Symbol.asyncIterator in result) {
    for await (const _ of result as AsyncIterable<unknown>);
  }
}

// Proves: docs/semantics.md#options-unknown
serviceTest(import.meta.url, 'a slip is told what was meant', (skynet) => {
  const rows = {
    timeuotMs: 'timeoutMs',
    timeout: 'timeoutMs',
    TimeoutMS: 'timeoutMs',
    singal: 'signal',
  }
  const ref = skynet.ref(skynet.self)
  for (const [slip, meant] of Object.entries(rows)) {
    const message = RegExp(
      `option '${slip}': there are timeoutMs, signal \\(did you mean '${meant}'\\?\\)$`,
    )
    assert.throws(() => ref.with({ [slip]: 1 }), { message })
  }
  assert.throws(() => ref.with({ retries: 1 } as never), {
    message: /there are timeoutMs, signal$/,
  })
})

if (isMainThread) {
  // Proves: docs/semantics.md#options-unknown
  nodeTest('an option that there is not is refused outside of services, too', async () => {
    for (const [name, call] of Object.entries(OUTSIDE)) {
      await assert.rejects(async () => call(), REFUSED, name)
    }
  })

  // Proves: docs/semantics.md#options-unknown
  nodeTest('everything public that takes options stands in these tables', () => {
    const listed = [...Object.keys(IN_SERVICES), ...Object.keys(OUTSIDE)]
    assert.deepEqual(publicOptions(), listed.sort())
  })
}
