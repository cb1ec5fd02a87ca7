/** Answers, and receives, what comes from another node. */
import { defineService, type ServiceRef } from 'skynet-ts'
import { Receiver } from '../support/pace.ts'
import { serveFromService } from '../support/serve.ts'

export default defineService((skynet) => {
  skynet.register('.answerer')
  serveFromService({})
  let receiver: Receiver | undefined
  return {
    /** Messages come from now on; how many there are is told to `sender`. */
    open(sender: ServiceRef<{ acked(count: number): void }>): void {
      receiver = new Receiver((count) => sender.send.acked(count))
    },
    echo: (value: number): number => value,
    receive: (at: number, text: string): void => receiver?.receive({ at, text }),
  }
})
