/** Where a channel connects to: its host, and those that stand in for it. */
import { checkArray, checkGiven, checkText } from '../base/check.ts'
import { checkEndpoint, ENDPOINT_NAMES, type Endpoint, endpointText } from '../net/endpoint.ts'

/** A string is a host; its port is that of the channel. */
export type Backup = string | Endpoint

/** An endpoint that was checked. */
export interface Host {
  readonly endpoint: Endpoint
  /** For people: `127.0.0.1:6379`. */
  readonly address: string
}

/** @throws `TypeError`, `RangeError` naming what is wrong. */
export function channelHost(what: string, { host, port, path }: Endpoint): Host {
  const endpoint = path === undefined ? { host: host ?? '127.0.0.1', port } : { path }
  const given = { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) }
  const checked = checkEndpoint(
    what,
    path === undefined ? given : { ...given, path },
    '127.0.0.1',
    1,
  )
  return { endpoint: endpoint as Endpoint, address: endpointText(checked) }
}

export class Hosts {
  #main: Host
  #backups: readonly Host[]
  /** The one that was connected to last; at first the main one. */
  #current: Host

  /** @throws `TypeError`, `RangeError` naming what is wrong. */
  constructor(what: string, main: Endpoint, backups: readonly Backup[] | undefined) {
    this.#main = channelHost(what, main)
    this.#current = this.#main
    this.#backups = this.#checked(what, backups)
  }

  get current(): Host {
    return this.#current
  }

  /** @throws As the constructor. */
  setMain(what: string, host: string, given: number | undefined): void {
    checkText(what, 'host', host)
    const port = given === undefined ? this.#main.endpoint.port : given
    this.#main = channelHost(what, port === undefined ? { host } : { host, port })
    this.#current = this.#main
  }

  /** @throws As the constructor. */
  setBackups(what: string, backups: readonly Backup[]): void {
    this.#backups = this.#checked(what, backups)
  }

  #checked(what: string, backups: readonly Backup[] = []): Host[] {
    checkArray(what, 'backup', backups)
    return backups.map((each) => {
      if (typeof each !== 'string') {
        checkGiven(what, 'backup', each, ENDPOINT_NAMES)
        return channelHost(what, each)
      }
      checkText(what, 'backup', each)
      const { port } = this.#main.endpoint
      return channelHost(what, port === undefined ? { host: each } : { host: each, port })
    })
  }

  /** The one that was used last, the others in their order, the main one; each once. */
  inOrder(): Host[] {
    const all = new Map<string, Host>()
    for (const each of [this.#current, ...this.#backups, this.#main]) {
      if (!all.has(each.address)) all.set(each.address, each)
    }
    return [...all.values()]
  }

  /** That is where the channel is from now on. */
  use(host: Host): void {
    this.#current = host
  }
}
