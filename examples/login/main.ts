/** The first service: a login server, and one game server, which registers there. */
import { defineService } from 'skynet-ts'
import type gamed from './gamed.ts'
import type logind from './logind.ts'

const HOST = '127.0.0.1'

export default defineService(async (skynet) => {
  const login = await skynet.newService<typeof logind>('./logind.ts')
  const game = await skynet.newService<typeof gamed>('./gamed.ts', { args: [login] })
  const { port } = await game.call.open({
    host: HOST,
    port: Number(skynet.getenv('GAME_PORT')),
    maxClient: 10_000,
    servername: 'sample',
  })
  skynet.log(`logins at ${HOST}:${await login.call.port()}, the game at ${HOST}:${port}`)
})
