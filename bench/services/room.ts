/** A room: every line that somebody says goes to all. */
import { defineService } from 'skynet-ts'
import { WELCOME } from '../load/broadcast.ts'
import { serveFromService } from '../support/serve.ts'

export default defineService(async (skynet) => {
  const server = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const members: number[] = []
  skynet.fork(async () => {
    for await (const connection of server) {
      members.push(connection.id)
      connection.write(WELCOME)
      skynet.fork(async () => {
        for await (const line of connection.lines()) skynet.socket.broadcast(members, `${line}\n`)
        members.splice(members.indexOf(connection.id), 1)
      })
    }
  })
  serveFromService({ port: () => server.port })
})
