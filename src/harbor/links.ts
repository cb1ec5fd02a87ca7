/** The connections of a slave to the other harbors. */

import type { HostPort } from '../base/host-port.ts'
import { HARBOR_FRAME_BYTES_MAX, HARBOR_STRANGERS_MAX } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { Connection } from '../sockets/connection.ts'
import type { Listener } from '../sockets/listener.ts'
import type { CheckedHarbor } from './harbor-options.ts'
import { readHarborPlace } from './harbor-place.ts'
import { REMOTE_FRAMES } from './remote-message.ts'
import { HARBOR_SOCKET_OPTIONS } from './socket-options.ts'

/** What happens to the connections: see slave.ts. */
export interface LinksHost {
  readonly harbor: number
  accepted(harbor: number): boolean
  connected(harbor: number): boolean
  lost(harbor: number, reason: string): void
  /** A frame without its size. @throws {SkynetError} `ERR_HARBOR_PROTOCOL`. */
  receive(body: Buffer): void
  say(text: string): void
}

interface Link {
  readonly connection: Connection
  /** It has not been told who we are, which is to come before all else. */
  isSilent: boolean
}

export class Links {
  readonly #skynet: Skynet
  readonly #host: LinksHost
  readonly #options: CheckedHarbor
  readonly #links = new Map<number, Link>()
  #listener: Listener | undefined
  #strangers = 0

  constructor(skynet: Skynet, host: LinksHost, options: CheckedHarbor) {
    this.#skynet = skynet
    this.#host = host
    this.#options = options
  }

  get #settings() {
    // What waited for a harbor may leave at once, and as much again: see Roads.
    const sendLimitBytes = 2 * this.#options.queueBytes + HARBOR_FRAME_BYTES_MAX
    return { sendLimitBytes, options: HARBOR_SOCKET_OPTIONS }
  }

  /** Let others connect, until `stopListening`. Returns where. @throws As `socket.listen`. */
  async listen({ host, port }: HostPort): Promise<HostPort> {
    const listener = await this.#skynet.socket.listen({ host, port, ...this.#settings })
    this.#listener = listener
    this.#skynet.fork(async () => {
      for await (const connection of listener) {
        if (this.#strangers < HARBOR_STRANGERS_MAX)
          this.#skynet.fork(() => this.#accept(connection))
        else void connection.close()
      }
    })
    return { host, port: listener.port }
  }

  /** Nobody else connects to this slave: it connects to those that come later. */
  stopListening(): void {
    void this.#listener?.close()
  }

  async #accept(connection: Connection): Promise<void> {
    const harbor = await this.#whoIs(connection)
    if (harbor === undefined || this.#links.has(harbor)) {
      void connection.close()
      return
    }
    this.#links.set(harbor, { connection, isSilent: true })
    if (this.#host.accepted(harbor)) await this.#follow(harbor, connection)
    else {
      this.#links.delete(harbor)
      this.#host.say(`Cannot let ${connection.remoteAddress} in as harbor ${harbor}`)
      void connection.close()
    }
  }

  /** Undefined: it does not say. */
  async #whoIs(connection: Connection): Promise<number | undefined> {
    this.#strangers++
    try {
      const [harbor] = await connection.read(1, { timeoutMs: this.#options.joinTimeoutMs })
      return harbor
    } catch {
      return undefined
    } finally {
      this.#strangers--
    }
  }

  async connect(harbor: number, address: string): Promise<void> {
    const connection = await this.#dial(harbor, address).catch((error: unknown) => {
      this.#host.say(`Cannot connect to harbor ${harbor} at ${address}: ${messageOf(error)}`)
      this.#host.lost(harbor, messageOf(error))
    })
    if (connection === undefined) return
    this.#links.set(harbor, { connection, isSilent: false })
    if (this.#host.connected(harbor)) await this.#follow(harbor, connection)
    else this.close(harbor)
  }

  async #dial(harbor: number, address: string): Promise<Connection> {
    const place = readHarborPlace(address, 1)
    if (place === undefined) throw new Error('that is no host:port')
    const timeoutMs = this.#options.joinTimeoutMs
    const connection = await this.#skynet.socket.connect({ ...place, timeoutMs, ...this.#settings })
    try {
      connection.write(Buffer.of(this.#host.harbor))
      const [is] = await connection.read(1, { timeoutMs })
      if (is !== harbor) throw new Error(`it says that it is harbor ${is}`)
      return connection
    } catch (error) {
      void connection.close()
      throw error
    }
  }

  async #follow(harbor: number, connection: Connection): Promise<void> {
    let reason = 'its connection has ended'
    try {
      const frames = connection.frames(REMOTE_FRAMES)
      await frames.each((body) => this.#host.receive(body))
    } catch (error) {
      reason = messageOf(error)
    }
    this.#host.lost(harbor, reason)
    this.close(harbor)
  }

  /** That harbor is up: it may be written to. */
  up(harbor: number): void {
    const link = this.#links.get(harbor)!
    if (link.isSilent) this.write(harbor, Buffer.of(this.#host.harbor))
    link.isSilent = false
  }

  bufferedAmount(harbor: number): number {
    return this.#links.get(harbor)?.connection.bufferedAmount ?? 0
  }

  /** It never throws: of one that has failed its reader will tell. */
  write(harbor: number, frame: Buffer): void {
    const connection = this.#links.get(harbor)?.connection
    if (connection?.isOpen === true) connection.write(frame)
  }

  close(harbor: number): void {
    const link = this.#links.get(harbor)
    this.#links.delete(harbor)
    void link?.connection.close()
  }
}
