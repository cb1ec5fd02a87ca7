/** A TCP server: every client gets back what it sends. Argument: the port. */
import { createSocketServer, type SocketEvent } from 'skynet-ts/socket-server'

const server = createSocketServer()
server.start(server.listen({ host: '0.0.0.0', port: Number(process.argv[2] ?? 8888) }))

for (;;) for (const event of server.poll()) handle(event)

function handle(event: SocketEvent): void {
  switch (event.type) {
    case 'accept':
      console.log(`Accept new connection: id=${event.client}`)
      server.start(event.client) // it is not read before
      break

    case 'data':
      console.log(`Recv data: id=${event.id}, size=${event.data.length}`)
      server.send(event.id, event.data)
      break

    case 'close':
      console.log(`Connection closed: id=${event.id}`)
      server.close(event.id) // the client has ended, now we do
      break

    case 'error':
      console.log(`Socket error: id=${event.id}`)
      break
  }
}
