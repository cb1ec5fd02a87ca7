/// <reference types="node" preserve="true" />
/** The door to codecs: see docs/codec.md. */

export type { Codec } from './codec/codec.ts'
export { codecError } from './codec/codec.ts'
export type { Messages, ProtocolOptions, TwoWayProtocolOptions } from './codec/define-protocol.ts'
export { defineProtocol } from './codec/define-protocol.ts'
export { json } from './codec/json.ts'
export { float, LuaFloat } from './codec/seri/lua-float.ts'
export { LuaPointer } from './codec/seri/lua-pointer.ts'
export type { LuaValue } from './codec/seri/reader.ts'
export type { SeriOptions } from './codec/seri/seri.ts'
export { seri } from './codec/seri/seri.ts'
export type {
  SprotoAttachOptions,
  SprotoHost,
  SprotoPeer,
  SprotoRequest,
  SprotoResponse,
} from './codec/sproto/host.ts'
export type { SprotoHostOptions, SprotoSession } from './codec/sproto/packages.ts'
export type {
  Sproto,
  SprotoCodecOptions,
  SprotoIn,
  SprotoOut,
  SprotoProtocol,
} from './codec/sproto/sproto.ts'
export { loadSproto, sproto } from './codec/sproto/sproto.ts'
export type { SprotoUnpackOptions } from './codec/sproto/zero-pack.ts'
export { sprotoPack, sprotoUnpack } from './codec/sproto/zero-pack.ts'
export type { StandardSchema } from './codec/standard-schema.ts'
