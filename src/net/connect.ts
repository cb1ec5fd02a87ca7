/** How a connection is made. Runs on the socket thread only. */
import { formatAddress } from '../os/address.ts'
import { ERRNO } from '../os/errno.ts'
import type { AnyAddress, SocketOption } from '../os/os.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { EVENT } from './event.ts'
import type { SocketServer } from './server.ts'
import type { ConnectPayload, Socket } from './socket.ts'
import { flush } from './tcp.ts'
import { TOTAL } from './totals.ts'

/** Try the next address. The reason reported is that of the last one. */
export function connectNext(server: SocketServer, socket: Socket, lastError: number): void {
  let reason = lastError
  for (;;) {
    const address: AnyAddress | undefined = socket.connecting?.addresses.shift()
    if (address === undefined) break
    const fd = server.os.socket(address.family)
    if (fd < 0) {
      reason = fd
      continue
    }
    server.os.keepAlive(fd, true)
    const refused = setOptions(server, fd, socket.connecting?.options)
    const result = refused < 0 ? refused : server.os.connect(fd, address)
    if (result === 0 || result === -ERRNO.EINPROGRESS) {
      server.adopt(socket, fd)
      if (result === 0) opened(server, socket)
      else server.watch(socket, INTEREST.write)
      return
    }
    server.os.close(fd)
    reason = result
  }
  if (!socket.closeTold) server.fail(socket, reason)
  socket.closeTold = true
  server.free(socket)
}

function setOptions(server: SocketServer, fd: number, options: ConnectPayload['options']): number {
  for (const [name, value] of Object.entries(options ?? {})) {
    const result = server.os.setOption(fd, name as SocketOption, value)
    if (result < 0) return result
  }
  return 0
}

/** A connect that was under way has ended, well or not. */
export function connected(server: SocketServer, socket: Socket): void {
  const error = server.os.socketError(socket.fd)
  if (error === 0) {
    opened(server, socket)
    return
  }
  server.unwatch(socket)
  const { fd } = socket
  server.takeToken(socket)
  server.adopt(socket, -1)
  server.releaseToken(socket)
  server.os.close(fd)
  connectNext(server, socket, error)
}

function opened(server: SocketServer, socket: Socket): void {
  server.move(socket, 'opened')
  server.totals.add(TOTAL.opened, 1)
  socket.connecting = undefined
  if (socket.closing) {
    // Closed while connecting, with something to say first.
    server.move(socket, 'flush')
    server.setDeadline(socket, socket.settings.lingerMs)
    server.watch(socket, INTEREST.write)
    return
  }
  const peer = server.os.peerAddress(socket.fd)
  server.emit(socket.owner, EVENT.OPEN, socket.id, 0, peer === undefined ? '' : formatAddress(peer))
  server.setDeadline(socket, socket.settings.idleTimeoutMs)
  socket.reading = true
  server.watch(socket, INTEREST.read)
  flush(server, socket)
}
