/** Where clients come in: a listener, how many are let in, and who is refused. */
import { SkynetError } from '../base/errors.ts'
import { Repeats, type RepeatsHost } from '../service/repeats.ts'
import type { Connection } from '../sockets/connection.ts'
import type { Listener } from '../sockets/listener.ts'
import type { ListenOptions } from '../sockets/open-listener.ts'
import { Refused } from '../sockets/refused.ts'

/** What an entrance needs of the service of its gate. */
export interface EntranceHost extends RepeatsHost {
  fork(task: () => unknown): void
}

/** Where a gate listens: `unix:/path` and 0 of a path. */
export interface GatePlace {
  readonly host: string
  readonly port: number
}

/** Those who are in. */
export interface Guests {
  readonly count: number
  admit(connection: Connection): void
}

export class Entrance {
  readonly #host: EntranceHost
  readonly #listen: (options: ListenOptions) => Promise<Listener>
  readonly #guests: Guests
  readonly #refusals: Repeats
  #listener: Listener | undefined
  /** It listens, and lets nobody in before that is known to be right. */
  #opening: Listener | undefined
  #isOpening = false
  /** An `open` that sees another number than it began with was closed meanwhile. */
  #closes = 0
  #max = 0
  /** Clients that were one too many, since the service began. */
  refused = 0
  readonly #refused: Refused

  constructor(
    host: EntranceHost,
    listen: (options: ListenOptions) => Promise<Listener>,
    guests: Guests,
  ) {
    this.#host = host
    this.#listen = listen
    this.#guests = guests
    this.#refused = new Refused(host)
    this.#refusals = new Repeats(host, (more) => `gate: ${more} more clients were refused`, 'error')
  }

  get max(): number {
    return this.#max
  }

  /**
   * @param ready Called when it listens, before the first client comes in. When it throws, or
   * rejects, the entrance stays closed.
   * @throws {SkynetError} `ERR_GATE_OPEN`; `ERR_GATE_CLOSED`: closed before it was open; what
   * `listen` rejects with.
   */
  async open(
    options: ListenOptions,
    max: number,
    ready: (place: GatePlace) => unknown,
  ): Promise<GatePlace> {
    if (this.#isOpening || this.#listener !== undefined) {
      throw new SkynetError('ERR_GATE_OPEN', { address: this.#listener?.address ?? 'opening' })
    }
    this.#isOpening = true
    const closes = this.#closes
    try {
      const listener = await this.#listen(options)
      this.#opening = listener
      const { host, port, address } = listener
      const checkGoOn = (): void => {
        if (this.#closes !== closes) throw new SkynetError('ERR_GATE_CLOSED', { address })
      }
      try {
        checkGoOn()
        await ready({ host, port })
        checkGoOn()
      } catch (error) {
        await listener.close()
        throw error
      }
      this.#listener = listener
      this.#max = max
      this.#host.fork(() => this.#accept(listener))
      return { host, port }
    } finally {
      this.#opening = undefined
      this.#isOpening = false
    }
  }

  /** Let nobody in any more, also where `open` is under way; who is in stays. Again: harmless. */
  async close(): Promise<void> {
    this.#closes++
    const listener = this.#listener ?? this.#opening
    this.#listener = undefined
    await listener?.close()
  }

  async #accept(listener: Listener): Promise<void> {
    for await (const connection of listener) {
      if (this.#guests.count < this.#max) this.#guests.admit(connection)
      else this.#refuse(connection)
    }
    // The node stops.
    if (this.#listener === listener) this.#listener = undefined
  }

  #refuse(connection: Connection): void {
    this.refused++
    const { remoteAddress } = connection
    this.#refusals.say(`gate: refused ${remoteAddress}: there are ${this.#max} clients`)
    this.#refused.turnAway(connection)
  }
}
