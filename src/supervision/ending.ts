/** Ending a service, this one or another. */
import { checkStack } from '../base/stack-left.ts'
import type { Names } from '../kernel/names.ts'
import type { ExitReason } from '../service/life.ts'
import { askAbout, type OrderingHost } from '../service/ordering.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import { checkNotNeeded } from './needed.ts'

/** Room for the end of a service: half done, it would leave its sockets, and who waits for it. */
const END_FRAMES = 500

/** What ending needs of the service that asks for it. */
export interface EndingHost extends OrderingHost {
  exited(): Error
  end(reason: ExitReason): Promise<void>
}

export function exit(service: EndingHost): never {
  checkStack(END_FRAMES)
  void service.end('exit')
  throw service.exited()
}

/** True: it was there. Throws at once or later. @throws {SkynetError} `ERR_SERVICE_NEEDED`. */
export function kill(
  service: EndingHost,
  site: { readonly names: Names },
  handle: number,
  options?: WaitOptions,
): Promise<boolean> {
  checkNotNeeded(site, handle)
  if (handle !== service.handle) return askAbout(service, { order: 'kill', handle }, options)
  checkWait('kill', options)
  checkStack(END_FRAMES)
  return service.end('kill').then(() => true)
}
