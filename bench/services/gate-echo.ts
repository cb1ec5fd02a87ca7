/** A gate whose agents, one for each client, send back what comes. */
import { defineService } from 'skynet-ts'
import { type GateService, watchdog } from 'skynet-ts/gate'
import { serveFromService } from '../support/serve.ts'
import type echoAgent from './echo-agent.ts'

export default defineService(async (skynet) => {
  const gate = await skynet.newService<GateService>('gate')
  const agents = new Map<number, number>()
  const { port } = await gate.call.open({ host: '127.0.0.1', port: 0 })
  serveFromService({ port: () => port })
  return watchdog(skynet, {
    async open(fd) {
      const agent = await skynet.newService<typeof echoAgent>('./echo-agent.ts', {
        args: [gate, fd],
      })
      agents.set(fd, agent.handle)
    },
    async close(fd) {
      gate.send.kick(fd)
      await skynet.kill(agents.get(fd) ?? 0)
      agents.delete(fd)
    },
  })
})
