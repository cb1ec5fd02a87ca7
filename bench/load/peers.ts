/** Connections of the load generator. */
import { socketAddress } from '../../src/os/address.ts'
import { ERRNO } from '../../src/os/errno.ts'
import type { Os, SocketAddress } from '../../src/os/os.ts'
import { INTEREST, type Poller } from '../../src/os/poll/poller.ts'

export interface Peer {
  readonly fd: number
}

/** Fewer than the backlog of any server, so that none is asked twice. */
const CONNECTING_MAX = 64
const CONNECT_MS_MAX = 10_000
/** How long a server may take to answer at all. */
const SILENCE_MS_MAX = 10_000

export function connectAll(os: Os, host: string, port: number, count: number): Peer[] {
  const address = socketAddress(host, port)
  if (address === undefined) throw new Error(`Cannot connect to ${host}: it must be an IP address`)
  const peers: Peer[] = []
  while (peers.length < count) {
    peers.push(...connectSome(os, address, Math.min(CONNECTING_MAX, count - peers.length)))
  }
  return peers
}

function connectSome(os: Os, address: SocketAddress, count: number): Peer[] {
  const poller = os.createPoller()
  const tags = new Uint32Array(count)
  const ready = new Uint8Array(count)
  const fds = Array.from({ length: count }, (_, i) => {
    const fd = checked(os, os.socket(address.family))
    checked(os, os.noDelay(fd, true))
    const result = os.connect(fd, address)
    if (result !== -ERRNO.EINPROGRESS) checked(os, result)
    checked(os, poller.add(fd, i, INTEREST.write))
    return fd
  })
  const endsAt = performance.now() + CONNECT_MS_MAX
  for (let open = 0; open < count; ) {
    const found = poller.wait(tags, ready, 1000)
    for (let i = 0; i < found; i++) {
      const fd = fds[tags[i]!]!
      checked(os, os.socketError(fd))
      poller.remove(fd, tags[i]!)
      open++
    }
    if (performance.now() > endsAt)
      throw new Error(`Cannot connect ${count} times in time: ${open}`)
  }
  poller.close()
  return fds.map((fd) => ({ fd }))
}

/**
 * Wait for events, of which there is at least one.
 *
 * @throws When none comes for 10 s.
 */
export function waitForAny(os: Os, poller: Poller, tags: Uint32Array, ready: Uint8Array): number {
  const startedAt = performance.now()
  for (;;) {
    const count = checked(os, poller.wait(tags, ready, SILENCE_MS_MAX))
    if (count > 0) return count
    // A signal of the profiler ends a wait too.
    if (performance.now() - startedAt >= SILENCE_MS_MAX) {
      throw new Error('The server has not answered for 10 s')
    }
  }
}

/** @throws When it is a negative errno. */
export function checked(os: Os, result: number): number {
  if (result >= 0) return result
  throw new Error(`The load generator failed: ${os.errorText(result)}`)
}
