/** A client: asks for what is typed. `quit` leaves. */
import { defineService } from 'skynet-ts'
import { c2s, s2c } from './proto.ts'

export default defineService(async (skynet) => {
  const port = Number(skynet.getenv('PORT'))
  const connection = await skynet.socket.connect({ host: '127.0.0.1', port })
  const server = connection.frames({ header: 'u16be' })
  const peer = s2c.host('package').attach(c2s)

  let session = 0
  const told = server.each((bytes) => {
    const message = peer.dispatch(bytes)
    if (message.type === 'request') skynet.log(`the server says: ${message.name}`)
    else skynet.log(`answer ${message.session} (${message.name}):`, message.response ?? 'done')
  })
  server.send(peer.request('handshake', undefined, ++session))
  server.send(peer.request('set', { what: 'hello', value: 'world' }, ++session))

  skynet.fork(async () => {
    const typed = await skynet.socket.stdin()
    for await (const line of typed.lines()) {
      if (!server.isOpen) break
      if (line === 'quit') server.send(peer.request('quit', undefined, ++session))
      else server.send(peer.request('get', { what: line }, ++session))
    }
  })
  skynet.fork(async () => {
    await told
    skynet.log('the server has closed')
    skynet.abort()
  })
})
