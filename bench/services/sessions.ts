/** A gate of sessions and its agent. */
import { defineService } from 'skynet-ts'
import { serveFromService } from '../support/serve.ts'
import type agent from './session-agent.ts'
import type gate from './session-gate.ts'

export default defineService(async (skynet) => {
  const all = await skynet.uniqueService<typeof agent>('./session-agent.ts')
  const entrance = await skynet.newService<typeof gate>('./session-gate.ts')
  const [place] = await entrance.call.places()
  serveFromService({
    port: () => place!.port,
    stat: () => entrance.call.stat(),
    calls: () => all.call.calls(),
    push: ({ texts }: { texts: readonly string[] }) => all.call.push(texts),
  })
  return {}
})
