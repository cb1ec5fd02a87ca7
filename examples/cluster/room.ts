/**
 * The room. There is one in the cluster, wherever it is: whoever asks for it first starts it, and
 * when its node dies the next who asks starts another.
 */
import { defineService, type ServiceRef } from 'skynet-ts'

/** What somebody needs to be in the room. */
export interface Guest {
  hear(line: string): void
}

export interface Welcome {
  readonly node: string
  readonly nicks: string[]
}

export default defineService((skynet) => {
  const nicks = new Map<number, { readonly nick: string; readonly guest: ServiceRef<Guest> }>()
  skynet.log('the room is here')

  const tell = (line: string, but?: number): void => {
    for (const [handle, { guest }] of nicks) if (handle !== but) guest.send.hear(line)
  }

  return {
    /** The guest may be on any node: its reference is as good here as it is there. */
    join(guest: ServiceRef<Guest>, nick: string): Welcome {
      nicks.set(guest.handle, { nick, guest })
      tell(`${nick} is here`, guest.handle)
      skynet.fork(async () => {
        // Of a guest, and of the node that it is on.
        await skynet.monitor(guest)
        nicks.delete(guest.handle)
        tell(`${nick} is gone`)
      })
      const all = Array.from(nicks.values(), (each) => each.nick)
      return { node: skynet.cluster.self, nicks: all }
    },

    say(nick: string, text: string): void {
      tell(`${nick}: ${text}`)
    },
  }
})
