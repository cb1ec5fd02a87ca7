import { defineGate, tcp } from 'skynet-ts/session'
import type agent from './session-agent.ts'
import { stage } from './session-protocol.ts'

export default defineGate(stage, {
  listen: tcp({ port: 0, host: '127.0.0.1' }),
  login: async (skynet, { name }) => ({
    user: name,
    agent: await skynet.uniqueService<typeof agent>('./session-agent.ts'),
  }),
})
