/** Pairs of WebSockets in memory, and streams of bytes that are no connections. */
import type { Skynet } from '../../skynet/skynet.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { Connection } from '../../sockets/connection.ts'
import { carrierOf, rulesOf, type WebSocketOptions } from './rules.ts'
import { WebSocketStream } from './websocket-stream.ts'

/** Both ends of a connection. */
export async function connections(skynet: Skynet): Promise<[Connection, Connection]> {
  const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const { port } = listener
  const ends = await Promise.all([skynet.socket.connect({ port }), listener.accept()])
  void listener.close()
  return [ends[0], ends[1]!]
}

/** A connection that nobody takes for one: all that is known of it is that it is a stream. */
export const plain = (stream: ByteStream): ByteStream =>
  new Proxy(stream, {
    getPrototypeOf: () => Object.prototype,
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

interface PairOptions extends WebSocketOptions {
  readonly isPlain?: boolean
}

/** One who has shaken hands. */
export function stream(
  skynet: Skynet,
  end: 'server' | 'client' | 'any',
  below: ByteStream,
  { isPlain = false, ...options }: PairOptions = {},
): WebSocketStream {
  const carrier = carrierOf(isPlain ? plain(below) : below)
  const deflate = options.deflate === true ? { windowBits: 15 } : undefined
  const agreed = { subprotocol: '', deflate }
  return new WebSocketStream(carrier, rulesOf(skynet, end, options), agreed)
}
