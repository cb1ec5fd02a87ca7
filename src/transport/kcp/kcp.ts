/** Clients over KCP, for a gate. */
import { checkPlain, refusal } from '../../base/check.ts'
import type { ClientDoor, ClientEntrance, ClientTransport } from '../../skynet/client-transport.ts'
import { type Gatekeeper, KCP_PLACE_NAMES, type KcpPlace, openKcp } from './listen.ts'
import { checkKcpServer, type KcpServerOptions } from './options.ts'

/** Where to listen, and how conversations behave. What a message may be the gate says. */
export interface KcpTransportOptions
  extends KcpPlace,
    Omit<KcpServerOptions, 'messageBytesMax' | 'sendLimitBytes'> {}

const WHAT = 'make a KCP transport'
const OTHERS = KCP_PLACE_NAMES
const OF_THE_GATE = ['messageBytesMax', 'sendLimitBytes']

/**
 * Clients over KCP, one message in each.
 *
 *     defineGate(canvas, { listen: [kcp({ port: 7001 })], … })
 *
 * @throws `TypeError`, `RangeError` naming the option; those of the port when it opens.
 */
export function kcp(options: KcpTransportOptions): ClientTransport {
  checkPlain(WHAT, 'options', options)
  for (const name of OF_THE_GATE) {
    if (Object.hasOwn(options, name))
      throw refusal('value', WHAT, name, 'said to the gate', options)
  }
  checkKcpServer(WHAT, options, OTHERS)
  return {
    kind: 'kcp',
    open(skynet, door): Promise<ClientEntrance> {
      const { messageBytesMax, sendLimitBytes, listenWhileStopping } = door
      const given = { listenWhileStopping, ...options, messageBytesMax, sendLimitBytes }
      const settings = checkKcpServer('open a KCP transport', given, OTHERS)
      return openKcp(skynet, options, settings, gatekeeperOf(door))
    },
  }
}

const gatekeeperOf = (door: ClientDoor): Gatekeeper => ({
  knock(address) {
    const visit = door.knock(address)
    if (visit === undefined) return undefined
    let stop = (): void => {}
    return {
      begins(letGo) {
        const { signal } = visit
        if (signal.aborted) {
          letGo()
          return
        }
        signal.addEventListener('abort', letGo)
        stop = () => signal.removeEventListener('abort', letGo)
      },
      enter(stream) {
        stop()
        visit.enter(stream)
      },
      leave() {
        stop()
        visit.leave()
      },
    }
  },
})
