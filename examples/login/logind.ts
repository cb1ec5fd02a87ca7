/** The login server: knows who is who, which game servers there are, and who plays on which. */
import { defineService, type ServiceRef } from 'skynet-ts'
import { crypt, loginServer } from 'skynet-ts/gate'

/** What a game server does when it is told. */
export interface GameServer {
  /** Expect that user. Returns the number of the session. */
  login(uid: string, secret: Buffer): Promise<number>
  /** End that session. */
  kick(uid: string, subid: number): Promise<void>
}

interface Session {
  readonly game: ServiceRef<GameServer>
  readonly subid: number
}

/** `base64(user)@base64(server):base64(password)` */
const TOKEN = /^([^@]+)@([^:]+):(.+)$/

export default defineService(async (skynet) => {
  const games = new Map<string, ServiceRef<GameServer>>()
  const sessions = new Map<string, Session>()

  const server = await loginServer(skynet, {
    host: '127.0.0.1',
    port: Number(skynet.getenv('LOGIN_PORT')),

    auth(token) {
      const [found, ...parts] = TOKEN.exec(token.toString()) ?? []
      if (found === undefined) throw new Error('it is no token')
      const [uid = '', server = '', password] = parts.map((part) => `${crypt.base64Decode(part)}`)
      // Here, everybody has the same one.
      if (password !== 'password') throw new Error('wrong password')
      return { server, uid }
    },

    async login(server, uid, secret, { signal }) {
      const game = games.get(server)
      if (game === undefined) throw new Error(`there is no server '${server}'`)
      // Who logs in again plays on from there: the session before ends.
      const last = sessions.get(uid)
      await last?.game.with({ signal }).call.kick(uid, last.subid)
      const subid = await game.with({ signal }).call.login(uid, secret)
      sessions.set(uid, { game, subid })
      return subid
    },
  })

  return {
    port: () => server.port,

    /** There is a game server of that name. */
    register(name: string, game: ServiceRef<GameServer>): void {
      games.set(name, game)
    },

    /** That session is over. */
    logout(uid: string, subid: number): void {
      if (sessions.get(uid)?.subid === subid) sessions.delete(uid)
    },
  }
})
