/** A UDP echo server: what comes goes back. */
import { defineService } from 'skynet-ts'
import { serveFromService } from '../support/serve.ts'

export default defineService(async (skynet) => {
  const udp = await skynet.socket.udp({ host: '127.0.0.1', port: 0 })
  skynet.fork(async () => {
    for await (const { data, from } of udp) udp.sendTo(from, data)
  })
  serveFromService({ port: () => udp.port })
})
