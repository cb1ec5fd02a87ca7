/** Entry: rooms on node:net and on ws. Every line, or frame, that somebody says goes to all. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { WELCOME } from '../load/broadcast.ts'
import { FrameParser, frameOf } from '../support/frames.ts'
import { serve } from '../support/serve.ts'

const members = new Set<Socket>()
const net = createServer({ noDelay: true }, (socket) => {
  members.add(socket)
  socket.write(WELCOME)
  socket.on('close', () => members.delete(socket))
  socket.on('error', () => socket.destroy())
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) for (const member of members) member.write(`${line}\n`)
  })
})
net.listen(0, '127.0.0.1')
await once(net, 'listening')

const framed = new Set<Socket>()
const netFrames = createServer({ noDelay: true }, (socket) => {
  framed.add(socket)
  socket.write(frameOf(WELCOME))
  socket.on('close', () => framed.delete(socket))
  socket.on('error', () => socket.destroy())
  const parser = new FrameParser()
  const tellAll = (frame: Buffer): void => {
    for (const member of framed) member.write(frame)
  }
  socket.on('data', (chunk: Buffer) => parser.push(chunk, tellAll))
})
netFrames.listen(0, '127.0.0.1')
await once(netFrames, 'listening')

const webSockets = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
webSockets.on('connection', (socket: WebSocket) => {
  socket.on('error', () => socket.terminate())
  socket.send(WELCOME)
  socket.on('message', (data: RawData) => {
    for (const client of webSockets.clients) client.send(data, { binary: false })
  })
})
await once(webSockets, 'listening')

serve({
  net: () => (net.address() as AddressInfo).port,
  netFrames: () => (netFrames.address() as AddressInfo).port,
  ws: () => (webSockets.address() as AddressInfo).port,
})
