/**
 * An echo server with one thread per connection. Each sleeps in accept(2), then in read(2): while
 * it waits it can do nothing else, and need not. Ends when its standard input does (Ctrl-D).
 *
 *   npm run build && node dist/bench/models/thread-per-connection.js 7000
 *   nc 127.0.0.1 7000                                             (in another terminal)
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { formatAddress } from '../../src/os/address.ts'
import { C, openLibc } from '../../src/os/libc.ts'
import { posixOs } from '../../src/os/posix.ts'

const os = posixOs()

/** The descriptors of our layer never block. Here a call shall wait until there is something. */
function setBlocking(fd: number): void {
  const libc = openLibc()
  libc.fcntl(fd, C.F_SETFL, 'int', libc.fcntl(fd, C.F_GETFL) & ~C.O_NONBLOCK)
}

/** A thread, from its first line to its last. */
function serveOne(listener: number): void {
  const fd = os.accept(listener) // sleeps until a client comes
  if (fd < 0) throw new Error(`Cannot accept: ${os.errorText(fd)}`)
  parentPort!.postMessage(fd)
  setBlocking(fd)
  os.noDelay(fd, true)
  const region = os.region(new SharedArrayBuffer(64 * 1024))
  for (;;) {
    const count = os.read(fd, region, 0, region.bytes.length) // sleeps until bytes come
    if (count <= 0) return // FIN, or the connection broke
    os.write(fd, region.bytes, 0, count) // sleeps until there is room for all
  }
}

/** The main thread: one more thread for each that got a client, so that one always waits. */
function listen(port: number): void {
  const listener = os.listen({ family: 4, host: '127.0.0.1', port }, 511)
  if (listener < 0) throw new Error(`Cannot listen: ${os.errorText(listener)}`)
  setBlocking(listener)
  const open = new Set<number>()
  let isEnding = false
  const startThread = (): void => {
    const thread = new Worker(new URL(import.meta.url), { workerData: listener })
    let fd = -1
    thread.once('message', (accepted: number) => {
      fd = accepted
      open.add(fd)
      if (isEnding) os.shutdown(fd, 'both')
      else startThread()
    })
    thread.once('exit', () => {
      open.delete(fd)
      os.close(fd)
    })
  }
  startThread()
  const address = os.localAddress(listener)!
  console.log(`listening on ${formatAddress(address)}`)
  process.stdin.resume().once('end', () => {
    isEnding = true
    // A thread in a system call hears nothing of us: end what it waits for.
    for (const fd of open) os.shutdown(fd, 'both')
    os.connect(os.socket(4), address)
  })
}

if (isMainThread) listen(Number(process.argv[2] ?? 7000))
else serveOne(workerData as number)
