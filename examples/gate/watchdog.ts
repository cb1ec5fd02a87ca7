/** Decides about clients: each gets an agent, which ends with it. */
import { defineService, isSkynetError, type MethodsOf, type ServiceRef } from 'skynet-ts'
import { type GateOptions, type GateService, watchdog } from 'skynet-ts/gate'
import type agentService from './agent.ts'

export default defineService(async (skynet) => {
  const gate = await skynet.newService<GateService>('gate')
  // Without the gate nobody comes any more.
  skynet.link(gate)
  const agents = new Map<number, ServiceRef<MethodsOf<typeof agentService>>>()

  const endAgent = async (fd: number): Promise<void> => {
    const agent = agents.get(fd)
    agents.delete(fd)
    if (agent === undefined) return
    agent.send.disconnect()
    await skynet.monitor(agent)
  }

  return {
    start: (options: GateOptions) => gate.call.open(options),

    /** A client wants to leave: its agent asks for this. */
    async close(fd: number): Promise<void> {
      await gate.call.kick(fd)
      await endAgent(fd)
    },

    ...watchdog(skynet, {
      async open(fd, address) {
        skynet.log(`new client from ${address}`)
        const args: [typeof gate, number, number] = [gate, skynet.self, fd]
        try {
          agents.set(fd, await skynet.newService<typeof agentService>('./agent.ts', { args }))
        } catch (error) {
          // The client has left before its agent was there. Any other error closes it.
          const { cause } = error as Error
          if (!isSkynetError(cause, 'ERR_CLIENT_UNKNOWN')) throw error
        }
      },
      async close(fd) {
        skynet.log(`client ${fd} is gone`)
        // What it has asked before is answered first: it may still read.
        await endAgent(fd)
        gate.send.kick(fd)
      },
      error: (fd, reason) => skynet.log(`client ${fd} has failed: ${reason}`),
      warning: (fd, kib) => skynet.log(`client ${fd} does not read: ${kib} KiB wait for it`),
    }),
  }
})
