/** A port for a server that somebody else starts. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below those that a system gives out itself: a client of another test might get such a one. */
const FIRST = 20_000
const COUNT = 12_000

/** A TCP port that nobody has. */
export const freePort = (): Promise<number> => freePorts(1)

/** The first of so many in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = FIRST + Math.floor(Math.random() * COUNT)
    const ports = Array.from({ length: count }, (_, at) => first + at)
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  const listens = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  if (!listens) return false
  server.close()
  await once(server, 'close')
  return true
}
