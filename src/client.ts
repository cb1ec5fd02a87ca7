/** The door to clients, for browsers and Node.js: see docs/client.md. */

export type { BodyPart, MessageBodies } from './client/bodies.ts'
export type { CallOptions } from './client/call-options.ts'
export type { ClientErrorCode } from './client/client-error.ts'
export { ClientError } from './client/client-error.ts'
export type { ClientLink, ClientLinkEvents, ClientLinkMaker } from './client/client-link.ts'
export type {
  CallDefinition,
  CallDefinitions,
  CallsOf,
  ClientProtocol,
  ClientProtocolOptions,
  DecodedSchema,
  EventDefinitions,
  EventsOf,
  HeardOf,
  LoginOf,
  ValidLoginOf,
} from './client/client-protocol.ts'
export { clientProtocol, unchecked } from './client/client-protocol.ts'
export { CLOSE_CODES, type CloseCode } from './client/close-codes.ts'
export { connect } from './client/connect.ts'
export type {
  ClientConnectOptions,
  ClientLogin,
  ConnectOptionsOf,
} from './client/connect-options.ts'
export type { ClientReason } from './client/core.ts'
export type { EventStream } from './client/event-stream.ts'
export type {
  ClientCall,
  ClientSend,
  EventsOptions,
  SessionClient,
  SessionClientState,
  StateChange,
} from './client/session-client.ts'
export type { ClientStorage } from './client/token-store.ts'
export type { WebSocketClass, WebSocketLike } from './client/web-socket.ts'
export type { Codec } from './codec/codec.ts'
export type { StandardSchema } from './codec/standard-schema.ts'
