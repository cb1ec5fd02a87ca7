/** What throws when it is looked at is refused as all that is wrong: by name, with a code. */
import assert from 'node:assert/strict'
import { test as nodeTest } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import {
  FrameParser,
  formatJson,
  formatLine,
  framed,
  frameEncoder,
  type Skynet,
  Supervisor,
  supervise,
} from 'skynet-ts'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { createSocketServer, resolve } from 'skynet-ts/socket-server'
import { testNode, testService } from 'skynet-ts/testing'
import type subject from '../fixtures/subject.ts'
import { assertRefusesOdd } from '../support/odd.ts'
import { serviceTest } from '../support/run.ts'

const PATH = '../fixtures/subject.ts'

async function prepare(skynet: Skynet, shared = 'odd values') {
  const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const peer = await skynet.newService<typeof subject>(PATH)
  skynet.shareData.new(shared, { part: 1 })
  return {
    skynet,
    connection: await skynet.socket.connect({ port: listener.port }),
    frames: (await skynet.socket.connect({ port: listener.port })).frames({ header: 'line' }),
    udp: await skynet.socket.udp(),
    peer: peer.handle,
    protocol: skynet.registerProtocol({ name: 'of odd values', id: 79 }),
    subscription: skynet.multicast.new().subscribe(),
    supervisor: await supervise(skynet, { strategy: 'one-for-one', children: [] }),
    view: skynet.shareData.query(shared),
  }
}
type Things = Awaited<ReturnType<typeof prepare>>
type Call = (at: Things, value: never) => unknown

const child = (odd: object): never =>
  ({ strategy: 'one-for-one', children: [{ name: 'a', path: PATH, ...odd }] }) as never

const OF_SERVICES: Readonly<Record<string, Call>> = {
  'newService path': ({ skynet }, v) => skynet.newService(v),
  'newService options': ({ skynet }, v) => skynet.newService(PATH, v),
  'newService args': ({ skynet }, args) => skynet.newService(PATH, { args }),
  'newService on': ({ skynet }, on) => skynet.newService(PATH, { args: [], on }),
  'newService onFault': ({ skynet }, onFault) => skynet.newService(PATH, { args: [], onFault }),
  'newService memoryLimitMb': ({ skynet }, memoryLimitMb) =>
    skynet.newService(PATH, { args: [], on: 'dedicated', memoryLimitMb }),
  'newService signal': ({ skynet }, signal) => skynet.newService(PATH, { args: [], signal }),
  'uniqueService path': ({ skynet }, v) => skynet.uniqueService(v),
  'queryService path': ({ skynet }, v) => skynet.queryService(v),
  'queryService options': ({ skynet }, v) => skynet.queryService(PATH, v),
  'ref address': ({ skynet }, v) => skynet.ref<typeof subject>(v).call.echo(1),
  'ref with': ({ skynet, peer }, v) => skynet.ref(peer).with(v),
  'call address': ({ skynet }, v) => skynet.call(v, 'echo', 1),
  'call method': ({ skynet, peer }, v) => skynet.call(peer, v),
  'send address': ({ skynet }, v) => skynet.send(v, 'echo'),
  'send method': ({ skynet, peer }, v) => skynet.send(peer, v),
  isAlive: ({ skynet }, v) => skynet.isAlive(v),
  localName: ({ skynet }, v) => skynet.localName(v),
  register: ({ skynet }, v) => skynet.register(v),
  'name name': ({ skynet, peer }, v) => skynet.name(v, peer),
  'name address': ({ skynet }, v) => skynet.name('.odd', v),
  getenv: ({ skynet }, v) => skynet.getenv(v),
  'setenv key': ({ skynet }, v) => skynet.setenv(v, 1),
  'setenv value': ({ skynet }, v) => skynet.setenv('odd', v),
  fork: ({ skynet }, v) => skynet.fork(v),
  'sleep ms': ({ skynet }, v) => skynet.sleep(v),
  'sleep options': ({ skynet }, v) => skynet.sleep(0, v),
  'wait options': ({ skynet }, v) => skynet.wait('odd', v),
  'queue task': ({ skynet }, v) => skynet.queue()(v),
  'select requests': ({ skynet }, v) => skynet.select(v),
  'select options': ({ skynet }, v) => skynet.select([], v),
  'timeout ms': ({ skynet }, v) => skynet.timeout(v, () => {}),
  'timeout task': ({ skynet }, v) => skynet.timeout(0, v),
  'interval ms': ({ skynet }, v) => skynet.interval(v, () => {}),
  onExit: ({ skynet }, v) => skynet.onExit(v),
  onStop: ({ skynet }, v) => skynet.onStop(v),
  onSignal: ({ skynet }, v) => skynet.onSignal(v),
  boundMailbox: ({ skynet }, v) => skynet.boundMailbox(v),
  mailbox: ({ skynet }, v) => skynet.mailbox(v),
  room: ({ skynet }, v) => skynet.room(v),
  monitor: ({ skynet }, v) => skynet.monitor(v),
  link: ({ skynet }, v) => skynet.link(v),
  kill: ({ skynet }, v) => skynet.kill(v),
  registerProtocol: ({ skynet }, v) => skynet.registerProtocol(v),
  'registerProtocol name': ({ skynet }, name) => skynet.registerProtocol({ name, id: 80 }),
  'registerProtocol id': ({ skynet }, id) => skynet.registerProtocol({ name: 'odder', id }),
  forwardType: ({ skynet }, v) => skynet.forwardType(v),
  'forwardType type': ({ skynet }, v) => skynet.forwardType({ lua: v }),
  'rawSend type': ({ skynet, peer }, v) => skynet.rawSend(peer, v, 1),
  'rawSend value': ({ skynet, peer }, v) => skynet.rawSend(peer, 'lua', v),
  'rawCall address': ({ skynet }, v) => skynet.rawCall(v, 'lua', ['echo']),
  'redirect context': ({ skynet, peer }, v) => skynet.redirect(peer, v, 'lua', ['echo']),
  trace: ({ skynet }, v) => skynet.trace(v),
  killTask: ({ skynet }, v) => skynet.killTask(v),
  stat: ({ skynet }, v) => skynet.stat(v),
  logOn: ({ skynet }, v) => skynet.logOn(v),
  'signal address': ({ skynet }, v) => skynet.signal(v),
  'signal number': ({ skynet, peer }, v) => skynet.signal(peer, v),
  'protocol.send address': ({ protocol }, v) => protocol.send(v, 1),
  'protocol.call options': ({ protocol, peer }, v) => protocol.call(peer, 1, v),
  'datacenter.get': ({ skynet }, v) => skynet.datacenter.get(v),
  'datacenter.set': ({ skynet }, v) => skynet.datacenter.set(v, 1),
  'datacenter.with': ({ skynet }, v) => skynet.datacenter.with(v),
  'shareData.new name': ({ skynet }, v) => skynet.shareData.new(v, 1),
  'shareData.query': ({ skynet }, v) => skynet.shareData.query(v),
  'shareData.deepCopy name': ({ skynet }, v) => skynet.shareData.deepCopy(v),
  'shareData.deepCopy key': ({ skynet }, v) => skynet.shareData.deepCopy('odd values', v),
  'view.monitor': ({ view }, v) => view.monitor(v),
  'multicast.open': ({ skynet }, v) => skynet.multicast.open(v),
  'subscription.next': ({ subscription }, v) => subscription.next(v),
  'debug.services': ({ skynet }, v) => skynet.debug.services(v),
  'debug.profile': ({ skynet }, v) => skynet.debug.profile(v),
  'supervise skynet': (_, v) => supervise(v, { strategy: 'one-for-one', children: [] }),
  'supervise options': ({ skynet }, v) => supervise(skynet, v),
  'supervise children': ({ skynet }, children) =>
    supervise(skynet, { strategy: 'one-for-one', children }),
  'supervise a child': ({ skynet }, v) =>
    supervise(skynet, { strategy: 'one-for-one', children: [v] }),
  'supervise path': ({ skynet }, path) => supervise(skynet, child({ path })),
  'supervise args': ({ skynet }, args) => supervise(skynet, child({ args })),
  Supervisor: ({ skynet }, v) => new Supervisor(skynet, v),
  'supervisor.stop': ({ supervisor }, v) => supervisor.stop(v),
  'socket.listen': ({ skynet }, v) => skynet.socket.listen(v),
  'socket.listen host': ({ skynet }, host) => skynet.socket.listen({ host, port: 0 }),
  'socket.listen options': ({ skynet }, options) => skynet.socket.listen({ port: 0, options }),
  'socket.connect': ({ skynet }, v) => skynet.socket.connect(v),
  'socket.connect host': ({ skynet }, host) => skynet.socket.connect({ host, port: 9 }),
  'socket.start': ({ skynet }, v) => skynet.socket.start(v),
  'socket.bind': ({ skynet }, v) => skynet.socket.bind(v),
  'socket.udp': ({ skynet }, v) => skynet.socket.udp(v),
  'socket.udpDial': ({ skynet }, v) => skynet.socket.udpDial(v),
  'socket.broadcast ids': ({ skynet }, v) => skynet.socket.broadcast(v, 'x'),
  'socket.broadcast data': ({ skynet }, v) => skynet.socket.broadcast([], v),
  'socket.write id': ({ skynet }, v) => skynet.socket.write(v, 'x'),
  'socket.write data': ({ skynet, connection }, v) => skynet.socket.write(connection.id, v),
  'connection.read count': ({ connection }, v) => connection.read(v),
  'connection.readLine': ({ connection }, v) => connection.readLine(v),
  'connection.write': ({ connection }, v) => connection.write(v),
  'connection.write options': ({ connection }, v) => connection.write('x', v),
  'connection.setOption name': ({ connection }, v) => connection.setOption(v, 1),
  'connection.setOption value': ({ connection }, v) => connection.setOption('noDelay', v),
  'connection.configure': ({ connection }, v) => connection.configure(v),
  'connection.close': ({ connection }, v) => connection.close(v),
  'connection.frames': ({ connection }, v) => connection.frames(v),
  'connection.frames header': ({ connection }, header) => connection.frames({ header }),
  'connection.frames max': ({ connection }, max) => connection.frames({ header: 'line', max }),
  'connection.frames codec': ({ connection }, codec) =>
    connection.frames({ header: 'line', codec }),
  'frames.send': ({ frames }, v) => frames.send(v),
  'frames.receive': ({ frames }, v) => frames.receive(v),
  'frames.drain': ({ frames }, v) => frames.drain(v),
  'frames.each': ({ frames }, v) => frames.each(v),
  'frames.close code': ({ frames }, v) => frames.close(v),
  'frames.close reason': ({ frames }, v) => frames.close(1000, v),
  'udp.connect': ({ udp }, v) => udp.connect(v),
  'udp.sendTo': ({ udp }, v) => udp.sendTo(v, 'x'),
  'udp.receive': ({ udp }, v) => udp.receive(v),
}

// Proves: docs/semantics.md#arguments-odd
serviceTest(
  import.meta.url,
  'a value that throws when it is looked at is refused by name, whoever takes it',
  async (skynet) => {
    const at = await prepare(skynet)
    for (const [door, call] of Object.entries(OF_SERVICES)) {
      await assertRefusesOdd(door, (value) => call(at, value))
    }
    assert.equal(await skynet.call(at.peer, 'echo', 'as ever'), 'as ever')
  },
)

/** What cannot be sent, where something is sent: how its path begins. */
const SENDING: Readonly<Record<string, readonly [path: string, Call]>> = {
  newService: ['args[0]', ({ skynet }, v) => skynet.newService(PATH, { args: [v] })],
  uniqueService: ['args[1]', ({ skynet }, v) => skynet.uniqueService(PATH, { args: [1, v] })],
  supervise: ['args[0]', ({ skynet }, v) => supervise(skynet, child({ args: [v] }))],
  'datacenter.set': ['value', ({ skynet }, v) => skynet.datacenter.set('a', 'b', v)],
  call: ['args[1]', ({ skynet, peer }, v) => skynet.call(peer, 'echo', 1, v)],
  send: ['args[1]', ({ skynet, peer }, v) => skynet.send(peer, 'echo', 1, v)],
  'rawCall lua': ['args[0]', ({ skynet, peer }, v) => skynet.rawCall(peer, 'lua', ['echo', v])],
  'rawSend lua': ['args[0]', ({ skynet, peer }, v) => skynet.rawSend(peer, 'lua', ['echo', v])],
  redirect: [
    'args[0]',
    ({ skynet, peer }, v) =>
      skynet.redirect(peer, { source: peer, session: 0 }, 'lua', ['echo', v]),
  ],
  'protocol.call': ['value.args', ({ protocol, peer }, v) => protocol.call(peer, { args: v })],
  'protocol.send': ['value.args', ({ protocol, peer }, v) => protocol.send(peer, { args: v })],
  publish: ['message', ({ skynet }, v) => skynet.multicast.new().publish(v)],
  'shareData.new': ['value', ({ skynet }, v) => skynet.shareData.new('never', v)],
}

// Proves: docs/semantics.md#message-refused
serviceTest(
  import.meta.url,
  'what cannot be sent is named as its author wrote it, whoever sends it',
  async (skynet) => {
    const at = await prepare(skynet, 'unsendable')
    for (const [door, [path, call]] of Object.entries(SENDING)) {
      const code = 'ERR_MESSAGE_UNSUPPORTED'
      const odd = { of: [() => {}] } as never
      const info = { path: `${path}.of[0]`, type: 'function' }
      await assert.rejects(async () => call(at, odd), { code, info }, door)
    }
  },
)

type Server = ReturnType<typeof createSocketServer>

const OF_SERVERS: Readonly<Record<string, (server: Server, id: number, value: never) => unknown>> =
  {
    listen: (server, _, v) => server.listen(v),
    connect: (server, _, v) => server.connect(v),
    'connect host': (server, _, host) => server.connect({ host, port: 9 }),
    udp: (server, _, v) => server.udp(v),
    bind: (server, _, v) => server.bind(v),
    configure: (server, id, v) => server.configure(id, v),
    'setOption name': (server, id, v) => server.setOption(id, v, 1),
    'setOption value': (server, id, v) => server.setOption(id, 'noDelay', v),
    'send id': (server, _, v) => server.send(v, 'x'),
    'send data': (server, id, v) => server.send(id, v),
    'send options': (server, id, v) => server.send(id, 'x', v),
    'sendTo to': (server, id, v) => server.sendTo(id, v, 'x'),
    'udpConnect to': (server, id, v) => server.udpConnect(id, v),
    'broadcast ids': (server, _, v) => server.broadcast(v, 'x'),
    poll: (server, _, v) => server.poll(v),
  }

const OUTSIDE: Readonly<Record<string, (value: never) => unknown>> = {
  formatLine,
  formatJson,
  frameEncoder,
  'frameEncoder codec': (codec) => frameEncoder({ header: 'line', codec }),
  'frameEncoder message': (v) => frameEncoder({ header: 'line' })(v),
  'framed stream': (v) => framed(v, { header: 'line' }),
  'FrameParser options': (v) => new FrameParser(v),
  'FrameParser chunk': (v) => new FrameParser({ header: 'line' }).take(v, () => {}),
  resolveConfig,
  'resolveConfig args': (args) => resolveConfig({ start: PATH, args }),
  'resolveConfig thread': (thread) => resolveConfig({ start: PATH, thread }),
  'resolveConfig env': (odd) => resolveConfig({ start: PATH, env: { odd } }),
  startNode,
  'startNode options': (v) => startNode(resolveConfig({ start: PATH }), v),
  'resolve host': resolve,
  'resolve options': (v) => resolve('127.0.0.1', v),
  createSocketServer,
  testNode,
  'testNode clock': (clock) => testNode({ clock }),
  'testNode peers': (peers) => testNode({ peers }),
  testService,
}

if (isMainThread) {
  // Proves: docs/semantics.md#arguments-odd
  nodeTest(
    'a value that throws when it is looked at is refused outside of services, too',
    async () => {
      for (const [door, call] of Object.entries(OUTSIDE)) await assertRefusesOdd(door, call)
      const server = createSocketServer()
      const id = server.udp()
      for (const [door, call] of Object.entries(OF_SERVERS)) {
        await assertRefusesOdd(door, (value) => call(server, id, value))
      }
      server.release()
    },
  )
}
