/// <reference types="node" preserve="true" />
/** The door to the socket server alone: for programs without services. */

export type { ErrorCode, ErrorInfo } from './base/errors.ts'
export { isSkynetError, SkynetError } from './base/errors.ts'
export { resolve } from './net/endpoint.ts'
export type { SocketEvent } from './net/library/socket-event.ts'
export type { StandaloneServer } from './net/library/standalone.ts'
export type {
  OwnerOptions,
  PollOptions,
  SendOptions,
  ServerConnectOptions,
  /** @deprecated It is called `ServerConnectOptions`: `skynet-ts` has another of this name. */
  ServerConnectOptions as ConnectOptions,
  ServerListenOptions,
  /** @deprecated It is called `ServerListenOptions`: `skynet-ts` has another of this name. */
  ServerListenOptions as ListenOptions,
  ServerUdpOptions,
  /** @deprecated It is called `ServerUdpOptions`: `skynet-ts` has another of this name. */
  ServerUdpOptions as UdpOptions,
  SocketServerOptions,
} from './net/library/standalone-options.ts'
export type { NetstatInfo } from './net/netstat.ts'
export type { SendPolicy, SocketSettings } from './net/settings.ts'
export type { SocketTotals } from './net/totals.ts'
export { UdpAddress } from './net/udp-address.ts'
export type { SocketOption } from './os/os.ts'
export { createSocketServer } from './threads/standalone.ts'
