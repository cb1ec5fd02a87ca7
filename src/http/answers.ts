/** Answers that are given in place of the handler's. */
import type { IncomingMessage, ServerResponse } from 'node:http'

const bare = (status: string): string =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`

/** To who is not let in. */
export const UNAVAILABLE = bare('503 Service Unavailable')
/** Its body would be taken for what is said in the other protocol. */
export const NOT_UPGRADED = bare('400 Bad Request')
/** Who is asked for is not known then: what says so may be among those that were dropped. */
export const TOO_MANY_HEADERS = bare('431 Request Header Fields Too Large')

/** Does it say that a body follows? */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/** The handler has failed: 500, or the end of the connection where an answer has begun. */
export function answerFailure(response: ServerResponse): void {
  if (response.writableEnded) return
  if (response.headersSent) {
    response.destroy()
    return
  }
  // They were meant for another answer.
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  response.writeHead(500, { 'content-type': 'text/plain' })
  response.end('Internal Server Error\n')
}

/** What Node.js says to who reads a request, or writes a response, of a client that is gone. */
const LEFT: readonly unknown[] = [
  ...['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'],
  'ERR_STREAM_UNABLE_TO_PIPE',
]

/** Is it nobody's fault here, as clients leave when they like? */
export const hasLeft = ({ socket }: IncomingMessage, error: unknown): boolean =>
  socket.destroyed && LEFT.includes((error as { readonly code?: unknown } | null)?.code)
