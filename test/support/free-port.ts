/** A port for a server that somebody else starts. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below those that a system gives out itself: a client of another test might get such a one. */
const FIRST = 20_000
const BLOCKS = 240
/** Ports of one process: the first one shows that the others are taken. */
const BLOCK = 50

let block: Promise<number> | undefined
let next = 1

/** A TCP port that nobody has, nor gets from here in another process while this one lives. */
export const freePort = (): Promise<number> => freePorts(1)

/** The first of so many in a row. */
export async function freePorts(count: number): Promise<number> {
  block ??= takeBlock()
  const first = await block
  for (;;) {
    if (next + count > BLOCK) next = 1
    const at = first + next
    next += count
    const ports = Array.from({ length: count }, (_, i) => at + i)
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return at
  }
}

/** Held until this process ends, however it does. */
async function takeBlock(): Promise<number> {
  for (;;) {
    const first = FIRST + BLOCK * Math.floor(Math.random() * BLOCKS)
    const guard = await listening(first)
    if (guard === undefined) continue
    guard.unref()
    return first
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening(port)
  if (server === undefined) return false
  server.close()
  await once(server, 'close')
  return true
}

async function listening(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1')
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  )
}
