/** Every socket there is, as people want to see it. */
import { addressOf, type TokenTaker } from './descriptor.ts'
import type { SocketInfo } from './slots.ts'

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
