/** How a program opens sockets of its own loop. Each is there when the call returns, or not. */
import { checkGiven, checkOptions } from '../../base/check.ts'
import type { SocketAddress } from '../../os/os.ts'
import { bindFailure, listenFailure, openListener, openUdp, reserveSlot } from '../open.ts'
import { checkDescriptor, checkListen, checkUdp } from '../place.ts'
import type { SocketFile } from '../socket-file.ts'
import type { OwnLoop } from './own-loop.ts'
import {
  CONNECT_NAMES,
  checkOwner,
  connectAddresses,
  LISTEN_NAMES,
  literal,
  OWNER_NAMES,
  type OwnerOptions,
  type ServerConnectOptions,
  type ServerListenOptions,
  type ServerUdpOptions,
  UDP_NAMES,
} from './standalone-options.ts'

export class OwnOpening {
  readonly #loop: OwnLoop
  /** Files of Unix listeners: each goes with its listener. */
  readonly #files = new Map<number, SocketFile>()

  constructor(loop: OwnLoop) {
    this.#loop = loop
  }

  listen(options: ServerListenOptions): number {
    const { endpoint, flags } = checkListen(options)
    checkOptions('listen', 'options', options, LISTEN_NAMES)
    const address = literal('listen', endpoint.address, endpoint.host)
    const owner = checkOwner('listen', options.owner)
    const failed = listenFailure(endpoint)
    const { id, fd, file } = openListener(this.#loop.client, address, flags, failed)
    if (file !== undefined) this.#files.set(id, file)
    this.#loop.order('listen', id, fd, owner)
    return id
  }

  connect(options: ServerConnectOptions): number {
    checkGiven('connect', 'options', options, CONNECT_NAMES)
    const addresses = connectAddresses(options)
    const owner = checkOwner('connect', options.owner)
    const id = reserveSlot(this.#loop.client.slots)
    this.#loop.client.connect(id, owner, addresses)
    this.#loop.obey()
    return id
  }

  udp(options: ServerUdpOptions): number {
    const what = 'open a UDP socket'
    const { endpoint, flags } = checkUdp(options)
    checkOptions(what, 'options', options, UDP_NAMES)
    const address = literal(what, endpoint.address, endpoint.host) as SocketAddress
    const owner = checkOwner(what, options.owner)
    const { id, fd } = openUdp(this.#loop.client, address, flags, bindFailure(endpoint))
    this.#loop.order('udp', id, fd, owner)
    return id
  }

  bind(fd: number, options: OwnerOptions): number {
    checkDescriptor(fd)
    checkOptions('bind', 'options', options, OWNER_NAMES)
    const owner = checkOwner('bind', options.owner)
    const id = reserveSlot(this.#loop.client.slots)
    this.#loop.order('bind', id, fd, owner)
    return id
  }

  /** A socket will be closed: its file goes before. */
  unlink(id: number): void {
    this.#files.get(id)?.remove()
    this.#files.delete(id)
  }

  unlinkAll(): void {
    for (const id of this.#files.keys()) this.unlink(id)
  }
}
