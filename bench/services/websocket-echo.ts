/** Says every message of WebSocket back, as what it was. */
import { defineService } from 'skynet-ts'
import { listenWebSocket } from 'skynet-ts/websocket'
import { serveFromService } from '../support/serve.ts'
import { settledMemory } from '../support/settled.ts'

export default defineService(async (skynet) => {
  const listener = await listenWebSocket(skynet, {
    host: '0.0.0.0',
    port: 0,
    maxConnections: 65_000,
  })
  skynet.fork(async () => {
    for await (const client of listener) {
      skynet.fork(() => client.each((message) => void client.send(message)))
    }
  })
  serveFromService({ port: () => listener.port, settledMemory })
})
