/** Autobahn for Python, a WebSocket of others, as Debian has it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** That of the system: another one on the path has no packages of Debian. */
const PYTHON = '/usr/bin/python3'

/** What a test says that needs it where it is not installed. */
export const AUTOBAHN_LEFT_OUT =
  'left out: what needs python3-autobahn, which is not installed: ' +
  'apt-get install python3-autobahn python3-twisted'

export const isAutobahnInstalled = (): boolean =>
  spawnSync(PYTHON, ['-c', 'import autobahn.twisted.websocket'], { stdio: 'ignore' }).status === 0

const COMMON = `
import json, sys
from twisted.internet import reactor
from autobahn.twisted.websocket import (
    WebSocketServerProtocol, WebSocketServerFactory,
    WebSocketClientProtocol, WebSocketClientFactory)
from autobahn.websocket.compress import (
    PerMessageDeflateOffer, PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse, PerMessageDeflateResponseAccept)

def say(**what):
    print(json.dumps(what), flush=True)
`

/** Says everything back. */
const SERVER = `${COMMON}
class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        if payload == b'close me':
            self.sendClose(4002, 'so long')
        else:
            size = 1000 if len(payload) < 100000 else None
            self.sendMessage(payload, isBinary, fragmentSize=size)
    def onClose(self, wasClean, code, reason):
        say(wasClean=wasClean, code=code, reason=reason)

factory = WebSocketServerFactory('ws://127.0.0.1')
factory.protocol = Echo
def accept(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)
factory.setProtocolOptions(perMessageCompressionAccept=accept, utf8validateIncoming=True)
port = reactor.listenTCP(0, factory, interface='127.0.0.1')
say(port=port.getHost().port)
reactor.run()
`

/** Sends each of its messages, and compares what comes back. */
const CLIENT = `${COMMON}
url, deflates, host, port = sys.argv[1], sys.argv[2] == 'deflate', sys.argv[3], int(sys.argv[4])
messages = [
    (text.encode(), False) for text in
    ['', 'wolf', '\\u03ba\\u1f79\\u03c3 \\U0001f600', 'x' * 125, 'x' * 126] +
    ['\\u00e9' * 40000, 'wolf ' * 5000]
] + [(bytes(i * 151 % 256 for i in range(n)), True) for n in [0, 1, 65535, 65536, 300000]]

class Client(WebSocketClientProtocol):
    def onOpen(self):
        self.at = 0
        self.same = 0
        self.next()
    def next(self):
        if self.at == len(messages):
            say(extensions=[str(e) for e in self.websocket_extensions_in_use], same=self.same)
            self.sendClose(4001, 'bye')
            return
        payload, isBinary = messages[self.at]
        self.sendPing(b'between')
        size = [None, 7, 1000][self.at % 3] if len(payload) < 100000 else None
        self.sendMessage(payload, isBinary, fragmentSize=size)
    def onMessage(self, payload, isBinary):
        self.same += (payload, isBinary) == messages[self.at]
        self.at += 1
        self.next()
    def onClose(self, wasClean, code, reason):
        say(wasClean=wasClean, code=code, reason=reason)
        reactor.stop()

factory = WebSocketClientFactory(url, protocols=['a', 'b'])
factory.protocol = Client
if deflates:
    def accept(response):
        if isinstance(response, PerMessageDeflateResponse):
            return PerMessageDeflateResponseAccept(response)
    factory.setProtocolOptions(
        perMessageCompressionOffers=[PerMessageDeflateOffer()], perMessageCompressionAccept=accept)
reactor.connectTCP(host, port, factory)
reactor.run()
`

export const AUTOBAHN_MESSAGES = 12

/** One of its programs: it says lines of JSON. */
export class Autobahn implements Disposable {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>
  #errors = ''

  private constructor(program: string, args: readonly string[]) {
    this.#process = spawn(PYTHON, ['-c', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process.stderr!.on('data', (bytes: Buffer) => {
      this.#errors += bytes
    })
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]()
  }

  static async server(): Promise<{ autobahn: Autobahn; port: number }> {
    const autobahn = new Autobahn(SERVER, [])
    return { autobahn, port: (await autobahn.says()).port as number }
  }

  static client(port: number, path: string, deflates: boolean): Autobahn {
    const url = `ws://127.0.0.1:${port}${path}`
    return new Autobahn(CLIENT, [url, deflates ? 'deflate' : 'plain', '127.0.0.1', `${port}`])
  }

  /** The next thing that it says. */
  async says(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`Autobahn has ended: ${this.#errors}`)
    return JSON.parse(value as string) as Record<string, unknown>
  }

  async ended(): Promise<void> {
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL')
  }
}
