/// <reference types="node" preserve="true" />
/** The door to the socket server alone: for programs without services. */

export type { ErrorCode, ErrorInfo } from './base/errors.ts'
export { isSkynetError, SkynetError } from './base/errors.ts'
export { resolve } from './net/endpoint.ts'
export type { NetstatInfo } from './net/netstat.ts'
export type { SendPolicy, SocketSettings } from './net/settings.ts'
export type { SocketEvent } from './net/socket-event.ts'
export type { StandaloneServer } from './net/standalone.ts'
export type {
  ConnectOptions,
  ListenOptions,
  OwnerOptions,
  PollOptions,
  SendOptions,
  SocketServerOptions,
  UdpOptions,
} from './net/standalone-options.ts'
export type { SocketTotals } from './net/totals.ts'
export { UdpAddress } from './net/udp-address.ts'
export type { SocketOption } from './os/os.ts'
export { createSocketServer } from './threads/standalone.ts'
