/// <reference types="node" preserve="true" />
/** The door of KCP: messages over UDP. See docs/kcp.md. */

export type { KcpConnectOptions } from './transport/kcp/connect.ts'
export { connectKcp } from './transport/kcp/connect.ts'
export type { KcpTransportOptions } from './transport/kcp/kcp.ts'
export { kcp } from './transport/kcp/kcp.ts'
export type { KcpStream } from './transport/kcp/kcp-stream.ts'
export type { KcpListener, KcpListenOptions, KcpPlace, KcpStat } from './transport/kcp/listen.ts'
export { listenKcp } from './transport/kcp/listen.ts'
export type { BareOptions, KcpOptions, KcpServerOptions } from './transport/kcp/options.ts'
