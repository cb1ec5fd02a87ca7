/**
 * Three servers that answer every frame by itself: one reads by count, one parses what comes, one
 * has frames.
 */
import { type Connection, defineService } from 'skynet-ts'
import { FRAME_HEAD_BYTES, FrameParser } from '../support/frames.ts'
import { serveFromService } from '../support/serve.ts'

export default defineService(async (skynet) => {
  const listen = async (echo: (connection: Connection) => Promise<void>): Promise<number> => {
    const server = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    skynet.fork(async () => {
      for await (const connection of server) skynet.fork(echo, connection)
    })
    return server.port
  }
  const port = await listen(echoChunks)
  const readPort = await listen(echoReads)
  const framesPort = await listen(echoFrames)
  serveFromService({ port: () => port, readPort: () => readPort, framesPort: () => framesPort })
})

async function echoChunks(connection: Connection): Promise<void> {
  const parser = new FrameParser()
  const answer = (frame: Buffer): void => {
    connection.write(frame)
  }
  for await (const chunk of connection) parser.push(chunk, answer)
}

async function echoFrames(connection: Connection): Promise<void> {
  const frames = connection.frames({ header: 'u16be' })
  await frames.each((message) => void frames.send(message))
}

/** The peer ends between two frames: the read of a head fails then. */
async function echoReads(connection: Connection): Promise<void> {
  try {
    for (;;) {
      const head = await connection.read(FRAME_HEAD_BYTES)
      const body = await connection.read(head.readUInt16BE())
      connection.write(head)
      connection.write(body)
    }
  } catch {
    await connection.close()
  }
}
