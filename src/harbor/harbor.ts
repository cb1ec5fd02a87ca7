/** The harbor cluster, as services use it: Skynet's `skynet.harbor`. */
import { checkInteger, checkString, refusal } from '../base/check.ts'
import { abortError, SkynetError } from '../base/errors.ts'
import { HARBOR_MAX, HARBOR_NAME_BYTES_MAX, HARBOR_NAME_MS } from '../base/limits.ts'
import { askKeeper } from '../launch/keeper.ts'
import type { AnyService, MethodsOf, ServiceDefinition } from '../modules/definition.ts'
import type { Address } from '../service/addresses.ts'
import { ServiceRef } from '../service/ref.ts'
import { checkWait, WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { Skynet } from '../skynet/skynet.ts'
import {
  type ClusterHarborOptions,
  checkHarborOptions,
  type HarborOptions,
} from './harbor-options.ts'
import type { HarborInfo, HarborMethods, HarborStat } from './harbor-service.ts'

type AnyOptions = HarborOptions | ClusterHarborOptions
type HarborDefinition = ServiceDefinition<readonly [AnyOptions], HarborMethods, Skynet>

/**
 * Join the harbors of a master, Skynet's or ours, or those of the cluster of this node. From now on
 * handles of other harbors are services like any other, for all services of this node. Once in each
 * node, before others use `harborOf`.
 *
 * The config of the node needs `harbor`, its number, 1 to 255, which no other node has.
 *
 * @returns When the harbors that were there have connected.
 * @throws {SkynetError} `ERR_SERVICE_LAUNCH`, with its cause: `ERR_HARBOR_JOIN` the master is not
 * there, says no, or others do not connect in time; `ERR_LISTEN`; `ERR_CONFIG_VALUE` the config
 * has no `harbor`. In a cluster `ERR_HARBOR_JOIN` another node has that number, `ERR_CLUSTER_OFF`,
 * `ERR_CALL_TIMEOUT`, `ERR_CONFIG_VALUE`. `TypeError`, `RangeError` naming the option.
 */
export async function startHarbor(
  skynet: Skynet,
  options: HarborOptions | ClusterHarborOptions,
): Promise<Harbor> {
  Skynet.serviceOf(skynet)
  checkHarborOptions(options)
  const { on, ...rest } = options
  const launch = { args: [rest] as const, ...(on === undefined ? undefined : { on }) }
  const service = await skynet.uniqueService<HarborDefinition>('harbor', launch)
  // As long as it takes: it has a limit of its own.
  await service.with({ timeoutMs: 0 }).call.join()
  return harborOf(skynet)
}

/** The harbor cluster, for the service of `skynet`. */
export const harborOf = (skynet: Skynet): Harbor => new Harbor(skynet)

/** Obtained from `harborOf`, `startHarbor`. */
export class Harbor {
  readonly #skynet: Skynet

  /** @internal Made by `harborOf`. */
  constructor(skynet: Skynet) {
    // Now, and not by each use.
    Skynet.serviceOf(skynet)
    this.#skynet = skynet
  }

  /** The number of the harbor of this node; 0: it has none. */
  get id(): number {
    return this.#skynet.self >>> 24
  }

  /**
   * Give a service a global name, for all harbors: Skynet's `harbor.globalname`. Nobody can take it
   * away again, and it stays when the service ends.
   *
   * @param name 1 to 15 bytes, without a dot or a colon in front.
   * @param address Default: this service.
   * @throws {SkynetError} `ERR_NAME_TAKEN` another service has it, `ERR_NAME_INVALID`;
   * `ERR_NAME_UNKNOWN` no such service; `ERR_HARBOR_MASTER`, `ERR_HARBOR_OFF`; `ERR_CALL_TIMEOUT`,
   * `ABORT_ERR`: after 10 s unless asked for otherwise.
   */
  async globalName(name: string, address?: Address, options?: WaitOptions): Promise<void> {
    checkGlobalName(name)
    const { runtime, handle: self } = Skynet.serviceOf(this.#skynet)
    const handle = address === undefined ? self : runtime.knownHandle(address)
    await this.#ask(['register', name, handle], `register ${name}`, options, HARBOR_NAME_MS)
  }

  /**
   * The handle of a global name, as soon as somebody has it: Skynet's `harbor.queryname`.
   *
   * @param options Default: it gives up after 10 s; `timeoutMs: 0` waits for ever.
   * @throws {SkynetError} `ERR_NAME_INVALID`; `ERR_HARBOR_MASTER` it is not known here, and the
   * master is gone; `ERR_HARBOR_OFF`; `ERR_CALL_TIMEOUT`, `ABORT_ERR`.
   */
  async queryName(name: string, options?: WaitOptions): Promise<number> {
    checkGlobalName(name)
    return (await this.#ask(['query', name], `find ${name}`, options, HARBOR_NAME_MS)) as number
  }

  /** A typed reference to the service of a global name. As `queryName`. */
  async query<S extends AnyService = AnyService>(
    name: string,
    options?: WaitOptions,
  ): Promise<ServiceRef<MethodsOf<S>>> {
    const handle = await this.queryName(name, options)
    return new ServiceRef(Skynet.serviceOf(this.#skynet), handle)
  }

  /**
   * Resolves when a harbor goes down, at once when it is not up: Skynet's `harbor.link`.
   *
   * @throws {SkynetError} `ERR_HARBOR_OFF`; `ERR_CALL_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  async link(harbor: number, options?: WaitOptions): Promise<void> {
    checkInteger('link', 'harbor', harbor, 1, HARBOR_MAX)
    await this.#ask(['link', harbor], `link harbor ${harbor}`, options)
  }

  /**
   * Resolves when a harbor is up: Skynet's `harbor.connect`.
   *
   * @throws {SkynetError} `ERR_HARBOR_LOST` it is down, or goes down: with a master that is for
   * good, and in a cluster of ours it is waited for; `ERR_HARBOR_OFF`; `ERR_CALL_TIMEOUT`,
   * `ABORT_ERR` as asked for.
   */
  async connect(harbor: number, options?: WaitOptions): Promise<void> {
    checkInteger('connect', 'harbor', harbor, 1, HARBOR_MAX)
    await this.#ask(['connect', harbor], `connect harbor ${harbor}`, options)
  }

  /** Resolves when the connection to the master ends: Skynet's `harbor.linkmaster`. */
  async linkMaster(options?: WaitOptions): Promise<void> {
    await this.#ask(['linkMaster'], 'link the master', options)
  }

  /** Other harbors that this node has heard of, and whether they are up. Throws as `link`. */
  async harbors(options?: WaitOptions): Promise<HarborInfo[]> {
    return (await this.#ask(['harbors'], 'list the harbors', options)) as HarborInfo[]
  }

  /** What is under way to other harbors, and from them. Throws as `link`. */
  async stat(options?: WaitOptions): Promise<HarborStat> {
    return (await this.#ask(['stat'], 'look at the harbor', options)) as HarborStat
  }

  /** Where the master is, `host:port`. Throws as `link`. */
  async master(options?: WaitOptions): Promise<string> {
    return (await this.#ask(['master'], 'find the master', options)) as string
  }

  async #ask(
    message: unknown[],
    what: string,
    options: WaitOptions | undefined,
    timeoutMs = 0,
  ): Promise<unknown> {
    checkWait(what, options)
    if (options?.signal?.aborted === true) throw abortError(options.signal)
    const service = Skynet.serviceOf(this.#skynet)
    const keeper = service.runtime.handleOf('.harbor')
    if (keeper === 0) throw new SkynetError('ERR_HARBOR_OFF', { what })
    const limits = new WaitLimits({ timeoutMs, ...options })
    return askKeeper(service, keeper, message, limits, what)
  }
}

/** @throws {SkynetError} `ERR_NAME_INVALID`; `TypeError` when it is no text. */
function checkGlobalName(name: string): void {
  if (name === '') throw refusal('value', 'use a global name', 'name', 'a string, not empty', name)
  checkString('use a global name', 'name', name)
  const invalid = (reason: string): Error => new SkynetError('ERR_NAME_INVALID', { name, reason })
  if (Buffer.byteLength(name) > HARBOR_NAME_BYTES_MAX) {
    throw invalid(`it is longer than ${HARBOR_NAME_BYTES_MAX} bytes`)
  }
  if (name.startsWith('.')) throw invalid('a dot in front makes it a name of one node')
  if (name.startsWith(':') || /^\d+$/.test(name)) throw invalid('it looks like a handle')
}
