/** Entry: the HTTP server of Node.js. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answer } from '../support/http-answers.ts'
import { serve } from '../support/serve.ts'
import { cpuMs } from '../support/usage.ts'

const server = createServer(answer)
server.listen(0, '127.0.0.1')
await once(server, 'listening')

serve({ port: () => (server.address() as AddressInfo).port, cpuMs })
