/**
 * What any thread but the socket thread does with the descriptor of a socket besides writing to it:
 * asks for its addresses, sets its options. Under the write token, which keeps the descriptor from
 * being closed, and its number from being used again, meanwhile.
 */

import { formatAddress } from '../os/address.ts'
import type { Os, SocketOption } from '../os/os.ts'
import { lock, unlock } from '../shm/lock.ts'
import { SLOT, type Slots } from './slots.ts'
import { STATE } from './state.ts'

/** What it takes of its thread. */
export interface TokenTaker {
  readonly os: Os
  readonly slots: Slots
  /** The number of the thread among the doorbells. */
  readonly thread: number
}

/** What `use` answers; undefined: the socket is gone, or has no descriptor yet. */
function withDescriptor<T>(
  { slots, thread }: TokenTaker,
  id: number,
  use: (fd: number) => T,
): T | undefined {
  const at = slots.at(id)
  lock(slots.cells, at + SLOT.token, thread + 1)
  try {
    const fd = Atomics.load(slots.cells, at + SLOT.fd)
    return slots.stateOf(id) === STATE.INVALID || fd < 0 ? undefined : use(fd)
  } finally {
    unlock(slots.cells, at + SLOT.token)
  }
}

/** `ip:port` or `unix:path` of either end; empty when it is gone. */
export function addressOf(taker: TokenTaker, id: number, end: 'local' | 'peer'): string {
  const { os } = taker
  const address = withDescriptor(taker, id, (fd) =>
    end === 'local' ? os.localAddress(fd) : os.peerAddress(fd),
  )
  return address === undefined ? '' : formatAddress(address)
}

/** Set an option of the system. Returns a negative errno, or undefined: there is no descriptor. */
export function setSocketOption(
  taker: TokenTaker,
  id: number,
  name: SocketOption,
  value: number,
): number | undefined {
  return withDescriptor(taker, id, (fd) => taker.os.setOption(fd, name, value))
}
