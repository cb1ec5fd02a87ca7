/** The ports of KCP that one service has: what they do when the node stops, and when it ends. */
import { type Part, PartKey } from '../../service/part.ts'
import { Skynet } from '../../skynet/skynet.ts'

/** One of them. */
export interface Leaver {
  /** The node will stop: let nobody in any more. */
  draining(): void
  /** The service ends: tell the peers. */
  leave(): void
}

class KcpPorts implements Part {
  readonly all = new Set<Leaver>()

  draining(): void {
    for (const port of this.all) port.draining()
  }

  /** A service that is killed leaves its peers to their idle timeouts. */
  parting(): void {
    for (const port of this.all) port.leave()
  }
}

const KEY = new PartKey<KcpPorts>()

/** @returns To be called when it is closed. */
export function addPort(skynet: Skynet, port: Leaver): () => void {
  const service = Skynet.serviceOf(skynet)
  const { all } = service.part(KEY) ?? service.addPart(KEY, new KcpPorts())
  all.add(port)
  return () => all.delete(port)
}
