/** Two rooms, of lines and of frames: what somebody says goes to all. */
import { defineService, frameEncoder, type Skynet } from 'skynet-ts'
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
  const framesPort = await serveFrames(skynet)
  serveFromService({ port: () => server.port, framesPort: () => framesPort })
})

const FRAMES = { header: 'u16be' } as const

async function serveFrames(skynet: Skynet): Promise<number> {
  const server = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const encode = frameEncoder(FRAMES)
  const members: number[] = []
  skynet.fork(async () => {
    for await (const connection of server) {
      const frames = connection.frames(FRAMES)
      members.push(connection.id)
      frames.send(WELCOME)
      skynet.fork(async () => {
        await frames.each((message) => skynet.socket.broadcast(members, encode(message)))
        members.splice(members.indexOf(connection.id), 1)
      })
    }
  })
  return server.port
}
