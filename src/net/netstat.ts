/** Every socket there is, as people want to see it. */
import { formatAddress, hostOf, portOf } from '../os/address.ts'
import type { Os } from '../os/os.ts'
import { addressOf, type TokenTaker } from './descriptor.ts'
import { SLOT, type Slots, type SocketInfo } from './slots.ts'
import { STATE } from './state.ts'

/** One socket, and where it is. */
export interface NetstatInfo extends SocketInfo {
  /** Of the peer; of a listener and of a UDP socket its own. Empty when it is gone. */
  readonly address: string
}

/** Stops nobody: a socket may be gone right after. */
export function netstat(taker: TokenTaker): NetstatInfo[] {
  return taker.slots.list().map((info) => {
    const isOwn = info.state === 'LISTEN' || info.state === 'PLISTEN' || info.protocol === 'UDP'
    return { ...info, address: addressOf(taker, info.id, isOwn ? 'local' : 'peer') }
  })
}

/** A socket that listens. */
export interface ListenerInfo {
  readonly id: number
  /** The address it is bound to; of a path `unix:/path`. */
  readonly host: string
  /** The port that is really open; 0 of a path. */
  readonly port: number
  /** `127.0.0.1:8888`, `[::1]:8888`, `unix:/run/x.sock`. */
  readonly address: string
  /** Handle of the service that owns it. */
  readonly owner: number
}

/**
 * All that listens now, from any thread. It waits for no token: a listener is told only when it is
 * still there after its address was read, and so its descriptor was its own meanwhile.
 */
export function listenersOf({ os, slots }: Viewer): ListenerInfo[] {
  const found: ListenerInfo[] = []
  for (const { id, state, owner } of slots.list()) {
    if (state !== 'LISTEN') continue
    const local = os.localAddress(Atomics.load(slots.cells, slots.at(id) + SLOT.fd))
    if (local === undefined || slots.stateOf(id) !== STATE.LISTEN) continue
    const address = formatAddress(local)
    found.push({ id, host: hostOf(local), port: portOf(local), address, owner })
  }
  return found
}

interface Viewer {
  readonly os: Pick<Os, 'localAddress'>
  readonly slots: Slots
}
