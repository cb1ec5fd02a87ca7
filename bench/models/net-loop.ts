/**
 * One loop once more, on `node:net`: the loop is that of Node.js. It is here for
 * process-per-connection.ts to be compared with, whose children are on `node:net` too.
 */
import { type AddressInfo, createServer } from 'node:net'

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  socket.pipe(socket)
})
server.listen(Number(process.argv[2] ?? 7000), '127.0.0.1', () => {
  console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.stdin.resume().once('end', () => process.exit())
