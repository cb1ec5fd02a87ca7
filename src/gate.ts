/// <reference types="node" preserve="true" />
/** The door for who accepts clients: see docs/gate.md, docs/login.md. */

export type { ClientHandler } from './gate/clients.ts'
export type { Bytes } from './gate/crypt/bytes.ts'
export type { DesPadding } from './gate/crypt/des.ts'
export { crypt } from './gate/crypt.ts'
export type { GatePlace } from './gate/entrance.ts'
export type { GateFrames, GateOptions } from './gate/gate-options.ts'
export type { Gate, GateHandler, GateMethods } from './gate/gate-server.ts'
export { gateServer } from './gate/gate-server.ts'
export type {
  GateCommands,
  GateRef,
  GateService,
  GateStat,
  WatchedGateOptions,
} from './gate/gate-service.ts'
export type { LoginTicket, Say } from './gate/login-handshake.ts'
export { LoginRequest } from './gate/login-handshake.ts'
export type { LoginPeer, LoginServerOptions, LoginUser } from './gate/login-options.ts'
export type { LoginServer } from './gate/login-server.ts'
export { loginServer } from './gate/login-server.ts'
export { readAnswer, requestFrame } from './gate/msg-frame.ts'
export type { MsgUserId } from './gate/msg-handshake.ts'
export { handshakeText, usernameOf } from './gate/msg-handshake.ts'
export type { MsgAnswer, MsgHandler, MsgServer } from './gate/msg-server.ts'
export { msgServer } from './gate/msg-server.ts'
export type {
  AgentCodecOptions,
  AgentOptions,
  ClientSource,
  ClientWriter,
} from './gate/on-client.ts'
export { clientWriter, onClient } from './gate/on-client.ts'
export type { GateEvent, WatchdogHandlers, WatchdogMethods } from './gate/watchdog.ts'
export { watchdog } from './gate/watchdog.ts'
