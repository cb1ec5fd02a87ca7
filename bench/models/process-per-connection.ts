/**
 * An echo server with one process per connection. The parent accepts, starts a process and hands it
 * the descriptor; the child sees no other client. Ends when its standard input does (Ctrl-D).
 *
 *   npm run build && node dist/bench/models/process-per-connection.js 7000
 *   nc 127.0.0.1 7000                                             (in another terminal)
 */
import { type ChildProcess, fork } from 'node:child_process'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

const CHILD = 'child'

/** The parent: it never reads from a connection. */
function listen(port: number): void {
  const children = new Set<ChildProcess>()
  // Paused: a byte that the parent read would be lost to the child.
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    const child = fork(fileURLToPath(import.meta.url), [CHILD])
    children.add(child)
    child.once('exit', () => children.delete(child))
    // The kernel copies the descriptor into the child; then the parent closes its own.
    child.send('yours', socket)
  })
  server.listen(port, '127.0.0.1', () => {
    console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  process.stdin.resume().once('end', () => {
    server.close()
    for (const child of children) if (child.connected) child.disconnect()
  })
}

/** A child: one connection, then nothing is left to do. */
function serve(socket: Socket | undefined): void {
  socket?.on('error', () => socket.destroy())
  socket?.once('close', () => process.exit())
  // Gone before the process was there.
  if (socket === undefined) process.exit()
  socket.pipe(socket)
}

if (process.argv[2] === CHILD) {
  process.once('message', (_text, socket) => serve(socket as Socket | undefined))
  process.once('disconnect', () => process.exit())
} else listen(Number(process.argv[2] ?? 7000))
