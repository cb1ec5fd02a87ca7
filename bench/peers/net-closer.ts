/** Entry: servers on node:net that close, as services/closer.ts does. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { serve } from '../support/serve.ts'
import { cpuMs } from '../support/usage.ts'

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const close = await listen((socket) => {
  // Without it the end of the other side would never be read.
  socket.resume()
  socket.end()
})
const cut = await listen((socket) => {
  socket.destroy()
})
const exchange = await listen((socket) => {
  socket.once('data', (chunk) => socket.end(chunk))
})

serve({ close: () => close, cut: () => cut, exchange: () => exchange, cpuMs })
