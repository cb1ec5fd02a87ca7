/**
 * Values by path for the whole node, or for the whole cluster, kept by a service `datacenterd`:
 * Skynet's `datacenter`.
 */
import { refusal } from '../base/check.ts'
import { askKeeper } from '../launch/keeper.ts'
import { askManager, type ManagerHost, type ManagerSite } from '../launch/unique-service.ts'
import { wroteAs } from '../service/sendable.ts'
import {
  checkWait,
  limitsFrom,
  type WaitLimits,
  type WaitOptions,
} from '../service/wait-options.ts'

/** Numbers are their text: `1` and `'1'` are one key. */
export type DataKey = string | number
export type DataPath = readonly [key: DataKey, ...more: DataKey[]]

/** Where the values are: in this node, or one for the whole cluster. */
export interface DataHome {
  /** The handle of the service that keeps them, launched by the first who needs it. */
  find(limits: WaitLimits): Promise<number>
  /** The value at a path, as soon as there is one. */
  wait(path: readonly unknown[], limits: WaitOptions): Promise<unknown>
}

/** Those of this node. */
export class NodeData implements DataHome {
  readonly #service: ManagerHost
  readonly #site: ManagerSite
  #daemon = 0

  constructor(service: ManagerHost, site: ManagerSite) {
    this.#service = service
    this.#site = site
  }

  async find(limits: WaitLimits): Promise<number> {
    const service = this.#service
    if (service.runtime.handles.workerOf(this.#daemon) < 0) {
      this.#daemon = await askManager(service, this.#site, 'launch', ['datacenterd', {}], limits)
    }
    return this.#daemon
  }

  async wait(path: readonly unknown[], limits: WaitOptions): Promise<unknown> {
    const service = this.#service
    const left = limitsFrom(service.runtime, limits)
    return askKeeper(service, await this.find(left()), ['wait', path], left())
  }
}

export class Datacenter {
  readonly #service: ManagerHost
  readonly #home: DataHome
  readonly #options: WaitOptions | undefined

  constructor(service: ManagerHost, home: DataHome, options?: WaitOptions) {
    this.#service = service
    this.#home = home
    this.#options = options
  }

  /** The same, giving up: `ERR_CALL_TIMEOUT` after `timeoutMs`, `ABORT_ERR` by `signal`. */
  with(options: WaitOptions): Datacenter {
    const what = 'use the datacenter'
    if (options === undefined) throw refusal('type', what, 'options', 'a plain object', options)
    checkWait(what, options)
    return new Datacenter(this.#service, this.#home, options)
  }

  /**
   * The value at a path, as a copy; a branch as an object. Undefined: there is none.
   *
   * @throws {SkynetError} `ERR_DATACENTER_PATH` when a value that is no branch is on the way.
   */
  async get<T = unknown>(...path: DataPath): Promise<T | undefined> {
    return (await this.#call('get', checkPath(path))) as T | undefined
  }

  /**
   * Set the value at a path, the last argument, and return the one before. Undefined removes it. A
   * plain object or array is a branch: its parts can be had and set by longer paths. Who waits for
   * the path, or for a part that it has now, gets it; who waits for a path above is told that it is
   * a branch.
   *
   * @throws {SkynetError} `ERR_DATACENTER_PATH` when a value that is no branch is on the way;
   * what cannot be part of a message.
   */
  async set<T = unknown>(...args: [...path: DataPath, value: T]): Promise<T | undefined> {
    const path = checkPath(args.slice(0, -1))
    const set = this.#call('set', path, args.at(-1))
    return (await set.catch(wroteAs('args[1]', 'value'))) as T | undefined
  }

  /**
   * The value at a path, or the branch there, as soon as there is one. It waits without limit but
   * for those of `with`.
   *
   * @throws {SkynetError} `ERR_DATACENTER_PATH` when the path is a branch of what others wait for,
   * or lies below such, or becomes a branch meanwhile.
   */
  async wait<T = unknown>(...path: DataPath): Promise<T> {
    const { timeoutMs = 0, signal } = this.#options ?? {}
    return (await this.#home.wait(checkPath(path), { timeoutMs, signal })) as T
  }

  async #call(...message: unknown[]): Promise<unknown> {
    const service = this.#service
    const left = limitsFrom(service.runtime, this.#options ?? {})
    const daemon = await this.#home.find(left())
    // Without a limit of its own a call has that of the config, and a launch has none.
    const isLimited = this.#options?.timeoutMs !== undefined
    return service.callMethod(daemon, message, isLimited ? left() : this.#options)
  }
}

function checkPath(path: readonly unknown[]): readonly unknown[] {
  const odd = path.findIndex((key) => typeof key !== 'string' && typeof key !== 'number')
  if (path.length > 0 && odd < 0) return path
  const expected = 'one or more strings or numbers'
  throw refusal('type', 'use the datacenter', 'path', expected, path[odd])
}
