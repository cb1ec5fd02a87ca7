/** Who is called what. There is one of it, so a nick belongs to one agent in the whole node. */
import { defineService } from 'skynet-ts'

export default defineService(() => {
  const ownerOf = new Map<string, number>()
  const nickOf = new Map<number, string>()
  let guests = 0

  /** Call `agent` so from now on. False: somebody else is called that. */
  const claim = (agent: number, nick: string): boolean => {
    if ((ownerOf.get(nick) ?? agent) !== agent) return false
    release(agent)
    ownerOf.set(nick, agent)
    nickOf.set(agent, nick)
    return true
  }

  const release = (agent: number): void => {
    ownerOf.delete(nickOf.get(agent) ?? '')
    nickOf.delete(agent)
  }

  /** Call `agent` by the next `guest-<n>` that is free. */
  const guest = (agent: number): string => {
    const nick = `guest-${++guests}`
    return claim(agent, nick) ? nick : guest(agent)
  }

  return { claim, release, guest }
})
