/// <reference types="node" preserve="true" />
/** The door to Protocol Buffers: takes types of `protobufjs` and `@bufbuild/protobuf`. */

export type { Codec } from './codec/codec.ts'
export type { ProtobufjsType } from './codec/protobuf.ts'
export { protobuf } from './codec/protobuf.ts'
