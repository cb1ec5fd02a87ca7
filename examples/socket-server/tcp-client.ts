/** A TCP client: says hello to the server and shows what it answers. Argument: the port. */
import { createSocketServer } from 'skynet-ts/socket-server'

const server = createSocketServer()
server.connect({ host: '127.0.0.1', port: Number(process.argv[2] ?? 8888) })

let isOpen = true
while (isOpen) {
  for (const event of server.poll()) {
    switch (event.type) {
      case 'open':
        console.log(`Connected: id=${event.id}`)
        server.send(event.id, 'Hello Server')
        break

      case 'data':
        console.log(`Response: ${event.data}`)
        server.close(event.id)
        break

      case 'error':
        console.log(`Socket error: id=${event.id}: ${event.text}`)
        isOpen = false
        break

      case 'close':
        isOpen = false
        break
    }
  }
}
server.release()
