/** A connection between two nodes, as senders and agents see it. */
import { SKYNETCLUSTER_QUEUE_BYTES_MAX } from '../base/limits.ts'
import type { Connection } from '../sockets/connection.ts'
import type { ClusterSocket } from './sender.ts'

/** What holds for each of them. What waits is counted here: the socket never refuses anything. */
export const SOCKET_OPTIONS = {
  options: { noDelay: 1, keepAlive: 1 },
  sendLimitBytes: 4 * SKYNETCLUSTER_QUEUE_BYTES_MAX,
  sendWarningBytes: SKYNETCLUSTER_QUEUE_BYTES_MAX,
} as const

/** All that two bytes of length can say. */
const FRAME = { header: 'u16be', max: 0xffff } as const

export function clusterSocket(connection: Connection): ClusterSocket {
  const frames = connection.frames(FRAME)
  return {
    get isOpen() {
      return connection.isOpen
    },
    get bufferedAmount() {
      return connection.bufferedAmount
    },
    write: (frame, options) => connection.write(frame, options),
    drain: () => connection.drain(),
    each: (take) => frames.each(take),
    close: () => connection.close(),
  }
}
