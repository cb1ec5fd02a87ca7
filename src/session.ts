/// <reference types="node" preserve="true" />
/** The door for who lets clients in as sessions: see docs/session.md. */

export type {
  CallsOf,
  ClientProtocol,
  ClientProtocolOptions,
  EventsOf,
  LoginOf,
} from './client/client-protocol.ts'
export { clientProtocol, unchecked } from './client/client-protocol.ts'
export type { CloseCode } from './client/close-codes.ts'
export type { AgentDefinition, CallHandlers } from './session/agent-definition.ts'
export { ClientFault } from './session/client-fault.ts'
export { defineAgent } from './session/define-agent.ts'
export type { GateSetup, SessionGateMethods } from './session/define-gate.ts'
export { defineGate } from './session/define-gate.ts'
export type { SessionGateStat } from './session/gate.ts'
export type {
  DrainOptions,
  LoginVisitor,
  PerAddressOptions,
  SessionGateOptions,
} from './session/gate-options.ts'
export type { KickCode } from './session/kick-codes.ts'
export type { LoginAnswer } from './session/login-answer.ts'
export { pushAll } from './session/push-all.ts'
export type { EntrancePlace } from './session/reception.ts'
export type { AgentRef, JoinData, PushOptions, Session } from './session/session.ts'
export type { TcpFrames, TcpOptions } from './session/tcp.ts'
export { tcp } from './session/tcp.ts'
export type { KickTarget } from './session/users.ts'
export type {
  ClientDoor,
  ClientEntrance,
  ClientTransport,
  ClientVisit,
} from './skynet/client-transport.ts'
