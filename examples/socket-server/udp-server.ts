/** A UDP server: answers every datagram. Argument: the port. */
import { createSocketServer } from 'skynet-ts/socket-server'

const server = createSocketServer()
server.udp({ host: '0.0.0.0', port: Number(process.argv[2] ?? 8888) })

for (;;) {
  for (const event of server.poll()) {
    if (event.type !== 'udp') continue
    console.log(`UDP recv: ${event.data}`)
    server.sendTo(event.id, event.from, 'UDP Reply')
  }
}
