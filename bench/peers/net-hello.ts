/** Entry: a server on node:net that writes some messages to whoever says something. */
import { createServer } from 'node:net'
import { serve } from '../support/serve.ts'
import { cpuMs } from '../support/usage.ts'

let message = Buffer.alloc(0)
let count = 0
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.once('data', () => {
    for (let i = 0; i < count; i++) socket.write(message)
  })
})

serve({
  cpuMs,
  port: async (load: { count: number; bytes: number }) => {
    message = Buffer.alloc(load.bytes)
    count = load.count
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  },
})
