/** An echo server over TLS: what comes goes back. */
import { defineService } from 'skynet-ts'
import { listenTls } from 'skynet-ts/tls'
import { vectorsOf } from '../../src/testing/vectors.ts'
import { serveFromService } from '../support/serve.ts'

const { local } = vectorsOf<{ local: { key: string; cert: string } }>('certificates')

export default defineService(async (skynet) => {
  const server = await listenTls(skynet, { host: '127.0.0.1', port: 0, tls: local })
  skynet.fork(async () => {
    for await (const stream of server) {
      skynet.fork(async () => {
        try {
          for await (const chunk of stream) stream.write(chunk)
        } catch {
          await stream.close()
        }
      })
    }
  })
  serveFromService({ port: () => server.port })
})
