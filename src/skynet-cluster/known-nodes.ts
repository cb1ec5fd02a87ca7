/** The nodes that a service knows, with its sockets and the limits of the node. */
import { hostname } from 'node:os'
import {
  SKYNETCLUSTER_BEGUN_MAX,
  SKYNETCLUSTER_CALLS_MAX,
  SKYNETCLUSTER_CONNECT_MS,
  SKYNETCLUSTER_MESSAGE_BYTES_MAX,
  SKYNETCLUSTER_QUEUE_BYTES_MAX,
  SKYNETCLUSTER_TAG_CHARS_MAX,
} from '../base/limits.ts'
import { Skynet } from '../skynet/skynet.ts'
import { clusterSocket, SOCKET_OPTIONS } from './cluster-socket.ts'
import { parseAddress } from './node-address.ts'
import { RemoteNodes } from './remote-nodes.ts'

/** Of what is asked, and of what others ask. */
export const LIMITS = {
  bytes: SKYNETCLUSTER_MESSAGE_BYTES_MAX,
  messages: SKYNETCLUSTER_BEGUN_MAX,
  calls: SKYNETCLUSTER_CALLS_MAX,
  queueBytes: SKYNETCLUSTER_QUEUE_BYTES_MAX,
  tagChars: SKYNETCLUSTER_TAG_CHARS_MAX,
}

/** As Skynet names itself in traces. */
const nodeName = (): string => `${hostname().replace(/\s/g, '_')}${process.pid}`

export function nodesOf(skynet: Skynet): RemoteNodes {
  const service = Skynet.serviceOf(skynet)
  return new RemoteNodes({
    limits: LIMITS,
    nodeName: nodeName(),
    say: (text) => service.say('info', text),
    async connect(address) {
      const place = parseAddress('connect to a node', 'address', address)
      const more = { ...SOCKET_OPTIONS, timeoutMs: SKYNETCLUSTER_CONNECT_MS }
      return clusterSocket(await skynet.socket.connect({ ...place, ...more }))
    },
  })
}
