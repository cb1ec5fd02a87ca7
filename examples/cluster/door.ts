/** Lets people in on this node: each connection gets a guest that plays it. */
import { defineService } from 'skynet-ts'
import type guestService from './guest.ts'

const HOST = '127.0.0.1'

export default defineService(async (skynet) => {
  const server = await skynet.socket.listen({ host: HOST, port: Number(skynet.getenv('PORT')) })
  skynet.cluster.onNode(({ node, state }) => skynet.log(`node ${node} is ${state}`))
  skynet.fork(async () => {
    for await (const connection of server) {
      const args: [number] = [connection.id]
      skynet.fork(() => skynet.newService<typeof guestService>('./guest.ts', { args }))
    }
  })
  skynet.log(`nc ${HOST} ${server.port} to come in`)
})
