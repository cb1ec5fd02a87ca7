/** An echo server: what comes goes back. */
import { defineService } from 'skynet-ts'
import { serveFromService } from '../support/serve.ts'
import { collect } from '../support/settled.ts'

export default defineService(async (skynet) => {
  const server = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  skynet.fork(async () => {
    for await (const connection of server) {
      skynet.fork(async () => {
        for await (const chunk of connection) connection.write(chunk)
      })
    }
  })
  serveFromService({ port: () => server.port, collect })
})
