/** A room: whoever is in it hears what the others say. */
import { defineService, type ServiceRef } from 'skynet-ts'

/** What somebody needs to be in a room. */
export interface Guest {
  hear(line: string): void
}

interface Member {
  nick: string
  readonly agent: ServiceRef<Guest>
}

export default defineService((skynet, name: string) => {
  const members = new Map<number, Member>()

  return {
    /** @param greeting Heard by the new member before anything that is said here. */
    join(agent: ServiceRef<Guest>, nick: string, greeting: string): void {
      members.set(agent.handle, { nick, agent })
      agent.send.hear(greeting)
    },

    leave(handle: number): void {
      members.delete(handle)
    },

    rename(handle: number, nick: string): void {
      const member = members.get(handle)
      if (member !== undefined) member.nick = nick
    },

    say(handle: number, text: string): void {
      const line = `${members.get(handle)?.nick}: ${text}`
      for (const [other, { agent }] of members) {
        if (other !== handle) agent.send.hear(line)
      }
    },

    who(): string {
      return `${name}: ${Array.from(members.values(), ({ nick }) => nick).join(', ')}`
    },

    close(): void {
      skynet.exit()
    },
  }
})
