/** The socket server without a node: on the thread that asks for it, with the real system. */
import { realClock } from '../base/clock.ts'
import { epochNow } from '../base/event-loop.ts'
import { StandaloneServer } from '../net/library/standalone.ts'
import type { SocketServerOptions } from '../net/library/standalone-options.ts'
import { posixOs } from '../os/posix.ts'

/**
 * A socket server of your own, on your thread: nothing happens but while you `poll`. Release it
 * when you are done with it.
 *
 * @throws {SkynetError} `ERR_SYSCALL` no descriptors are left, `ERR_PLATFORM`; `RangeError`,
 * `TypeError` naming the option.
 */
export function createSocketServer(options: SocketServerOptions = {}): StandaloneServer {
  const clock = realClock(epochNow())
  return new StandaloneServer(posixOs(), clock, options)
}
