/** Entry: echo servers on node:net. The framed one answers every frame with a write of its own. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { FrameParser } from '../support/frames.ts'
import { serve } from '../support/serve.ts'
import { settledMemory, settledRss } from '../support/settled.ts'

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  // Without it, answers written one by one would wait for acknowledgements.
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    onConnection(socket)
  })
  // Every address of the loopback interface: clients of one address run out of ports.
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const port = await listen((socket) => {
  socket.on('data', (chunk) => socket.write(chunk))
})
const framedPort = await listen((socket) => {
  const parser = new FrameParser()
  const answer = (frame: Buffer): void => {
    socket.write(frame)
  }
  socket.on('data', (chunk: Buffer) => parser.push(chunk, answer))
})

serve({ port: () => port, framedPort: () => framedPort, rss: settledRss, settledMemory })
