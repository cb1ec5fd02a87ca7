/** Where an endpoint is, for a service that may give up, or end, while names are looked up. */
import { addressesOf, type CheckedEndpoint } from '../net/endpoint.ts'
import type { AnyAddress, Os } from '../os/os.ts'
import { SocketWait, Waiter, type WaitHost } from '../service/wait.ts'
import type { WaitOptions } from '../service/wait-options.ts'

/** Who asks, and the system that knows. */
export interface Finder {
  readonly service: WaitHost
  readonly client: { readonly os: Pick<Os, 'lookUp'> }
}

/** @throws {SkynetError} `failed`; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`, `ERR_SERVICE_EXITED`. */
export function lookUp(
  { service, client }: Finder,
  endpoint: CheckedEndpoint,
  failed: (reason: string, cause?: unknown) => Error,
  limits: WaitOptions | undefined,
): Promise<AnyAddress[]> {
  const about = new SocketWait(`resolve ${endpoint.host} for`, 0)
  const waiter = new Waiter<AnyAddress[]>(service, about, limits)
  if (!waiter.isOver) {
    addressesOf(endpoint, (name) => client.os.lookUp(name), failed).then(
      (found) => waiter.resolve(found),
      (error: unknown) => waiter.reject(error),
    )
  }
  return waiter.promise
}
