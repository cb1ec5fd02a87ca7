/** The master of a harbor cluster, with its sockets. It lives in the service `harbor` of a node. */

import type { HostPort } from '../base/host-port.ts'
import { HARBOR_STRANGERS_MAX } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { Connection } from '../sockets/connection.ts'
import type { FramedStream } from '../sockets/framed-stream.ts'
import type { Listener } from '../sockets/listener.ts'
import { CONTROL_HEADER, encodeControl, readToMaster, type ToSlave } from './control.ts'
import { Master } from './master.ts'
import { HARBOR_SOCKET_OPTIONS } from './socket-options.ts'

export interface MasterServerOptions {
  readonly place: HostPort
  /** How long a connection may take to say whose it is. */
  readonly joinTimeoutMs: number
  readonly say: (text: string) => void
}

export class MasterServer {
  readonly #options: MasterServerOptions
  readonly #listener: Listener
  readonly #master: Master
  readonly #slaves = new Map<number, FramedStream>()
  /** Connections that have not said whose they are. */
  #strangers = 0

  /** @throws As `skynet.socket.listen`. */
  static async open(skynet: Skynet, options: MasterServerOptions): Promise<MasterServer> {
    const listen = { ...options.place, options: HARBOR_SOCKET_OPTIONS }
    return new MasterServer(skynet, await skynet.socket.listen(listen), options)
  }

  private constructor(skynet: Skynet, listener: Listener, options: MasterServerOptions) {
    const { say } = options
    this.#listener = listener
    this.#options = options
    this.#master = new Master({ tell: (harbor, message) => this.#tell(harbor, message), say })
    skynet.fork(async () => {
      for await (const connection of listener) {
        if (this.#strangers < HARBOR_STRANGERS_MAX) skynet.fork(() => this.#serve(connection))
        else void connection.close()
      }
    })
  }

  /** The port that is really open. */
  get port(): number {
    return this.#listener.port
  }

  /** It never throws: a slave that cannot be told is gone, which its reader notices. */
  #tell(harbor: number, message: ToSlave): void {
    const slave = this.#slaves.get(harbor)
    if (slave?.isOpen === true) slave.send(encodeControl(message))
  }

  async #serve(connection: Connection): Promise<void> {
    const { say, joinTimeoutMs: timeoutMs } = this.#options
    const from = connection.remoteAddress
    const frames = connection.frames({ header: CONTROL_HEADER })
    const master = this.#master
    let harbor: number | undefined
    try {
      this.#strangers++
      const first = await frames.receive({ timeoutMs }).finally(() => this.#strangers--)
      if (first === null) return
      harbor = master.hello(readToMaster(first), (id) => this.#slaves.set(id, frames))
      say(`Harbor ${harbor} reports from ${from}`)
      await this.#follow(frames, harbor)
    } catch (error) {
      const who = harbor === undefined ? `a slave at ${from}` : `harbor ${harbor}`
      say(`The master ends its connection to ${who}: ${messageOf(error)}`)
    } finally {
      // Nobody is told anything through it any more, also not of its own end.
      if (harbor !== undefined) {
        this.#slaves.delete(harbor)
        say(`Harbor ${harbor} is down`)
        master.gone(harbor)
      }
      void connection.close()
    }
  }

  #follow(frames: FramedStream, harbor: number): Promise<void> {
    return frames.each((body) => {
      const message = readToMaster(body)
      if (message !== undefined) this.#master.heard(harbor, message)
    })
  }
}
