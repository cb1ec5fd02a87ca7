/** The connection of a slave to its master. */
import { SkynetError } from '../base/errors.ts'
import { type HostPort, hostPortText } from '../base/host-port.ts'
import { messageOf } from '../base/thrown.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { FramedStream } from '../sockets/framed-stream.ts'
import {
  CONTROL_HEADER,
  encodeControl,
  readToSlave,
  type ToMaster,
  type ToSlave,
} from './control.ts'
import { HARBOR_SOCKET_OPTIONS } from './socket-options.ts'

export interface MasterLinkHost {
  heard(message: ToSlave): void
  /** It has ended, for good. */
  ended(reason: string): void
}

export class MasterLink {
  readonly #frames: FramedStream

  /** @throws {SkynetError} `ERR_HARBOR_JOIN` when it cannot be reached. */
  static async open(skynet: Skynet, place: HostPort, timeoutMs: number): Promise<MasterLink> {
    const address = hostPortText(place)
    const options = HARBOR_SOCKET_OPTIONS
    const connection = await skynet.socket
      .connect({ ...place, timeoutMs, options })
      .catch((cause: unknown) => {
        const info = { master: address, reason: messageOf(cause) }
        throw new SkynetError('ERR_HARBOR_JOIN', info, { cause })
      })
    return new MasterLink(connection.frames({ header: CONTROL_HEADER }))
  }

  private constructor(frames: FramedStream) {
    this.#frames = frames
  }

  /** Tell `host` what comes, from now on. */
  follow(skynet: Skynet, host: MasterLinkHost): void {
    skynet.fork(() => this.#follow(host))
  }

  async #follow(host: MasterLinkHost): Promise<void> {
    let reason = 'it has ended'
    try {
      await this.#frames.each((body) => {
        const message = readToSlave(body)
        if (message !== undefined) host.heard(message)
      })
    } catch (error) {
      reason = messageOf(error)
    }
    void this.#frames.close()
    host.ended(reason)
  }

  /** It never throws: of a connection that has failed its reader tells. */
  tell(message: ToMaster): void {
    if (this.#frames.isOpen) this.#frames.send(encodeControl(message))
  }
}
