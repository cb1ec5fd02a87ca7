/// <reference types="node" preserve="true" />
/** The door for who accepts clients: see docs/login.md. */

export type { Bytes } from './gate/crypt/bytes.ts'
export type { DesPadding } from './gate/crypt/des.ts'
export { crypt } from './gate/crypt.ts'
export type { LoginTicket, Say } from './gate/login-handshake.ts'
export { LoginRequest } from './gate/login-handshake.ts'
export type { LoginPeer, LoginServerOptions, LoginUser } from './gate/login-options.ts'
export type { LoginServer } from './gate/login-server.ts'
export { loginServer } from './gate/login-server.ts'
