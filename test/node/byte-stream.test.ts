/** The cases of byte streams over sockets of a node, and over a stream that stands on one. */
import { join } from 'node:path'
import type { ByteStream, Connection, Skynet } from 'skynet-ts'
import { byteStreamSuite, type StreamPair } from '../../src/sockets/byte-stream.suite.ts'
import { MaskedStream } from '../support/masked-stream.ts'
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

type Wrap = (connection: Connection) => ByteStream

const pairOf = (wrap: Wrap, near: Connection, far: Connection): StreamPair => ({
  near: wrap(near),
  far: wrap(far),
  breakNear: () => near.configure({ idleTimeoutMs: 1 }),
})

type Open = (skynet: Skynet) => Promise<[Connection, Connection]>

const accepted: Open = async (skynet) => {
  const [far, near] = await ours(skynet)
  return [near, far]
}

const asItIs: Wrap = (connection) => connection

const KINDS: Readonly<Record<string, readonly [Open, Wrap]>> = {
  'a TCP connection:': [ours, asItIs],
  'an accepted TCP connection:': [accepted, asItIs],
  'a Unix connection:': [overUnix, asItIs],
  'a stream on a TCP connection:': [ours, (connection) => new MaskedStream(connection)],
}

for (const [name, [open, wrap]] of Object.entries(KINDS)) {
  byteStreamSuite(name, (title, body) => {
    // Proves: docs/semantics.md#byte-stream
    serviceTest(import.meta.url, title, (skynet) =>
      body(async () => pairOf(wrap, ...(await open(skynet)))),
    )
  })
}
