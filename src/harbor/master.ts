/**
 * The master of a harbor cluster, without its sockets: who is there, and which handle has which
 * global name. Skynet's `cmaster`, but for two things: a name stays with its first owner also for
 * those who hear of it later, and it keeps so many names and no more.
 */
import { HARBOR_NAMES_MAX } from '../base/limits.ts'
import { harborProtocol, type ToMaster, type ToSlave } from './control.ts'

/** What a master needs of who has the connections. */
export interface MasterHost {
  /** Send it to that slave, which is there. */
  tell(harbor: number, message: ToSlave): void
  say(text: string): void
}

interface Slave {
  readonly address: string
  isUp: boolean
}

export class Master {
  readonly #host: MasterHost
  /** Those that are gone stay: their numbers are not given out again. */
  readonly #slaves = new Map<number, Slave>()
  readonly #names = new Map<string, number>()

  constructor(host: MasterHost) {
    this.#host = host
  }

  /**
   * The first message of a connection. Returns the number of the harbor, whose messages are told to
   * `heard` from then on, and its end to `gone`.
   *
   * @param join Called when it may join, before anybody is told: it is there from then on.
   * @throws {SkynetError} `ERR_HARBOR_PROTOCOL` it is no hello, or the harbor was there before.
   */
  hello(message: ToMaster | undefined, join: (harbor: number) => void): number {
    if (message?.[0] !== 'H') throw harborProtocol('what it has sent first is no hello')
    const [, harbor, address] = message
    const known = this.#slaves.get(harbor)
    if (known !== undefined) {
      throw harborProtocol(`harbor ${harbor} is registered already, on ${known.address}`)
    }
    join(harbor)
    const others = this.#up()
    this.#slaves.set(harbor, { address, isUp: true })
    for (const other of others) this.#host.tell(other, ['C', harbor, address])
    this.#host.tell(harbor, ['W', others.length])
    return harbor
  }

  /** @throws {SkynetError} `ERR_HARBOR_PROTOCOL`. */
  heard(harbor: number, message: ToMaster): void {
    switch (message[0]) {
      case 'R':
        this.#register(message[1], message[2])
        return
      case 'Q': {
        const handle = this.#names.get(message[1])
        if (handle !== undefined) this.#host.tell(harbor, ['N', message[1], handle])
        return
      }
      case 'H':
        throw harborProtocol(`harbor ${harbor} has said hello twice`)
    }
  }

  #register(name: string, handle: number): void {
    const owner = this.#names.get(name)
    if (owner === undefined && this.#names.size >= HARBOR_NAMES_MAX) {
      this.#host.say(`Cannot register ${name}: all ${HARBOR_NAMES_MAX} global names are in use`)
      return
    }
    if (owner === undefined) this.#names.set(name, handle)
    for (const slave of this.#up()) this.#host.tell(slave, ['N', name, owner ?? handle])
  }

  /** The connection of that slave has ended. */
  gone(harbor: number): void {
    this.#slaves.get(harbor)!.isUp = false
    for (const slave of this.#up()) this.#host.tell(slave, ['D', harbor])
  }

  #up(): number[] {
    return [...this.#slaves].filter(([, { isUp }]) => isUp).map(([harbor]) => harbor)
  }
}
