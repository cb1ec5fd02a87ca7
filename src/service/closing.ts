/** How every kind of socket is closed. */
import type { SocketPool } from './pool.ts'
import { SocketWait, waitAlong } from './wait.ts'
import { type WaitOptions, wrongWait } from './wait-options.ts'

/**
 * `close(options)` of a socket. It closes all the same when nobody waits any more.
 *
 * @param close Closes it. Undefined: there is nothing to wait for, nor any more for whom.
 */
export function closeSocket(
  { id, pool }: { readonly id: number; readonly pool: SocketPool },
  options: WaitOptions | undefined,
  close: (about: SocketWait) => Promise<void> | undefined,
): Promise<void> {
  const wrong = wrongWait('close', options)
  if (wrong !== undefined) return Promise.reject(wrong)
  const about = new SocketWait('close', id, pool)
  const closed = close(about)
  return closed === undefined ? Promise.resolve() : waitAlong(pool.service, about, options, closed)
}

/** Wait until a socket is open. One that does not come to be is closed. */
export async function openOrClose(
  opening: Promise<void>,
  socket: { close(): Promise<void> },
): Promise<void> {
  try {
    await opening
  } catch (error) {
    void socket.close().catch(() => {})
    throw error
  }
}
