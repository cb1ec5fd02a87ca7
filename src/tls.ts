/// <reference types="node" preserve="true" />
/** The door of TLS: see docs/tls.md. */

export { type ConnectTlsOptions, connectTls } from './transport/tls/connect-tls.ts'
export { type ListenTlsOptions, listenTls } from './transport/tls/listen-tls.ts'
export type { TlsListener } from './transport/tls/tls-listener.ts'
export type {
  TlsClientOptions,
  TlsContextOptions,
  TlsNameOptions,
  TlsOptions,
} from './transport/tls/tls-options.ts'
export type { TlsStream } from './transport/tls/tls-stream.ts'
