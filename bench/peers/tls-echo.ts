/** Entry: an echo server on node:tls. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { vectorsOf } from '../../src/testing/vectors.ts'
import { serve } from '../support/serve.ts'
import { cpuMs } from '../support/usage.ts'

const { local } = vectorsOf<{ local: { key: string; cert: string } }>('certificates')
const server = createServer({ ...local, noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => socket.write(chunk))
})
server.on('tlsClientError', () => {})
server.listen(0, '127.0.0.1')
await once(server, 'listening')

serve({ port: () => (server.address() as AddressInfo).port, cpuMs })
