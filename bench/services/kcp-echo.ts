/** What comes goes back: over KCP, in frames over TCP, and as bare datagrams. */
import { defineService } from 'skynet-ts'
import { listenKcp } from 'skynet-ts/kcp'
import { serveFromService } from '../support/serve.ts'
import { collect } from '../support/settled.ts'

const PLACE = { host: '127.0.0.1', port: 0 }

export default defineService(async (skynet) => {
  const kcp = await listenKcp(skynet, { ...PLACE, maxConnections: 20_000, idleTimeoutMs: 0 })
  const tcp = await skynet.socket.listen(PLACE)
  const udp = await skynet.socket.udp(PLACE)
  skynet.fork(async () => {
    for await (const stream of kcp) {
      void stream.each((message) => void stream.send(message)).catch(() => {})
    }
  })
  skynet.fork(async () => {
    for await (const connection of tcp) {
      const frames = connection.frames({ header: 'u16be' })
      void frames.each((message) => void frames.send(message)).catch(() => {})
    }
  })
  skynet.fork(async () => {
    for await (const { data, from } of udp) udp.sendTo(from, data)
  })
  const ports = { kcp: kcp.port, tcp: tcp.port, udp: udp.port }
  serveFromService({ ports: () => ports, collect })
})
