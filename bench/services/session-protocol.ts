import { clientProtocol, unchecked } from 'skynet-ts/client'

/** What the clients of the bench say, and hear of. */
export const stage = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: { say: { request: unchecked<string>(), response: unchecked<string>() } },
  events: { said: unchecked<string>() },
})
