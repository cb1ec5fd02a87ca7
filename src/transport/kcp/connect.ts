/** `connectKcp`: a client of KCP. */
import { SkynetError } from '../../base/errors.ts'
import { checkLimits, limitsFrom, type WaitOptions } from '../../service/wait-options.ts'
import { Skynet } from '../../skynet/skynet.ts'
import type { Conversation } from './conversation.ts'
import { KcpClient, type KcpClientHost } from './kcp-client.ts'
import { KcpStream } from './kcp-stream.ts'
import { LookWaits } from './look-waits.ts'
import { type CheckedClient, checkKcpClient, type KcpOptions } from './options.ts'
import { KcpPort } from './port.ts'

export interface KcpConnectOptions extends KcpOptions, WaitOptions {
  /** Default `127.0.0.1`. Names are looked up. */
  readonly host?: string | undefined
  readonly port: number
}

const WHAT = 'connect'
const NAMES = ['host', 'port', 'timeoutMs', 'signal']

/**
 * Connect to a server of KCP.
 *
 * @throws {SkynetError} `ERR_CONNECT` nobody answers within 10 s, it is full, it turns us away;
 * unknown name. `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`, `ERR_SOCKET_LIMIT`. `TypeError`, `RangeError`
 * naming the option.
 */
export async function connectKcp(skynet: Skynet, options: KcpConnectOptions): Promise<KcpStream> {
  const settings = checkKcpClient(WHAT, options, NAMES)
  const { host = '127.0.0.1', port, timeoutMs, signal } = options
  const limits = { timeoutMs, signal }
  checkLimits(WHAT, limits)
  const left = limitsFrom(Skynet.serviceOf(skynet).runtime, limits)
  const udp = await skynet.socket.udpDial({ host, port }, limits)
  const client = new Client(new KcpPort(skynet, udp), settings)
  try {
    return await client.connect(left())
  } catch (error) {
    await client.isOver()
    throw error
  }
}

class Client implements KcpClientHost {
  readonly #port: KcpPort
  readonly #settings: CheckedClient
  readonly #core: KcpClient
  readonly #waits: LookWaits
  #stream: KcpStream | undefined
  #error: SkynetError | undefined

  constructor(port: KcpPort, settings: CheckedClient) {
    this.#port = port
    this.#settings = settings
    this.#waits = new LookWaits(port.service, port.udp.id)
    this.#core = new KcpClient(settings, port, this, port.udp.peer!)
    const client = this.#core
    port.start(client, {
      draining: () => {},
      leave() {
        client.conversation?.abandon(port.now)
        port.handOn()
      },
      failed: (why) => this.#failed(why),
    })
  }

  async connect(options: WaitOptions): Promise<KcpStream> {
    const { bare } = this.#settings
    if (bare === undefined) this.#core.greet(this.#port.now)
    else this.connected(this.#core.begin(bare.conv, this.#port.now))
    this.#port.arm()
    return this.#waits.until(
      'connect',
      () => {
        if (this.#error !== undefined) throw this.#error
        return this.#stream
      },
      options,
    )
  }

  #failed(why: unknown): void {
    const reason = why === undefined ? 'its UDP socket was closed' : String(why)
    this.#core.conversation?.fail(reason, this.#port.now)
    if (this.#stream === undefined) this.refused(reason)
  }

  connected(conversation: Conversation): void {
    this.#stream = new KcpStream(this.#port, conversation, this.#settings)
    this.#waits.look()
  }

  refused(reason: string): void {
    const address = String(this.#port.udp.peer)
    this.#error = new SkynetError('ERR_CONNECT', { address, reason })
    this.#waits.look()
  }

  async isOver(): Promise<void> {
    this.#core.giveUp()
    await this.#port.close().catch(() => {})
  }
}
