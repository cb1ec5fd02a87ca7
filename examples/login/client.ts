/**
 * Skynet's client in these words: logs in, asks, loses its connection before it has the answer,
 * comes back, and asks again.
 */
import { defineService, type Skynet } from 'skynet-ts'
import {
  crypt,
  handshakeText,
  LoginRequest,
  type LoginTicket,
  readAnswer,
  requestFrame,
} from 'skynet-ts/gate'

const HOST = '127.0.0.1'
const UID = 'hello'
const SERVER = 'sample'

export default defineService((skynet) => {
  skynet.fork(async () => {
    const ticket = await logIn(skynet)
    skynet.log(`logged in, subid = ${ticket.subid}`)

    const first = await enter(skynet, ticket, 1)
    first.send(requestFrame('echo', 0))
    await first.close()

    const second = await enter(skynet, ticket, 2)
    // It has an answer already, or soon: nobody looks at what is asked now.
    second.send(requestFrame('fake', 0))
    second.send(requestFrame('again', 1))
    for (const _ of [0, 1]) {
      const { session, body } = readAnswer((await second.receive())!)!
      skynet.log(`answer ${session}: ${body}`)
    }
    await second.close()
    skynet.abort()
  })
})

/** Line by line, until the server says yes or no. */
async function logIn(skynet: Skynet): Promise<LoginTicket> {
  const parts = [UID, SERVER, 'password'].map((part) => crypt.base64Encode(part))
  const request = new LoginRequest(`${parts[0]}@${parts[1]}:${parts[2]}`)
  const port = Number(skynet.getenv('LOGIN_PORT'))
  const connection = await skynet.socket.connect({ host: HOST, port })
  for await (const line of connection.lines()) {
    const ticket = request.take(line, (answer) => connection.write(`${answer}\n`))
    if (ticket !== undefined) return ticket
  }
  throw new Error('the login server has closed without an answer')
}

/** @param index Higher than that of the connection before. */
async function enter(skynet: Skynet, { subid, secret }: LoginTicket, index: number) {
  const port = Number(skynet.getenv('GAME_PORT'))
  const connection = await skynet.socket.connect({ host: HOST, port })
  const server = connection.frames({ header: 'u16be' })
  server.send(handshakeText({ uid: UID, server: SERVER, subid }, index, secret))
  const answer = `${await server.receive()}`
  if (answer !== '200 OK') throw new Error(`the game server says: ${answer}`)
  return server
}
