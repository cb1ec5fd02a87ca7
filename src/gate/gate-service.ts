/** Skynet's service `gate`: its watchdog hears of clients, and agents get what they send. */
import type { ServiceDefinition } from '../modules/definition.ts'
import type { Address } from '../service/addresses.ts'
import type { ServiceRef } from '../service/ref.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { GateOptions } from './gate-options.ts'
import { type GateMethods, gateServer } from './gate-server.ts'
import { Switchboard } from './switchboard.ts'

export interface WatchedOptions {
  /** The service that is told of clients: it has `WatchdogMethods`. Default: who opens. */
  readonly watchdog?: Address
}
export interface WatchedGateOptions extends GateOptions, WatchedOptions {}

/** How many clients there are, and what became of others. */
export interface GateStat {
  readonly clients: number
  readonly maxClient: number
  /** Clients that were one too many. */
  readonly refused: number
  /** Messages for agents that had ended. */
  readonly lost: number
}

export interface GateCommands {
  /**
   * Read from a client, from now on, and send each message to `agent`, as protocol `client`.
   *
   * @param client What the agent sees as the source of the messages. Default 0: nobody.
   * @param agent Default: who asks.
   * @throws {SkynetError} `ERR_CLIENT_UNKNOWN` it has left, or is being closed; `ERR_NAME_UNKNOWN`
   * no such agent, or no service of the name that `client` is.
   */
  forward(fd: number, client?: Address, agent?: Address): void
  /** The same, but the watchdog gets each message, as `data`. */
  accept(fd: number): void
  /** Close a client. What was written to it still leaves. False: it is not there. */
  kick(fd: number): boolean
  stat(): GateStat
}

type GateServiceMethods = GateMethods<WatchedOptions> & GateCommands

/** `skynet.newService<GateService>('gate')`. */
export type GateService = ServiceDefinition<readonly [], GateServiceMethods, Skynet>

/** What that gives, and what an agent is told of its gate. */
export type GateRef = ServiceRef<GateServiceMethods>

/** The methods of the service. */
export function watchedGate(skynet: Skynet): GateServiceMethods {
  const { runtime } = Skynet.serviceOf(skynet)
  return gateServer(skynet, (gate) => {
    const board = new Switchboard(skynet, gate)
    const command: GateCommands = {
      forward(fd, client = 0, agent = skynet.context().source) {
        const source = client === 0 ? 0 : runtime.knownHandle(client)
        board.forward(fd, source, runtime.knownHandle(agent))
      },
      accept: (fd) => board.accept(fd),
      kick: (fd) => board.kick(fd),
      stat: () => {
        const { count: clients, maxClient, refused } = gate
        return { clients, maxClient, refused, lost: board.lost }
      },
    }
    return {
      options: ['watchdog'],
      open: (source, { watchdog = source }: WatchedOptions) =>
        board.watchBy(runtime.knownHandle(watchdog)),
      connect: (fd, address) => board.connected(fd, address),
      message: (fd, message) => board.message(fd, message),
      disconnect: (fd) => board.gone(fd),
      error: (fd, reason) => board.failed(fd, reason),
      warning: (fd, kib) => board.warned(fd, kib),
      command,
    }
  })
}
