/**
 * Which rooms there are. A room begins with the first agent that enters and ends with the last that
 * leaves. Only this service counts, one message after another, and an ended room is off its list
 * at once: nobody can be sent into a room that ends.
 */
import { defineService, type MethodsOf, type ServiceRef } from 'skynet-ts'
import type room from './room.ts'

interface Entry {
  readonly name: string
  readonly service: Promise<ServiceRef<MethodsOf<typeof room>>>
  agents: number
}

export default defineService((skynet) => {
  const entries = new Map<string, Entry>()
  const entryOf = new Map<number, Entry>()

  const open = (name: string): Entry => {
    const service = skynet.newService<typeof room>('./room.ts', { args: [name] })
    const entry = { name, service, agents: 0 }
    entries.set(name, entry)
    // A room that did not come to life is off the list: the next who enters tries again.
    service.catch(() => entries.delete(name))
    return entry
  }

  const leave = async (agent: number): Promise<void> => {
    const entry = entryOf.get(agent)
    entryOf.delete(agent)
    if (entry === undefined || --entry.agents > 0) return
    entries.delete(entry.name)
    const service = await entry.service
    service.send.close()
  }

  return {
    /** `agent` goes from where it is into `name`. */
    enter(agent: number, name: string): Entry['service'] {
      const entry = entries.get(name) ?? open(name)
      entry.agents++
      void leave(agent)
      entryOf.set(agent, entry)
      return entry.service
    },

    /** `agent` is gone, wherever it was. */
    leave,
  }
})
