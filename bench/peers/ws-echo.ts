/** Entry: an echo server of ws, on node:http. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type RawData, WebSocketServer } from 'ws'
import { serve } from '../support/serve.ts'
import { settledMemory } from '../support/settled.ts'
import { cpuMs } from '../support/usage.ts'

const server = new WebSocketServer({ host: '0.0.0.0', port: 0, perMessageDeflate: false })
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate())
  socket.on('message', (data: RawData, isBinary: boolean) => {
    socket.send(data as Buffer, { binary: isBinary })
  })
})
await once(server, 'listening')

serve({ port: () => (server.address() as AddressInfo).port, settledMemory, cpuMs })
