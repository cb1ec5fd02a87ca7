/** A look at one socket that does not wait for the poller. Runs on the socket thread only. */
import { INTEREST } from '../os/poll/poller.ts'
import { acceptAll } from './accept.ts'
import { connected } from './connect.ts'
import type { SocketServer } from './server.ts'
import type { Socket } from './socket.ts'
import { STATE } from './state.ts'
import { discard, flush } from './tcp.ts'
import { flushDatagrams } from './udp.ts'

/**
 * What happened meanwhile, of which the poller has not told yet: the process may have been stopped,
 * or more sockets be ready than one wait tells of. Nobody is cut for that. False: that was its end.
 */
export function look(server: SocketServer, socket: Socket): boolean {
  const { interest, udp } = socket
  const state = server.stateOf(socket)
  if (state === STATE.CONNECTING) {
    if (server.os.peerAddress(socket.fd) !== undefined) connected(server, socket)
  } else if (state === STATE.LISTEN) {
    if ((interest & INTEREST.read) !== 0) acceptAll(server, socket)
  } else {
    if ((interest & INTEREST.write) !== 0) {
      if (udp === undefined) flush(server, socket)
      else flushDatagrams(server, socket)
    }
    if ((socket.interest & INTEREST.read) !== 0 && isThere(server, socket)) {
      if (socket.closing) discard(server, socket)
      else server.read(socket)
    }
  }
  return isThere(server, socket)
}

const isThere = (server: SocketServer, socket: Socket): boolean => server.find(socket.id) === socket
