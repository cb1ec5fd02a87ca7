/// <reference types="node" preserve="true" />
/** The door of HTTP: any handler of `node:http` over sockets of a service. See docs/http.md. */

export { StreamDuplex, type StreamDuplexOptions } from './http/duplex.ts'
export type {
  HttpHandler,
  HttpLimits,
  HttpListener,
  HttpOptions,
  HttpPlace,
  HttpRules,
  HttpSource,
} from './http/http-options.ts'
export type { HttpCloseOptions, HttpServer } from './http/http-server.ts'
export { serveHttp } from './http/serve-http.ts'
export type { TakeUpgrade, UpgradeTest } from './http/upgrades.ts'
