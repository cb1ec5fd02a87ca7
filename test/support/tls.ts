/** Certificates for tests, and pairs of streams over TLS. */
import type { ByteStream, Skynet } from 'skynet-ts'
import {
  connectTls,
  listenTls,
  type TlsClientOptions,
  type TlsListener,
  type TlsOptions,
  type TlsStream,
} from 'skynet-ts/tls'
import { vectorsOf } from '../../src/testing/vectors.ts'

interface Certificate {
  readonly cert: string
  readonly key: string
}

/** `ca` has signed all but `stranger`, whom `other` has signed. They are good up to 2125. */
type Name = 'local' | 'next' | 'a' | 'b' | 'client' | 'stranger' | 'expired' | 'future'

export const CERTIFICATES = vectorsOf<
  Record<Name, Certificate> & Record<'ca' | 'other', { readonly cert: string }>
>('certificates')

export const CA = CERTIFICATES.ca.cert
/** Of `localhost`, `127.0.0.1` and `::1`. */
export const LOCAL: TlsOptions = CERTIFICATES.local
export const HOST = '127.0.0.1'

export const listenLocal = (skynet: Skynet, tls = LOCAL, more = {}): Promise<TlsListener> =>
  listenTls(skynet, { host: HOST, port: 0, tls, ...more })

export const connectLocal = (
  skynet: Skynet,
  port: number,
  tls: TlsClientOptions = {},
): Promise<TlsStream> => connectTls(skynet, { host: HOST, port, tls: { ca: CA, ...tls } })

/** The next one that has done its handshake. */
export async function next(listener: TlsListener): Promise<TlsStream> {
  for await (const stream of listener) return stream
  throw new Error('nobody comes')
}

/** Both ends: the one that connected, and the one that accepted. */
export async function tlsPair(
  skynet: Skynet,
  tls = LOCAL,
  client: TlsClientOptions = {},
): Promise<[TlsStream, TlsStream]> {
  const listener = await listenLocal(skynet, tls)
  return Promise.all([connectLocal(skynet, listener.port, client), next(listener)])
}

export async function readAll(stream: ByteStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
