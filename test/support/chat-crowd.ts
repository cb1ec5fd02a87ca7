/**
 * Many clients in one process, to be killed: `node chat-crowd.js <port> <count>`. Each begins to
 * send numbered lines once all are in the lobby, and goes on for ever.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { ChatClient } from './chat-client.ts'

const [port, count] = process.argv.slice(2).map(Number)
const clients: ChatClient[] = []
while (clients.length < count!) clients.push(await ChatClient.open(port!))
for (let n = 1; ; n++) {
  // No faster than the chat takes it, so that no line is left out.
  while (clients.some(({ socket }) => socket.writableLength > 0)) await turn()
  for (const { socket, lines } of clients) {
    lines.length = 0
    socket.write(`${n}\n`)
  }
  await turn()
}
