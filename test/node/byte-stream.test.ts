/** The cases of byte streams over sockets of a node, and over a stream that stands on one. */
import type { ByteStream, Connection } from 'skynet-ts'
import { byteStreamSuite, type StreamPair } from '../../src/sockets/byte-stream.suite.ts'
import { MaskedStream } from '../support/masked-stream.ts'
import { serviceTest } from '../support/run.ts'
import { accepted, type OpenConnections, ours, overUnix } from '../support/sockets.ts'

type Wrap = (connection: Connection) => ByteStream

const pairOf = (wrap: Wrap, near: Connection, far: Connection): StreamPair => ({
  near: wrap(near),
  far: wrap(far),
  breakNear: () => near.configure({ idleTimeoutMs: 1 }),
})

const asItIs: Wrap = (connection) => connection

const KINDS: Readonly<Record<string, readonly [OpenConnections, Wrap]>> = {
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
