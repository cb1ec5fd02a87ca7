/** A service that passes everything on to a service of another node: Skynet's `clusterproxy`. */
import type { Skynet } from '../skynet/skynet.ts'
import { skynetCluster } from './make.ts'
import type { RemoteAddress } from './skynet-cluster.ts'

/** Its protocol has no name that a user would choose, and a number of its own. */
const FORWARDED = { name: 'clusterproxy', id: 254 }

/** The setup of the service. */
export function clusterproxy(skynet: Skynet, node: string, address: RemoteAddress): void {
  const cluster = skynetCluster(skynet)
  skynet.registerProtocol<unknown>({
    ...FORWARDED,
    dispatch(value, { session }) {
      const values = value as readonly unknown[]
      if (session > 0) return cluster.call(node, address, ...values)
      return cluster.send(node, address, ...values)
    },
  })
  skynet.forwardType({ lua: FORWARDED.name })
}
