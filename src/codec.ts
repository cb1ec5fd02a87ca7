/// <reference types="node" preserve="true" />
/** The door to codecs: see docs/codec.md. */

export type { Codec } from './codec/codec.ts'
export { codecError } from './codec/codec.ts'
export type { Messages, ProtocolOptions, TwoWayProtocolOptions } from './codec/define-protocol.ts'
export { defineProtocol } from './codec/define-protocol.ts'
export { json } from './codec/json.ts'
export { float, LuaFloat } from './codec/seri/lua-float.ts'
export type { LuaValue } from './codec/seri/reader.ts'
export type { SeriOptions } from './codec/seri/seri.ts'
export { seri } from './codec/seri/seri.ts'
export type { StandardSchema } from './codec/standard-schema.ts'
