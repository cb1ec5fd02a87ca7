/**
 * Servers that serve a connection once and keep it open. `held`: nobody reads it any more; `read`:
 * a loop waits for what comes next.
 */
import { type Connection, defineService } from 'skynet-ts'
import { serveFromService } from '../support/serve.ts'
import { collect, settledMemory } from '../support/settled.ts'

const MESSAGE_BYTES = 64

export default defineService(async (skynet) => {
  // Every address of the loopback interface: clients of one address run out of ports.
  const host = '0.0.0.0'
  const held = await skynet.socket.listen({ host, port: 0 })
  const read = await skynet.socket.listen({ host, port: 0 })
  const kept: Connection[] = []
  skynet.fork(async () => {
    for await (const connection of held) {
      kept.push(connection)
      void connection.read(MESSAGE_BYTES).then((bytes) => connection.write(bytes))
    }
  })
  skynet.fork(async () => {
    for await (const connection of read) {
      skynet.fork(async () => {
        for await (const chunk of connection) connection.write(chunk)
      })
    }
  })
  serveFromService({ ports: () => ({ held: held.port, read: read.port }), settledMemory, collect })
})
