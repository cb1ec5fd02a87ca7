/** The game server: an agent for each session, to which it hands what its client asks. */
import { defineService, type MethodsOf, type ServiceRef } from 'skynet-ts'
import { msgServer } from 'skynet-ts/gate'
import type agentService from './agent.ts'
import type logind from './logind.ts'
import type { GameServer } from './logind.ts'

interface Session {
  readonly uid: string
  readonly subid: number
  readonly username: string
  readonly agent: ServiceRef<MethodsOf<typeof agentService>>
}

export default defineService((skynet, login: ServiceRef<MethodsOf<typeof logind>>) => {
  /** By user, and by the name that its client has here. */
  const ofUser = new Map<string, Session>()
  const ofName = new Map<string, Session>()
  let servername = ''
  let subids = 0

  return msgServer(skynet, (server) => {
    /** Again: harmless. */
    const end = async (session: Session | undefined): Promise<void> => {
      if (session === undefined || ofName.get(session.username) !== session) return
      const { uid, subid, username, agent } = session
      ofUser.delete(uid)
      ofName.delete(username)
      server.logout(username)
      agent.send.quit()
      await login.call.logout(uid, subid)
    }

    const command: GameServer = {
      async login(uid, secret) {
        await end(ofUser.get(uid))
        const subid = ++subids
        const username = server.username(uid, subid, servername)
        const agent = await skynet.newService<typeof agentService>('./agent.ts', { args: [uid] })
        const session = { uid, subid, username, agent }
        ofUser.set(uid, session)
        ofName.set(username, session)
        server.login(username, secret)
        // However its agent ends, the session is over.
        skynet.fork(async () => {
          await skynet.monitor(agent)
          await end(session)
        })
        return subid
      },

      async kick(uid, subid) {
        const session = ofUser.get(uid)
        if (session?.subid === subid) await end(session)
      },
    }

    return {
      options: ['servername'],
      async open(_source, options: { readonly servername: string }) {
        servername = options.servername
        await login.call.register(servername, skynet.selfRef<GameServer>())
      },
      request: (username, body) => ofName.get(username)!.agent.call.request(body),
      disconnect(username) {
        ofName.get(username)?.agent.send.afk()
      },
      command,
    }
  })
})
