/** Asking the service manager for the one instance of a service. */
import type { Methods } from './definition.ts'
import { launchLimits } from './launch.ts'
import { resolveService } from './modules.ts'
import { ServiceRef } from './ref.ts'
import type { Service } from './service.ts'
import type { WaitOptions } from './wait.ts'

export async function askManager<M extends Methods>(
  service: Service,
  method: 'launch' | 'query',
  [path, ...args]: [string | URL, ...unknown[]],
  options: WaitOptions | undefined,
): Promise<ServiceRef<M>> {
  const url = resolveService(path, service.url, service.runtime.options.folders)
  const manager = service.runtime.knownHandle('.service')
  const limits = launchLimits(options)
  const handle = await service.callMethod(manager, [method, url, ...args], limits)
  return new ServiceRef<M>(service, handle as number)
}
