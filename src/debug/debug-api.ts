/** Looking into a running node: Skynet's `debug` protocol and its launcher, as functions. */
import { checkFlag, checkFunction } from '../base/check.ts'
import { formatHandle, isSkynetError, SkynetError } from '../base/errors.ts'
import type { Address } from '../service/addresses.ts'
import { type OrderingHost, orderOf } from '../service/ordering.ts'
import type { ProfileOrder } from '../service/profile.ts'
import { type TraceHost, traced } from '../service/trace.ts'
import { checkWait, WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { askStats, type ServiceStats, type WorkerStats } from './stats.ts'

/** What looking inside needs of the service that looks. */
export interface DebugHost extends OrderingHost, TraceHost {
  readonly handle: number
  readonly runtime: OrderingHost['runtime'] &
    TraceHost['runtime'] & { knownHandle(address: Address): number }
}

export class DebugApi {
  readonly #service: DebugHost

  constructor(service: DebugHost) {
    this.#service = service
  }

  /**
   * Every worker of the node with its memory and its services. One that does not answer within
   * `timeoutMs` (default 3,000), because something holds it, is left out.
   *
   * @throws {SkynetError} `ABORT_ERR`, `ERR_SERVICE_EXITED`.
   */
  async workers(options?: WaitOptions): Promise<WorkerStats[]> {
    return askStats(this.#service, options)
  }

  /** Every service of the node, worker by worker. Otherwise as `workers`. */
  async services(options?: WaitOptions): Promise<ServiceStats[]> {
    return (await askStats(this.#service, options)).flatMap(({ services }) => services)
  }

  /**
   * Run `task` in a trace, as `skynet.trace` does for a request: what comes from a socket or a
   * timer begins here. Resolves and rejects with the task.
   */
  traced<T>(info: string, task: () => T | PromiseLike<T>): Promise<T> {
    checkFunction('trace', 'task', task)
    return traced(this.#service, info, task)
  }

  /**
   * Measure `cpuMs` from now on, or no longer: of one service, or, without `address`, of all that
   * are there and those to come, until their worker is replaced. It costs two looks at the clock
   * for each message, and is off unless the config says `profile`.
   *
   * @throws {SkynetError} `ERR_CALL_DEAD` no such service; `ERR_NAME_UNKNOWN`; `ERR_CALL_TIMEOUT`,
   * `ABORT_ERR` as asked for.
   */
  async profile(isOn: boolean, address?: Address, options?: WaitOptions): Promise<void> {
    checkFlag('profile', 'isOn', isOn)
    checkWait('profile', options)
    const service = this.#service
    const limits = new WaitLimits({ timeoutMs: 0, ...options })
    const { loads, handles } = service.runtime
    const ask = (worker: number, order: ProfileOrder): Promise<unknown> =>
      orderOf(service, loads.placeOf(worker), order, limits)
    if (address === undefined) {
      const order = { order: 'profile', isOn, handle: 0 } as const
      const all = loads.inUse().map((worker) =>
        ask(worker, order).catch((error: unknown) => {
          // Services of a worker that is gone need not be measured.
          if (!isSkynetError(error, 'ERR_CALL_DEAD')) throw error
        }),
      )
      await Promise.all(all)
      return
    }
    const handle = service.runtime.knownHandle(address)
    const home = handles.workerOf(handle)
    const order = { order: 'profile', isOn, handle } as const
    const isThere = home >= 0 && (await ask(home, order))
    if (isThere) return
    throw new SkynetError('ERR_CALL_DEAD', { to: formatHandle(handle), method: 'profile' })
  }
}
