/// <reference types="node" preserve="true" />
/** The door to MessagePack: needs the package `msgpackr`. See docs/codec.md. */

export type { Codec } from './codec/codec.ts'
export { msgpack } from './codec/msgpack.ts'
