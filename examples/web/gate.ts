/** The gate of the sheet: browsers over WebSocket, programs over TCP, all of them in one room. */
import { defineGate, tcp } from 'skynet-ts/session'
import { webSocket } from 'skynet-ts/websocket'
import { pages } from './pages.ts'
import { canvas } from './protocol.ts'
import type roomService from './room.ts'

export default defineGate(canvas, (skynet) => {
  const host = String(skynet.getenv('HOST') ?? '127.0.0.1')
  const port = (name: string, standard: number) => Number(skynet.getenv(name) ?? standard)
  const [tcpPort, linePort] = [port('TCP_PORT', 7000), port('LINE_PORT', 7001)]
  const handler = pages({ tcpPort, linePort })
  return {
    listen: [
      webSocket({ host, port: port('PORT', 8080), path: '/canvas', handler }),
      tcp({ host, port: tcpPort }),
    ],
    async login(_, { name }) {
      return { user: name, agent: await skynet.uniqueService<typeof roomService>('./room.ts') }
    },
    // Two who have the same name are two.
    sameUser: 'allow',
    // Who leaves by closing the page is not waited for longer.
    keepMs: 60_000,
  }
})
