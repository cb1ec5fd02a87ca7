/** The cases of byte streams over sockets of a node, and over a stream that stands on one. */
import type { ByteStream, Connection, Skynet } from 'skynet-ts'
import { StreamDuplex } from 'skynet-ts/http'
import { byteStreamSuite, type StreamPair } from '../../src/sockets/byte-stream.suite.ts'
import { MaskedStream } from '../support/masked-stream.ts'
import { serviceTest } from '../support/run.ts'
import { accepted, type OpenConnections, ours, overUnix } from '../support/sockets.ts'

type Wrap = (connection: Connection, skynet: Skynet) => ByteStream

async function pairOf(skynet: Skynet, open: OpenConnections, wrap: Wrap): Promise<StreamPair> {
  const [near, far] = await open(skynet)
  return {
    near: wrap(near, skynet),
    far: wrap(far, skynet),
    breakNear: () => near.configure({ idleTimeoutMs: 1 }),
  }
}

const asItIs: Wrap = (connection) => connection

/** While it was reading. */
const givenBack: Wrap = (connection, skynet) => {
  const duplex = new StreamDuplex(skynet, connection)
  duplex.read(0)
  return duplex.detach()
}

const KINDS: Readonly<Record<string, readonly [OpenConnections, Wrap]>> = {
  'a TCP connection:': [ours, asItIs],
  'an accepted TCP connection:': [accepted, asItIs],
  'a Unix connection:': [overUnix, asItIs],
  'a stream that a duplex gave back:': [ours, givenBack],
  'a stream on a TCP connection:': [ours, (connection) => new MaskedStream(connection)],
}

for (const [name, [open, wrap]] of Object.entries(KINDS)) {
  byteStreamSuite(name, (title, body) => {
    // Proves: docs/semantics.md#byte-stream
    serviceTest(import.meta.url, title, (skynet) => body(() => pairOf(skynet, open, wrap)))
  })
}
