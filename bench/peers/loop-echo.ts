/**
 * Entry: an echo server with one loop and nothing around it. Argument: the poller. The loop is
 * right for level- and edge-triggered alike: a read that fills its buffer is followed by another.
 */
import { isAgain } from '../../src/os/errno.ts'
import { INTEREST } from '../../src/os/poll/poller.ts'
import type { PollerName } from '../../src/os/poll/pollers.ts'
import { posixOs } from '../../src/os/posix.ts'
import { serve } from '../support/serve.ts'

const os = posixOs({ poller: process.argv[2] as PollerName })
const poller = os.createPoller()
const region = os.region(new SharedArrayBuffer(64 * 1024))
const { length: room } = region.bytes
const tags = new Uint32Array(64)
const ready = new Uint8Array(64)
/** Then it looks whether its parent asks something. */
const WAITS_PER_TURN = 1000

const listener = os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 511)
if (listener < 0) throw new Error(`Cannot listen: ${os.errorText(listener)}`)
poller.add(listener, listener, INTEREST.read)

function acceptAll(): void {
  for (let fd = os.accept(listener); fd >= 0; fd = os.accept(listener)) {
    os.noDelay(fd, true)
    poller.add(fd, fd, INTEREST.read)
  }
}

function echo(fd: number): void {
  for (let count = room; count === room; ) {
    count = os.read(fd, region, 0, room)
    if (count > 0) {
      // A client sends nothing before it has everything back: what it sent fits.
      if (os.write(fd, region.bytes, 0, count) !== count) throw new Error('A socket is full')
    } else if (!isAgain(count)) close(fd)
  }
}

function close(fd: number): void {
  poller.remove(fd, fd)
  os.close(fd)
}

function turn(): void {
  for (let wait = 0; wait < WAITS_PER_TURN; wait++) {
    const count = poller.wait(tags, ready, wait === 0 ? 1 : 0)
    if (count <= 0) break
    for (let i = 0; i < count; i++) {
      if (tags[i] === listener) acceptAll()
      else echo(tags[i]!)
    }
  }
  setImmediate(turn)
}
turn()

serve({ port: () => (os.localAddress(listener) as { port: number }).port })
