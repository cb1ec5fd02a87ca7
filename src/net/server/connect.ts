/** How a connection is made. Runs on the socket thread only. */
import { formatAddress } from '../../os/address.ts'
import { ERRNO } from '../../os/errno.ts'
import type { AnyAddress, SocketOption } from '../../os/os.ts'
import { INTEREST } from '../../os/poll/poller.ts'
import type { ConnectPayload } from '../commands.ts'
import { EVENT } from '../event.ts'
import { TOTAL } from '../totals.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'
import { flush } from './tcp.ts'

/** Try the next address. The reason reported is that of the last one. */
export function connectNext(sockets: Sockets, socket: Socket, lastError: number): void {
  let reason = lastError
  for (;;) {
    const address: AnyAddress | undefined = socket.connecting?.addresses.shift()
    if (address === undefined) break
    const fd = sockets.os.socket(address.family)
    if (fd < 0) {
      reason = fd
      continue
    }
    sockets.os.keepAlive(fd, true)
    const refused = setOptions(sockets, fd, socket.connecting?.options)
    const result = refused < 0 ? refused : sockets.os.connect(fd, address)
    if (result === 0 || result === -ERRNO.EINPROGRESS) {
      sockets.adopt(socket, fd)
      if (result === 0) opened(sockets, socket)
      else sockets.watching.watch(socket, INTEREST.write)
      return
    }
    sockets.os.close(fd)
    reason = result
  }
  if (!socket.closeTold) sockets.owners.fail(socket, reason)
  socket.closeTold = true
  sockets.free(socket)
}

function setOptions(sockets: Sockets, fd: number, options: ConnectPayload['options']): number {
  for (const [name, value] of Object.entries(options ?? {})) {
    const result = sockets.os.setOption(fd, name as SocketOption, value)
    if (result < 0) return result
  }
  return 0
}

/** A connect that was under way has ended, well or not. */
export function connected(sockets: Sockets, socket: Socket): void {
  const error = sockets.os.socketError(socket.fd)
  if (error === 0) {
    opened(sockets, socket)
    return
  }
  sockets.watching.unwatch(socket)
  const { fd } = socket
  sockets.tokens.take(socket)
  sockets.adopt(socket, -1)
  sockets.tokens.release(socket)
  sockets.os.close(fd)
  connectNext(sockets, socket, error)
}

function opened(sockets: Sockets, socket: Socket): void {
  sockets.move(socket, 'opened')
  sockets.totals.add(TOTAL.opened, 1)
  socket.connecting = undefined
  if (socket.closing) {
    // Closed while connecting, with something to say first.
    sockets.move(socket, 'flush')
    sockets.setDeadline(socket, socket.settings.lingerMs)
    sockets.watching.watch(socket, INTEREST.write)
    return
  }
  const peer = sockets.os.peerAddress(socket.fd)
  sockets.owners.emit(
    socket.owner,
    EVENT.OPEN,
    socket.id,
    0,
    peer === undefined ? '' : formatAddress(peer),
  )
  sockets.setDeadline(socket, socket.settings.idleTimeoutMs)
  socket.reading = true
  sockets.watching.watch(socket, INTEREST.read)
  flush(sockets, socket)
}
