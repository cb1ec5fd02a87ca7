/** What masters and slaves of a harbor cluster send, as rows of `PARSERS`. */
import { packValues } from '../../src/codec/seri/writer.ts'
import { FrameFormat } from '../../src/frames/frame-format.ts'
import { Border } from '../../src/harbor/border.ts'
import {
  CONTROL_FORMAT,
  encodeControl,
  readToMaster,
  readToSlave,
  type ToMaster,
  type ToSlave,
} from '../../src/harbor/control.ts'
import { readAll } from '../../src/harbor/harbor.kit.ts'
import { encodeRemote, REMOTE_FRAMES } from '../../src/harbor/remote-message.ts'
import { PTYPE } from '../../src/wire/ptype.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!
const framesOf = (messages: readonly (ToMaster | ToSlave)[]): Buffer =>
  Buffer.concat(messages.map((message) => CONTROL_FORMAT.encode(encodeControl(message))))
const handle = (random: Random): number => 1 + below(random, 0xffffffff)

/** What a border makes of the messages of a peer. */
function crossed(chunks: readonly Buffer[]): unknown {
  const seen: unknown[] = []
  const border = new Border({
    harbor: 1,
    callTimeoutMs: 1000,
    now: () => 0,
    send: (...message) => seen.push(message) % 3 > 0,
    returned: () => {},
    handleOf: () => 0,
    transmit: (harbor, { frame }) => {
      seen.push([harbor, frame])
      return undefined
    },
    say: (trouble) => seen.push(trouble),
  })
  const codes = readAll(new FrameFormat(REMOTE_FRAMES), chunks, (body) => border.receive(body))
  return [seen, codes]
}

export const HARBOR_PARSERS: readonly Parser[] = [
  {
    name: 'harbor: a slave to its master',
    isStream: true,
    bytesOf: (random) =>
      framesOf([
        ['H', 1 + below(random, 255), '127.0.0.1:2527'],
        ['Q', pick(random, ['LOBBY', 'é', 'x'.repeat(15)])],
        ['R', 'LOBBY', handle(random)],
      ]),
    parse: (chunks) => readAll(CONTROL_FORMAT, chunks, readToMaster),
  },
  {
    name: 'harbor: a master to its slave',
    isStream: true,
    bytesOf: (random) =>
      framesOf([
        ['C', 1 + below(random, 255), '127.0.0.1:2527'],
        ['W', below(random, 256)],
        ['N', 'LOBBY', handle(random)],
        ['D', 1 + below(random, 255)],
      ]),
    parse: (chunks) => readAll(CONTROL_FORMAT, chunks, readToSlave),
  },
  {
    name: 'harbor: messages between slaves',
    isStream: true,
    // Frames of up to 16 MiB.
    fixedBytes: 64 * 1024 * 1024,
    bytesOf: (random) =>
      Buffer.concat(
        Array.from({ length: 1 + below(random, 4) }, () =>
          encodeRemote({
            type: pick(random, Object.values(PTYPE)),
            to: handle(random),
            source: pick(random, [0x02000007, 0x01000007, 7, handle(random)]),
            session: below(random, 9),
            payload: packValues(pick(random, [['echo', 'hi', 2], [{ a: [1] }], ['x']])),
          }),
        ),
      ),
    parse: crossed,
  },
]
