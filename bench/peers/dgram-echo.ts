/** Entry: a UDP echo server on node:dgram. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { serve } from '../support/serve.ts'

const socket = createSocket('udp4')
socket.on('message', (message, { port, address }) => socket.send(message, port, address))
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')

serve({ port: () => socket.address().port })
