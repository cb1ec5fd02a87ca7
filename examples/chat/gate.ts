/** The door of the chat: every connection gets an agent of its own, spread over the workers. */
import { type Connection, defineService, isSkynetError } from 'skynet-ts'
import type agent from './agent.ts'

const HOST = '127.0.0.1'

export default defineService(async (skynet) => {
  const port = Number(skynet.getenv('PORT') ?? 8888)
  const server = await skynet.socket.listen({ host: HOST, port })
  await skynet.uniqueService('./nicks.ts')
  await skynet.uniqueService('./rooms.ts')

  const serve = async (connection: Connection): Promise<void> => {
    try {
      await skynet.newService<typeof agent>('./agent.ts', { args: [connection.id] })
    } catch (error) {
      // The chat stops, and this guest came last: nothing is wrong.
      if (!isSkynetError(error, 'ERR_SERVICE_EXITED')) skynet.error(error)
      connection.shutdown()
    }
  }
  skynet.fork(async () => {
    for await (const connection of server) skynet.fork(serve, connection)
  })

  skynet.log(`the chat listens on ${server.address}. Three things to try:
  nc ${HOST} ${server.port}     in two terminals: what you type in one is read in the other
  /nick ada             be somebody; the others see it with your next line
  /join kitchen         go to another room; /who tells who is there, /quit leaves`)
})
