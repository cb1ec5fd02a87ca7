/** What a program does to sockets of its own loop by their ids. False: there is no such socket. */
import { checkInteger } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { SOCKET_ID_MAX } from '../../base/limits.ts'
import { checkOption } from '../../os/options.ts'
import type { SocketOption } from '../../os/os.ts'
import { setSocketOption } from '../descriptor.ts'
import type { Socket } from '../server/socket.ts'
import { checkSettings, type SocketSettings } from '../settings.ts'
import type { OwnLoop } from './own-loop.ts'
import { checkOwner } from './standalone-options.ts'

export class OwnSockets {
  readonly #loop: OwnLoop

  constructor(loop: OwnLoop) {
    this.#loop = loop
  }

  /** @throws {SkynetError} `ERR_SERVER_RELEASED`. */
  check(what: string): void {
    if (this.#loop.isClosed) throw new SkynetError('ERR_SERVER_RELEASED', { what })
  }

  /** The socket of `id`; undefined when it is gone. */
  find(what: string, id: number): Socket | undefined {
    this.check(what)
    checkInteger(what, 'id', id, 1, SOCKET_ID_MAX)
    return this.#loop.sockets.find(id)
  }

  start(id: number, owner: number | undefined): boolean {
    const socket = this.find('start', id)
    this.#loop.order('start', id, checkOwner('start', owner === undefined ? socket?.owner : owner))
    return socket !== undefined
  }

  /** An order that needs its socket alone. */
  order(order: 'pause' | 'end' | 'close' | 'shutdown', id: number): boolean {
    if (this.find(order, id) === undefined) return false
    this.#loop.order(order, id)
    return true
  }

  configure(id: number, settings: Partial<SocketSettings>): boolean {
    const socket = this.find('configure', id)
    const changes = checkSettings('configure', settings)
    if (socket !== undefined) this.#loop.sockets.configure(socket, changes)
    return socket !== undefined
  }

  setOption(id: number, name: SocketOption, value: number): boolean {
    const socket = this.find('set an option of', id)
    checkOption('set an option', name, value)
    if (socket === undefined) return false
    const { client } = this.#loop
    const result = setSocketOption(client, id, name, value)
    if (result === undefined || result >= 0) return result !== undefined
    const reason = client.os.errorText(result)
    throw new SkynetError('ERR_SYSCALL', { call: `set ${name} of socket ${id}`, reason })
  }
}
