/** An HTTP server of a service. */
import { defineService } from 'skynet-ts'
import { serveHttp } from 'skynet-ts/http'
import { answer } from '../support/http-answers.ts'
import { serveFromService } from '../support/serve.ts'
import { collect } from '../support/settled.ts'

export default defineService(async (skynet) => {
  const server = await serveHttp(skynet, { host: '127.0.0.1', port: 0, handler: answer })
  serveFromService({ port: () => server.port, collect })
})
