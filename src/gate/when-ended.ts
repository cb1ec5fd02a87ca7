/** What is to be done when another service has ended. */
import { isSkynetError } from '../base/errors.ts'
import { Skynet } from '../skynet/skynet.ts'

/** @param then Told how it has ended, once; not when the service of `skynet` ends first. */
export function whenEnded(
  skynet: Skynet,
  handle: number,
  then: (reason: string) => void,
  signal?: AbortSignal,
): void {
  const service = Skynet.serviceOf(skynet)
  skynet.monitor(handle, signal && { signal }).then(
    ({ reason }) => then(reason),
    (error: unknown) => {
      // Nobody waits any more.
      if (isSkynetError(error, 'ABORT_ERR') || service.hasEnded) return
      service.fault('monitor', error)
    },
  )
}
