/** The begin of a WebSocket, as the load generator says it. */
import { ERRNO } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'
import { checked, type Peer } from './peers.ts'

export const HANDSHAKE = [
  'GET / HTTP/1.1',
  'Host: bench',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Version: 13',
  '',
  '',
].join('\r\n')

const ANSWER_BYTES_MAX = 4096
const SILENCE_MS_MAX = 10_000
/** So many at a time: a server has other things to do. */
const ASKING_MAX = 64

/** Each peer becomes a WebSocket. */
export function shakeHands(os: Os, peers: readonly Peer[]): void {
  const hello = Buffer.from(HANDSHAKE)
  const region = os.region(new SharedArrayBuffer(ANSWER_BYTES_MAX))
  for (let from = 0; from < peers.length; from += ASKING_MAX) {
    const some = peers.slice(from, from + ASKING_MAX)
    for (const { fd } of some) checked(os, os.write(fd, hello, 0, hello.length))
    const endsAt = performance.now() + SILENCE_MS_MAX
    for (const { fd } of some) {
      let text = ''
      while (!text.endsWith('\r\n\r\n')) {
        const count = os.read(fd, region, 0, ANSWER_BYTES_MAX)
        if (count > 0) text += region.bytes.toString('latin1', 0, count)
        else if (count !== -ERRNO.EAGAIN || performance.now() > endsAt) {
          throw new Error('The server does not shake hands')
        }
      }
      if (!text.startsWith('HTTP/1.1 101 ')) throw new Error(`The server says ${text}`)
    }
  }
}
