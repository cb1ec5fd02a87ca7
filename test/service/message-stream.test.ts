/** The cases of message streams: frames on sockets of a node, and on what stands on one. */
import {
  type ByteStream,
  type Connection,
  framed,
  frameEncoder,
  type MessageStream,
} from 'skynet-ts'
import { magic } from '../../src/frames/frames.kit.ts'
import { type MessagePair, messageStreamSuite } from '../../src/sockets/message-stream.suite.ts'
import { MaskedStream } from '../support/masked-stream.ts'
import { serviceTest } from '../support/run.ts'
import { accepted, type OpenConnections, ours, overUnix } from '../support/sockets.ts'

/** What the suite sends, and as lines: base64. */
const MAX = 60_000
const LINE_MAX = (MAX / 3) * 4

/** Any bytes, in lines. */
const base64 = {
  encode: (message: string | Uint8Array) => Buffer.from(message as Uint8Array).toString('base64'),
  decode: (bytes: Buffer) => Buffer.from(bytes.toString('latin1'), 'base64'),
}

interface Kind {
  readonly open: OpenConnections
  frames(connection: Connection): MessageStream
  /** The frame of a message that is longer than MAX. */
  readonly tooLong: Buffer
  /** What the frames are written to. Absent: the connection. */
  below?(connection: Connection): ByteStream
}

const long = Buffer.alloc(MAX + 1)

const KINDS: Readonly<Record<string, Kind>> = {
  'TCP, u16be:': {
    open: ours,
    frames: (connection) => connection.frames({ header: 'u16be', max: MAX }),
    tooLong: frameEncoder({ header: 'u16be' })(long),
  },
  'accepted TCP, varint:': {
    open: accepted,
    frames: (connection) => connection.frames({ header: 'varint', max: MAX }),
    tooLong: frameEncoder({ header: 'varint' })(long),
  },
  'Unix, u32le:': {
    open: overUnix,
    frames: (connection) => connection.frames({ header: 'u32le', max: MAX }),
    tooLong: frameEncoder({ header: 'u32le' })(long),
  },
  'Unix, a header of one’s own:': {
    open: overUnix,
    frames: (connection) => connection.frames({ header: magic, max: MAX }),
    tooLong: frameEncoder({ header: magic })(long),
  },
  'TCP, lines and a codec:': {
    open: ours,
    frames: (connection) => connection.frames({ header: 'line', max: LINE_MAX, codec: base64 }),
    tooLong: frameEncoder({ header: 'line', codec: base64 })(long),
  },
  'a stream on TCP, u16le:': {
    open: ours,
    frames: (connection) => framed(new MaskedStream(connection), { header: 'u16le', max: MAX }),
    tooLong: frameEncoder({ header: 'u16le' })(long),
    below: (connection) => new MaskedStream(connection),
  },
}

function pairOf(kind: Kind, near: Connection, far: Connection): MessagePair {
  const { frames, tooLong, below = (connection) => connection } = kind
  return {
    near: frames(near),
    far: frames(far),
    breakNear: () => near.configure({ idleTimeoutMs: 1 }),
    cutNear() {
      below(far).write(tooLong.subarray(0, 1))
      far.end()
    },
    overfillNear: () => void below(far).write(tooLong),
  }
}

for (const [name, kind] of Object.entries(KINDS)) {
  messageStreamSuite(name, (title, body) => {
    // Proves: docs/frames.md#message-stream
    serviceTest(import.meta.url, title, (skynet) =>
      body(async () => pairOf(kind, ...(await kind.open(skynet)))),
    )
  })
}
