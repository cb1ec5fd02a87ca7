/** Entry of the load generator: a process of its own, so that it takes no time from either side. */
import { posixOs } from '../../src/os/posix.ts'
import { serve } from '../support/serve.ts'
import { type AcceptLoad, runAccept } from './accept.ts'
import { type BroadcastLoad, runBroadcast } from './broadcast.ts'
import { type EchoLoad, runEcho } from './echo.ts'
import { type HttpLoad, runHttp } from './http.ts'
import { connectAll, type Peer } from './peers.ts'
import { runUdp, type UdpLoad } from './udp.ts'

const os = posixOs()
let held: Peer[] = []

serve({
  echo: (load: EchoLoad) => runEcho(os, load),
  accept: (load: AcceptLoad) => runAccept(os, load),
  http: (load: HttpLoad) => runHttp(os, load),
  udp: (load: UdpLoad) => runUdp(os, load),
  broadcast: (load: BroadcastLoad) => runBroadcast(os, load),

  /** Open connections, let each answer once, and leave them open. Returns how many did. */
  hold: ({ host, port, connections, isWebSocket = false }: Omit<EchoLoad, 'seconds'>) => {
    held = connectAll(os, host, port, connections)
    const load = { host, port, connections, bytes: 64, pipelined: 1, isFramed: false, isWebSocket }
    return runEcho(os, { ...load, seconds: 0, warmSeconds: 0, peers: held }).completed
  },
  release: () => {
    for (const { fd } of held) os.close(fd)
    held = []
  },
})
