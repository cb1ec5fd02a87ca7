/**
 * An echo server with one loop: one thread, all connections, and one place where it sleeps. No call
 * on a connection may wait. Ends when its standard input does (Ctrl-D).
 *
 *   npm run build && node dist/bench/models/one-loop.js 7000
 *   nc 127.0.0.1 7000                                             (in another terminal)
 */
import { formatAddress } from '../../src/os/address.ts'
import { isAgain } from '../../src/os/errno.ts'
import { INTEREST } from '../../src/os/poll/poller.ts'
import { posixOs } from '../../src/os/posix.ts'

const STDIN = 0
const os = posixOs()
const poller = os.createPoller()
const region = os.region(new SharedArrayBuffer(64 * 1024))
const tags = new Uint32Array(64)
const ready = new Uint8Array(64)
/** What the kernel did not take yet, by descriptor: all that the loop remembers of a connection. */
const unsent = new Map<number, Buffer>()

const listener = os.listen(
  { family: 4, host: '127.0.0.1', port: Number(process.argv[2] ?? 7000) },
  511,
)
if (listener < 0) throw new Error(`Cannot listen: ${os.errorText(listener)}`)
console.log(`listening on ${formatAddress(os.localAddress(listener)!)}`)

function accept(): void {
  const fd = os.accept(listener)
  if (fd < 0) return
  os.noDelay(fd, true)
  poller.add(fd, fd, INTEREST.read)
}

function echo(fd: number): void {
  const count = os.read(fd, region, 0, region.bytes.length)
  if (count > 0) send(fd, region.bytes.subarray(0, count))
  else if (!isAgain(count)) close(fd) // 0: the client has ended
}

/** Write what fits. The rest waits until there is room, and nothing more is read until then. */
function send(fd: number, bytes: Buffer): void {
  const count = os.write(fd, bytes, 0, bytes.length)
  if (count < 0 && !isAgain(count)) close(fd)
  else if (count < bytes.length) {
    unsent.set(fd, Buffer.from(bytes.subarray(Math.max(count, 0))))
    poller.change(fd, fd, INTEREST.write)
  } else if (unsent.delete(fd)) poller.change(fd, fd, INTEREST.read)
}

function close(fd: number): void {
  unsent.delete(fd)
  poller.remove(fd, fd)
  os.close(fd)
}

poller.add(listener, listener, INTEREST.read)
poller.add(STDIN, STDIN, INTEREST.read) // refused when it is a file; then a signal ends the program
for (let isEnding = false; !isEnding; ) {
  const count = poller.wait(tags, ready, -1) // sleeps until something is ready
  for (const fd of tags.subarray(0, count)) {
    if (fd === listener) accept()
    else if (fd === STDIN) isEnding = os.read(STDIN, region, 0, 64) === 0
    else if (unsent.has(fd)) send(fd, unsent.get(fd)!)
    else echo(fd)
  }
}
