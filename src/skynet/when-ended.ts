/** What is to be done when another service has ended. */
import { formatHandle, isSkynetError } from '../base/errors.ts'
import { Skynet } from './skynet.ts'

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

/** Does the error say that this service has ended, and not one that it has asked in turn? */
export function tellsEndOf(skynet: Skynet, handle: number, error: unknown): boolean {
  if (!isSkynetError(error, 'ERR_CALL_DEAD')) return false
  const { to } = error.info
  // That of another node has lost its name there when its end is known here.
  return (
    to === Skynet.serviceOf(skynet).runtime.handles.textOf(handle) || to === formatHandle(handle)
  )
}
