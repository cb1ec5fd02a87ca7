/// <reference types="node" preserve="true" />
/** The door for who serves clients behind proxies. */

export { type ForwardedHeaders, forwardedFor } from './transport/forwarded-for.ts'
export type { ProxyHeader, ProxyTlv } from './transport/proxy-header.ts'
export { type ProxyOptions, proxyHeaderOf, withProxy } from './transport/proxy-listener.ts'
export { TrustedProxies } from './transport/trust.ts'
