/**
 * How a thread opens a socket: the system makes a descriptor, and a slot is reserved for it. The
 * order that hands both to the socket thread is up to the caller. Services and the socket server by
 * itself open their sockets through here.
 */
import { SkynetError } from '../base/errors.ts'
import { SOCKETS_MAX } from '../base/limits.ts'
import type { AnyAddress, ListenFlags, Os, SocketAddress, SocketOption } from '../os/os.ts'
import { type CheckedEndpoint, endpointText } from './endpoint.ts'
import type { BindFlags } from './place.ts'
import type { Slots } from './slots.ts'
import { listenAt, SocketFile } from './socket-file.ts'

/** What opening takes of a thread. */
export interface Opener {
  readonly os: Os
  readonly slots: Slots
}

/** What is opened, and not ordered yet. */
export interface Opened {
  readonly id: number
  readonly fd: number
}

/** Sets options of the system by name. */
export type GivenOptions = Readonly<Partial<Record<SocketOption, number>>>

/** Makes the error of an attempt from the reason why it failed. */
export type Failure = (reason: string, cause?: unknown) => SkynetError

export const listenFailure = (endpoint: CheckedEndpoint): Failure => {
  const address = endpointText(endpoint)
  return (reason) => new SkynetError('ERR_LISTEN', { address, reason })
}

export const connectFailure = (endpoint: CheckedEndpoint): Failure => {
  const address = endpointText(endpoint)
  return (reason, cause) => new SkynetError('ERR_CONNECT', { address, reason }, { cause })
}

export const bindFailure = (endpoint: CheckedEndpoint): Failure => {
  const what = `UDP ${endpointText(endpoint)}`
  return (reason) => new SkynetError('ERR_BIND', { what, reason })
}

/** A slot for a new socket. @throws {SkynetError} `ERR_SOCKET_LIMIT`. */
export function reserveSlot(slots: Slots): number {
  const id = slots.reserve()
  if (id < 0) throw new SkynetError('ERR_SOCKET_LIMIT', { limit: SOCKETS_MAX })
  return id
}

/** A slot for `fd`, which is closed when there is none. */
function reserveFor({ os, slots }: Opener, fd: number): number {
  try {
    return reserveSlot(slots)
  } catch (error) {
    os.close(fd)
    throw error
  }
}

export interface OpenedListener extends Opened {
  /** Of a Unix socket: it goes with it. */
  readonly file: SocketFile | undefined
}

/**
 * A descriptor that listens at `address`, and its slot. When something fails neither is left, nor
 * the file of a Unix socket.
 *
 * @param options Set on the listener: what it accepts inherits them.
 * @throws {SkynetError} What `failed` makes; `ERR_SOCKET_LIMIT`.
 */
export function openListener(
  opener: Opener,
  address: AnyAddress,
  flags: ListenFlags,
  failed: Failure,
  options: GivenOptions = {},
): OpenedListener {
  const { os } = opener
  const fd = listenAt(os, address, flags)
  if (fd < 0) throw failed(os.errorText(fd))
  const file = SocketFile.at(os, address)
  try {
    for (const [name, value] of Object.entries(options)) {
      const result = os.setOption(fd, name as SocketOption, value)
      if (result < 0) throw failed(`${name}: ${os.errorText(result)}`)
    }
    return { id: reserveSlot(opener.slots), fd, file }
  } catch (error) {
    // The file before the descriptor: until then its inode number is nobody else's.
    file?.remove()
    os.close(fd)
    throw error
  }
}

/**
 * A UDP socket of the family of `address`, bound to it when there are flags, and its slot.
 *
 * @throws {SkynetError} What `failed` makes; `ERR_SOCKET_LIMIT`.
 */
export function openUdp(
  opener: Opener,
  address: SocketAddress,
  flags: BindFlags | undefined,
  failed: Failure,
): Opened {
  const fd = openDatagram(opener.os, address, flags)
  if (fd < 0) throw failed(opener.os.errorText(fd))
  return { id: reserveFor(opener, fd), fd }
}

/** Returns the descriptor, or a negative errno. */
function openDatagram(os: Os, address: SocketAddress, flags: BindFlags | undefined): number {
  const fd = os.datagram(address.family)
  if (fd < 0 || flags === undefined) return fd
  let result = flags.reusePort ? os.setOption(fd, 'reusePort', 1) : 0
  if (result === 0 && address.family === 6) {
    result = os.setOption(fd, 'ipv6Only', Number(flags.ipv6Only ?? address.host !== '::'))
  }
  if (result === 0) result = os.bindDatagram(fd, address)
  if (result === 0) return fd
  os.close(fd)
  return result
}
