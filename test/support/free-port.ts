/** A port for a server that somebody else starts. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below those that a system gives out itself: a client of another test might get such a one. */
const FIRST = 20_000
const COUNT = 12_000

/** A TCP port that nobody has. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
