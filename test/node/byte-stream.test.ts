/** The cases of byte streams over sockets of a node: TCP and Unix, connected and accepted. */
import { join } from 'node:path'
import type { Connection, Skynet } from 'skynet-ts'
import { byteStreamSuite, type StreamPair } from '../../src/service/byte-stream.suite.ts'
import { serviceTest } from '../support/run.ts'
import { ours } from '../support/sockets.ts'

let paths = 0

/** The one that connected, and the one that accepted. */
async function overUnix(skynet: Skynet): Promise<[Connection, Connection]> {
  const path = join(skynet.getenv('folder') as string, `stream-${++paths}.sock`)
  await using listener = await skynet.socket.listen({ path })
  const ends = await Promise.all([skynet.socket.connect({ path }), listener.accept()])
  return [ends[0], ends[1]!]
}

const pairOf = (near: Connection, far: Connection): StreamPair => ({
  near,
  far,
  breakNear: () => near.configure({ idleTimeoutMs: 1 }),
})

type Open = (skynet: Skynet) => Promise<[Connection, Connection]>

const KINDS: Readonly<Record<string, Open>> = {
  'a TCP connection:': ours,
  'an accepted TCP connection:': async (skynet) =>
    (await ours(skynet)).reverse() as [Connection, Connection],
  'a Unix connection:': overUnix,
}

for (const [name, open] of Object.entries(KINDS)) {
  byteStreamSuite(name, (title, body) => {
    // Proves: docs/semantics.md#byte-stream
    serviceTest(import.meta.url, title, (skynet) =>
      body(async () => pairOf(...(await open(skynet)))),
    )
  })
}
