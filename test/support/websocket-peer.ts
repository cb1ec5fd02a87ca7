/** A server of WebSockets that speaks bytes after its handshake: what it says is up to the test. */
import { createHash } from 'node:crypto'
import type { Connection, Skynet } from 'skynet-ts'
import { connectWebSocket, type WebSocketStream } from 'skynet-ts/websocket'
import { listen } from './sockets.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The head of the answer to the handshake that a client has sent. */
export function answerTo(request: string): string {
  const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(request)![1]!
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${GUID}`).digest('base64')}`,
    '\r\n',
  ].join('\r\n')
}

/** A client, and the connection of its server. */
export async function clientOfBytes(
  skynet: Skynet,
): Promise<{ stream: WebSocketStream; peer: Connection }> {
  await using listener = await listen(skynet)
  const connecting = connectWebSocket(skynet, `ws://127.0.0.1:${listener.port}/`)
  const peer = (await listener.accept())!
  let request = ''
  while (!request.endsWith('\r\n\r\n')) request += await peer.read()
  peer.write(answerTo(request))
  return { stream: await connecting, peer }
}
