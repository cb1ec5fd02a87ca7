/// <reference types="node" preserve="true" />
/** The door for WebSockets: see docs/websocket.md. */

export type { SecurePeer } from './sockets/secure-peer.ts'
export {
  type ConnectWebSocketOptions,
  connectWebSocket,
  type WebSocketEndpoint,
} from './transport/websocket/connect.ts'
export { webSocketFrame } from './transport/websocket/frame-writer.ts'
export { type ListenWebSocketOptions, listenWebSocket } from './transport/websocket/listen.ts'
export type { WebSocketOptions } from './transport/websocket/rules.ts'
export type { UpgradeOptions, WebSocketPlace } from './transport/websocket/server-options.ts'
export { type WebSocketTransportOptions, webSocket } from './transport/websocket/web-socket.ts'
export type {
  AcceptedWebSocket,
  WebSocketListener,
} from './transport/websocket/websocket-listener.ts'
export type { WebSocketRequest } from './transport/websocket/websocket-request.ts'
export type { WebSocketStream } from './transport/websocket/websocket-stream.ts'
