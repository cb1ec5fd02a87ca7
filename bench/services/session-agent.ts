/** Serves all clients: answers what they say, and says to all of them what it is told to. */
import { defineAgent, pushAll, type Session } from 'skynet-ts/session'
import { stage } from './session-protocol.ts'

export default defineAgent(stage, () => {
  const sessions = new Set<Session<typeof stage>>()
  let calls = 0
  return {
    calls: {
      say(_session, text) {
        calls++
        return text
      },
    },
    joined: (session) => sessions.add(session),
    left: (session) => sessions.delete(session),
    methods: {
      /** @returns How many sessions there are. */
      push(texts: readonly string[]): number {
        for (const text of texts) pushAll(sessions, 'said', text)
        return sessions.size
      },
      calls: () => calls,
    },
  }
})
