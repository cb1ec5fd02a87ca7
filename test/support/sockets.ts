/** Pairs of sockets for tests: ours on one end, on the other ours or that of node:net. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Connection, Listener, Skynet } from 'skynet-ts'

export const listen = (skynet: Skynet): Promise<Listener> =>
  skynet.socket.listen({ host: '127.0.0.1', port: 0 })

/** A client of node:net that is connected. What goes wrong with it later is no fault. */
export async function dial(port: number): Promise<Socket> {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(client, 'connect')
  client.on('error', () => {})
  return client
}

/** A client of node:net and our end of its connection. */
export async function pair(skynet: Skynet): Promise<{ client: Socket; connection: Connection }> {
  const listener = await listen(skynet)
  const [client, connection] = await Promise.all([dial(listener.port), listener.accept()])
  listener.close()
  return { client, connection: connection! }
}

/** Both ends ours: the one that connected, and the one that accepted. */
export async function ours(skynet: Skynet): Promise<[Connection, Connection]> {
  const listener = await listen(skynet)
  const { port } = listener
  const ends = await Promise.all([skynet.socket.connect({ port }), listener.accept()])
  listener.close()
  return [ends[0], ends[1]!]
}

/** Both ends of a connection in a service. */
export type OpenConnections = (skynet: Skynet) => Promise<[Connection, Connection]>

/** The same, the one that accepted first. */
export const accepted: OpenConnections = async (skynet) => {
  const [far, near] = await ours(skynet)
  return [near, far]
}

let paths = 0

/** The same over a Unix socket. */
export const overUnix: OpenConnections = async (skynet) => {
  const path = join(skynet.getenv('folder') as string, `stream-${++paths}.sock`)
  await using listener = await skynet.socket.listen({ path })
  const ends = await Promise.all([skynet.socket.connect({ path }), listener.accept()])
  return [ends[0], ends[1]!]
}

/** Everything the client gets until the end. */
export async function drink(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of client) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const PERIOD = 1_000_003
let noise: Buffer | undefined

/** Made when it is needed: every thread that a test has loads this file. */
function makeNoise(): Buffer {
  const bytes = Buffer.allocUnsafe(PERIOD)
  for (let i = 0; i < PERIOD; i++) bytes[i] = (i * 2_654_435_761) >>> 24
  return bytes
}

/** Bytes that tell their place in a stream: `length` of them from `offset` on. */
export function stretch(offset: number, length: number): Buffer {
  noise ??= makeNoise()
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; ) {
    const from = (offset + at) % PERIOD
    at += noise.copy(bytes, at, from, Math.min(PERIOD, from + length - at))
  }
  return bytes
}
