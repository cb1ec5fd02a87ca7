/** What both sides of the bench of HTTP answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'

const LARGE = Buffer.alloc(64 * 1024, 'x')

/** `/hello` a text, `/large` 64 KiB. */
export function answer({ url }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'text/plain')
  const body = url === '/large' ? LARGE : 'hello, world'
  response.setHeader('content-length', body.length)
  response.end(body)
}
