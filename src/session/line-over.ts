/** A gate or an agent has not told the other all of a line: the line is over, and it hears that. */
import { isSkynetError } from '../base/errors.ts'
import { queueMicrotask } from '../base/event-loop.ts'
import { Skynet } from '../skynet/skynet.ts'

/** Until it is told, and told again when the link between the nodes did not take it or lost it. */
const AGAIN_MS = 250

const PASSING = ['ERR_LINK_FULL', 'ERR_MAILBOX_FULL', 'ERR_NODE_LOST', 'ERR_CALL_TIMEOUT'] as const

/** Nothing has left: the link to its node takes no more. */
export const isLinkFull = (error: unknown): boolean => isSkynetError(error, 'ERR_LINK_FULL')

/**
 * Tell it until it has heard that, or has ended. It may hear that twice.
 *
 * @param behind Called once whoever has noticed that is done.
 */
export function tellOver(
  skynet: Skynet,
  handle: number,
  message: readonly unknown[],
  behind?: () => void,
): void {
  if (behind !== undefined) queueMicrotask(behind)
  const service = Skynet.serviceOf(skynet)
  skynet.fork(async () => {
    for (;;) {
      // First: there is no room now, and answers to what was done before are on their way.
      // Rejects when this service ends.
      await skynet.sleep(AGAIN_MS).catch(() => {})
      if (service.hasEnded) return
      try {
        await service.callMethod(handle, ['session', ...message], { timeoutMs: 0 })
        return
      } catch (error) {
        // An answer all the same: it knows no such line. Or it has ended.
        if (!PASSING.some((code) => isSkynetError(error, code))) return
      }
    }
  })
}
