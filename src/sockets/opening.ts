/** What a service gives to open a socket, whatever kind it is, and the options that all share. */
import { checkOptions } from '../base/check.ts'
import type { SocketClient } from '../net/client/client.ts'
import { ENDPOINT_NAMES } from '../net/endpoint.ts'
import type { GivenOptions } from '../net/open.ts'
import { checkSettings, type SocketSettings } from '../net/settings.ts'
import { checkOption, OPTIONS } from '../os/options.ts'
import {
  checkLimits,
  limitsFrom,
  WAIT_NAMES,
  type WaitLimits,
  type WaitOptions,
} from '../service/wait-options.ts'
import { type PoolHost, poolOf, type SocketPool } from './pool.ts'

/** Who opens a socket. */
export class SocketOpener {
  /** It owns the socket; its runtime is the clock of its waits. */
  readonly service: PoolHost & { readonly runtime: { readonly now: number } }
  readonly client: SocketClient

  constructor(service: SocketOpener['service'], client: SocketClient) {
    this.service = service
    this.client = client
  }

  /** Made with the first socket. */
  get pool(): SocketPool {
    return poolOf(this.service, this.client)
  }
}

/** What holds for a connection from its start; of a listener, for each that it accepts. */
export interface StreamOptions extends Partial<SocketSettings> {
  /** Options of the system, as in `Connection.setOption`: `{ noDelay: 1, keepCount: 3 }`. */
  readonly options?: GivenOptions
}

/** The names of what holds for a stream, and of where it is, its settings aside. */
export const STREAM_NAMES = [...ENDPOINT_NAMES, 'options', ...WAIT_NAMES]

/** Options that were checked. */
export interface CheckedOptions {
  readonly settings: Partial<SocketSettings> | undefined
  /** What is left of the limits at each call. */
  readonly left: () => WaitLimits
}

/** @throws `TypeError`, `RangeError` naming the one that is wrong, or not among `names`. */
export function checkOpening(
  what: string,
  { service }: Pick<SocketOpener, 'service'>,
  options: WaitOptions & StreamOptions,
  names: readonly string[],
): CheckedOptions {
  const settings = checkSettings(what, options, names)
  checkLimits(what, options)
  if (names.includes('options')) checkGiven(what, options.options)
  return { settings, left: limitsFrom(service.runtime, options) }
}

function checkGiven(what: string, options: GivenOptions | undefined): void {
  checkOptions(what, 'options', options, Object.keys(OPTIONS))
  for (const [name, value] of Object.entries(options ?? {})) checkOption(what, name, value)
}
