/** What users see in their editors: the members of each public class, and nothing of the inside. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type DoorExport, exportsOf } from '../support/option-doors.ts'

const TYPES = join(import.meta.dirname, '../../lib/types')

/** A new member is added here on purpose; what only other files of src call is `@internal`. */
const MEMBERS: Readonly<Record<string, string>> = {
  ChannelInput: 'read readLine',
  ClientError: 'code text closeCode constructor',
  ClientFault: 'code constructor',
  ClusterApi: 'self datacenter nodes query uniqueService shareChannel openChannel onNode drain',
  Channel: 'id publish subscribe delete toString',
  Connection:
    'id dropped onWarning remoteAddress isOpen bufferedAmount read readLine readAll lines ' +
    '[Symbol.asyncIterator] frames write drain setOption configure setNoDelay close end shutdown ' +
    'hold [Symbol.asyncDispose]',
  Datacenter: 'with get set wait',
  DebugApi: 'workers services traced profile',
  EventStream: 'next return [Symbol.asyncIterator]',
  /** What Skynet is for others of this project: nothing for users. */
  Facade: '',
  FakeClock: 'constructor now advance',
  FrameParser: 'constructor take push next end rest clear',
  FramedStream:
    'remoteAddress isOpen bufferedAmount send drain receive each close [Symbol.asyncIterator] ' +
    '[Symbol.asyncDispose]',
  HandshakeListener:
    'address port isOpen handshakes [Symbol.asyncIterator] close [Symbol.asyncDispose]',
  Harbor: 'id globalName queryName query link connect linkMaster harbors stat master',
  Listener: 'id host port address isOpen accept [Symbol.asyncIterator] close [Symbol.asyncDispose]',
  HttpServer:
    'server refused address port isReady connections addressOf take upgrade close ' +
    '[Symbol.asyncDispose]',
  KcpListener:
    'host port address isOpen stat accept [Symbol.asyncIterator] close [Symbol.asyncDispose]',
  KcpStream:
    'id remoteAddress isOpen bufferedAmount roundTripMs resent closeCode closeReason send drain ' +
    'receive each close [Symbol.asyncIterator] [Symbol.asyncDispose]',
  LoginRequest: 'constructor take',
  LoginServer: 'address port pending close [Symbol.asyncDispose]',
  LuaFloat: 'value constructor valueOf',
  LuaPointer: 'address constructor',
  MulticastApi: 'new open',
  OrderChannel: 'request response',
  ParsedChannel: 'request response',
  Probe: 'all find',
  Protocol: 'id send call',
  RemoteRef: 'node address call send with',
  Response: 'isWanted resolve reject',
  Selection: 'hasTimedOut [Symbol.asyncIterator]',
  ServiceId: '[SERVICE] target',
  ServiceRef: 'handle address call send with toString',
  Session: 'id user address transport epoch isConnected isOver push kick attach drain',
  SharedView: 'name value version isDeleted latest monitor',
  SessionChannel: 'request response',
  ShareDataApi: 'new update delete query deepCopy',
  SkynetCluster:
    'with open reload nodes call callAll send query register unregister ref proxy snax ' +
    'registerSnax getSender',
  SkynetError: 'code info constructor',
  Skynet:
    'self worker socket multicast shareData datacenter debug cluster fence now startTime getenv ' +
    'setenv log error newService uniqueService queryService ref named selfRef call send isAlive ' +
    'localName register name fork sleep yield wait wakeup queue select timeout interval onExit ' +
    'onStop exit abort boundMailbox mailbox room monitor link kill response ignoreRet ' +
    'context registerProtocol forwardType rawSend rawCall redirect trace tasks killTask ' +
    'traceTasks stat logOn logOff signal onSignal',
  SocketChannel:
    'address isOpen pending bufferedAmount connect send close changeHost changeBackup ' +
    '[Symbol.asyncDispose]',
  SocketApi: 'listen connect start bind stdin udp udpListen udpDial netstat totals broadcast write',
  Sproto: 'text types protocols encode decode codec protocol defaults host withBigInts bundle',
  SprotoHost: 'dispatch attach',
  SprotoPeer: 'waiting request dispatch forget',
  StandaloneServer:
    'listen connect udp bind start pause end close shutdown configure setOption send broadcast ' +
    'sendTo udpConnect poll netstat totals release [Symbol.dispose]',
  StreamDuplex:
    'timeout constructor remoteAddress remotePort remoteFamily encrypted setTimeout destroySoon ' +
    'setNoDelay setKeepAlive ref unref detach',
  Subscription: 'channel ended next return [Symbol.asyncIterator] unsubscribe [Symbol.dispose]',
  Supervisor: 'constructor child start stop',
  TestClient:
    'remoteAddress localAddress isOpen bufferedAmount read readLine lines readAll ' +
    'received [Symbol.asyncIterator] frames write drain end close reset [Symbol.asyncDispose]',
  TestNode:
    'log sent skynet launch ref listeners connect connection settled stop [Symbol.asyncDispose]',
  Timer: 'pending cancel [Symbol.dispose]',
  TlsListener: 'setTls',
  TlsStream:
    'encrypted alpnProtocol servername protocol isResumed authorized authorizationError ' +
    'remoteAddress isOpen bufferedAmount peerCertificate read readLine lines ' +
    '[Symbol.asyncIterator] write drain end close [Symbol.asyncDispose]',
  TrustedProxies: 'constructor has',
  UdpAddress: 'bytes constructor of fromBytes host port family equals toString',
  UdpSocket:
    'id family port dropped isOpen peer receive [Symbol.asyncIterator] sendTo send connect drain ' +
    'setOption close [Symbol.asyncDispose]',
  AcceptedWebSocket: 'request remoteAddress',
  WebSocketListener:
    'address port isOpen accept [Symbol.asyncIterator] close [Symbol.asyncDispose]',
  WebSocketRequest: 'url headers address secure path',
  WebSocketStream:
    'subprotocol id remoteAddress isOpen bufferedAmount closeCode closeReason send drain receive ' +
    'each ping close [Symbol.asyncIterator] [Symbol.asyncDispose]',
}

const CLASS = /^export declare class (\w+)[^{]*\{\n([\s\S]*?)^\}/gm
const MEMBER = /^ {4}(?:(?:static|readonly|private|get|set) )*([\w[][\w.\]]*)/gm

function filesOf(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.d.ts'))
}

test('public classes have the members that are meant for users, and no others', () => {
  const found: Record<string, string> = {}
  for (const file of filesOf(TYPES)) {
    for (const [, name, body] of readFileSync(join(TYPES, file), 'utf8').matchAll(CLASS)) {
      const members = [...body!.matchAll(MEMBER)].map((match) => match[1]!)
      found[name!] = [...new Set(members)].join(' ')
    }
  }
  assert.deepEqual(found, MEMBERS)
})

test('a name that two doors have is the same in both, unless it is an old one', () => {
  const doors = readdirSync(TYPES).filter((name) => name.endsWith('.d.ts'))
  const old: string[] = []
  const known = new Map<string, DoorExport>()
  for (const each of doors.flatMap((door) => exportsOf(readFileSync(join(TYPES, door), 'utf8')))) {
    if (each.as !== each.name) old.push(`${each.as} -> ${each.name}`)
    else assert.deepEqual(known.get(each.as) ?? each, each)
    if (each.as === each.name) known.set(each.as, each)
  }
  assert.deepEqual(old.sort(), [
    'ConnectOptions -> ServerConnectOptions',
    'ListenOptions -> ServerListenOptions',
    'Origin -> TaskOrigin',
    'UdpOptions -> ServerUdpOptions',
  ])
})

test('public types need no private names, and nothing of the floors below services', () => {
  for (const file of filesOf(TYPES)) {
    assert.doesNotMatch(readFileSync(join(TYPES, file), 'utf8'), /#private|@internal/, file)
  }
  const inside = filesOf(TYPES).filter((file) => /^(kernel|os|wire|threads)\//.test(file))
  const services = ['kernel/env', 'kernel/timer', 'os/os', 'threads/standalone', 'wire/service-id']
  const nodes = ['node', 'running-node', 'stats'].map((name) => `threads/main/${name}`)
  assert.deepEqual(
    inside.sort(),
    [...services, ...nodes, 'threads/options'].map((name) => `${name}.d.ts`).sort(),
  )
})
