/** An HTTP server under test, what it serves, and clients that say what no library would say. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Skynet } from 'skynet-ts'
import { type HttpOptions, type HttpServer, serveHttp } from 'skynet-ts/http'
import { dial } from './sockets.ts'

export const LARGE_BYTES = 3 * 1024 * 1024

/** Bytes that tell their place. */
export const large = Buffer.alloc(
  LARGE_BYTES,
  Buffer.from(Array.from({ length: 251 }, (_, i) => i)),
)

type Route = (request: IncomingMessage, response: ServerResponse) => unknown

export const ROUTES: Readonly<Record<string, Route>> = {
  '/hello': (_, response) => response.end('hello'),
  '/large': (_, response) => response.end(large),
  async '/echo'(request, response) {
    let length = 0
    for await (const chunk of request) length += (chunk as Buffer).length
    response.end(`${length} bytes`)
  },
  '/empty': (_, response) => response.writeHead(204).end(),
  '/same': (_, response) => response.writeHead(304).end(),
  '/peer': ({ socket }, response) => response.end(`${socket.remoteAddress} ${socket.remotePort}`),
  '/throws': () => {
    throw new Error('what the handler threw')
  },
  async '/rejects'(_, response) {
    response.setHeader('x-mark', '1')
    await Promise.resolve()
    throw new Error('what the handler rejected with')
  },
  async '/halves'(_, response) {
    response.write('half')
    await new Promise(setImmediate)
    throw new Error('what it threw in the middle')
  },
}

export function route(request: IncomingMessage, response: ServerResponse): unknown {
  const found = ROUTES[request.url ?? '']
  return found === undefined ? response.writeHead(404).end() : found(request, response)
}

type Given = Partial<Omit<HttpOptions, 'listener'>>

/** @param options Otherwise the routes above, at any port. */
export const serve = (skynet: Skynet, options: Given = {}): Promise<HttpServer> =>
  serveHttp(skynet, { host: '127.0.0.1', port: 0, handler: route, ...options } as HttpOptions)

export const request = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`

/** All that comes, up to the end, of a connection on which that was said. */
export async function talk(port: number, ...said: (string | Buffer)[]): Promise<string> {
  const client = await dial(port)
  for (const each of said) client.write(each)
  return heard(client)
}

/** All that comes up to the end; a reset is an end. */
export async function heard(client: Socket): Promise<string> {
  const chunks: Buffer[] = []
  client.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!client.closed)
    await new Promise((resolve) => client.once('end', resolve).once('close', resolve))
  client.destroy()
  return Buffer.concat(chunks).toString('latin1')
}

/** A client of a Unix socket. */
export const dialPath = (path: string): Socket => connect({ path })

export const statusOf = (answer: string): number => Number(answer.split(' ')[1])
