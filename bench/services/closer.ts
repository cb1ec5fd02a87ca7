/** A server that closes: at once, politely, or after it has sent one message back. */
import { type Connection, defineService, type Skynet } from 'skynet-ts'
import { serveFromService } from '../support/serve.ts'
import { collect } from '../support/settled.ts'

const MESSAGE_BYTES = 64

export default defineService(async (skynet) => {
  const close = await serveAll(skynet, (connection) => connection.close())
  const cut = await serveAll(skynet, (connection) => connection.shutdown())
  const exchange = await serveAll(skynet, async (connection) => {
    connection.write(await connection.read(MESSAGE_BYTES))
    await connection.close()
  })
  serveFromService({ close: () => close, cut: () => cut, exchange: () => exchange, collect })
})

async function serveAll(
  skynet: Skynet,
  serve: (connection: Connection) => void | Promise<void>,
): Promise<number> {
  const server = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  skynet.fork(async () => {
    for await (const connection of server) void serve(connection)
  })
  return server.port
}
